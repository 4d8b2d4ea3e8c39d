"""Every environment variable, in one table: name, how its text is read, what holds when it is absent, what it means.

``.env.example`` is this table as text (``python -m dealpulse.settings``); a test keeps the two alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from dealpulse.settings.cron import parse_cron
from dealpulse.settings.parsers import (
    addresses,
    amount,
    byte_count,
    choice,
    database_url,
    encryption_keys,
    file,
    flag,
    folders,
    hook_url,
    host,
    mail_address,
    mail_addresses,
    matching,
    models,
    names_us,
    origins,
    password,
    port,
    redis_url,
    seconds,
    secret,
    secrets,
    service_role_key,
    signing_secret,
    smtp_url,
    text,
    time_zone,
    web_url,
    whole,
)
from dealpulse.settings.values import (
    AI_OPERATIONS,
    QUEUE_DEFAULTS,
    AiSettings,
    GoogleSettings,
    MicrosoftSettings,
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Variable(Generic[T_co]):
    """One environment variable. ``default`` is text, as it would be written; None means that there is none."""

    name: str
    parse: Callable[[str], T_co]
    default: str | None
    meaning: str
    remedy: str
    """What would be right, for the person who has to correct it."""


class Values:
    """Parsed values by variable."""

    def __init__(self, parsed: Mapping[str, object]) -> None:
        self._parsed = parsed

    def optional(self, variable: Variable[T]) -> T | None:
        return cast("T | None", self._parsed.get(variable.name))

    def __getitem__(self, variable: Variable[T]) -> T:
        """The value of a variable that has a default or is known to be set."""
        return cast("T", self._parsed[variable.name])


_PORT = "a port from 1 to 65535"
_SECONDS = "a positive number of seconds, such as 30"
_BYTES = "a number of bytes, such as 1048576 or 50MB"
_COUNT = "a whole number from 1"
_KEPT = "a whole number from 0"
_FLAG = "true or false"

REDIS_URL = Variable(
    "REDIS_URL",
    redis_url,
    None,
    "Redis in one address: redis:// or, with TLS, rediss://; it wins over REDIS_HOST, REDIS_PORT and REDIS_DB",
    "redis://user:password@host:6379/0, special characters in the password percent-encoded (@ is %40)",
)
REDIS_HOST = Variable("REDIS_HOST", host, "localhost", "Host of Redis", "a host name or address, such as localhost")
REDIS_PORT = Variable("REDIS_PORT", port, "6379", "Port of Redis", _PORT)
REDIS_USERNAME = Variable("REDIS_USERNAME", text, None, "User of Redis, if it has users (ACLs)", "a user name")
REDIS_PASSWORD = Variable("REDIS_PASSWORD", password, None, "Password of Redis", "the password as it is, not encoded")
REDIS_DB = Variable("REDIS_DB", whole(0), "0", "Database number", "a whole number from 0")
REDIS_TLS = Variable("REDIS_TLS", flag, "false", "Connect with TLS (rediss:// does so anyway)", _FLAG)
REDIS_SENTINELS = Variable(
    "REDIS_SENTINELS",
    addresses,
    None,
    "Sentinels, which are then asked where Redis is",
    "host:port,host:port",
)
REDIS_SENTINEL_MASTER = Variable(
    "REDIS_SENTINEL_MASTER",
    text,
    None,
    "Name the sentinels know the primary by",
    "the name in `sentinel monitor NAME ...`, often mymaster",
)
REDIS_SOCKET_TIMEOUT = Variable(
    "REDIS_SOCKET_TIMEOUT", seconds, "10", "Seconds of silence after which Redis counts as gone", _SECONDS
)

SUPABASE_URL = Variable(
    "SUPABASE_URL",
    web_url,
    None,
    "Address of the Supabase project (required; wins over NEXT_PUBLIC_SUPABASE_URL)",
    "https://YOUR-PROJECT.supabase.co",
)
NEXT_PUBLIC_SUPABASE_URL = Variable(
    "NEXT_PUBLIC_SUPABASE_URL",
    web_url,
    None,
    "The same address under the name the app uses",
    "https://YOUR-PROJECT.supabase.co",
)
SUPABASE_SERVICE_ROLE_KEY = Variable(
    "SUPABASE_SERVICE_ROLE_KEY",
    service_role_key,
    None,
    "Its service-role key (required); not the anon key",
    "the service_role key of the project's API settings",
)
SUPABASE_SCHEMA = Variable(
    "SUPABASE_SCHEMA",
    matching(r"[A-Za-z_][A-Za-z0-9_]{0,62}", "is not a schema name"),
    "public",
    "Database schema of the tables",
    "a plain schema name, such as public",
)
SUPABASE_TIMEOUT_SECONDS = Variable(
    "SUPABASE_TIMEOUT_SECONDS", seconds, "30", "Seconds one request to Supabase may take", _SECONDS
)
SUPABASE_JWT_SECRET = Variable(
    "SUPABASE_JWT_SECRET",
    secret,
    None,
    "What the project signs its users' tokens with, where it uses one shared secret; without it the keys the project"
    " publishes are used",
    "the JWT secret of the project's API settings",
)
DATABASE_URL = Variable(
    "DATABASE_URL",
    database_url,
    None,
    "Postgres itself; only `dealpulse migrate` needs it",
    "postgresql://user:password@host:5432/postgres",
)

ANTHROPIC_API_KEY = Variable(
    "ANTHROPIC_API_KEY",
    secret,
    None,
    "Key for Claude; without one the offline engine answers, and says so",
    "a key from the Claude Console, without spaces",
)
ANTHROPIC_BASE_URL = Variable(
    "ANTHROPIC_BASE_URL", web_url, None, "Another address for Claude, such as a proxy", "https://host"
)
ANTHROPIC_MODEL = Variable("ANTHROPIC_MODEL", text, AiSettings.model, "Model that answers", "a model id")
ANTHROPIC_MODELS = Variable(
    "ANTHROPIC_MODELS",
    models,
    None,
    "Other models for some operations: operation=model or kind=model, separated by commas",
    f"pairs such as email=claude-haiku-5-5,document.extract_risks=claude-opus-5-5; the kinds are document, email and"
    f" brief, the operations {', '.join(AI_OPERATIONS)}",
)
AI_DAILY_BUDGET_USD = Variable(
    "AI_DAILY_BUDGET_USD",
    amount,
    "0",
    "US dollars each deal may spend on Claude a day, where the deal sets no budget of its own",
    "an amount such as 25 or 7.50; 0 is any amount",
)
AI_FALLBACK = Variable(
    "AI_FALLBACK",
    choice("none", "local"),
    "none",
    "What happens while Claude cannot be reached: jobs wait (none) or the offline engine answers (local)",
    "none or local",
)
AI_TIMEOUT_SECONDS = Variable(
    "AI_TIMEOUT_SECONDS",
    seconds,
    "90",
    "Seconds one request to Claude may take; keep it below the queues' time limits",
    _SECONDS,
)

DAILY_BRIEF_TIME = Variable(
    "DAILY_BRIEF_TIME",
    parse_cron,
    "0 8 * * *",
    "When the daily briefs are written: cron, five fields, in TIMEZONE",
    "five fields such as 0 8 * * * (every day at 8:00) or 0 9 * * 1-5 (weekdays at 9:00)",
)
TIMEZONE = Variable(
    "TIMEZONE",
    time_zone,
    "America/New_York",
    "Time zone of deals that have none of their own",
    "an IANA name, such as America/New_York or Europe/Berlin",
)

BRIEF_WAIT_SECONDS = Variable(
    "BRIEF_WAIT_SECONDS",
    whole(0),
    "900",
    "Seconds a brief that is due waits for what is still being read, before it appears in part; 0 does not wait",
    "a whole number of seconds from 0",
)
PUBLIC_URL = Variable(
    "PUBLIC_URL",
    web_url,
    None,
    "Where people and vendors reach the API: briefs link to its pages, consent and notifications come back to it",
    "https://workers.example.com",
)

SMTP_URL = Variable(
    "SMTP_URL",
    smtp_url,
    None,
    "Mail server that takes briefs and reports for recipients by e-mail; needs SMTP_FROM",
    "smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465, special characters percent-encoded",
)
SMTP_FROM = Variable("SMTP_FROM", mail_address, None, "Address those e-mails come from", "briefs@example.com")
DELIVERY_ALLOW_PRIVATE = Variable(
    "DELIVERY_ALLOW_PRIVATE",
    flag,
    "false",
    "Webhooks may also go to private addresses and by http (for development): whoever may add recipients can then make"
    " the workers call whatever they can reach",
    _FLAG,
)

ALERT_WAITING = Variable(
    "ALERT_WAITING", whole(0), "100", "Alert when more jobs than this wait on a queue", "a number; 0 never does"
)
ALERT_WAITING_SECONDS = Variable(
    "ALERT_WAITING_SECONDS", seconds, "300", "Seconds for which they must, before it fires", _SECONDS
)
ALERT_OLDEST_WAITING_SECONDS = Variable(
    "ALERT_OLDEST_WAITING_SECONDS",
    whole(0),
    "1800",
    "Alert when a job has waited longer than this, in seconds",
    "a number of seconds; 0 never does",
)
ALERT_FAILURE_PERCENT = Variable(
    "ALERT_FAILURE_PERCENT",
    whole(0, 100),
    "25",
    "Alert when more than this share of a queue's jobs failed within ten minutes",
    "a percentage; 0 never does",
)
ALERT_SAME_FAILURE = Variable(
    "ALERT_SAME_FAILURE",
    whole(0),
    "5",
    "Alert when the same fault has killed so many jobs of a queue within an hour",
    "a number; 0 never does",
)
ALERT_NO_WORKERS_SECONDS = Variable(
    "ALERT_NO_WORKERS_SECONDS",
    whole(0),
    "60",
    "Alert when no worker has drained a queue for so long",
    "a number of seconds; 0 never does",
)
ALERT_BRIEF_LATE_SECONDS = Variable(
    "ALERT_BRIEF_LATE_SECONDS",
    whole(0),
    "3600",
    "Alert when an active deal has no brief so long after it was due",
    "a number of seconds, more than BRIEF_WAIT_SECONDS; 0 never does",
)
ALERT_NEEDS_CONSENT = Variable(
    "ALERT_NEEDS_CONSENT", flag, "true", "Alert when a person must connect a source again", _FLAG
)
ALERT_BUDGET_PERCENT = Variable(
    "ALERT_BUDGET_PERCENT",
    whole(0, 1_000),
    "100",
    "Alert when a deal has spent this share of its daily budget",
    "a percentage; 0 never does",
)
ALERT_WEBHOOK_URL = Variable(
    "ALERT_WEBHOOK_URL",
    hook_url,
    None,
    "Where alerts are posted as signed webhooks; needs ALERT_WEBHOOK_SECRET",
    "https://example.com/hooks/dealpulse",
)
ALERT_WEBHOOK_SECRET = Variable(
    "ALERT_WEBHOOK_SECRET",
    signing_secret,
    None,
    "What they are signed with",
    'whsec_ and 32 random bytes in base64 (echo "whsec_$(openssl rand -base64 32)")',
)
ALERT_SLACK_URL = Variable(
    "ALERT_SLACK_URL",
    hook_url,
    None,
    "Incoming webhook of Slack, or of a chat that takes the same form, that alerts are posted to",
    "https://hooks.slack.com/services/...",
)
ALERT_EMAILS = Variable(
    "ALERT_EMAILS",
    mail_addresses,
    None,
    "Who gets alerts by e-mail; needs SMTP_URL",
    "addresses separated by commas",
)

PORT = Variable("PORT", port, "3000", "Port of the API", _PORT)
API_HOST = Variable(
    "API_HOST", host, "127.0.0.1", "Address the API listens on; 0.0.0.0 is every one", "an address, such as 127.0.0.1"
)
API_TOKENS = Variable(
    "API_TOKENS",
    secrets,
    None,
    "Bearer tokens the API accepts, beside those made by `dealpulse token create`",
    "TOKEN, or NAME:SCOPE:TOKEN with the scope read, enqueue, operate or admin, separated by commas, without spaces;"
    " TOKEN itself, or sha256: and its digest",
)
API_TRUST_LOOPBACK = Variable(
    "API_TRUST_LOOPBACK", flag, "false", "Requests from this machine need no token (for development)", _FLAG
)
API_RATE_PER_MINUTE = Variable(
    "API_RATE_PER_MINUTE",
    whole(0, 10_000_000),
    "6000",
    "Requests one caller may make a minute, in each API process",
    "0 or more; 0 is any number",
)
DASHBOARD_PAYLOADS = Variable(
    "DASHBOARD_PAYLOADS",
    choice("read", "enqueue", "operate", "admin"),
    "operate",
    "The scope it takes to see on the dashboard what jobs were asked for",
    "read, enqueue, operate or admin",
)
API_CORS_ORIGINS = Variable(
    "API_CORS_ORIGINS",
    origins,
    None,
    "Origins whose pages may call the API from a browser; none unless named",
    "origins such as https://app.example.com, separated by commas",
)
METRICS_OPEN = Variable(
    "METRICS_OPEN",
    flag,
    "false",
    "Whoever reaches the API may read /metrics without a token (for a scraper on a private network)",
    _FLAG,
)
MAX_BODY_BYTES = Variable("MAX_BODY_BYTES", byte_count, "1MB", "Largest JSON body the API reads", _BYTES)
MAX_UPLOAD_BYTES = Variable("MAX_UPLOAD_BYTES", byte_count, "50MB", "Largest file the API takes", _BYTES)

FOLDER_SOURCE_ROOTS = Variable(
    "FOLDER_SOURCE_ROOTS",
    folders,
    None,
    "Folders below which a local directory may be a source; without it none may be",
    "absolute paths, separated by colons: /srv/dealrooms:/mnt/archive",
)

SOURCE_DOWNLOADS = Variable("SOURCE_DOWNLOADS", whole(1), "8", "Files one sync fetches at a time", _COUNT)
SOURCE_SWEEP_TIME = Variable(
    "SOURCE_SWEEP_TIME",
    parse_cron,
    "*/30 * * * *",
    "When every active source is synced, whatever its vendor tells: cron, five fields, in TIMEZONE",
    "five fields such as */30 * * * * (every half hour) or 0 6-20 * * 1-5 (weekdays, hourly from 6 to 20)",
)
SOURCE_NOTIFICATIONS = Variable(
    "SOURCE_NOTIFICATIONS",
    choice("auto", "on", "off"),
    "auto",
    "Vendors are asked to tell of changes: where PUBLIC_URL is an https address (auto), at whatever it is (on), or not",
    "auto, on or off",
)
TOKEN_ENCRYPTION_KEYS = Variable(
    "TOKEN_ENCRYPTION_KEYS",
    encryption_keys,
    None,
    "Keys that seal the tokens of connected accounts: the first seals, all open, so a new one is put in front",
    "NAME:KEY, separated by commas; a key is 32 random bytes in base64 (openssl rand -base64 32)",
)
GOOGLE_CLIENT_ID = Variable(
    "GOOGLE_CLIENT_ID",
    text,
    None,
    "OAuth client people connect their Google accounts with",
    "a client id of the Google Cloud console",
)
GOOGLE_CLIENT_SECRET = Variable("GOOGLE_CLIENT_SECRET", secret, None, "Its secret", "the client's secret")
GOOGLE_SERVICE_ACCOUNT_FILE = Variable(
    "GOOGLE_SERVICE_ACCOUNT_FILE",
    file,
    None,
    "Key of the service account that reads Google sources nobody connected an account for",
    "the absolute path of the JSON key file",
)
GOOGLE_IMPERSONATE = Variable(
    "GOOGLE_IMPERSONATE",
    text,
    None,
    "User in whose name it reads, if the domain allows that; otherwise it reads what is shared with it",
    "an e-mail address",
)
GOOGLE_API_URL = Variable(
    "GOOGLE_API_URL", web_url, GoogleSettings.api_url, "Another address for Google's APIs", "https://host"
)
GOOGLE_TOKEN_URL = Variable(
    "GOOGLE_TOKEN_URL", web_url, GoogleSettings.token_url, "Where Google hands out tokens", "https://host/token"
)
GOOGLE_AUTH_URL = Variable(
    "GOOGLE_AUTH_URL", web_url, GoogleSettings.auth_url, "Where people consent", "https://host/auth"
)
GOOGLE_REVOKE_URL = Variable(
    "GOOGLE_REVOKE_URL", web_url, GoogleSettings.revoke_url, "Where a consent is given back", "https://host/revoke"
)
GOOGLE_KEYS_URL = Variable(
    "GOOGLE_KEYS_URL",
    web_url,
    GoogleSettings.keys_url,
    "The public keys Google signs with (JWKS)",
    "https://host/certs",
)
GOOGLE_PUBSUB_TOPIC = Variable(
    "GOOGLE_PUBSUB_TOPIC",
    text,
    None,
    "Topic through which Gmail tells of new mail; needs a push subscription to PUBLIC_URL/api/webhooks/gmail",
    "projects/PROJECT/topics/TOPIC",
)
GOOGLE_PUBSUB_ACCOUNT = Variable(
    "GOOGLE_PUBSUB_ACCOUNT",
    text,
    None,
    "Service account the push subscription signs its requests as; without it none is believed",
    "NAME@PROJECT.iam.gserviceaccount.com",
)
GOOGLE_PUBSUB_AUDIENCE = Variable(
    "GOOGLE_PUBSUB_AUDIENCE",
    text,
    None,
    "Audience it signs them for, where that is not the push address itself",
    "what the push subscription has as its audience",
)
MICROSOFT_TENANT_ID = Variable(
    "MICROSOFT_TENANT_ID", text, None, "Directory (tenant) of the registered app", "its id or domain"
)
MICROSOFT_CLIENT_ID = Variable(
    "MICROSOFT_CLIENT_ID", text, None, "The registered app's id", "the application (client) id of the Entra portal"
)
MICROSOFT_CLIENT_SECRET = Variable(
    "MICROSOFT_CLIENT_SECRET", secret, None, "Its secret", "a client secret's value, not its id"
)
MICROSOFT_GRAPH_URL = Variable(
    "MICROSOFT_GRAPH_URL", web_url, MicrosoftSettings.graph_url, "Another address for Graph", "https://host/v1.0"
)
MICROSOFT_LOGIN_URL = Variable(
    "MICROSOFT_LOGIN_URL", web_url, MicrosoftSettings.login_url, "Where Microsoft hands out tokens", "https://host"
)

EXTRACTION_SECONDS = Variable("EXTRACTION_SECONDS", seconds, "300", "Seconds reading one file may take", _SECONDS)
EXTRACTION_MEMORY_MB = Variable(
    "EXTRACTION_MEMORY_MB", whole(64), "1024", "Megabytes of memory it may take", "a whole number from 64"
)
EXTRACTION_MAX_FILE_BYTES = Variable(
    "EXTRACTION_MAX_FILE_BYTES", byte_count, "50MB", "Largest file that is read, wherever it comes from", _BYTES
)
ARCHIVE_MAX_DEPTH = Variable(
    "ARCHIVE_MAX_DEPTH",
    whole(0),
    "3",
    "How deep files are taken out of files (archives, attachments); 0: of e-mails only",
    "a whole number",
)
ARCHIVE_MAX_FILES = Variable(
    "ARCHIVE_MAX_FILES", whole(1), "1000", "Most files taken out of one file, all inside those counted", _COUNT
)
ARCHIVE_MAX_BYTES = Variable("ARCHIVE_MAX_BYTES", byte_count, "1GB", "Their size, all together", _BYTES)
OCR_LANGUAGE = Variable(
    "OCR_LANGUAGE",
    matching(r"[A-Za-z_]+(\+[A-Za-z_]+)*", "is not a list of Tesseract languages"),
    "eng",
    "Language of scans, as Tesseract names it",
    "eng, or several: eng+deu",
)

LOG_LEVEL = Variable(
    "LOG_LEVEL",
    choice("debug", "info", "warning", "error", "critical", warn="warning", fatal="critical"),
    "info",
    "How much is logged",
    "debug, info, warning, error or critical",
)
DEBUG = Variable(
    "DEBUG",
    names_us,
    None,
    "dealpulse:* (or bullmq:*) logs everything, and what other people's exceptions say, which may quote content",
    "dealpulse:*",
)
NODE_ENV = Variable(
    "NODE_ENV",
    text,
    "production",
    "development writes logs for people when standard output is a terminal",
    "development",
)
SHUTDOWN_GRACE_SECONDS = Variable(
    "SHUTDOWN_GRACE_SECONDS", seconds, "60", "Seconds running jobs may go on after SIGTERM", _SECONDS
)
RECONCILE_SECONDS = Variable(
    "RECONCILE_SECONDS", seconds, "60", "Seconds between two sweeps for work Redis lost", _SECONDS
)
SCHEDULE_MAKE_UP_SECONDS = Variable(
    "SCHEDULE_MAKE_UP_SECONDS",
    seconds,
    "21600",
    "Seconds a scheduled run that was missed while no worker was up may be late and is still made up, once",
    _SECONDS,
)


@dataclass(frozen=True)
class QueueVariables:
    """The variables of one queue."""

    concurrency: Variable[int]
    attempts: Variable[int]
    backoff_seconds: Variable[float]
    time_limit_seconds: Variable[float]
    keep_completed: Variable[int]
    keep_failed: Variable[int]
    per_deal: Variable[int]
    limit: Variable[int]

    def __iter__(self) -> Iterator[Variable[int] | Variable[float]]:
        yield from (self.concurrency, self.attempts, self.backoff_seconds)
        yield from (self.time_limit_seconds, self.keep_completed, self.keep_failed, self.per_deal, self.limit)

    @classmethod
    def of(cls, queue: str) -> QueueVariables:
        prefix, values = QUEUE_DEFAULTS[queue].prefix, QUEUE_DEFAULTS[queue].values
        count, kept = whole(1), whole(0)
        return cls(
            concurrency=Variable(
                f"{prefix}_CONCURRENCY", count, str(values.concurrency), "Jobs one worker runs at a time", _COUNT
            ),
            attempts=Variable(f"{prefix}_ATTEMPTS", count, str(values.attempts), "Tries before a job is dead", _COUNT),
            backoff_seconds=Variable(
                f"{prefix}_BACKOFF_SECONDS",
                seconds,
                f"{values.backoff_base:g}",
                "Seconds before the second try; five times as long before each further one",
                _SECONDS,
            ),
            time_limit_seconds=Variable(
                f"{prefix}_TIME_LIMIT_SECONDS", seconds, f"{values.time_limit:g}", "Seconds one try may take", _SECONDS
            ),
            keep_completed=Variable(
                f"{prefix}_KEEP_COMPLETED", kept, str(values.keep_completed), "Completed jobs kept", _KEPT
            ),
            keep_failed=Variable(f"{prefix}_KEEP_FAILED", kept, str(values.keep_failed), "Failed jobs kept", _KEPT),
            per_deal=Variable(
                f"{prefix}_MAX_PER_DEAL",
                kept,
                str(values.per_deal),
                "Jobs of one deal that run at a time, over all workers, so that one deal cannot starve the others",
                f"{_KEPT}; 0 is any number",
            ),
            limit=Variable(
                f"{prefix}_MAX_RUNNING",
                kept,
                str(values.limit),
                "Jobs that run at a time over all workers",
                f"{_KEPT}; 0 is any number",
            ),
        )


QUEUES: Mapping[str, QueueVariables] = {queue: QueueVariables.of(queue) for queue in QUEUE_DEFAULTS}

SECTIONS: Mapping[str, tuple[Variable[object], ...]] = {
    "Supabase": (
        SUPABASE_URL,
        NEXT_PUBLIC_SUPABASE_URL,
        SUPABASE_SERVICE_ROLE_KEY,
        SUPABASE_SCHEMA,
        SUPABASE_TIMEOUT_SECONDS,
        SUPABASE_JWT_SECRET,
        DATABASE_URL,
    ),
    "Redis": (
        REDIS_HOST,
        REDIS_PORT,
        REDIS_USERNAME,
        REDIS_PASSWORD,
        REDIS_DB,
        REDIS_TLS,
        REDIS_URL,
        REDIS_SENTINELS,
        REDIS_SENTINEL_MASTER,
        REDIS_SOCKET_TIMEOUT,
    ),
    "Claude": (
        ANTHROPIC_API_KEY,
        ANTHROPIC_BASE_URL,
        ANTHROPIC_MODEL,
        ANTHROPIC_MODELS,
        AI_DAILY_BUDGET_USD,
        AI_FALLBACK,
        AI_TIMEOUT_SECONDS,
    ),
    "Daily brief": (DAILY_BRIEF_TIME, TIMEZONE, BRIEF_WAIT_SECONDS, PUBLIC_URL),
    "Delivery": (SMTP_URL, SMTP_FROM, DELIVERY_ALLOW_PRIVATE),
    "Alerts": (
        ALERT_WAITING,
        ALERT_WAITING_SECONDS,
        ALERT_OLDEST_WAITING_SECONDS,
        ALERT_FAILURE_PERCENT,
        ALERT_SAME_FAILURE,
        ALERT_NO_WORKERS_SECONDS,
        ALERT_BRIEF_LATE_SECONDS,
        ALERT_NEEDS_CONSENT,
        ALERT_BUDGET_PERCENT,
        ALERT_WEBHOOK_URL,
        ALERT_WEBHOOK_SECRET,
        ALERT_SLACK_URL,
        ALERT_EMAILS,
    ),
    "API": (
        PORT,
        API_HOST,
        API_TOKENS,
        API_TRUST_LOOPBACK,
        API_RATE_PER_MINUTE,
        DASHBOARD_PAYLOADS,
        API_CORS_ORIGINS,
        METRICS_OPEN,
        MAX_BODY_BYTES,
        MAX_UPLOAD_BYTES,
    ),
    "Sources": (
        FOLDER_SOURCE_ROOTS,
        SOURCE_DOWNLOADS,
        SOURCE_SWEEP_TIME,
        SOURCE_NOTIFICATIONS,
        TOKEN_ENCRYPTION_KEYS,
        GOOGLE_CLIENT_ID,
        GOOGLE_CLIENT_SECRET,
        GOOGLE_SERVICE_ACCOUNT_FILE,
        GOOGLE_IMPERSONATE,
        GOOGLE_API_URL,
        GOOGLE_TOKEN_URL,
        GOOGLE_AUTH_URL,
        GOOGLE_REVOKE_URL,
        GOOGLE_KEYS_URL,
        GOOGLE_PUBSUB_TOPIC,
        GOOGLE_PUBSUB_ACCOUNT,
        GOOGLE_PUBSUB_AUDIENCE,
        MICROSOFT_TENANT_ID,
        MICROSOFT_CLIENT_ID,
        MICROSOFT_CLIENT_SECRET,
        MICROSOFT_GRAPH_URL,
        MICROSOFT_LOGIN_URL,
    ),
    "Reading files": (
        EXTRACTION_SECONDS,
        EXTRACTION_MEMORY_MB,
        EXTRACTION_MAX_FILE_BYTES,
        ARCHIVE_MAX_DEPTH,
        ARCHIVE_MAX_FILES,
        ARCHIVE_MAX_BYTES,
        OCR_LANGUAGE,
    ),
    "Logs": (LOG_LEVEL, DEBUG, NODE_ENV),
    "Workers": (SHUTDOWN_GRACE_SECONDS, RECONCILE_SECONDS, SCHEDULE_MAKE_UP_SECONDS),
    **{f"Queue {queue}": tuple(variables) for queue, variables in QUEUES.items()},
}
"""Every variable once, in the order of ``.env.example``."""

VARIABLES: tuple[Variable[object], ...] = tuple(variable for section in SECTIONS.values() for variable in section)


def as_env_example() -> str:
    """The table as a dotenv file: defaults commented out, the rest empty, which counts as not set."""
    lines = ["# Copy this file to .env.local and fill in what you need.", "# An empty value counts as not set."]
    for title, variables in SECTIONS.items():
        lines += ["", f"# --- {title} ---"]
        for variable in variables:
            lines += ["", f"# {variable.meaning}.", f"# Value: {variable.remedy}."]
            lines.append(f"{variable.name}=" if variable.default is None else f"#{variable.name}={variable.default}")
    return "\n".join(lines) + "\n"
