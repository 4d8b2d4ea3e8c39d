"""Risks by patterns: good at what contracts and memos say the usual way, blind to the rest."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dealpulse.models import Page, RiskCategory
from dealpulse.processors.operations.offline.concentration import concentrations
from dealpulse.processors.operations.offline.document_types import CONTRACTS, document_type
from dealpulse.processors.operations.offline.injection import injections, is_injection
from dealpulse.processors.operations.offline.risk_patterns import DEAL_PATTERNS, PATTERNS
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern
from dealpulse.processors.operations.offline.risk_patterns.wording import MAY
from dealpulse.processors.operations.offline.sentences import Sentence, sentences_of
from dealpulse.processors.operations.schemas import RiskEntry, RisksAnswer

MOST_OF_A_CATEGORY = 3
"""Findings of one category a document may give."""
DISTINCT_AFTER = 25
"""Sentences between two findings of one category for them to count as two risks, not one told at length."""
LONGEST_QUOTE = 700
"""Characters. Of longer sentences the part around the telling words is quoted."""
LONGEST_LIST = 12
"""Sentences a list's lead-in ("Customer may terminate this Agreement:") reaches."""

_SPECIFIC = re.compile(
    r"\d+(?:\.\d+)? ?(?:%|percent)|[$€£] ?\d|\b(?:usd|eur|gbp) ?\d|\b(?:19|20)\d\d\b|\b\d+ (?:days|months)"
)
_NOT_A_STATEMENT = re.compile(
    r"\?\W*\Z|\.{4,}|(?:\. ){4,}|\A(?:please )?(?:provide|list|describe|confirm|identify|attach|copies of"
    r"|details of"
    r"|upload)\b"
    r"|\A\W*(?:\d+(?:\.\d+)*\.? )?(?:table of contents|index of)\b|\bfor example\b|\be\.g\."
)
_AGREED = re.compile(
    rf"{MAY}|\b(?:shall|must|would|agrees?|represents?|warrants?|any|each|such|if|or otherwise|hereof|hereby|hereunder"
    r"|herein|hereto|thereof|therein|thereto|pursuant|provided|without limitation|in the event|except|subject to"
    r"|applicable|means|including|so long as|unless|whether|under this"
    r"|of this (?:agreement|section|article|contract))\b"
)
"""Words by which a contract provides for things. A fact told in them is none."""
_LEADS = re.compile(r"[:—–-]\s*\Z")
_ITEM = re.compile(r"\W{0,2}(?:[a-zA-Z]|[ivxIVX]{1,5}|\d{1,2})[.)]\s|[-*•·▪◦‣–—]\s")
_SHORTEST = 25
_LONGEST_HEADING = 8
"""Words."""
_CLAUSE_NUMBER = re.compile(r"\W*\d{1,3}(?:\.\d{1,3})*\W*\Z")
_HEAD = 2_500
_ACQUISITION = re.compile(
    r"\b(?:agreement and plan of merger|plan and agreement of merger|(?:share|stock|equity|asset|unit"
    r"|membership interests?|business)"
    r" (?:sale and )?purchase agreement|purchase of all (?:of )?the shares|sale and purchase agreement)\b"
    r"|\bproxy statement\b[^;]{0,1500}\bmerger\b"
)


@dataclass(frozen=True)
class _Hit:
    position: int
    """Of the sentence in the document."""
    pattern: RiskPattern
    sentence: Sentence
    middle: float
    """Where in the sentence the telling words are, 0..1."""

    @property
    def weight(self) -> int:
        """How specific the sentence is: figures and dates make a statement, not a phrase."""
        return min(len(_SPECIFIC.findall(self.sentence.flat)), 3)


def risks(pages: Sequence[Page]) -> RisksAnswer:
    """The risks of a document, most telling passage first in each category."""
    patterns = DEAL_PATTERNS if is_acquisition_agreement(pages) else PATTERNS
    hits = _hits(sentences_of(pages), patterns)
    if document_type("", pages) in CONTRACTS:
        hits = (hit for hit in hits if hit.pattern.kind is not Kind.fact or not _AGREED.search(hit.sentence.flat))
    found = [*injections(pages), *_distinct(hits)]
    told = {entry.category for entry in found}
    return RisksAnswer(risks=[*found, *(entry for entry in concentrations(pages) if entry.category not in told)])


def is_acquisition_agreement(pages: Sequence[Page]) -> bool:
    """Whether this is the agreement by which a company is sold (or the proxy statement about it), by its head."""
    head = " ".join(" ".join(page.text for page in pages[:4])[:_HEAD].lower().split())
    return _ACQUISITION.search(head) is not None


def _hits(sentences: Sequence[Sentence], patterns: Sequence[RiskPattern]) -> Iterator[_Hit]:
    """The first pattern each sentence matches, by itself or as an item of the list it stands in."""
    lead, lead_position = "", -LONGEST_LIST
    for position, sentence in enumerate(sentences):
        flat = sentence.flat
        is_item = bool(_ITEM.match(sentence.text)) and position - lead_position <= LONGEST_LIST
        if (
            len(flat) >= _SHORTEST
            and not _is_heading(sentence.text)
            and not _NOT_A_STATEMENT.search(flat)
            and not is_injection(flat)
        ):
            yield from _hit(position, sentence, f"{lead} " if is_item else "", patterns)
        if _LEADS.search(flat):
            lead, lead_position = flat, position


def _is_heading(text: str) -> bool:
    """Whether ``text`` names a clause and says nothing: a few words, all capitalised."""
    words = [word for word in text.split() if len(word) > 4 and not _CLAUSE_NUMBER.match(word)]
    return len(words) <= _LONGEST_HEADING and all(word[:1].isupper() for word in words)


def _hit(position: int, sentence: Sentence, lead: str, patterns: Sequence[RiskPattern]) -> Iterator[_Hit]:
    flat = lead + sentence.flat
    for pattern in patterns:
        match = pattern.match(flat)
        if match is not None and match.end() > len(lead):
            middle = (match.start() + match.end()) / 2 - len(lead)
            yield _Hit(position, pattern, sentence, max(middle, 0.0) / len(sentence.flat))
            return


def _distinct(hits: Iterable[_Hit]) -> Iterator[RiskEntry]:
    """The best hit of each run of nearby hits of one category, a few a category."""
    by_category: dict[RiskCategory, list[_Hit]] = defaultdict(list)
    for hit in hits:
        by_category[hit.pattern.category].append(hit)
    for category_hits in by_category.values():
        kept: list[int] = []
        best = max(hit.pattern.strength for hit in category_hits)
        telling = [hit for hit in category_hits if hit.pattern.strength or not best]
        for hit in sorted(telling, key=lambda hit: (-hit.pattern.strength, -hit.weight, hit.position)):
            if len(kept) < MOST_OF_A_CATEGORY and all(abs(hit.position - other) > DISTINCT_AFTER for other in kept):
                kept.append(hit.position)
                yield _entry(hit)


def _entry(hit: _Hit) -> RiskEntry:
    return RiskEntry(
        category=hit.pattern.category,
        severity=hit.pattern.severity,
        action=hit.pattern.action,
        title=hit.pattern.title,
        explanation=hit.pattern.why,
        quote=_quote(hit.sentence.text, hit.middle),
        page=hit.sentence.page,
    )


def _quote(text: str, middle: float) -> str:
    """The sentence, or of a very long one the part around its telling words, cut at white space; always verbatim."""
    if len(text) <= LONGEST_QUOTE:
        return text
    start = max(0, min(int(middle * len(text)) - LONGEST_QUOTE // 2, len(text) - LONGEST_QUOTE))
    words = [
        match.span()
        for match in re.finditer(r"\S+", text)
        if start <= match.start() < match.end() <= start + LONGEST_QUOTE
    ]
    return text[words[0][0] : words[-1][1]] if words else text[start : start + LONGEST_QUOTE]
