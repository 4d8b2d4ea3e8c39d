"""What a brief says, as values: everything in it that is counted, compared, dated or quoted.

:mod:`brief_gathering` computes them, :mod:`brief_evidence` adds each quote's number and surroundings, and
:mod:`brief_markdown` and :mod:`brief_html` lay them out. As JSON they are the brief's ``content``. The same deal on the
same date gives the same facts: no clock is read and nothing depends on an id's value.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from dealpulse.models import EngineName, Severity, SubjectType, Workstream


class Cited(Struct, frozen=True, kw_only=True):
    """A quote and where it stands. ``start`` and ``end`` are its offsets in the page's, or the message's, text."""

    kind: SubjectType
    """``document`` or ``email``."""
    id: str
    name: str
    """The document's file name, the e-mail's subject."""
    page: int | None
    place: str = ""
    """The page as people say it: ``p. 4``, ``slide 4``, ``sheet Bridge``; empty for an e-mail."""
    quote: str
    start: int | None = None
    end: int | None = None
    link: str | None = None
    """The original at its source."""
    viewer: str | None = None
    """The same page at DealPulse's own viewer, the quote highlighted."""
    number: int | None = None
    """In the brief's list of evidence, from 1; None for places beyond the first few of a risk."""
    before: str = ""
    """What stands before the quote."""
    after: str = ""


class BriefRisk(Struct, frozen=True, kw_only=True):
    fingerprint: str
    severity: Severity
    category: str
    action: str
    title: str
    explanation: str
    is_new: bool
    """Not in the brief before this one."""
    changes: tuple[str, ...] = ()
    """What is different from the brief before this one, in words."""
    citations: tuple[Cited, ...]


class BriefBlocker(Struct, frozen=True, kw_only=True):
    fingerprint: str
    title: str
    owner: str | None
    due_date: date | None
    overdue: bool
    days_stalled: int
    next_action: str
    is_new: bool
    """Not in the brief before this one."""
    citation: Cited


class Ended(Struct, frozen=True, kw_only=True):
    """A risk or blocker of the brief before this one that is open no more."""

    title: str
    reason: str
    severity: Severity | None = None
    """None for a blocker."""
    citation: Cited | None = None
    """What says that it is settled, where something does."""


class Direction(StrEnum):
    warming = "warming"
    steady = "steady"
    cooling = "cooling"
    unknown = "unknown"


class Party(Struct, frozen=True, kw_only=True):
    """The tone of one organisation's e-mails; numbers as of :class:`Temperature`, counted back from its last mail."""

    name: str
    """Its domain; the whole address where the domain is a public mail provider's."""
    recent: float
    earlier: float | None
    direction: Direction
    emails: int
    last_on: date
    coldest: Cited
    """The coldest of its recent mails; the quote is how it begins."""
    coldest_score: float


class Week(Struct, frozen=True, kw_only=True):
    """Mean sentiment of the mails of one week, from the day it begins (a Monday, UTC)."""

    begins: date
    score: float
    emails: int


class WeekTone(Struct, frozen=True, kw_only=True):
    """The mean tone (-1..1) of one organisation's e-mails of a week; ``earlier``: of the week before."""

    name: str
    """As of :class:`Party`."""
    score: float
    earlier: float | None
    direction: Direction
    emails: int


class Temperature(Struct, frozen=True, kw_only=True):
    """Mean e-mail sentiment, -1..1: of the last seven days with mail, and of all before."""

    recent: float | None
    earlier: float | None
    direction: Direction
    emails: int
    weeks: tuple[Week, ...] = ()
    """Oldest first; weeks without mail are left out."""
    parties: tuple[Party, ...] = ()
    """By who writes, coldest first. Whose side anybody is on, nobody told this service."""


class UnreadItem(Struct, frozen=True, kw_only=True):
    """A document or an e-mail that could not be read, or not be analysed."""

    name: str
    reason: str
    advice: str


class NotLookedAt(Struct, frozen=True, kw_only=True):
    name: str
    reason: str


class FaintPage(Struct, frozen=True, kw_only=True):
    """A scanned page whose text was hard to make out."""

    document: str
    page: int
    confidence: float
    """0..1"""
    link: str | None = None


class Reader(Struct, frozen=True, kw_only=True):
    """Who analysed how much."""

    engine: EngineName
    model: str
    documents: int
    emails: int


class Gap(Struct, frozen=True, kw_only=True):
    """What the room holds nothing about, and what to ask the company for."""

    workstream: Workstream
    request: str


class Marks(Struct, frozen=True, kw_only=True):
    """How far this brief looked, so that the next one can tell what came since."""

    received: datetime | None = None
    """When the newest document or e-mail came in."""
    gone: datetime | None = None
    """When the last document was found gone from its source."""


class BriefFacts(Struct, frozen=True, kw_only=True):
    deal: str
    brief_date: date
    first: bool
    """There is no earlier brief to compare with."""
    earlier_date: date | None = None
    """Of the brief this one is compared with."""
    risks: tuple[BriefRisk, ...]
    """Open and verified, worst first."""
    resolved: tuple[Ended, ...]
    """Risks of the brief before this one that are open no more."""
    unverified: int
    """Findings left out because their quote was not found."""
    blockers: tuple[BriefBlocker, ...]
    """Open, longest stalled first."""
    settled: tuple[Ended, ...] = ()
    """Blockers of the brief before this one that are open no more."""
    temperature: Temperature
    documents: int
    analysed: int
    emails: int
    received: tuple[str, ...] = ()
    """Documents and e-mails that came in since the brief before this one."""
    unread: tuple[UnreadItem, ...]
    """Documents and e-mails that could not be read or analysed."""
    pending: tuple[str, ...]
    """Documents, e-mails and sources still being worked on."""
    not_looked_at: tuple[NotLookedAt, ...] = ()
    """Files and sources this brief knows of and says nothing about."""
    gone: tuple[str, ...] = ()
    """Documents that went away from their source since the brief before this one."""
    faint: tuple[FaintPage, ...] = ()
    readers: tuple[Reader, ...] = ()
    stood_in_for: int = 0
    """Documents and e-mails the offline engine analysed although Claude was to."""
    gaps: tuple[Gap, ...]
    marks: Marks = Marks()

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """Why this is not the whole picture, one sentence each; empty when it is."""
        told = (
            (len(self.pending), "still being worked on"),
            (len(self.unread), "could not be read or analysed"),
            (len(self.not_looked_at), "not looked at"),
            (self.stood_in_for, "analysed by the offline engine in place of Claude"),
        )
        return tuple(f"{count} {what}." for count, what in told if count)

    @property
    def shown_risks(self) -> tuple[BriefRisk, ...]:
        """What a reader is shown: every serious risk, and of the others as many as anybody reads."""
        return self.risks[: len(self.of_severity(*SERIOUS)) + MOST_FURTHER]

    def of_severity(self, *severities: Severity) -> tuple[BriefRisk, ...]:
        return tuple(risk for risk in self.risks if risk.severity in severities)


SERIOUS: Final = (Severity.P0, Severity.P1)
"""What stands first in a brief."""
MOST_FURTHER: Final = 50
"""Risks of lesser severity that are shown; the others are counted, and stand in the brief's JSON."""
MOST_NAMES: Final = 25
"""Names of one kind that are listed; of more, the number is told."""
