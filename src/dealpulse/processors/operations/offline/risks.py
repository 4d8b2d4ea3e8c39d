"""Risks by patterns: good at what contracts and memos say the usual way, blind to the rest."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from dealpulse.models import Page, RiskCategory
from dealpulse.processors.operations.offline.concentration import concentrations
from dealpulse.processors.operations.offline.injection import injections, is_injection
from dealpulse.processors.operations.offline.risk_business import BUSINESS, MISSING_AND_UNSIGNED
from dealpulse.processors.operations.offline.risk_facts import FACTS
from dealpulse.processors.operations.offline.risk_pattern import RiskPattern
from dealpulse.processors.operations.offline.risk_terms import DEAL_TERMS, LIABILITY, SEVERANCE, TERMS
from dealpulse.processors.operations.offline.sentences import Sentence, sentences_of
from dealpulse.processors.operations.schemas import RiskEntry, RisksAnswer

PATTERNS: tuple[RiskPattern, ...] = (*TERMS, *FACTS, *BUSINESS)
DEAL_PATTERNS: tuple[RiskPattern, ...] = (*DEAL_TERMS, *LIABILITY, *SEVERANCE, *MISSING_AND_UNSIGNED)
"""For the deal's own agreement, which represents, covenants and defines in the words of every other risk."""

MOST_OF_A_CATEGORY = 3
"""Findings of one category a document may give."""
DISTINCT_AFTER = 25
"""Sentences between two findings of one category for them to count as two risks, not one told at length."""
LONGEST_QUOTE = 700
"""Characters. Of longer sentences the clauses around the telling words are quoted."""

_SPECIFIC = re.compile(r"\d+(?:\.\d+)? ?(?:%|percent)|[$€£] ?\d|\b(?:usd|eur|gbp) ?\d|\b(?:19|20)\d\d\b|\b\d+ (?:days|months)")
_NOT_A_STATEMENT = re.compile(
    r"\?\W*\Z|\.{4,}|(?:\. ){4,}|\A(?:please )?(?:provide|list|describe|confirm|identify|attach|copies of|details of|upload)\b"
    r"|\A\W*(?:\d+(?:\.\d+)*\.? )?(?:table of contents|index of)\b|\bfor example\b|\be\.g\."
)
_SHORTEST = 25
_HEAD = 2_500
_ACQUISITION = re.compile(
    r"\b(?:agreement and plan of merger|plan and agreement of merger|(?:share|stock|equity|asset|unit|membership interests?|business)"
    r" (?:sale and )?purchase agreement|purchase of all (?:of )?the shares|sale and purchase agreement)\b|\bproxy statement\b[^;]{0,1500}\bmerger\b"
)


def risks(pages: Sequence[Page]) -> RisksAnswer:
    """The risks of a document, most telling passage first in each category."""
    sentences = sentences_of(pages)
    hits = [*_hits(sentences, DEAL_PATTERNS if is_acquisition_agreement(pages) else PATTERNS)]
    found = [*injections(pages), *_distinct(hits)]
    tables = [entry for entry in concentrations(pages) if entry.category not in {risk.category for risk in found}]
    return RisksAnswer(risks=[*found, *tables])


def is_acquisition_agreement(pages: Sequence[Page]) -> bool:
    """Whether this is the agreement by which a company is sold (or the proxy statement about it), by its head."""
    head = " ".join(" ".join(page.text for page in pages[:4])[:_HEAD].lower().split())
    return _ACQUISITION.search(head) is not None


def _hits(
    sentences: Iterable[Sentence], patterns: Sequence[RiskPattern]
) -> Iterator[tuple[int, RiskPattern, Sentence, re.Match[str]]]:
    for position, sentence in enumerate(sentences):
        flat = sentence.flat
        if len(flat) < _SHORTEST or _NOT_A_STATEMENT.search(flat) or is_injection(flat):
            continue
        for pattern in patterns:
            match = pattern.match(flat)
            if match is not None:
                yield position, pattern, sentence, match
                break


def _distinct(hits: Iterable[tuple[int, RiskPattern, Sentence, re.Match[str]]]) -> Iterator[RiskEntry]:
    """The best hit of each run of nearby hits of one category, a few a category."""
    by_category: dict[RiskCategory, list[tuple[int, RiskPattern, Sentence, re.Match[str]]]] = defaultdict(list)
    for hit in hits:
        by_category[hit[1].category].append(hit)
    for category_hits in by_category.values():
        kept: list[int] = []
        for position, pattern, sentence, match in sorted(category_hits, key=lambda hit: (-_weight(hit[2]), hit[0])):
            if len(kept) < MOST_OF_A_CATEGORY and all(abs(position - other) > DISTINCT_AFTER for other in kept):
                kept.append(position)
                yield _entry(pattern, sentence, match)


def _weight(sentence: Sentence) -> int:
    """How specific a sentence is: figures and dates make a statement, not a phrase."""
    return min(len(_SPECIFIC.findall(sentence.flat)), 3)


def _entry(pattern: RiskPattern, sentence: Sentence, match: re.Match[str]) -> RiskEntry:
    return RiskEntry(
        category=pattern.category,
        severity=pattern.severity,
        action=pattern.action,
        title=pattern.title,
        explanation=pattern.why,
        quote=_quote(sentence, match),
        page=sentence.page,
    )


def _quote(sentence: Sentence, match: re.Match[str]) -> str:
    """The sentence, or of a very long one the part around the match, cut at words; always verbatim."""
    text = sentence.text
    if len(text) <= LONGEST_QUOTE:
        return text
    scale = len(text) / len(sentence.flat)
    middle = int((match.start() + match.end()) / 2 * scale)
    start = max(0, min(middle - LONGEST_QUOTE // 2, len(text) - LONGEST_QUOTE))
    end = start + LONGEST_QUOTE
    if start > 0:
        start = _after_space(text, start)
    if end < len(text):
        end = _before_space(text, end)
    return text[start:end].strip()


def _after_space(text: str, position: int) -> int:
    space = re.compile(r"[;]\s|\s").search(text, position)
    return position if space is None else space.end()


def _before_space(text: str, position: int) -> int:
    spaces = [match.start() for match in re.finditer(r"\s", text[position - 200 : position])]
    return position - 200 + spaces[-1] if spaces else position
