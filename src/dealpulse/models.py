"""The domain: what a deal consists of and what is found out about it. Values only, no I/O.

Every value is a frozen ``msgspec.Struct``: ``msgspec.convert(row, type)`` builds and checks one from a database row.
Ids are UUIDs as text. Times are timezone-aware UTC. Enum members are the words the database and the API use.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct, field

# --- what a deal is made of -----------------------------------------------------------------------------------------


class SourceType(StrEnum):
    folder = "folder"
    gdrive = "gdrive"
    sharepoint = "sharepoint"
    gmail = "gmail"
    outlook = "outlook"


class SourceState(StrEnum):
    active = "active"
    paused = "paused"
    needs_consent = "needs_consent"
    needs_confirmation = "needs_confirmation"
    """So much is gone at once that nothing is deleted before a person confirms it; syncs go on meanwhile."""


ACTIVE_DEAL = "active"
"""Only deals with this status get briefs. The app may know further statuses of its own."""


class Deal(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    status: str
    time_zone: str | None = None
    """IANA name; None means the service's own ``TIMEZONE``."""

    @property
    def is_active(self) -> bool:
        return self.status == ACTIVE_DEAL

    def zone(self, default: ZoneInfo) -> ZoneInfo:
        """Where the deal is. The app writes ``time_zone`` too: a name it misspelt counts as none."""
        if self.time_zone is None:
            return default
        try:
            return ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            return default


class Source(Struct, frozen=True, kw_only=True):
    """One connected place documents or e-mails come from. ``location`` is what the connector needs to find it."""

    id: str
    deal_id: str
    type: SourceType
    name: str
    location: str
    """A folder's absolute path, a Drive folder id, a mailbox ... by type."""
    state: SourceState = SourceState.active
    cursor: str | None = None
    """Opaque to all but the connector; None: the next sync lists everything."""
    last_synced_at: datetime | None = None
    last_error: str | None = None
    skipped: tuple[SkippedItem, ...] = ()
    """What its syncs left out and no later sync could take."""
    connection_id: str | None = None
    """The authorisation a person gave for it; None where the service's own account reads it."""
    listing: str | None = None
    """The complete listing under way, which ``cursor`` goes on with."""
    gone: int = 0
    """How many items wait for a person to confirm that they are deleted."""
    access: tuple[SourceAccess, ...] = ()
    """Who may read it at the vendor, as the last sync found it."""


class Provider(StrEnum):
    """Whose accounts people connect."""

    google = "google"
    microsoft = "microsoft"


class Connection(Struct, frozen=True, kw_only=True):
    """An account a person let us read for a deal. ``sealed_tokens`` only the sources room can open."""

    id: str
    deal_id: str
    provider: Provider
    account: str
    """Its e-mail address."""
    sealed_tokens: str
    state: SourceState = SourceState.active
    """``active`` or ``needs_consent``."""


class SourceAccess(Struct, frozen=True, kw_only=True):
    """Who may do what with a source's folder at the vendor."""

    who: str
    """An e-mail address, a domain, or ``anyone``."""
    role: str
    """The vendor's own word: ``reader``, ``writer``, ``owner`` ..."""


class SourceFolder(Struct, frozen=True, kw_only=True):
    """One folder of a source whose vendor names a file's folder by id.

    With ``target_id`` it is a shortcut, remembered for what it points to, which its connector writes there.
    """

    external_id: str
    parent_id: str | None = None
    """None for the source's own top."""
    name: str
    target_id: str | None = None
    listed: bool = False
    """What is in it has been listed, to the last page."""


class SkippedItem(Struct, frozen=True, kw_only=True):
    """One file or message of a source that was not taken in, and why."""

    path: str
    reason: str
    external_id: str | None = None
    """By which it can be looked up; None for what only another listing can find."""
    retry: bool = True
    """Whether the next sync tries it again; otherwise it waits until it changes."""


class DocumentState(StrEnum):
    new = "new"
    """Stored, not read yet."""
    ready = "ready"
    """Its pages are stored."""
    failed = "failed"
    """Cannot be read; ``failure_reason`` says why."""
    deleted = "deleted"
    """Gone from its source."""


class PageKind(StrEnum):
    page = "page"
    slide = "slide"
    sheet = "sheet"
    section = "section"


class TextMethod(StrEnum):
    text = "text"
    ocr = "ocr"
    mixed = "mixed"


class Page(Struct, frozen=True, kw_only=True):
    """One page's text. ``char_start`` and ``char_end`` are its offsets in all pages joined by ``"\\n"``."""

    number: int
    """1-based, in reading order."""
    kind: PageKind
    text: str
    char_start: int
    char_end: int
    label: str | None = None
    """Sheet name, slide title or heading path, for citations of formats without pages."""
    method: TextMethod = TextMethod.text
    confidence: float | None = None
    """Mean OCR word confidence, 0..1; None where no OCR ran."""
    rotation: int = 0
    """Degrees clockwise the scan was turned by before reading."""
    warnings: tuple[str, ...] = ()


_LISTS: Final = frozenset({"application/zip", "application/mbox"})


class Document(Struct, frozen=True, kw_only=True):
    id: str
    deal_id: str
    name: str
    path: str
    """Path within its source, ``/``-separated, for people; identity is ``(source_id, external_id)``."""
    mime_type: str | None = None
    size_bytes: int = 0
    content_hash: str
    """SHA-256 of the bytes, hex."""
    storage_key: str
    state: DocumentState = DocumentState.new
    failure_code: str | None = None
    failure_reason: str | None = None
    page_count: int = 0
    source_id: str | None = None
    external_id: str | None = None
    email_id: str | None = None
    """The e-mail it was attached to."""
    parent_id: str | None = None
    """The document it was found in: an archive, a message; ``external_id`` is its path in there then."""
    duplicate_of: str | None = None
    """The first document of the deal with the same content, where that is another one."""
    web_link: str | None = None
    summary: Summary | None = None
    classification: Classification | None = None
    origin: Origin | None = None
    """Who wrote ``summary`` and ``classification``; None before the first analysis."""
    created_at: datetime
    updated_at: datetime

    @property
    def only_lists(self) -> bool:
        """It says nothing but which files are in it: there is nothing to analyse."""
        return self.mime_type in _LISTS


class DocumentVersion(Struct, frozen=True, kw_only=True):
    """What a document was before its source brought other content. Its file is still stored."""

    document_id: str
    number: int
    """From 1, the oldest."""
    name: str
    mime_type: str | None = None
    size_bytes: int
    content_hash: str
    storage_key: str
    page_count: int
    """0 where it was never read."""
    summary: Summary | None = None
    classification: Classification | None = None
    origin: Origin | None = None
    replaced_at: datetime


class Address(Struct, frozen=True, kw_only=True):
    address: str
    """Lower-cased addr-spec; empty where the header could not be read."""
    name: str = ""


class CalendarEvent(Struct, frozen=True, kw_only=True):
    """An invite found in an e-mail."""

    summary: str
    start: datetime | None = None
    end: datetime | None = None
    location: str = ""
    method: str = ""
    """``REQUEST``, ``CANCEL``, ``REPLY`` ..."""
    attendees: tuple[Address, ...] = ()
    description: str = ""


class Email(Struct, frozen=True, kw_only=True):
    id: str
    deal_id: str
    name: str
    path: str
    content_hash: str
    storage_key: str
    state: DocumentState = DocumentState.new
    failure_code: str | None = None
    failure_reason: str | None = None
    source_id: str | None = None
    external_id: str | None = None
    web_link: str | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    thread_key: str | None = None
    """The same for all messages of a thread: its root Message-ID, else the normalised subject."""
    subject: str = ""
    sender: Address | None = None
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    sent_at: datetime | None = None
    body_text: str = ""
    """What this message newly says: no quoted history, no signature."""
    full_text: str = ""
    """The whole decoded text, quotes and signature included."""
    events: tuple[CalendarEvent, ...] = ()
    warnings: tuple[str, ...] = ()
    """What a person should know of its reading: attachments left out, hidden text."""
    sentiment: Sentiment | None = None
    origin: Origin | None = None
    """Who judged ``sentiment``."""
    created_at: datetime
    updated_at: datetime


# --- what is found out about it -------------------------------------------------------------------------------------


class EngineName(StrEnum):
    claude = "claude"
    local = "local"


class Confidence(StrEnum):
    low = "low"
    normal = "normal"


class Origin(Struct, frozen=True, kw_only=True):
    """Who answered: stands beside every result, so that nobody mistakes the offline engine for Claude."""

    engine: EngineName
    model: str
    confidence: Confidence


class Workstream(StrEnum):
    corporate_legal = "corporate_legal"
    material_contracts = "material_contracts"
    litigation = "litigation"
    financial = "financial"
    tax = "tax"
    commercial = "commercial"
    hr = "hr"
    ip = "ip"
    it = "it"
    cyber_privacy = "cyber_privacy"
    regulatory_antitrust = "regulatory_antitrust"
    real_estate = "real_estate"
    environmental_esg = "environmental_esg"
    insurance = "insurance"
    operations = "operations"
    integration = "integration"
    financing = "financing"
    process = "process"
    other = "other"
    unclassified = "unclassified"


class RiskCategory(StrEnum):
    change_of_control = "change_of_control"
    anti_assignment = "anti_assignment"
    termination_for_convenience = "termination_for_convenience"
    exclusivity = "exclusivity"
    mfn = "mfn"
    non_compete = "non_compete"
    indemnification = "indemnification"
    liability_cap = "liability_cap"
    warranty = "warranty"
    mac = "mac"
    litigation = "litigation"
    regulatory = "regulatory"
    antitrust = "antitrust"
    sanctions = "sanctions"
    ip_ownership = "ip_ownership"
    open_source = "open_source"
    data_privacy = "data_privacy"
    cyber = "cyber"
    environmental = "environmental"
    insurance = "insurance"
    customer_concentration = "customer_concentration"
    supplier_concentration = "supplier_concentration"
    earnings_quality = "earnings_quality"
    working_capital = "working_capital"
    debt_like_items = "debt_like_items"
    tax = "tax"
    off_balance_sheet = "off_balance_sheet"
    key_person = "key_person"
    misclassification = "misclassification"
    related_party = "related_party"
    real_estate = "real_estate"
    timeline = "timeline"
    missing_document = "missing_document"
    contradiction = "contradiction"
    document_integrity = "document_integrity"
    prompt_injection = "prompt_injection"


class Severity(StrEnum):
    P0 = "P0"
    """Deal-breaker."""
    P1 = "P1"
    """To be solved before close."""
    P2 = "P2"
    """Manageable."""
    P3 = "P3"
    """Monitor."""


class Action(StrEnum):
    investigate = "investigate"
    price = "price"
    structure = "structure"
    walk = "walk"


class Verification(StrEnum):
    """Whether a quote stands in the stored text."""

    verified = "verified"
    """Found letter for letter (white space aside) on the page it was cited from."""
    repaired = "repaired"
    """Found, but on another page or with other punctuation; page and text now are the document's own."""
    unverified = "unverified"
    """Not found: never shown as fact."""


class Citation(Struct, frozen=True, kw_only=True):
    """Where something is said. Offsets are within the page's text; both are None when unverified."""

    quote: str
    page: int | None
    verification: Verification
    start: int | None = None
    end: int | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """A risk found in one document. ``fingerprint`` is the same for the same risk in another document or run."""

    category: RiskCategory
    severity: Severity
    action: Action
    title: str
    explanation: str
    citation: Citation
    fingerprint: str
    terms: tuple[str, ...] = ()
    """What its clause is about (see ``fingerprints.clause_terms``); none: it is like no other."""


class KeyFact(Struct, frozen=True, kw_only=True):
    """One named fact of a summary: ``("purchase price", "USD 48,000,000")``."""

    name: str
    value: str


class SectionSummary(Struct, frozen=True, kw_only=True):
    """What a section of a long document says. Two sections may share the page between them."""

    first_page: int
    last_page: int
    summary: str


class Summary(Struct, frozen=True, kw_only=True):
    document_type: str
    summary: str
    """At most five lines."""
    parties: tuple[str, ...] = ()
    dates: tuple[KeyFact, ...] = ()
    amounts: tuple[KeyFact, ...] = ()
    obligations: tuple[str, ...] = ()
    key_terms: tuple[KeyFact, ...] = ()
    sections: tuple[SectionSummary, ...] = ()
    """Of a document too long for one question; empty for all others."""


class WorkstreamScore(Struct, frozen=True, kw_only=True):
    workstream: Workstream
    score: float
    """0..1"""


class Classification(Struct, frozen=True, kw_only=True):
    primary: Workstream
    workstreams: tuple[WorkstreamScore, ...] = ()
    confidence: float | None = None
    """0..1, how sure the primary one is; None where it was never told."""


class SentimentLabel(StrEnum):
    positive = "positive"
    neutral = "neutral"
    negative = "negative"


class Sentiment(Struct, frozen=True, kw_only=True):
    label: SentimentLabel
    score: float
    """-1 (hostile) .. 1 (warm)."""
    reason: str = ""


class BlockerStatus(StrEnum):
    open = "open"
    resolved = "resolved"
    dismissed = "dismissed"


class Blocker(Struct, frozen=True, kw_only=True):
    """Something that holds the deal up, as one e-mail tells it. Days stalled are computed, never stored."""

    title: str
    owner: str | None
    due_date: date | None
    needed_action: str
    opened_on: date
    citation: Citation
    fingerprint: str
    status: BlockerStatus = BlockerStatus.open
    terms: tuple[str, ...] = ()
    """What it is about, so that a later e-mail of the thread is known to mean it."""


class RecordedCitation(Struct, frozen=True, kw_only=True):
    """A citation, and the document or the e-mail it points into: one of the two ids is there."""

    document_id: str | None = None
    email_id: str | None = None
    document_name: str
    """The document's name, or the e-mail's subject."""
    citation: Citation


class FindingStatus(StrEnum):
    open = "open"
    resolved = "resolved"
    """No document says so any more."""
    rejected = "rejected"
    """A person said it is none."""


class Review(StrEnum):
    """What a person said of a finding last."""

    accepted = "accepted"
    rejected = "rejected"
    corrected = "corrected"


class RecordedFinding(Struct, frozen=True, kw_only=True):
    """A risk of a deal as stored: one per fingerprint, cited from every document that says so."""

    id: str
    category: RiskCategory
    severity: Severity
    action: Action
    title: str
    explanation: str
    fingerprint: str
    status: FindingStatus
    origin: Origin
    first_seen_at: datetime
    changed_at: datetime | None = None
    """When its category, severity, action or title last became another."""
    review: Review | None = None
    citations: tuple[RecordedCitation, ...]


class BlockerReview(StrEnum):
    """What a person said of a blocker last."""

    resolved = "resolved"
    dismissed_once = "dismissed_once"
    dismissed = "dismissed"
    corrected = "corrected"


class RecordedBlocker(Struct, frozen=True, kw_only=True):
    """A blocker of a deal as stored, with the e-mail that tells it."""

    id: str
    email_id: str
    email_subject: str
    blocker: Blocker
    origin: Origin
    review: BlockerReview | None = None
    updated_at: datetime | None = None


class FindingVerdict(StrEnum):
    """What a person may say of a finding; later runs respect it."""

    accept = "accept"
    reject = "reject"
    """It is none, whoever states it again."""
    correct = "correct"


class BlockerVerdict(StrEnum):
    """What a person may say of a blocker; later runs respect it."""

    resolve = "resolve"
    """It is settled, until a later e-mail raises it again."""
    dismiss_once = "dismiss_once"
    """It is none, until a later e-mail raises it again."""
    dismiss = "dismiss"
    """It is none, for good."""
    reopen = "reopen"
    correct = "correct"


class Feedback(Struct, frozen=True, kw_only=True):
    """What a person said of a finding or a blocker: one of the two ids is there."""

    id: str
    deal_id: str
    finding_id: str | None = None
    blocker_id: str | None = None
    verdict: str
    corrections: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    author: str
    created_at: datetime


class DocumentAnalysis(Struct, frozen=True, kw_only=True):
    """What one run found out; parts not asked for are None and leave stored results alone."""

    summary: Summary | None = None
    classification: Classification | None = None
    findings: tuple[Finding, ...] | None = None


class EmailAnalysis(Struct, frozen=True, kw_only=True):
    sentiment: Sentiment | None = None
    blockers: tuple[Blocker, ...] | None = None
    findings: tuple[Finding, ...] | None = None
    """What the message itself puts at risk: that it tries to instruct an AI."""


class BriefStatus(StrEnum):
    complete = "complete"
    partial = "partial"


class Brief(Struct, frozen=True, kw_only=True):
    deal_id: str
    brief_date: date
    """The deal's local date."""
    status: BriefStatus
    markdown: str
    html: str = ""
    """The same brief, printable; self-contained."""
    content: dict[str, object] = field(default_factory=dict)
    """The same brief as JSON, for the app to lay out."""
    origin: Origin


# --- what leaves ------------------------------------------------------------------------------------------------------


class ReportKind(StrEnum):
    weekly_report = "weekly_report"
    risk_register = "risk_register"


class Report(Struct, frozen=True, kw_only=True):
    """A weekly report or a risk register. A form it does not come in is empty."""

    deal_id: str
    kind: ReportKind
    report_date: date
    """A local date: the last day it tells of."""
    status: BriefStatus
    headline: str
    markdown: str
    html: str = ""
    csv: str = ""
    content: dict[str, object] = field(default_factory=dict)


class ScheduleState(StrEnum):
    active = "active"
    paused = "paused"


class ReportSchedule(Struct, frozen=True, kw_only=True):
    """When a deal's report of one kind is made."""

    id: str
    deal_id: str
    kind: ReportKind
    cron: str
    """Five fields, at most one run a day."""
    time_zone: str
    state: ScheduleState
    asked_until: datetime
    """Due times up to this one have been seen to."""


class DeliveryKind(StrEnum):
    daily_brief = "daily_brief"
    weekly_report = "weekly_report"
    risk_register = "risk_register"
    test = "test"
    """Nobody subscribes to it: it is sent when a person asks."""


class Channel(StrEnum):
    webhook = "webhook"
    email = "email"


class RecipientState(StrEnum):
    active = "active"
    paused = "paused"
    """It said that it is gone (HTTP 410); adding it again makes it active."""


class Recipient(Struct, frozen=True, kw_only=True):
    """Who is sent a deal's briefs and reports. What its webhooks are signed with is kept apart."""

    id: str
    deal_id: str
    channel: Channel
    address: str
    """An https address or an e-mail address, by channel."""
    kinds: tuple[DeliveryKind, ...]
    state: RecipientState
    created_at: datetime


class DeliveryState(StrEnum):
    pending = "pending"
    delivered = "delivered"
    failed = "failed"


class Delivery(Struct, frozen=True, kw_only=True):
    """One brief or report on its way to one recipient."""

    id: str
    deal_id: str
    recipient_id: str
    kind: DeliveryKind
    subject: str
    """The brief's or report's ISO date; of a test, an id of its own."""
    state: DeliveryState
    attempts: int = 0
    error_code: str | None = None
    error_message: str | None = None
    created_at: datetime
    delivered_at: datetime | None = None


# --- the service's own affairs ----------------------------------------------------------------------------------------


class ApiToken(Struct, frozen=True, kw_only=True):
    """A token that was handed out; only its digest is kept."""

    id: str
    name: str
    scope: str
    """``read``, ``enqueue``, ``operate`` or ``admin``."""
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    """To the minute."""


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Something an operator did, or tried to do."""

    actor: str
    action: str
    """Room and function: ``jobs.cancel``."""
    target: dict[str, str]
    """What the request's address named."""
    outcome: str
    """``done``, or the code of what kept it from being done."""
    peer: str
    """The address it came from."""
    request_id: str
    at: datetime | None = None
    """None: now."""


# --- the bookkeeping of work ------------------------------------------------------------------------------------------


class SubjectType(StrEnum):
    """What an operation is asked of."""

    document = "document"
    email = "email"
    source = "source"
    brief = "brief"
    report = "report"
    delivery = "delivery"


class OperationState(StrEnum):
    pending = "pending"
    """Asked for, not known to Redis yet."""
    queued = "queued"
    running = "running"
    done = "done"
    failed = "failed"
    cancelled = "cancelled"
    """By a person, before it was done."""


class Operation(Struct, frozen=True, kw_only=True):
    """One operation asked of one row: the truth the queues are rebuilt from.

    ``subject_id`` is a document's, e-mail's, source's or delivery's id, and the deal's id for a brief or a report;
    ``name`` is the operation (for a brief: its ISO date; for a report: its kind, a colon and its date; for a source:
    ``full`` or ``incremental``).
    """

    subject_type: SubjectType
    subject_id: str
    name: str
    deal_id: str
    state: OperationState = OperationState.pending
    error_code: str | None = None
    error_message: str | None = None


class Usage(Struct, frozen=True, kw_only=True):
    """What one model call cost. Tokens as the vendor billed them; ``cost_usd`` by our price list."""

    operation: str
    origin: Origin
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0
    duration_ms: int = 0
    request_id: str | None = None
    stop_reason: str | None = None
