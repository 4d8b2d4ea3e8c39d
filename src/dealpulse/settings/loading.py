"""From the environment to :class:`Settings`: read the files, parse everything, report all faults at once."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from dotenv.parser import parse_stream

from dealpulse.errors import Permanent
from dealpulse.settings import variables as var
from dealpulse.settings.values import (
    AiSettings,
    AlertSettings,
    ApiSettings,
    DeliverySettings,
    ExtractionSettings,
    GoogleSettings,
    LogSettings,
    MicrosoftSettings,
    QueueSettings,
    RedisSettings,
    SourceSettings,
    SupabaseSettings,
)
from dealpulse.settings.variables import Values

FILES = (".env.local", ".env")
"""Read in this order; the first that sets a variable wins, and the real environment wins over both."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong: ``<variable> <problem>``; ``remedy`` is what would be right. Quotes no value."""

    variable: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.variable} {self.problem}. Right would be: {self.remedy}."


class SettingsError(Permanent):
    """The environment is not as it must be; ``faults`` holds everything wrong with it."""

    code = "invalid_settings"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(["These settings must be corrected:", *(f"  - {fault}" for fault in faults)]))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the environment says, checked."""

    redis: RedisSettings
    supabase: SupabaseSettings
    ai: AiSettings
    daily_brief_time: str
    """Five-field cron expression, in ``time_zone``."""
    time_zone: ZoneInfo
    brief_wait_seconds: int
    """How long a brief that is due waits for what is still being read."""
    public_url: str | None
    """Where people reach the API, without a trailing slash."""
    queues: Mapping[str, QueueSettings]
    """By wire name (``dailyBrief`` ...)."""
    delivery: DeliverySettings
    alerts: AlertSettings
    api: ApiSettings
    sources: SourceSettings
    extraction: ExtractionSettings
    log: LogSettings
    shutdown_grace_seconds: float
    """How long running jobs may go on after SIGTERM."""
    reconcile_seconds: float
    """Between two sweeps for work that Redis lost."""
    schedule_make_up_seconds: float
    """How late a scheduled run that was missed while no worker was up may be and is still made up."""
    version: str
    """Of this service."""

    @property
    def notices_url(self) -> str | None:
        """Below which vendors tell us of changes; None where they are not asked to, or could not reach us."""
        mode, url = self.sources.notifications, self.public_url or ""
        return url if url and (mode == "on" or (mode == "auto" and url.startswith("https://"))) else None

    @classmethod
    def load(cls, *, environ: Mapping[str, str] | None = None, directory: Path | None = None) -> Settings:
        """Read ``environ`` and the files in ``directory``; an empty value counts as not set.

        Without ``environ``, the process's own environment and the current directory; with it, no files unless
        ``directory`` is given. Raises :class:`SettingsError`.
        """
        if environ is None:
            environ = os.environ
            directory = directory or Path.cwd()
        texts, faults = _read(environ, directory)
        parsed: dict[str, object] = {}
        for variable in var.VARIABLES:
            text = texts.get(variable.name, variable.default)
            if text is None:
                continue
            try:
                parsed[variable.name] = variable.parse(text)
            except ValueError as error:
                faults.append(Fault(variable.name, str(error), variable.remedy))
        faults.extend(_contradictions(texts))
        if faults:
            raise SettingsError(tuple(faults))
        return _build(Values(parsed))


def read_environment(*, environ: Mapping[str, str], directory: Path | None = None) -> dict[str, str]:
    """What ``environ`` and the files in ``directory`` set, by name and unparsed, as :meth:`Settings.load` reads them.

    Raises :class:`SettingsError` for a file that cannot be read.
    """
    texts, faults = _read(environ, directory)
    if faults:
        raise SettingsError(tuple(faults))
    return texts


def _read(environ: Mapping[str, str], directory: Path | None) -> tuple[dict[str, str], list[Fault]]:
    """Every value that is set, by name, and the lines that could not be read."""
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    for name in reversed(FILES) if directory else ():
        values, wrong = _read_file(Path(directory or "", name))
        texts.update(values)
        faults.extend(wrong)
    texts.update({name: value.strip() for name, value in environ.items() if value.strip()})
    return texts, faults


def _read_file(path: Path) -> tuple[dict[str, str], list[Fault]]:
    """What a dotenv file sets. ``$`` stands for itself: a password is not a template."""
    remedy = "lines NAME=value, quotes around a value with spaces or #, quotes closed"
    try:
        content = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError) as error:
        return {}, [Fault(path.name, f"cannot be read ({type(error).__name__})", "a readable UTF-8 text file")]
    values: dict[str, str] = {}
    faults: list[Fault] = []
    for binding in parse_stream(io.StringIO(content)):
        if binding.error:
            faults.append(Fault(f"{path.name}, line {binding.original.line},", "is not understood", remedy))
        elif binding.key and binding.value and binding.value.strip():
            values[binding.key] = binding.value.strip()
    return values, faults


def _contradictions(texts: Mapping[str, str]) -> Iterator[Fault]:
    """What is wrong with variables taken together."""
    if not (texts.keys() & {var.SUPABASE_URL.name, var.NEXT_PUBLIC_SUPABASE_URL.name}):
        names = f"{var.SUPABASE_URL.name} (or {var.NEXT_PUBLIC_SUPABASE_URL.name})"
        yield Fault(names, "is not set", var.SUPABASE_URL.remedy)
    if var.SUPABASE_SERVICE_ROLE_KEY.name not in texts:
        yield Fault(var.SUPABASE_SERVICE_ROLE_KEY.name, "is not set", var.SUPABASE_SERVICE_ROLE_KEY.remedy)
    for one, other in (
        (var.REDIS_SENTINELS, var.REDIS_SENTINEL_MASTER),
        (var.REDIS_SENTINEL_MASTER, var.REDIS_SENTINELS),
        (var.SMTP_URL, var.SMTP_FROM),
        (var.ALERT_WEBHOOK_URL, var.ALERT_WEBHOOK_SECRET),
        (var.ALERT_EMAILS, var.SMTP_URL),
    ):
        if one.name in texts and other.name not in texts:
            yield Fault(other.name, f"is not set though {one.name} is", other.remedy)


def _build(values: Values) -> Settings:
    debug = values.optional(var.DEBUG) or False
    return Settings(
        redis=_redis(values),
        supabase=_supabase(values),
        ai=_ai(values),
        daily_brief_time=values[var.DAILY_BRIEF_TIME],
        time_zone=values[var.TIMEZONE],
        brief_wait_seconds=values[var.BRIEF_WAIT_SECONDS],
        public_url=values.optional(var.PUBLIC_URL),
        queues={queue: _queue(values, variables) for queue, variables in var.QUEUES.items()},
        delivery=DeliverySettings(
            smtp=values.optional(var.SMTP_URL),
            sender=values.optional(var.SMTP_FROM),
            allow_private=values[var.DELIVERY_ALLOW_PRIVATE],
        ),
        alerts=_alerts(values),
        api=_api(values),
        sources=_sources(values),
        extraction=_extraction(values),
        log=LogSettings(
            level="debug" if debug else values[var.LOG_LEVEL],
            human=values[var.NODE_ENV] == "development",
            debug=debug,
        ),
        shutdown_grace_seconds=values[var.SHUTDOWN_GRACE_SECONDS],
        reconcile_seconds=values[var.RECONCILE_SECONDS],
        schedule_make_up_seconds=values[var.SCHEDULE_MAKE_UP_SECONDS],
        version=version("dealpulse"),
    )


def _redis(values: Values) -> RedisSettings:
    """``REDIS_URL`` wins where it says something; TLS asked for in either place is TLS."""
    url = values.optional(var.REDIS_URL)
    return RedisSettings(
        host=url.host if url else values[var.REDIS_HOST],
        port=url.port if url else values[var.REDIS_PORT],
        database=url.database if url and url.database is not None else values[var.REDIS_DB],
        username=(url and url.username) or values.optional(var.REDIS_USERNAME),
        password=(url and url.password) or values.optional(var.REDIS_PASSWORD),
        tls=values[var.REDIS_TLS] or (url is not None and url.tls),
        sentinels=values.optional(var.REDIS_SENTINELS) or (),
        sentinel_master=values.optional(var.REDIS_SENTINEL_MASTER),
        socket_timeout=values[var.REDIS_SOCKET_TIMEOUT],
    )


def _supabase(values: Values) -> SupabaseSettings:
    own = values.optional(var.SUPABASE_URL)
    return SupabaseSettings(
        url=values[var.NEXT_PUBLIC_SUPABASE_URL] if own is None else own,
        service_role_key=values[var.SUPABASE_SERVICE_ROLE_KEY],
        schema=values[var.SUPABASE_SCHEMA],
        database_url=values.optional(var.DATABASE_URL),
        timeout=values[var.SUPABASE_TIMEOUT_SECONDS],
        jwt_secret=values.optional(var.SUPABASE_JWT_SECRET),
    )


def _ai(values: Values) -> AiSettings:
    return AiSettings(
        api_key=values.optional(var.ANTHROPIC_API_KEY),
        base_url=values.optional(var.ANTHROPIC_BASE_URL),
        model=values[var.ANTHROPIC_MODEL],
        models=values.optional(var.ANTHROPIC_MODELS) or {},
        daily_budget_usd=values[var.AI_DAILY_BUDGET_USD],
        timeout=values[var.AI_TIMEOUT_SECONDS],
        fallback_local=values[var.AI_FALLBACK] == "local",
    )


def _queue(values: Values, variables: var.QueueVariables) -> QueueSettings:
    return QueueSettings(
        concurrency=values[variables.concurrency],
        attempts=values[variables.attempts],
        backoff_base=values[variables.backoff_seconds],
        time_limit=values[variables.time_limit_seconds],
        keep_completed=values[variables.keep_completed],
        keep_failed=values[variables.keep_failed],
        per_deal=values[variables.per_deal],
        limit=values[variables.limit],
    )


def _api(values: Values) -> ApiSettings:
    return ApiSettings(
        host=values[var.API_HOST],
        port=values[var.PORT],
        tokens=values.optional(var.API_TOKENS) or (),
        trust_loopback=values[var.API_TRUST_LOOPBACK],
        rate_per_minute=values[var.API_RATE_PER_MINUTE],
        payloads_scope=values[var.DASHBOARD_PAYLOADS],
        metrics_open=values[var.METRICS_OPEN],
        cors_origins=values.optional(var.API_CORS_ORIGINS) or (),
        max_body_bytes=values[var.MAX_BODY_BYTES],
        max_upload_bytes=values[var.MAX_UPLOAD_BYTES],
    )


def _alerts(values: Values) -> AlertSettings:
    return AlertSettings(
        waiting=values[var.ALERT_WAITING],
        waiting_seconds=values[var.ALERT_WAITING_SECONDS],
        oldest_waiting_seconds=values[var.ALERT_OLDEST_WAITING_SECONDS],
        failure_percent=values[var.ALERT_FAILURE_PERCENT],
        same_failure=values[var.ALERT_SAME_FAILURE],
        no_workers_seconds=values[var.ALERT_NO_WORKERS_SECONDS],
        brief_late_seconds=values[var.ALERT_BRIEF_LATE_SECONDS],
        needs_consent=values[var.ALERT_NEEDS_CONSENT],
        budget_percent=values[var.ALERT_BUDGET_PERCENT],
        webhook_url=values.optional(var.ALERT_WEBHOOK_URL),
        webhook_secret=values.optional(var.ALERT_WEBHOOK_SECRET),
        slack_url=values.optional(var.ALERT_SLACK_URL),
        emails=values.optional(var.ALERT_EMAILS) or (),
    )


def _sources(values: Values) -> SourceSettings:
    return SourceSettings(
        folder_roots=values.optional(var.FOLDER_SOURCE_ROOTS) or (),
        downloads=values[var.SOURCE_DOWNLOADS],
        sweep_time=values[var.SOURCE_SWEEP_TIME],
        notifications=values[var.SOURCE_NOTIFICATIONS],
        google=GoogleSettings(
            api_url=values[var.GOOGLE_API_URL],
            token_url=values[var.GOOGLE_TOKEN_URL],
            client_id=values.optional(var.GOOGLE_CLIENT_ID),
            client_secret=values.optional(var.GOOGLE_CLIENT_SECRET),
            service_account=values.optional(var.GOOGLE_SERVICE_ACCOUNT_FILE),
            impersonate=values.optional(var.GOOGLE_IMPERSONATE),
            auth_url=values[var.GOOGLE_AUTH_URL],
            revoke_url=values[var.GOOGLE_REVOKE_URL],
            keys_url=values[var.GOOGLE_KEYS_URL],
            topic=values.optional(var.GOOGLE_PUBSUB_TOPIC),
            push_account=values.optional(var.GOOGLE_PUBSUB_ACCOUNT),
            push_audience=values.optional(var.GOOGLE_PUBSUB_AUDIENCE),
        ),
        microsoft=MicrosoftSettings(
            graph_url=values[var.MICROSOFT_GRAPH_URL],
            login_url=values[var.MICROSOFT_LOGIN_URL],
            tenant=values.optional(var.MICROSOFT_TENANT_ID),
            client_id=values.optional(var.MICROSOFT_CLIENT_ID),
            client_secret=values.optional(var.MICROSOFT_CLIENT_SECRET),
        ),
        encryption_keys=values.optional(var.TOKEN_ENCRYPTION_KEYS) or (),
    )


def _extraction(values: Values) -> ExtractionSettings:
    return ExtractionSettings(
        seconds=values[var.EXTRACTION_SECONDS],
        memory_bytes=values[var.EXTRACTION_MEMORY_MB] << 20,
        max_file_bytes=values[var.EXTRACTION_MAX_FILE_BYTES],
        max_depth=values[var.ARCHIVE_MAX_DEPTH],
        max_inner_files=values[var.ARCHIVE_MAX_FILES],
        max_inner_bytes=values[var.ARCHIVE_MAX_BYTES],
        ocr_language=values[var.OCR_LANGUAGE],
    )
