"""What a brief says, computed: everything in it that is counted, compared or dated. No model has a hand in this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct, convert

from dealpulse.models import (
    BlockerStatus,
    Brief,
    Document,
    DocumentState,
    Email,
    FindingStatus,
    RecordedBlocker,
    RecordedFinding,
    RiskCategory,
    Severity,
    Verification,
    Workstream,
)

_RECENT: Final = timedelta(days=7)
_TURN: Final = 0.15
"""How far the mean sentiment (-1..1) must move to be called a direction."""
_EXPECTED_WORKSTREAMS: Final = (
    Workstream.corporate_legal,
    Workstream.material_contracts,
    Workstream.financial,
    Workstream.tax,
    Workstream.hr,
    Workstream.ip,
    Workstream.insurance,
    Workstream.litigation,
)
"""What a deal room is expected to hold something about."""
_WORKSTREAM_OF: Final = {
    RiskCategory.ip_ownership.value: Workstream.ip,
    RiskCategory.open_source.value: Workstream.ip,
    RiskCategory.tax.value: Workstream.tax,
    RiskCategory.insurance.value: Workstream.insurance,
    RiskCategory.litigation.value: Workstream.litigation,
    RiskCategory.key_person.value: Workstream.hr,
    RiskCategory.misclassification.value: Workstream.hr,
    RiskCategory.earnings_quality.value: Workstream.financial,
}
"""A risk found shows that something was there to read."""


class CitedPage(Struct, frozen=True, kw_only=True):
    document_id: str
    document: str
    page: int | None
    quote: str
    link: str | None = None


class BriefRisk(Struct, frozen=True, kw_only=True):
    fingerprint: str
    severity: Severity
    category: str
    action: str
    title: str
    explanation: str
    is_new: bool
    """Not in the brief before this one."""
    citations: tuple[CitedPage, ...]


class BriefBlocker(Struct, frozen=True, kw_only=True):
    fingerprint: str
    title: str
    owner: str | None
    due_date: date | None
    overdue: bool
    days_stalled: int
    next_action: str
    email_id: str
    email: str
    quote: str


class Direction(StrEnum):
    warming = "warming"
    steady = "steady"
    cooling = "cooling"
    unknown = "unknown"


class Temperature(Struct, frozen=True, kw_only=True):
    """Mean e-mail sentiment, -1..1: of the last seven days with mail, and of all before."""

    recent: float | None
    earlier: float | None
    direction: Direction
    emails: int


class UnreadItem(Struct, frozen=True, kw_only=True):
    name: str
    reason: str


class BriefFacts(Struct, frozen=True, kw_only=True):
    deal: str
    brief_date: date
    first: bool
    """There is no earlier brief to compare with."""
    risks: tuple[BriefRisk, ...]
    """Open and verified, worst first."""
    resolved: tuple[str, ...]
    """Titles of risks of the brief before this one that no document states any more."""
    unverified: int
    """Findings left out because their quote was not found."""
    blockers: tuple[BriefBlocker, ...]
    """Open, longest stalled first."""
    temperature: Temperature
    documents: int
    analysed: int
    emails: int
    unread: tuple[UnreadItem, ...]
    """Documents and e-mails that could not be read."""
    pending: tuple[str, ...]
    """Documents and e-mails still being worked on."""
    gaps: tuple[str, ...]
    """What the room holds nothing about, as requests."""


class _Earlier(Struct, frozen=True):
    risks: tuple[BriefRisk, ...] = ()


def gather(
    *,
    deal_name: str,
    brief_date: date,
    documents: Sequence[Document],
    emails: Sequence[Email],
    findings: Sequence[RecordedFinding],
    blockers: Sequence[RecordedBlocker],
    pending: frozenset[str],
    earlier: Brief | None,
) -> BriefFacts:
    """Compute a brief's facts. ``pending`` are ids of documents and e-mails with work under way."""
    before = {risk.fingerprint: risk.title for risk in _risks_of(earlier)}
    risks, unverified = _risks(findings, documents, before)
    items: list[Document | Email] = [*documents, *emails]
    now = {risk.fingerprint for risk in risks}
    return BriefFacts(
        deal=deal_name,
        brief_date=brief_date,
        first=earlier is None,
        risks=risks,
        resolved=tuple(title for fingerprint, title in before.items() if fingerprint not in now),
        unverified=unverified,
        blockers=_blockers(blockers, brief_date),
        temperature=_temperature(emails),
        documents=len(documents),
        analysed=sum(document.origin is not None for document in documents),
        emails=len(emails),
        unread=tuple(
            UnreadItem(name=item.name, reason=item.failure_reason or "The file could not be read.")
            for item in items
            if item.state is DocumentState.failed
        ),
        pending=tuple(item.name for item in items if item.id in pending),
        gaps=_gaps(documents, risks),
    )


def _risks_of(brief: Brief | None) -> tuple[BriefRisk, ...]:
    return () if brief is None else convert(brief.content, _Earlier, strict=False).risks


def _risks(
    findings: Iterable[RecordedFinding], documents: Sequence[Document], before: dict[str, str]
) -> tuple[tuple[BriefRisk, ...], int]:
    links = {document.id: document.web_link for document in documents}
    risks: list[BriefRisk] = []
    unverified = 0
    for finding in findings:
        if finding.status is not FindingStatus.open:
            continue
        cited = tuple(
            CitedPage(
                document_id=citation.document_id or "",
                document=citation.document_name,
                page=citation.citation.page,
                quote=citation.citation.quote,
                link=links.get(citation.document_id or ""),
            )
            for citation in finding.citations
            if citation.citation.verification is not Verification.unverified
        )
        if not cited:
            unverified += 1
            continue
        risks.append(
            BriefRisk(
                fingerprint=finding.fingerprint,
                severity=finding.severity,
                category=finding.category.value,
                action=finding.action.value,
                title=finding.title,
                explanation=finding.explanation,
                is_new=finding.fingerprint not in before,
                citations=cited,
            )
        )
    return tuple(sorted(risks, key=lambda risk: (risk.severity, risk.category, risk.title))), unverified


def _blockers(blockers: Iterable[RecordedBlocker], today: date) -> tuple[BriefBlocker, ...]:
    found = [
        BriefBlocker(
            fingerprint=recorded.blocker.fingerprint,
            title=recorded.blocker.title,
            owner=recorded.blocker.owner,
            due_date=recorded.blocker.due_date,
            overdue=recorded.blocker.due_date is not None and recorded.blocker.due_date < today,
            days_stalled=max(0, (today - recorded.blocker.opened_on).days),
            next_action=recorded.blocker.needed_action,
            email_id=recorded.email_id,
            email=recorded.email_subject,
            quote=recorded.blocker.citation.quote,
        )
        for recorded in blockers
        if recorded.blocker.status is BlockerStatus.open
        and recorded.blocker.citation.verification is not Verification.unverified
    ]
    return tuple(sorted(found, key=lambda blocker: (-blocker.days_stalled, blocker.title)))


def _temperature(emails: Sequence[Email]) -> Temperature:
    scored = [(email.sent_at, email.sentiment.score) for email in emails if email.sentiment and email.sent_at]
    if not scored:
        return Temperature(recent=None, earlier=None, direction=Direction.unknown, emails=0)
    # Counted back from the latest mail: a quiet week does not make the tone unknown.
    border = max(sent_at for sent_at, _ in scored) - _RECENT
    recent = _mean([score for sent_at, score in scored if sent_at > border])
    earlier = _mean([score for sent_at, score in scored if sent_at <= border])
    direction = Direction.unknown
    if recent is not None and earlier is not None:
        change = recent - earlier
        direction = Direction.steady
        if abs(change) >= _TURN:
            direction = Direction.warming if change > 0 else Direction.cooling
    return Temperature(recent=recent, earlier=earlier, direction=direction, emails=len(scored))


def _mean(scores: Sequence[float]) -> float | None:
    return round(sum(scores) / len(scores), 2) if scores else None


def _gaps(documents: Sequence[Document], risks: Sequence[BriefRisk]) -> tuple[str, ...]:
    """Abstains while nothing is classified: an unread room has no gaps, only unread files."""
    classified = [document.classification for document in documents if document.classification]
    if not classified:
        return ()
    covered = {entry.workstream for one in classified for entry in one.workstreams}
    covered |= {one.primary for one in classified}
    covered |= {stream for risk in risks for stream in (_WORKSTREAM_OF.get(risk.category),) if stream}
    return tuple(
        f"Nothing on {workstream.value.replace('_', ' ')} was found: ask for it, or for a statement that there is none."
        for workstream in _EXPECTED_WORKSTREAMS
        if workstream not in covered
    )
