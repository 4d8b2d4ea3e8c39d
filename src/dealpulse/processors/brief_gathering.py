"""Computing a brief's facts from what is stored. No model has a hand in this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from msgspec import Struct, ValidationError, convert
from msgspec.structs import replace

from dealpulse.models import (
    Action,
    BlockerStatus,
    Brief,
    Document,
    EngineName,
    FindingStatus,
    RecordedBlocker,
    RecordedFinding,
    Severity,
    Verification,
)
from dealpulse.processors import brief_room
from dealpulse.processors.brief_evidence import Citing
from dealpulse.processors.brief_facts import BriefBlocker, BriefFacts, BriefRisk, Ended, FaintPage, Marks
from dealpulse.processors.brief_room import Room
from dealpulse.processors.brief_temperature import temperature

# Two tables: members of different StrEnums with the same word are one key.
_RISK_ENDED: Final[Mapping[FindingStatus, str]] = {
    FindingStatus.open: "Its quote no longer stands in the documents.",
    FindingStatus.resolved: "No document says so any more.",
    FindingStatus.rejected: "A person looked at it and said it is none.",
}
_BLOCKER_ENDED: Final[Mapping[BlockerStatus, str]] = {
    BlockerStatus.open: "Its quote no longer stands in the e-mails.",
    BlockerStatus.resolved: "An e-mail says that it is settled.",
    BlockerStatus.dismissed: "A person dismissed it.",
}
_VANISHED: Final = "Nothing in the room says so any more."


class _EarlierCitation(Struct, frozen=True):
    id: str = ""
    name: str = ""
    page: int | None = None
    quote: str = ""


class _EarlierRisk(Struct, frozen=True):
    fingerprint: str
    title: str
    severity: Severity
    action: str
    citations: tuple[_EarlierCitation, ...] = ()


class _EarlierBlocker(Struct, frozen=True):
    fingerprint: str
    title: str


class _Earlier(Struct, frozen=True):
    """Of a brief's content, what the next one compares itself with."""

    risks: tuple[_EarlierRisk, ...] = ()
    blockers: tuple[_EarlierBlocker, ...] = ()
    marks: Marks = Marks()


def gather(
    *,
    deal_name: str,
    brief_date: date,
    room: Room,
    findings: Sequence[RecordedFinding],
    blockers: Sequence[RecordedBlocker],
    earlier: Brief | None,
    expected: EngineName = EngineName.local,
    public_url: str | None = None,
) -> BriefFacts:
    """Compute a brief's facts.

    ``earlier`` is the deal's last brief of a day before; ``expected`` the engine that was to analyse; ``public_url``
    where our own viewer answers.
    """
    citing = Citing(documents=room.documents, emails=room.emails, public_url=public_url)
    before = _Earlier() if earlier is None else _compared(earlier)
    risks, unverified = _risks(findings, citing, {risk.fingerprint: risk for risk in before.risks})
    held_up = _blockers(blockers, citing, brief_date, {blocker.fingerprint for blocker in before.blockers})
    papers = [document for document in room.documents if not document.only_lists]
    return BriefFacts(
        deal=deal_name,
        brief_date=brief_date,
        first=earlier is None,
        earlier_date=earlier.brief_date if earlier else None,
        risks=risks,
        resolved=_resolved(before.risks, risks, findings),
        unverified=unverified,
        blockers=held_up,
        settled=_settled(before.blockers, held_up, blockers, citing),
        temperature=temperature(room.emails, cite=citing.part_of),
        documents=len(papers),
        analysed=sum(document.origin is not None for document in papers),
        emails=len(room.emails),
        received=_received(room, before.marks.received),
        unread=brief_room.unread(room),
        pending=brief_room.pending(room),
        not_looked_at=brief_room.not_looked_at(room),
        gone=_gone(room.gone, earlier, before.marks.gone),
        faint=_faint(room, citing),
        readers=brief_room.readers(room),
        stood_in_for=brief_room.stood_in_for(room, expected),
        gaps=brief_room.gaps(room.documents, risks),
        marks=Marks(
            received=brief_room.newest(room.items),
            gone=max((one.updated_at for one in room.gone), default=before.marks.gone),
        ),
    )


def _compared(earlier: Brief) -> _Earlier:
    """Nothing of a brief another version wrote so differently that it cannot be read."""
    try:
        return convert(earlier.content, _Earlier, strict=False)
    except ValidationError:
        return _Earlier()


def _risks(
    findings: Sequence[RecordedFinding], citing: Citing, before: Mapping[str, _EarlierRisk]
) -> tuple[tuple[BriefRisk, ...], int]:
    risks: list[BriefRisk] = []
    unverified = 0
    for finding in findings:
        if finding.status is not FindingStatus.open:
            continue
        cited = citing.finding(finding)
        if not cited:
            unverified += 1
            continue
        risk = BriefRisk(
            fingerprint=finding.fingerprint,
            severity=finding.severity,
            category=finding.category.value,
            action=finding.action.value,
            title=finding.title,
            explanation=finding.explanation,
            is_new=finding.fingerprint not in before,
            citations=cited,
        )
        known = before.get(finding.fingerprint)
        risks.append(replace(risk, changes=_changes(known, risk)) if known else risk)
    return tuple(sorted(risks, key=_place)), unverified


def _place(risk: BriefRisk) -> tuple[Severity, bool, str, str, str]:
    """Worst first; what has to be walked away from before what can be priced."""
    return risk.severity, risk.action != Action.walk, risk.category, risk.title, risk.fingerprint


def _changes(before: _EarlierRisk, now: BriefRisk) -> tuple[str, ...]:
    told = []
    if before.severity is not now.severity:
        told.append(f"{'raised' if now.severity < before.severity else 'lowered'} from {before.severity.value}")
    if before.action != now.action:
        told.append(f"action {before.action} is now {now.action}")
    if before.title != now.title:
        told.append(f"was called “{before.title}”")
    known = {(one.id, one.page, one.quote) for one in before.citations}
    places = [one for one in now.citations if (one.id, one.page, one.quote) not in known]
    names = {one.name for one in before.citations}
    elsewhere = dict.fromkeys(one.name for one in places if one.name not in names)
    if elsewhere:
        told.append(f"now also in {', '.join(elsewhere)}")
    elif places:
        told.append(f"now also on {places[0].place or 'another page'} of {places[0].name}")
    return tuple(told)


def _resolved(
    before: Sequence[_EarlierRisk], now: Sequence[BriefRisk], findings: Sequence[RecordedFinding]
) -> tuple[Ended, ...]:
    still = {risk.fingerprint for risk in now}
    reasons = {finding.fingerprint: _RISK_ENDED[finding.status] for finding in findings}
    return tuple(
        Ended(title=risk.title, severity=risk.severity, reason=reasons.get(risk.fingerprint, _VANISHED))
        for risk in before
        if risk.fingerprint not in still
    )


def _blockers(
    blockers: Sequence[RecordedBlocker], citing: Citing, today: date, before: set[str]
) -> tuple[BriefBlocker, ...]:
    found = [
        BriefBlocker(
            fingerprint=recorded.blocker.fingerprint,
            title=recorded.blocker.title,
            owner=recorded.blocker.owner,
            due_date=recorded.blocker.due_date,
            overdue=recorded.blocker.due_date is not None and recorded.blocker.due_date < today,
            days_stalled=max(0, (today - recorded.blocker.opened_on).days),
            next_action=recorded.blocker.needed_action,
            is_new=recorded.blocker.fingerprint not in before,
            citation=citing.blocker(recorded),
        )
        for recorded in blockers
        if recorded.blocker.status is BlockerStatus.open
        and recorded.blocker.citation.verification is not Verification.unverified
    ]
    return tuple(sorted(found, key=lambda one: (-one.days_stalled, not one.overdue, one.title, one.fingerprint)))


def _settled(
    before: Sequence[_EarlierBlocker],
    now: Sequence[BriefBlocker],
    blockers: Sequence[RecordedBlocker],
    citing: Citing,
) -> tuple[Ended, ...]:
    still = {blocker.fingerprint for blocker in now}
    rows = {recorded.blocker.fingerprint: recorded for recorded in blockers}
    return tuple(
        _ended(blocker, rows.get(blocker.fingerprint), citing) for blocker in before if blocker.fingerprint not in still
    )


def _ended(before: _EarlierBlocker, row: RecordedBlocker | None, citing: Citing) -> Ended:
    if row is None:
        return Ended(title=before.title, reason=_VANISHED)
    blocker = row.blocker
    told = blocker.status is BlockerStatus.resolved and blocker.citation.verification is not Verification.unverified
    return Ended(
        title=before.title,
        reason=_BLOCKER_ENDED[blocker.status],
        citation=citing.blocker(row) if told else None,
    )


def ended_risk(finding: RecordedFinding) -> Ended:
    """A finding that is open no more, and why."""
    return Ended(title=finding.title, severity=finding.severity, reason=_RISK_ENDED[finding.status])


def ended_blocker(row: RecordedBlocker, citing: Citing) -> Ended:
    """A blocker that is open no more, and what says so."""
    blocker = row.blocker
    return _ended(_EarlierBlocker(fingerprint=blocker.fingerprint, title=blocker.title), row, citing)


def _received(room: Room, since: datetime | None) -> tuple[str, ...]:
    if since is None:
        return ()
    return tuple(brief_room.name_of(item) for item in room.items if item.created_at > since)


def _gone(gone: Sequence[Document], earlier: Brief | None, since: datetime | None) -> tuple[str, ...]:
    if earlier is None:
        return ()
    return tuple(one.name for one in gone if since is None or one.updated_at > since)


def _faint(room: Room, citing: Citing) -> tuple[FaintPage, ...]:
    names = {document.id: document.name for document in room.documents}
    pages = [
        FaintPage(
            document=names[page.document_id],
            page=page.number,
            confidence=round(page.confidence, 2),
            link=citing.page_link(page.document_id, page.number),
        )
        for page in room.faint
        if page.document_id in names
    ]
    return tuple(sorted(pages, key=lambda page: (page.document, page.page)))
