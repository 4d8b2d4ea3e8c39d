"""Summaries by extraction: the sentences closest to what the whole document is about."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from dealpulse.models import Page
from dealpulse.processors.operations.offline.document_types import document_type
from dealpulse.processors.operations.offline.named_facts import amounts, dates, key_terms, parties
from dealpulse.processors.operations.offline.sentences import Sentence, sentences_of
from dealpulse.processors.operations.offline.stopwords import STOPWORDS
from dealpulse.processors.operations.schemas import NamedValue, SummaryAnswer

SENTENCES = 4
"""Of a summary, after the line that says what the document is."""
LONGEST_LINE = 300
"""Characters of one line of a summary."""
MOST_OBLIGATIONS = 8
LONGEST = 420
"""Characters of a sentence fit for a summary."""
_MOST_CONSIDERED = 4_000
"""Sentences: enough of any document to know its subject."""

_WORD = re.compile(r"[a-z][a-z'-]{2,}")
_DUTY = re.compile(
    r"\b(?:shall|must|agrees? to|undertakes? to|is required to|are required to|is obliged to)\b(?! not be (?:deemed"
    r"|construed))"
)
_SENTENCE_STOP = re.compile(r"(?<=[A-Z]{3})\.\Z")
"""The full stop after "LLC", which "Inc." has of its own."""
_NO_DUTY = re.compile(
    r"\b(?:shall|will) (?:mean|have the meaning|be deemed|be governed|be construed|constitute|include|apply"
    r"|survive)\b|\bmeans\b"
)


def summarise(name: str, pages: Sequence[Page]) -> SummaryAnswer:
    sentences = sentences_of(pages)
    scored = _scored(_fit(sentences)[:_MOST_CONSIDERED])
    head = "\n".join(page.text for page in pages[:3])[:6_000]
    kind, named, told = document_type(name, pages), parties(head), dates(sentences)
    lines = [_introduction(kind, named, told), *(_chosen(scored) or _outline(sentences))]
    return SummaryAnswer(
        document_type=kind,
        summary="\n".join(map(_cut, lines)),
        parties=named,
        dates=told,
        amounts=amounts(sentences),
        obligations=_obligations(scored),
        key_terms=key_terms("\n".join(page.text for page in pages)[:400_000]),
    )


def _fit(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Sentences that read as prose."""
    return [
        sentence
        for sentence in sentences
        if 40 <= len(sentence.text) <= LONGEST
        and sentence.text.rstrip("\"'”’)")[-1:] in ".;!"
        and "...." not in sentence.text
        and sum(character.isalpha() for character in sentence.text) > 0.65 * len(sentence.text)
    ]


def _scored(sentences: Sequence[Sentence]) -> list[tuple[float, Sentence, Counter[str]]]:
    """Each sentence's cosine to the centroid of all, in reading order; the opening counts a little more."""
    bags = [Counter(word for word in _WORD.findall(sentence.flat) if word not in STOPWORDS) for sentence in sentences]
    spread = Counter(word for bag in bags for word in bag)
    weight = {word: math.log(1 + len(bags) / count) for word, count in spread.items()}
    centroid: Counter[str] = Counter()
    for bag in bags:
        for word, count in bag.items():
            centroid[word] += count
    about = {word: count * weight[word] for word, count in centroid.items() if count > 1 or len(bags) < 8}
    scored = []
    for position, (sentence, bag) in enumerate(zip(sentences, bags, strict=True)):
        norm = math.sqrt(sum((count * weight[word]) ** 2 for word, count in bag.items())) or 1.0
        likeness = sum(count * weight[word] * about.get(word, 0.0) for word, count in bag.items()) / norm
        scored.append((likeness * (1.25 if position < 5 else 1.0), sentence, bag))
    return scored


def _introduction(kind: str, parties: Sequence[str], dates: Sequence[NamedValue]) -> str:
    """What the document is, between whom and of when, as far as it says."""
    names = [_SENTENCE_STOP.sub("", name) for name in parties[:2]]
    between = " between " + " and ".join(names) if len(names) > 1 else f" of {names[0]}" if names else ""
    day = next((fact.value for fact in dates if fact.name in ("date of the document", "effective date")), None)
    return f"{kind[:1].upper()}{kind[1:]}{between}{f', {day}' if day else ''}".rstrip(".") + "."


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 2].rsplit(" ", 1)[0].rstrip(" ,;:") + " …"


def _chosen(scored: Sequence[tuple[float, Sentence, Counter[str]]]) -> list[str]:
    """The best sentences that do not repeat each other, in reading order."""
    chosen: list[tuple[Sentence, Counter[str]]] = []
    for _, sentence, bag in sorted(scored, key=lambda entry: -entry[0]):
        if all(_overlap(bag, other) < 0.5 for _, other in chosen):
            chosen.append((sentence, bag))
        if len(chosen) == SENTENCES:
            break
    chosen.sort(key=lambda pair: (pair[0].page, pair[0].start))
    return [" ".join(sentence.text.split()) for sentence, _ in chosen]


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    return len(one.keys() & other.keys()) / (min(len(one), len(other)) or 1)


def _obligations(scored: Sequence[tuple[float, Sentence, Counter[str]]]) -> list[str]:
    duties = [entry for entry in scored if _DUTY.search(entry[1].flat) and not _NO_DUTY.search(entry[1].flat)]
    best = sorted(duties, key=lambda entry: -entry[0])[:MOST_OBLIGATIONS]
    best.sort(key=lambda entry: (entry[1].page, entry[1].start))
    return [" ".join(sentence.text.split()) for _, sentence, _ in best]


def _outline(sentences: Sequence[Sentence]) -> list[str]:
    """For sheets and slides without prose: what they begin with."""
    lines = [" ".join(sentence.text.split()) for sentence in sentences[:6]]
    return ["Begins: " + "; ".join(lines)] if lines else ["No readable text."]
