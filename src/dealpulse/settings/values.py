"""The typed settings: frozen values that other rooms are handed. Printing any of them shows no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class Secret:
    """Text that prints as ``***``, in every way Python has of printing; :meth:`reveal` is the one way to read it.

    Not a dataclass: serializers write those out field by field.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))


@dataclass(frozen=True, kw_only=True)
class RedisSettings:
    """Where Redis is. With ``sentinels``, ``host`` and ``port`` are not used: the sentinels name the primary."""

    host: str = "localhost"
    port: int = 6379
    database: int = 0
    username: str | None = None
    password: Secret | None = None
    tls: bool = False
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinel_master: str | None = None
    socket_timeout: float = 10.0
    """Seconds one answer may take; a longer silence is a lost connection."""


@dataclass(frozen=True, kw_only=True)
class SupabaseSettings:
    """``url`` has no trailing slash. ``database_url`` is only for migrations."""

    url: str
    service_role_key: Secret
    schema: str = "public"
    database_url: Secret | None = None
    timeout: float = 30.0
    """Seconds one request may take."""
    jwt_secret: Secret | None = None
    """What users' tokens are signed with; None where the project publishes keys."""


AI_OPERATIONS: tuple[str, ...] = (
    "document.summarize",
    "document.extract_risks",
    "document.classify",
    "document.analyze",
    "document.overview",
    "email.analyze_sentiment",
    "email.detect_blocker",
    "email.analyze",
    "brief.summary",
)
"""What models are asked, as ``dealpulse.processors`` calls it, which this row may not import (a test compares them)."""


@dataclass(frozen=True, kw_only=True)
class AiSettings:
    """No ``api_key``: the offline engine answers. ``fallback_local``: it also answers while Claude is away."""

    api_key: Secret | None = None
    base_url: str | None = None
    model: str = "claude-sonnet-5-5"
    models: Mapping[str, str] = field(default_factory=dict)
    """By operation (``document.classify``) or kind (``email``): models that answer those in place of ``model``."""
    daily_budget_usd: float = 0.0
    """What a deal without a budget of its own may spend a day; 0 is any amount."""
    timeout: float = 90.0
    """Seconds one request may take; less than any queue's time limit, or a silent Claude would burn attempts."""
    fallback_local: bool = False

    def model_for(self, operation: str) -> str:
        """The model that answers ``operation``, such as ``document.classify``."""
        kind = operation.partition(".")[0]
        return self.models.get(operation) or self.models.get(kind) or self.model

    @property
    def all_models(self) -> tuple[str, ...]:
        """Every model that may be asked, each once."""
        return tuple(dict.fromkeys((self.model, *self.models.values())))


@dataclass(frozen=True, kw_only=True)
class QueueSettings:
    """One queue's numbers; times are seconds."""

    concurrency: int
    attempts: int
    backoff_base: float
    time_limit: float
    keep_completed: int = 100
    keep_failed: int = 500
    per_deal: int = 0
    """Jobs of one deal that run at once, over all workers; 0 is any number."""
    limit: int = 0
    """Jobs that run at once over all workers; 0 is any number."""


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    host: str = "127.0.0.1"
    port: int = 3000
    tokens: tuple[Secret, ...] = ()
    """Any of them is accepted as bearer token."""
    trust_loopback: bool = False
    """Requests from this machine need no token."""
    rate_per_minute: int = 6_000
    payloads_scope: str = "operate"
    """Who may see on the dashboard what jobs were asked for."""
    """Requests of one caller; 0 is any number."""
    metrics_open: bool = False
    """``/metrics`` needs no token."""
    cors_origins: tuple[str, ...] = ()
    """Whose pages may ask from a browser."""
    max_body_bytes: int = 1 << 20
    max_upload_bytes: int = 50 << 20


@dataclass(frozen=True, kw_only=True)
class GoogleSettings:
    """``client_id`` and ``client_secret`` are for accounts people connect, ``service_account`` is for the others."""

    api_url: str = "https://www.googleapis.com"
    token_url: str = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
    client_id: str | None = None
    client_secret: Secret | None = None
    service_account: Path | None = None
    """Its key file (JSON)."""
    impersonate: str | None = None
    """The user (e-mail address) in whose name the service account reads; None: in its own."""
    auth_url: str = "https://accounts.google.com/o/oauth2/v2/auth"
    revoke_url: str = "https://oauth2.googleapis.com/revoke"
    keys_url: str = "https://www.googleapis.com/oauth2/v3/certs"
    topic: str | None = None
    """Of Pub/Sub, through which Gmail tells of new mail."""
    push_account: str | None = None
    """Who signs what Pub/Sub pushes (e-mail address)."""
    push_audience: str | None = None
    """For whom; None: for the address it is pushed to."""


@dataclass(frozen=True, kw_only=True)
class MicrosoftSettings:
    """The registered app: in a person's name where they connected their account, else in its own."""

    graph_url: str = "https://graph.microsoft.com/v1.0"
    login_url: str = "https://login.microsoftonline.com"
    tenant: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None


@dataclass(frozen=True)
class EncryptionKey:
    """``name`` stands beside what the key sealed, so that it is found again after newer keys came."""

    name: str
    key: Secret
    """32 bytes, base64."""


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    folder_roots: tuple[Path, ...] = ()
    """A local directory is a source only below one of these: whoever may add sources must not read the disk."""
    downloads: int = 8
    """Files one sync fetches at a time."""
    sweep_time: str = "*/30 * * * *"
    """When every active source is synced: five-field cron expression, in the service's zone."""
    notifications: str = "auto"
    """``auto``, ``on`` or ``off``: see ``Settings.notices_url``."""
    google: GoogleSettings = field(default_factory=GoogleSettings)
    microsoft: MicrosoftSettings = field(default_factory=MicrosoftSettings)
    encryption_keys: tuple[EncryptionKey, ...] = ()
    """The first seals the tokens of accounts people connect, all of them open; none: no account can be connected."""


@dataclass(frozen=True, kw_only=True)
class SmtpServer:
    """Who takes our e-mails. ``tls``: from the first byte on; otherwise STARTTLS is asked for."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: Secret | None = None


@dataclass(frozen=True, kw_only=True)
class DeliverySettings:
    """How briefs and reports leave. Without a server no e-mail does."""

    smtp: SmtpServer | None = None
    sender: str | None = None
    """An address; of every e-mail."""
    allow_private: bool = False
    """Webhooks may go to addresses that are not public, and by http."""


@dataclass(frozen=True, kw_only=True)
class AlertSettings:
    """When operators are told, and how. 0 turns a rule off."""

    waiting: int = 100
    waiting_seconds: float = 300.0
    """For so long more than that must wait."""
    oldest_waiting_seconds: int = 1_800
    failure_percent: int = 25
    same_failure: int = 5
    no_workers_seconds: int = 60
    brief_late_seconds: int = 3_600
    needs_consent: bool = True
    budget_percent: int = 100
    webhook_url: Secret | None = None
    webhook_secret: Secret | None = None
    slack_url: Secret | None = None
    """Whoever knows it may write to the channel."""
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExtractionSettings:
    """What reading one file may use."""

    seconds: float = 300.0
    memory_bytes: int = 1 << 30
    max_file_bytes: int = 50 << 20
    max_depth: int = 3
    """How often a file inside a file is taken out."""
    max_inner_files: int = 1_000
    max_inner_bytes: int = 1 << 30
    ocr_language: str = "eng"


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    level: str = "info"
    """``debug``, ``info``, ``warning``, ``error`` or ``critical``."""
    human: bool = False
    """Readable lines, if standard output is a terminal; JSON otherwise."""
    debug: bool = False
    """``DEBUG`` names us: also log what other people's exceptions say, which may quote content."""


@dataclass(frozen=True)
class QueueDefaults:
    """A queue's defaults and the prefix of the variables that override them."""

    prefix: str
    values: QueueSettings


QUEUE_DEFAULTS: Mapping[str, QueueDefaults] = {
    "dailyBrief": QueueDefaults(
        "DAILY_BRIEF", QueueSettings(concurrency=2, attempts=3, backoff_base=5.0, time_limit=300.0)
    ),
    "documentProcessing": QueueDefaults(
        "DOCUMENT", QueueSettings(concurrency=5, attempts=4, backoff_base=5.0, time_limit=600.0, per_deal=4)
    ),
    "emailProcessing": QueueDefaults(
        "EMAIL", QueueSettings(concurrency=10, attempts=4, backoff_base=5.0, time_limit=120.0, per_deal=8)
    ),
    "sourceSync": QueueDefaults(
        "SOURCE_SYNC", QueueSettings(concurrency=3, attempts=5, backoff_base=10.0, time_limit=1800.0)
    ),
}
"""By wire name; the numbers of ``dealpulse.jobs``, which this row may not import (a test compares them)."""
