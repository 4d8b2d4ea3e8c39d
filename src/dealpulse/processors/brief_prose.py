"""What a model is told of a brief, and whether its prose may stand in one.

A model writes nothing but the headline and a few sentences. A program checks them: every number must be one it was
told, every count of risks, blockers, documents and e-mails must be right, every reference must lead somewhere, and no
link may be in it. What fails is not repaired; the offline prose takes its place and the brief says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

import msgspec
from msgspec import Struct

from dealpulse.models import Severity
from dealpulse.processors.brief_evidence import evidence
from dealpulse.processors.brief_facts import SERIOUS, BriefFacts, Ended

REFERENCE: Final = re.compile(r"\s*\[(\d{1,4})\]")
"""How prose refers to a piece of evidence: ``[3]``."""

_MOST_TOLD: Final = 25
"""Names of one kind; of more, only their number is told."""
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_COUNTING: Final = """
no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty
"""
_WORDS: Final = {word: number for number, word in enumerate(_COUNTING.split())}
_COUNT: Final = re.compile(
    rf"\b(?P<count>\d+|{'|'.join(_WORDS)})\s+"
    r"(?:(?:new|open|verified|serious|overdue|further|unresolved|stalled|critical|remaining|changed|resolved)\s+)*"
    r"(?P<what>P[0-3]|risks?|blockers?|documents?|e-?mails?)\b",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[a-z]+")
_DENIED: Final = re.compile(r"\b(?:no|none|neither|without)\b[^.;:,]{0,40}", re.IGNORECASE)
_SEVERITY: Final = re.compile(r"\bP[0-3]\b")
_LINK: Final = re.compile(r"[a-z][a-z+.-]*://|\bwww\.|\bmailto:|</?[a-z]", re.IGNORECASE)


class _ToldRisk(Struct, frozen=True):
    severity: str
    title: str
    explanation: str
    category: str
    action: str
    status: str
    reference: int | None
    documents: tuple[str, ...]
    quote: str


class _ToldBlocker(Struct, frozen=True):
    title: str
    owner: str | None
    due: date | None
    overdue: bool
    days_stalled: int
    next_action: str
    new: bool
    reference: int | None


class _ToldParty(Struct, frozen=True):
    organisation: str
    direction: str
    emails: int
    last_mail: date
    reference: int | None


class _Told(Struct, frozen=True):
    """The facts as a model needs them: no ids, no links, no lists longer than anybody would read."""

    deal: str
    date: date
    first_brief: bool
    counts: Mapping[str, int]
    risks: tuple[_ToldRisk, ...]
    no_longer_open: tuple[str, ...]
    blockers: tuple[_ToldBlocker, ...]
    settled_blockers: tuple[str, ...]
    email_tone: str
    email_tone_by_organisation: tuple[_ToldParty, ...]
    received: tuple[str, ...]
    could_not_be_read: tuple[str, ...]
    still_being_worked_on: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    nothing_found_on: tuple[str, ...]


def told(facts: BriefFacts) -> str:
    """What the model is told, as JSON. The same facts are told in the same words, whatever the rows' ids."""
    risks = tuple(
        _ToldRisk(
            severity=risk.severity.value,
            title=risk.title,
            explanation=risk.explanation,
            category=risk.category,
            action=risk.action,
            status="new" if risk.is_new else "; ".join(risk.changes) or "as before",
            reference=risk.citations[0].number,
            documents=tuple(dict.fromkeys(f"{cited.name} {cited.place}".strip() for cited in risk.citations[:3])),
            quote=risk.citations[0].quote,
        )
        for risk in facts.risks[:_MOST_TOLD]
    )
    blockers = tuple(
        _ToldBlocker(
            title=one.title,
            owner=one.owner,
            due=one.due_date,
            overdue=one.overdue,
            days_stalled=one.days_stalled,
            next_action=one.next_action,
            new=one.is_new,
            reference=one.citation.number,
        )
        for one in facts.blockers[:_MOST_TOLD]
    )
    parties = tuple(
        _ToldParty(party.name, party.direction.value, party.emails, party.last_on, party.coldest.number)
        for party in facts.temperature.parties[:_MOST_TOLD]
    )
    material = _Told(
        deal=facts.deal,
        date=facts.brief_date,
        first_brief=facts.first,
        counts=_named_counts(facts),
        risks=risks,
        no_longer_open=_titles(facts.resolved),
        blockers=blockers,
        settled_blockers=_titles(facts.settled),
        email_tone=facts.temperature.direction.value,
        email_tone_by_organisation=parties,
        received=facts.received[:_MOST_TOLD],
        could_not_be_read=tuple(f"{one.name}: {one.reason}" for one in facts.unread[:_MOST_TOLD]),
        still_being_worked_on=facts.pending[:_MOST_TOLD],
        not_looked_at=tuple(f"{one.name}: {one.reason}" for one in facts.not_looked_at[:_MOST_TOLD]),
        nothing_found_on=tuple(gap.workstream.value for gap in facts.gaps),
    )
    return msgspec.json.encode(material).decode()


def fault(headline: str, summary: str, facts: BriefFacts) -> str | None:
    """Why this prose may not stand in the brief; None when it may."""
    return next(_faults(f"{headline}\n{summary}", facts), None)


def parts(prose: str) -> Iterator[tuple[str, int | None]]:
    """The prose, cut at its references: text, and the number of the evidence referred to after it."""
    position = 0
    for match in REFERENCE.finditer(prose):
        yield prose[position : match.start()], int(match[1])
        position = match.end()
    if position < len(prose):
        yield prose[position:], None


def plain(prose: str) -> str:
    """The prose without its references."""
    return REFERENCE.sub("", prose)


def _faults(prose: str, facts: BriefFacts) -> Iterator[str]:
    if _LINK.search(prose):
        yield "it held a link or markup"
    material = told(facts)
    highest = len(evidence(facts))
    if any(not 1 <= int(match[1]) <= highest for match in REFERENCE.finditer(prose)):
        yield "it referred to evidence that is not there"
    text = plain(prose)
    known = {*_numbers(material), *(part for number in _numbers(material) for part in re.split("[.,]", number))}
    if any(number not in known for number in _numbers(text)):
        yield "it held a number that is not in the facts"
    if any(not facts.of_severity(Severity(found)) for found in _SEVERITY.findall(_DENIED.sub("", text))):
        yield "it named a severity that no risk has"
    right = _right_counts(facts)
    if any(_value(match["count"]) not in right[_what(match["what"])] for match in _COUNT.finditer(text)):
        yield "it counted differently from the facts"


def _numbers(text: str) -> Iterator[str]:
    """Numbers in digits and in words, without grouping commas and leading zeros; a severity's name is none."""
    text = _SEVERITY.sub("", text)
    for found in _NUMBER.findall(text):
        yield found.replace(",", "").lstrip("0") or "0"
    for word in _WORD.findall(text.lower()):
        if _WORDS.get(word, 0) > 1:
            yield str(_WORDS[word])


def _value(count: str) -> int:
    word = count.lower()
    return _WORDS[word] if word in _WORDS else int(word)


def _what(noun: str) -> str:
    return noun.upper() if noun[0] in "Pp" else noun.lower().removesuffix("s").replace("-", "")


def _named_counts(facts: BriefFacts) -> dict[str, int]:
    by_severity = {severity.value: len(facts.of_severity(severity)) for severity in Severity}
    return by_severity | {
        "risks": len(facts.risks),
        "serious_risks": len(facts.of_severity(*SERIOUS)),
        "new_risks": 0 if facts.first else sum(risk.is_new for risk in facts.risks),
        "changed_risks": sum(bool(risk.changes) for risk in facts.risks),
        "risks_no_longer_open": len(facts.resolved),
        "blockers": len(facts.blockers),
        "new_blockers": 0 if facts.first else sum(one.is_new for one in facts.blockers),
        "overdue_blockers": sum(one.overdue for one in facts.blockers),
        "settled_blockers": len(facts.settled),
        "documents": facts.documents,
        "analysed_documents": facts.analysed,
        "emails": facts.emails,
        "received": len(facts.received),
        "could_not_be_read": len(facts.unread),
        "still_being_worked_on": len(facts.pending),
        "not_looked_at": len(facts.not_looked_at),
    }


def _right_counts(facts: BriefFacts) -> dict[str, set[int]]:
    """What may be said to be so many, by what is counted."""
    counts = _named_counts(facts)

    def those(*names: str) -> set[int]:
        return {counts[name] for name in names}

    inventory = those("received", "could_not_be_read", "still_being_worked_on", "not_looked_at")
    told_in = {len({cited.id for cited in risk.citations}) for risk in facts.risks}
    severities = {
        severity.value: {
            len(facts.of_severity(severity)),
            sum(risk.is_new for risk in facts.of_severity(severity)),
            sum(bool(risk.changes) for risk in facts.of_severity(severity)),
            sum(ended.severity is severity for ended in facts.resolved),
        }
        for severity in Severity
    }
    return severities | {
        "risk": those(
            "risks",
            "serious_risks",
            "new_risks",
            "changed_risks",
            "risks_no_longer_open",
            *(one.value for one in Severity),
        ),
        "blocker": those("blockers", "new_blockers", "overdue_blockers", "settled_blockers"),
        "document": those("documents", "analysed_documents") | inventory | told_in,
        "email": those("emails") | {party.emails for party in facts.temperature.parties} | inventory,
    }


def _titles(ended: tuple[Ended, ...]) -> tuple[str, ...]:
    return tuple(one.title for one in ended[:_MOST_TOLD])
