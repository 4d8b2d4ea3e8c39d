"""What a weekly report counts: the seven local days that end with its date. No model has a hand in this.

A week's facts are a brief's, with what is new, changed and ended measured by when that happened and not against the
brief before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as replaced
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from dealpulse.models import (
    BlockerStatus,
    Brief,
    BriefStatus,
    DocumentState,
    EngineName,
    FindingStatus,
    RecordedBlocker,
    RecordedFinding,
    Verification,
)
from dealpulse.processors import brief_room
from dealpulse.processors.brief_evidence import Citing
from dealpulse.processors.brief_facts import SERIOUS, BriefFacts, BriefRisk, WeekTone
from dealpulse.processors.brief_gathering import ended_blocker, ended_risk, gather
from dealpulse.processors.brief_markdown import counted
from dealpulse.processors.brief_room import Room
from dealpulse.processors.brief_temperature import week_tones

_DAYS: Final = timedelta(days=7)
_CHANGED: Final = ("its severity, action, category or title became another",)


class Week(Struct, frozen=True, kw_only=True):
    """The days ``first`` to ``last`` where the deal is; ``since`` to before ``until`` in time."""

    first: date
    last: date
    since: datetime
    until: datetime

    @classmethod
    def ending(cls, last: date, zone: ZoneInfo) -> Week:
        first = last - _DAYS + timedelta(days=1)
        return cls(
            first=first,
            last=last,
            since=datetime.combine(first, time.min, zone),
            until=datetime.combine(last + timedelta(days=1), time.min, zone),
        )

    def holds(self, moment: datetime | None) -> bool:
        return moment is not None and self.since <= moment < self.until


class WeekCounts(Struct, frozen=True, kw_only=True):
    risks_opened: int
    """Found in the week, those included that ended in it."""
    risks_changed: int
    risks_ended: int
    blockers_opened: int
    blockers_ended: int
    longest_stalled: int
    """Days, of all open blockers; 0 without any."""
    documents_received: int
    documents_analysed: int
    """Of those received in the week."""
    documents_failed: int
    """Of those received in the week: could not be read or analysed."""
    emails_received: int
    briefs: int
    briefs_partial: int
    ai_cost_usd: float


class WeekFacts(Struct, frozen=True, kw_only=True):
    """The deal as it is now, and the week's part in it."""

    week: Week
    counts: WeekCounts
    tones: tuple[WeekTone, ...]
    facts: BriefFacts


def gather_week(
    *,
    deal_name: str,
    week: Week,
    room: Room,
    findings: Sequence[RecordedFinding],
    blockers: Sequence[RecordedBlocker],
    ended: frozenset[str],
    earlier: Brief | None,
    briefs: Sequence[BriefStatus],
    ai_cost_usd: float,
    expected: EngineName = EngineName.local,
    public_url: str | None = None,
) -> WeekFacts:
    """Compute a week's facts.

    ``ended`` are the fingerprints of findings that ceased to be open in the week; ``earlier`` is the last brief before
    it, which tells how risks have changed; ``briefs`` are how complete the week's briefs are.
    """
    as_brief = gather(
        deal_name=deal_name,
        brief_date=week.last,
        room=room,
        findings=findings,
        blockers=blockers,
        earlier=earlier,
        expected=expected,
        public_url=public_url,
    )
    citing = Citing(documents=room.documents, emails=room.emails, public_url=public_url)
    by_fingerprint = {finding.fingerprint: finding for finding in findings}
    over = [one for one in findings if one.fingerprint in ended and _was_shown(one, citing)]
    settled = [one for one in blockers if _ended_in(one, week)]
    facts = replace(
        as_brief,
        first=False,
        risks=tuple(_risk(risk, by_fingerprint[risk.fingerprint], week) for risk in as_brief.risks),
        resolved=tuple(ended_risk(one) for one in over),
        blockers=tuple(
            replace(one, is_new=_opened_in(row.blocker.opened_on, week))
            for one in as_brief.blockers
            for row in blockers
            if row.blocker.fingerprint == one.fingerprint
        ),
        settled=tuple(ended_blocker(one, citing) for one in settled),
        received=tuple(brief_room.name_of(item) for item in room.items if week.holds(item.created_at)),
        gone=tuple(one.name for one in room.gone if week.holds(one.updated_at)),
        # The week's own comparison takes its place.
        temperature=replace(as_brief.temperature, parties=()),
    )
    counts = _counts(facts, week, room, briefs, ai_cost_usd)
    opened_and_over = sum(week.holds(one.first_seen_at) for one in over)
    begun_and_settled = sum(_opened_in(one.blocker.opened_on, week) for one in settled)
    return WeekFacts(
        week=week,
        counts=replace(
            counts,
            risks_opened=counts.risks_opened + opened_and_over,
            blockers_opened=counts.blockers_opened + begun_and_settled,
        ),
        tones=week_tones(room.emails, since=week.since, until=week.until),
        facts=facts,
    )


def headline(told: WeekFacts) -> str:
    """The week in one line."""
    counts, facts = told.counts, told.facts
    serious = len(facts.of_severity(*SERIOUS))
    parts = [
        f"{counted(len(facts.risks), 'open risk')}, {serious} of them P0 or P1",
        f"{counts.risks_opened} new and {counts.risks_ended} ended this week",
        f"{counted(len(facts.blockers), 'open blocker')}"
        + (f", the longest stalled {counted(counts.longest_stalled, 'day')}" if facts.blockers else ""),
    ]
    return "; ".join(parts)


def summary(told: WeekFacts) -> str:
    """The week's numbers in a few sentences."""
    counts = told.counts
    failed = f", {counts.documents_failed} failed" if counts.documents_failed else ""
    partial = f", {counts.briefs_partial} of them partial" if counts.briefs_partial else ""
    return (
        f"{counted(counts.documents_received, 'document')} came in, {counts.documents_analysed} analysed{failed}; "
        f"{counted(counts.emails_received, 'e-mail')} came in. "
        f"{counted(counts.risks_opened, 'risk')} opened, {counts.risks_changed} changed, {counts.risks_ended} ended; "
        f"{counted(counts.blockers_opened, 'blocker')} opened, {counts.blockers_ended} ended. "
        f"{counted(counts.briefs, 'daily brief')} written{partial}. "
        f"Analysis by models cost USD {counts.ai_cost_usd:.2f}."
    )


def _risk(risk: BriefRisk, finding: RecordedFinding, week: Week) -> BriefRisk:
    if week.holds(finding.first_seen_at):
        return replace(risk, is_new=True, changes=())
    changed = risk.changes or (_CHANGED if week.holds(finding.changed_at) else ())
    return replace(risk, is_new=False, changes=changed)


def _was_shown(finding: RecordedFinding, citing: Citing) -> bool:
    """Whether it ever was a fact: what no document says any more has no citation left to tell."""
    return finding.status is not FindingStatus.open and (not finding.citations or bool(citing.finding(finding)))


def _ended_in(row: RecordedBlocker, week: Week) -> bool:
    blocker = row.blocker
    over = blocker.status is not BlockerStatus.open and blocker.citation.verification is not Verification.unverified
    return over and week.holds(row.updated_at)


def _opened_in(day: date, week: Week) -> bool:
    return week.first <= day <= week.last


def _counts(facts: BriefFacts, week: Week, room: Room, briefs: Sequence[BriefStatus], ai_cost_usd: float) -> WeekCounts:
    papers = [document for document in room.documents if not document.only_lists]
    received = [document for document in papers if week.holds(document.created_at)]
    return WeekCounts(
        risks_opened=sum(risk.is_new for risk in facts.risks),
        risks_changed=sum(bool(risk.changes) for risk in facts.risks),
        risks_ended=len(facts.resolved),
        blockers_opened=sum(one.is_new for one in facts.blockers),
        blockers_ended=len(facts.settled),
        longest_stalled=max((one.days_stalled for one in facts.blockers), default=0),
        documents_received=len(received),
        documents_analysed=sum(one.state is DocumentState.ready and one.origin is not None for one in received),
        documents_failed=len(brief_room.unread(replaced(room, documents=received, emails=()))),
        emails_received=sum(week.holds(email.created_at) for email in room.emails),
        briefs=len(briefs),
        briefs_partial=sum(status is BriefStatus.partial for status in briefs),
        ai_cost_usd=round(ai_cost_usd, 2),
    )
