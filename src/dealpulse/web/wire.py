"""What travels: JSON in camelCase. Requests are parsed into these at the edge, answers are built from them.

A request field nobody knows is refused, so that a misspelt ``operaton`` is told and not silently replaced by a
default. Ids stay text here; whether they exist, the store knows.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Raw, Struct, field


class Incoming(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a caller sends."""


class Outgoing(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a caller gets."""


class Success(Outgoing, frozen=True, kw_only=True):
    success: bool = True


# --- requests ---------------------------------------------------------------------------------------------------------


class WorkTerms(Incoming, frozen=True, kw_only=True):
    """How soon work is wanted."""

    priority: str = "normal"
    """critical, high, normal or low."""
    run_at: datetime.datetime | None = None
    """A time with its zone, at most a year ahead; at once when left out."""


class DailyBriefRequest(WorkTerms, frozen=True, kw_only=True):
    """A deal's brief."""

    deal_id: str
    date: datetime.date | None = None
    """The deal's local date; today there when left out."""


class DocumentRequest(WorkTerms, frozen=True, kw_only=True):
    """One operation on a document: ingest, summarize, extract_risks, classify or analyze (all three)."""

    document_id: str
    deal_id: str
    operation: str = "summarize"


class EmailRequest(WorkTerms, frozen=True, kw_only=True):
    """One operation on an e-mail: parse, analyze_sentiment, detect_blocker or analyze (both)."""

    email_id: str
    deal_id: str
    operation: str = "analyze"


class SourceSyncRequest(WorkTerms, frozen=True, kw_only=True):
    """A sync, full or incremental, of a deal's sources of one type."""

    deal_id: str
    source_type: str
    sync_type: str = "incremental"


class BriefItem(WorkTerms, frozen=True, kw_only=True, tag_field="queue", tag="dailyBrief"):
    """The brief of a deal's date."""

    deal_id: str
    date: datetime.date


class DocumentItem(WorkTerms, frozen=True, kw_only=True, tag_field="queue", tag="documentProcessing"):
    """One operation on a document."""

    document_id: str
    deal_id: str
    operation: str = "summarize"


class EmailItem(WorkTerms, frozen=True, kw_only=True, tag_field="queue", tag="emailProcessing"):
    """One operation on an e-mail."""

    email_id: str
    deal_id: str
    operation: str = "analyze"


class SyncItem(WorkTerms, frozen=True, kw_only=True, tag_field="queue", tag="sourceSync"):
    """A sync of one source."""

    source_id: str
    deal_id: str
    sync_type: str = "incremental"


WorkItem: TypeAlias = BriefItem | DocumentItem | EmailItem | SyncItem


class EnqueueManyRequest(Incoming, frozen=True, kw_only=True):
    """Up to 1,000 jobs; ``queue`` says what each of them is."""

    jobs: list[WorkItem]


class CleanRequest(Incoming, frozen=True, kw_only=True):
    """What is kept of jobs that ended."""

    state: str = "completed"
    """completed, failed or cancelled."""
    older_than_seconds: float = 0.0
    """Only what ended longer ago."""


class BudgetRequest(Incoming, frozen=True, kw_only=True):
    """What a deal may spend on models a day."""

    daily_usd: float | None
    """0 is any amount; null is what is set for all deals."""


class CostsQuery(Incoming, frozen=True, kw_only=True):
    """The last days, today included, in the time zone of the service, or of the deal where one is named."""

    days: int = 30


class AiCostsQuery(CostsQuery, frozen=True, kw_only=True):
    """The last days of all deals."""

    by: str = "day"
    """day, deal, operation or model."""


class DealsQuery(Incoming, frozen=True, kw_only=True):
    """Which deals."""

    status: str | None = None
    """Such as active or archived; all when left out."""


class AuditQuery(Incoming, frozen=True, kw_only=True):
    """Which entries."""

    before: str | None = None
    """A time (ISO 8601): what came earlier."""


class BriefQuery(Incoming, frozen=True, kw_only=True):
    """In which form; as ``Accept`` says when left out."""

    format: str | None = None
    """json, markdown or html."""


class ReportQuery(Incoming, frozen=True, kw_only=True):
    """In which form."""

    format: str = "json"
    """json, markdown, html or csv."""


class UploadQuery(Incoming, frozen=True, kw_only=True):
    """What the file is called."""

    name: str = ""


class DealRequest(Incoming, frozen=True, kw_only=True):
    """A new deal."""

    name: str
    time_zone: str | None = None


class SourceRequest(Incoming, frozen=True, kw_only=True):
    type: str
    location: str
    name: str | None = None
    connection_id: str | None = None
    """The connected account that reads it; the service's own where it is left out."""


class SyncRequest(Incoming, frozen=True, kw_only=True):
    """How one source is synced."""

    sync_type: str = "incremental"


class CheckRequest(Incoming, frozen=True, kw_only=True):
    """How patient the caller is."""

    wait_seconds: int = 10
    """0 to 20; for a worker's answer."""


class RemoveSourceQuery(Incoming, frozen=True, kw_only=True):
    """What becomes of the documents and e-mails that came from it."""

    documents: str = "keep"
    """keep or delete."""


class ConnectQuery(Incoming, frozen=True, kw_only=True):
    """Whose account is wanted, and where the browser goes in the end."""

    deal: str
    source: str | None = None
    """The source to be read with the account from then on."""
    return_to: str | None = None
    """Below PUBLIC_URL or an origin named in API_CORS_ORIGINS."""


class ConnectRequest(Incoming, frozen=True, kw_only=True):
    """Which account is wanted for which deal, and what is to be read with it."""

    deal_id: str
    source_id: str | None = None
    """The source to be read with the account from then on."""
    location: str | None = None
    """Of a source to be made and read with it."""
    name: str | None = None
    return_to: str | None = None
    """Where the browser goes in the end: below PUBLIC_URL or an origin named in API_CORS_ORIGINS."""


class ConfirmDeletionsRequest(Incoming, frozen=True, kw_only=True):
    gone: int
    """How many deletions the person was asked about."""


class PauseRequest(Incoming, frozen=True, kw_only=True):
    deal_id: str | None = None
    """Only this deal's jobs; the whole queue when left out."""


class JobsQuery(Incoming, frozen=True, kw_only=True):
    """Which jobs; all that is given must be met. Several queues or states: separated by commas."""

    queue: str = ""
    state: str = ""
    """active, waiting, parked, delayed, failed, cancelled, completed."""
    id: str = ""
    deal_id: str = ""
    document_id: str = ""
    email_id: str = ""
    operation: str = ""
    error_class: str = ""
    fingerprint: str = ""
    text: str = ""
    """Part of the id, the deal or the error, among what has ended unless states are given."""
    since: datetime.datetime | None = None
    """Ended, due or begun at or after."""
    until: datetime.datetime | None = None
    limit: int = 50
    after: str | None = None
    """The ``next`` of the page before."""


class BulkRequest(Incoming, frozen=True, kw_only=True):
    """``action``: cancel, retry, promote, discard or reprioritise the jobs named, or all that match ``filter``."""

    action: str
    ids: list[str] = field(default_factory=list)
    filter: JobsQuery | None = None
    priority: str = ""
    """With ``reprioritise``."""
    dry_run: bool = False
    """Only count what would be done."""


class PriorityRequest(Incoming, frozen=True, kw_only=True):
    priority: str


class LettersRequest(Incoming, frozen=True, kw_only=True):
    """Which dead letters of a queue: one job's, one group's by its fingerprint, or all where neither is named."""

    job_id: str | None = None
    fingerprint: str | None = None
    per_second: float | None = None
    """At most so many are run a second; as they come where it is left out."""


class SeriesQuery(Incoming, frozen=True, kw_only=True):
    unit: str = "minute"
    """minute (kept for a day) or hour (kept for two weeks)."""
    last: int = 60


class EventsQuery(Incoming, frozen=True, kw_only=True):
    queue: str = ""
    deal_id: str | None = None


class FeedbackRequest(Incoming, frozen=True, kw_only=True):
    """``verdict``: accept, reject or correct a finding; resolve, dismiss_once, dismiss, reopen or correct a blocker."""

    verdict: str
    corrections: dict[str, str] = field(default_factory=dict)
    """With ``correct`` only. Of a finding: category, severity, action, title; of a blocker: title, owner, due_date,
    needed_action."""
    reason: str = ""


class TokenRequest(Incoming, frozen=True, kw_only=True):
    name: str
    scope: str = "enqueue"
    expires_at: datetime.datetime | None = None


class RecipientRequest(Incoming, frozen=True, kw_only=True):
    channel: str
    """``webhook`` or ``email``."""
    address: str
    kinds: list[str] = field(default_factory=list)
    """Of ``daily_brief``, ``weekly_report`` and ``risk_register``; all of them when left out."""


class ScheduleRequest(Incoming, frozen=True, kw_only=True):
    kind: str
    cron: str
    """Five fields, at most once a day."""
    time_zone: str | None = None
    """The deal's when left out."""


class DriveChanges(Incoming, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A notice: each entry is parsed by itself, so that one bad entry does not lose the others.

    What else the sender tells is none of our business.
    """

    changes: list[Raw]


class DriveChange(Incoming, frozen=True, kw_only=True, forbid_unknown_fields=False):
    deal_id: str


class PubSubMessage(Incoming, frozen=True, kw_only=True, forbid_unknown_fields=False):
    message_id: str
    data: str = ""
    """Base64 of JSON."""


class PubSubPush(Incoming, frozen=True, kw_only=True, forbid_unknown_fields=False):
    message: PubSubMessage


class GraphPush(Incoming, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """As with ``DriveChanges``, each entry is parsed by itself."""

    value: list[Raw]


class GraphItem(Incoming, frozen=True, kw_only=True, forbid_unknown_fields=False):
    subscription_id: str
    client_state: str | None = None
    lifecycle_event: str | None = None
    """Of a notice about the subscription itself."""


# --- answers ----------------------------------------------------------------------------------------------------------


class ErrorBody(Outgoing, frozen=True, kw_only=True):
    code: str
    message: str
    details: dict[str, object] = field(default_factory=dict)


class Fault(Outgoing, frozen=True, kw_only=True):
    success: bool = False
    error: ErrorBody


class JobAnswer(Success, frozen=True, kw_only=True):
    job_id: str
    deduplicated: bool
    """The same work was already waiting or running; this is its job."""


class ItemAnswer(Outgoing, frozen=True, kw_only=True):
    """One of many: its job, or why there is none."""

    job_id: str | None
    deduplicated: bool
    error: ErrorBody | None


class EnqueuedManyAnswer(Success, frozen=True, kw_only=True):
    """An answer an item, in their order."""

    enqueued: int
    refused: int
    jobs: list[ItemAnswer]


class CleanedAnswer(Success, frozen=True, kw_only=True):
    cleaned: int


class ScheduledRunAnswer(Success, frozen=True, kw_only=True):
    schedule: str
    job_id: str


class JobLogAnswer(Success, frozen=True, kw_only=True):
    job_id: str
    log: list[JobLogLine]
    """Oldest first; at most the last two hundred."""


class CostLine(Outgoing, frozen=True, kw_only=True):
    """What the answers of one kind cost together. Calls of 0 USD are answers from the cache, or offline ones."""

    day: datetime.date | None
    operation: str
    engine: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float


class CostsAnswer(Success, frozen=True, kw_only=True):
    total_usd: float
    costs: list[CostLine]
    """By day, operation and model, earliest first."""


class CostShare(Outgoing, frozen=True, kw_only=True):
    """What all answers with one key cost together."""

    key: str
    """A day, a deal's id, an operation or a model, as was asked."""
    calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float


class AiCostsAnswer(Success, frozen=True, kw_only=True):
    by: str
    total_usd: float
    costs: list[CostShare]
    """Days in their order; all else with the most expensive first. At most 400."""


class BudgetView(Outgoing, frozen=True, kw_only=True):
    """``budget_usd``: what may be spent today, the deal's own budget or everybody's; 0 is any amount."""

    deal_id: str
    budget_usd: float
    own_budget_usd: float | None
    spent_today_usd: float


class BudgetAnswer(Success, frozen=True, kw_only=True):
    budget: BudgetView


class BudgetsAnswer(Success, frozen=True, kw_only=True):
    budgets: list[BudgetView]
    """Of the active deals that have one, or have spent something today."""


class ProcessingAnswer(Success, frozen=True, kw_only=True):
    message: str = "Processing started"
    job_id: str


class DealJob(Outgoing, frozen=True, kw_only=True):
    deal_id: str
    job_id: str
    deduplicated: bool


class BriefsAnswer(Success, frozen=True, kw_only=True):
    queued: int
    jobs: list[DealJob]


class SyncJob(Outgoing, frozen=True, kw_only=True):
    job_id: str
    deduplicated: bool


class SyncsAnswer(Success, frozen=True, kw_only=True):
    jobs: list[SyncJob]


class ReceivedAnswer(Outgoing, frozen=True, kw_only=True):
    received: bool = True


class QueueFigures(Outgoing, frozen=True, kw_only=True):
    """``completed``, ``failed`` and ``cancelled`` count what is kept; ``totals`` count since the queue exists."""

    waiting: int
    active: int
    completed: int
    failed: int
    delayed: int
    oldest_waiting_ms: int
    totals: Mapping[str, int]
    parked: int
    """Kept back because their deal is paused or has as many jobs running as it may."""
    cancelled: int
    paused: bool


class StatsAnswer(Success, frozen=True, kw_only=True):
    """Figures by the queue's wire name: ``dailyBrief`` ..."""

    stats: dict[str, QueueFigures]


class JobFault(Outgoing, frozen=True, kw_only=True):
    type: str | None
    code: str | None
    message: str | None


class RunFault(JobFault, frozen=True, kw_only=True):
    """One run that did not end well. ``traceback``: the chain of errors, as log lines have it."""

    worker: str
    attempt: int
    started_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    traceback: Sequence[Mapping[str, object]]


class JobLogLine(Outgoing, frozen=True, kw_only=True):
    at: datetime.datetime
    text: str


class JobDetails(Outgoing, frozen=True, kw_only=True):
    id: str
    queue: str
    function: str
    state: str
    deal_id: str | None
    attempts: int
    enqueued_at: datetime.datetime | None
    due_at: datetime.datetime | None
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    error: JobFault | None
    """The last attempt's, also while the job waits for the next."""
    run: str
    """Names this run, also when the job ran again since."""
    priority: str
    crashes: int
    worker: str | None
    caller: str
    """Who asked for it: a token's name, ``user:ID`` or ``loopback``."""
    progress: int | None
    """Percent."""
    message: str | None
    batches: Sequence[str]
    result: object
    faults: list[RunFault]
    """Oldest first; at most the last twenty."""
    log: list[JobLogLine]
    """Oldest first; at most the last two hundred."""


class JobDetailsAnswer(Success, frozen=True, kw_only=True):
    job: JobDetails


class JobStateAnswer(Success, frozen=True, kw_only=True):
    job_id: str
    state: str
    """After what was asked; ``cancelling``: it runs, was told, and is cancelled when it has cleaned up."""


class JobLine(Outgoing, frozen=True, kw_only=True):
    """A job in a list, without its results, faults and log."""

    id: str
    run: str
    queue: str
    function: str
    state: str
    deal_id: str | None
    priority: str
    attempts: int
    crashes: int
    worker: str | None
    caller: str
    enqueued_at: datetime.datetime | None
    due_at: datetime.datetime | None
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    progress: int | None
    message: str | None
    error: JobFault | None
    fingerprint: str | None


class JobsAnswer(Success, frozen=True, kw_only=True):
    """A page looks at so many jobs at most: it may hold fewer than asked for and yet have a ``next``."""

    jobs: list[JobLine]
    next: str | None


class BulkAnswer(Success, frozen=True, kw_only=True):
    matched: int
    """At most 1,000 in one request."""
    more: bool
    """There are more that match."""
    done: int
    refused: dict[str, int]
    """How many could not be done, by the code that says why."""


class DeadGroupView(Outgoing, frozen=True, kw_only=True):
    fingerprint: str
    error_class: str
    code: str
    message: str
    function: str
    count: int
    first_at: datetime.datetime
    last_at: datetime.datetime
    job_ids: Sequence[str]
    """Examples, newest first."""


class DeadGroupsAnswer(Success, frozen=True, kw_only=True):
    groups: list[DeadGroupView]


class ReplayedAnswer(Success, frozen=True, kw_only=True):
    replayed: int
    busy: int
    refused: int
    lost: int


class DiscardedAnswer(Success, frozen=True, kw_only=True):
    discarded: int


class SeriesPoint(Outgoing, frozen=True, kw_only=True):
    """A minute or an hour; times in ms."""

    start: datetime.datetime
    enqueued: int
    completed: int
    failed: int
    cancelled: int
    retried: int
    crashed: int
    depth: int | None
    wait_p50: float | None
    wait_p95: float | None
    wait_p99: float | None
    run_p50: float | None
    run_p95: float | None
    run_p99: float | None


class SeriesAnswer(Success, frozen=True, kw_only=True):
    queue: str
    unit: str
    points: list[SeriesPoint]


class WorkerLine(Outgoing, frozen=True, kw_only=True):
    worker: str
    about: Mapping[str, str]
    jobs: list[JobLine]
    """What it runs."""


class WorkersAnswer(Success, frozen=True, kw_only=True):
    workers: list[WorkerLine]


class ScheduleLine(Outgoing, frozen=True, kw_only=True):
    name: str
    expression: str
    zone: str
    last_run: datetime.datetime | None
    next_runs: Sequence[datetime.datetime]


class TimetableAnswer(Success, frozen=True, kw_only=True):
    schedules: list[ScheduleLine]


class LimitsAnswer(Success, frozen=True, kw_only=True):
    closed: Mapping[str, float]
    """Seconds for which nobody asks an account, by its name; 0 is open."""
    away: Mapping[str, datetime.datetime]
    """Dependencies that do not answer, and since when."""


class ReleasedAnswer(Success, frozen=True, kw_only=True):
    account: str


class AlertView(Outgoing, frozen=True, kw_only=True):
    """Something that is not as it should be."""

    key: str
    """The same for the same thing."""
    rule: str
    """waiting, oldest_waiting, failure_rate, same_failure, no_workers, missed_brief, needs_consent or
    budget_reached."""
    severity: str
    """critical or warning."""
    subject: str
    """The queue, the deal, the source or the date it is about."""
    summary: str
    deal_ids: Sequence[str]
    """At most twenty."""
    since: datetime.datetime
    fired_at: datetime.datetime | None
    """null: it has not been so for long enough to fire."""


class AlertsAnswer(Success, frozen=True, kw_only=True):
    firing: int
    alerts: list[AlertView]


class PauseAnswer(Success, frozen=True, kw_only=True):
    queue: str
    deal_id: str | None
    paused: bool


class DealView(Outgoing, frozen=True, kw_only=True):
    id: str
    name: str
    status: str
    time_zone: str | None


class DealAnswer(Success, frozen=True, kw_only=True):
    deal: DealView


class DealsAnswer(Success, frozen=True, kw_only=True):
    deals: list[DealView]


class SourceView(Outgoing, frozen=True, kw_only=True):
    id: str
    deal_id: str
    type: str
    name: str
    location: str
    state: str
    last_synced_at: datetime.datetime | None
    last_error: str | None
    gone: int
    """Items whose deletion waits to be confirmed."""
    connection_id: str | None
    """The account that reads it; the service's own where there is none."""
    notified_until: datetime.datetime | None
    """Until when its vendor tells of changes; renewed before that."""
    notification_error: str | None
    """Why it could not be asked to."""


class CheckAnswer(Success, frozen=True, kw_only=True):
    """``readable`` is null where no worker answered in time: ``GET /api/jobs/{jobId}`` tells later."""

    job_id: str
    readable: bool | None
    name: str | None
    code: str | None
    message: str | None


class SourceRemovedAnswer(Success, frozen=True, kw_only=True):
    items: int
    """Documents and e-mails that came from it."""
    deleted: bool


class ConnectAnswer(Success, frozen=True, kw_only=True):
    address: str
    """To be opened in the browser of the person whose account it is; once, within ten minutes."""


class ConnectionView(Outgoing, frozen=True, kw_only=True):
    id: str
    deal_id: str
    provider: str
    account: str
    state: str
    """``active`` or ``needs_consent``."""


class ConnectionsAnswer(Success, frozen=True, kw_only=True):
    connections: list[ConnectionView]


class ConnectionRemovedAnswer(Success, frozen=True, kw_only=True):
    sources: int
    """Sources it read, which need another account's consent now."""


class DeletionsAnswer(Success, frozen=True, kw_only=True):
    deleted: int


class SourceAnswer(Success, frozen=True, kw_only=True):
    source: SourceView


class SourcesAnswer(Success, frozen=True, kw_only=True):
    sources: list[SourceView]


class DocumentView(Outgoing, frozen=True, kw_only=True):
    id: str
    deal_id: str
    name: str
    path: str
    mime_type: str | None
    size_bytes: int
    state: str
    failure_code: str | None
    failure_reason: str | None
    page_count: int


class UploadAnswer(Success, frozen=True, kw_only=True):
    document: DocumentView
    job_id: str
    deduplicated: bool


class EmailView(Outgoing, frozen=True, kw_only=True):
    id: str
    deal_id: str
    name: str
    subject: str
    sender: str | None
    sent_at: datetime.datetime | None
    state: str
    failure_code: str | None
    failure_reason: str | None
    thread_key: str | None


class EmailAnswer(Success, frozen=True, kw_only=True):
    email: EmailView


class EmailsAnswer(Success, frozen=True, kw_only=True):
    emails: list[EmailView]


class DocumentAnswer(Success, frozen=True, kw_only=True):
    document: DocumentView


class DocumentsAnswer(Success, frozen=True, kw_only=True):
    documents: list[DocumentView]


class BriefView(Outgoing, frozen=True, kw_only=True):
    deal_id: str
    date: datetime.date
    status: str
    engine: str
    model: str
    confidence: str
    markdown: str
    content: Mapping[str, object]


class BriefAnswer(Success, frozen=True, kw_only=True):
    brief: BriefView


class CitationView(Outgoing, frozen=True, kw_only=True):
    """Where something is said: in a document or in an e-mail. ``start`` and ``end`` are offsets in the page's text."""

    document_id: str | None
    email_id: str | None
    name: str
    page: int | None
    quote: str
    start: int | None
    end: int | None
    verification: str
    """``verified``, ``repaired`` or ``unverified``: then the quote was not found, and it is no fact."""


class FindingView(Outgoing, frozen=True, kw_only=True):
    id: str
    category: str
    severity: str
    action: str
    title: str
    explanation: str
    status: str
    review: str | None
    engine: str
    confidence: str
    first_seen_at: datetime.datetime
    changed_at: datetime.datetime | None
    citations: list[CitationView]


class FindingsAnswer(Success, frozen=True, kw_only=True):
    findings: list[FindingView]


class BlockerView(Outgoing, frozen=True, kw_only=True):
    id: str
    title: str
    owner: str | None
    due_date: datetime.date | None
    needed_action: str
    opened_on: datetime.date
    status: str
    review: str | None
    citation: CitationView


class BlockersAnswer(Success, frozen=True, kw_only=True):
    blockers: list[BlockerView]


class TokenView(Outgoing, frozen=True, kw_only=True):
    id: str
    name: str
    scope: str
    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None
    last_used_at: datetime.datetime | None


class TokenCreatedAnswer(Success, frozen=True, kw_only=True):
    token: str
    """Shown this once."""
    kept: TokenView


class TokenAnswer(Success, frozen=True, kw_only=True):
    token: TokenView


class TokensAnswer(Success, frozen=True, kw_only=True):
    tokens: list[TokenView]


class AuditLine(Outgoing, frozen=True, kw_only=True):
    at: datetime.datetime | None
    actor: str
    action: str
    target: Mapping[str, str]
    outcome: str
    peer: str
    request_id: str


class AuditAnswer(Success, frozen=True, kw_only=True):
    entries: list[AuditLine]


class IndexAnswer(Outgoing, frozen=True, kw_only=True):
    name: str
    version: str
    links: dict[str, str]


class HealthAnswer(Outgoing, frozen=True, kw_only=True):
    status: str
    version: str


class ReadinessAnswer(Outgoing, frozen=True, kw_only=True):
    """``checks`` says ``ok`` or why not, by dependency."""

    ready: bool
    checks: dict[str, str]


class RecipientView(Outgoing, frozen=True, kw_only=True):
    id: str
    deal_id: str
    channel: str
    address: str
    kinds: list[str]
    state: str
    created_at: datetime.datetime


class RecipientAddedAnswer(Success, frozen=True, kw_only=True):
    recipient: RecipientView
    secret: str | None
    """What its webhooks are signed with; shown this once. None for an e-mail recipient."""


class RecipientsAnswer(Success, frozen=True, kw_only=True):
    recipients: list[RecipientView]


class DeliveryView(Outgoing, frozen=True, kw_only=True):
    id: str
    recipient_id: str
    kind: str
    subject: str
    """The date of the brief or report; of a test, an id of its own."""
    state: str
    attempts: int
    error_code: str | None
    error_message: str | None
    created_at: datetime.datetime
    delivered_at: datetime.datetime | None


class DeliveriesAnswer(Success, frozen=True, kw_only=True):
    deliveries: list[DeliveryView]


class SendingAnswer(Success, frozen=True, kw_only=True):
    delivery_id: str
    job_id: str
    deduplicated: bool


class ScheduleView(Outgoing, frozen=True, kw_only=True):
    id: str
    deal_id: str
    kind: str
    cron: str
    time_zone: str
    state: str


class ScheduleAnswer(Success, frozen=True, kw_only=True):
    schedule: ScheduleView


class SchedulesAnswer(Success, frozen=True, kw_only=True):
    schedules: list[ScheduleView]


class ReportView(Outgoing, frozen=True, kw_only=True):
    deal_id: str
    kind: str
    date: datetime.date
    status: str
    headline: str
    markdown: str
    content: Mapping[str, object]


class ReportAnswer(Success, frozen=True, kw_only=True):
    report: ReportView
