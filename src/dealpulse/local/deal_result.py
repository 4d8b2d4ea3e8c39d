"""What `dealpulse run` writes as ``result.json``."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct

from dealpulse.models import (
    Action,
    Address,
    BlockerStatus,
    BriefStatus,
    KeyFact,
    Origin,
    PageKind,
    RiskCategory,
    Sentiment,
    Severity,
    TextMethod,
    Verification,
    Workstream,
    WorkstreamScore,
)


class Shown(Struct, frozen=True, kw_only=True, rename="camel"):
    """Field names are camelCase in JSON. Times are UTC, paths relative to the folder and ``/``-separated."""


class ShownPage(Shown, frozen=True, kw_only=True):
    number: int
    kind: PageKind
    label: str | None
    text: str
    method: TextMethod
    confidence: float | None
    rotation: int
    warnings: tuple[str, ...]


class ShownSummary(Shown, frozen=True, kw_only=True):
    document_type: str
    summary: str
    parties: tuple[str, ...]
    dates: tuple[KeyFact, ...]
    amounts: tuple[KeyFact, ...]
    obligations: tuple[str, ...]
    key_terms: tuple[KeyFact, ...]


class ShownRisk(Shown, frozen=True, kw_only=True):
    """A risk as this document tells it; ``fingerprint`` is the same for the same risk in another document."""

    category: RiskCategory
    severity: Severity
    action: Action
    title: str
    explanation: str
    quote: str
    page: int | None
    verification: Verification
    fingerprint: str


class ShownDocument(Shown, frozen=True, kw_only=True):
    """A document that was read and analysed; ``attachment_of`` is the path of the e-mail or file it was found in."""

    path: str
    attachment_of: str | None
    name: str
    mime_type: str | None
    size_bytes: int
    sha256: str
    workstream: Workstream | None
    workstreams: tuple[WorkstreamScore, ...]
    summary: ShownSummary | None
    risks: tuple[ShownRisk, ...]
    pages: tuple[ShownPage, ...]
    origin: Origin | None


class ShownBlocker(Shown, frozen=True, kw_only=True):
    title: str
    owner: str | None
    due_date: date | None
    needed_action: str
    opened_on: date
    status: BlockerStatus
    quote: str
    verification: Verification
    fingerprint: str


class ShownEmail(Shown, frozen=True, kw_only=True):
    path: str
    message_id: str | None
    subject: str
    sender: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    sent_at: datetime | None
    thread_key: str | None
    body_text: str
    sentiment: Sentiment | None
    blockers: tuple[ShownBlocker, ...]
    origin: Origin | None


class ShownFailure(Shown, frozen=True, kw_only=True):
    """A file, or an attachment, that could not be read or not be analysed, and why."""

    path: str
    attachment_of: str | None
    code: str
    reason: str


class ShownSkip(Shown, frozen=True, kw_only=True):
    """A file that was not taken in at all, and why."""

    path: str
    reason: str


class ShownDeal(Shown, frozen=True, kw_only=True):
    id: str
    name: str
    folder: str


class ShownCounts(Shown, frozen=True, kw_only=True):
    """``files`` is every file of the folder: the rest adds up to it, attachments (``attachments``) left out."""

    files: int
    documents: int
    emails: int
    failed: int
    skipped: int
    attachments: int


class ShownBrief(Shown, frozen=True, kw_only=True):
    date: date
    status: BriefStatus
    origin: Origin


class RunResult(Shown, frozen=True, kw_only=True):
    """``result.json``."""

    deal: ShownDeal
    counts: ShownCounts
    brief: ShownBrief
    documents: tuple[ShownDocument, ...]
    emails: tuple[ShownEmail, ...]
    failed: tuple[ShownFailure, ...]
    skipped: tuple[ShownSkip, ...]
