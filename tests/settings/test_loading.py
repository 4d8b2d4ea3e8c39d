"""What the environment and the dotenv files become."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dealpulse.settings import Secret, Settings, SettingsError

REQUIRED = {"SUPABASE_URL": "https://deal.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "service-key"}


def load(**variables: str) -> Settings:
    return Settings.load(environ=REQUIRED | variables)


def faults(environ: Mapping[str, str], directory: Path | None = None) -> dict[str, str]:
    """Problem by variable."""
    with pytest.raises(SettingsError) as raised:
        Settings.load(environ=environ, directory=directory)
    return {fault.variable: fault.problem for fault in raised.value.faults}


def test_what_is_not_said_has_the_documented_defaults() -> None:
    settings = load()
    assert (settings.redis.host, settings.redis.port, settings.redis.database) == ("localhost", 6379, 0)
    assert settings.daily_brief_time == "0 8 * * *"
    assert settings.time_zone == ZoneInfo("America/New_York")
    assert (settings.api.host, settings.api.port, settings.api.tokens) == ("127.0.0.1", 3000, ())
    assert settings.api.max_upload_bytes == 50 * 1024 * 1024
    assert settings.ai.api_key is None
    assert settings.ai.model == "claude-sonnet-5-5"
    assert not settings.ai.fallback_local
    assert (settings.log.level, settings.log.human, settings.log.debug) == ("info", False, False)
    assert (settings.shutdown_grace_seconds, settings.reconcile_seconds) == (60.0, 60.0)
    queues = {name: (queue.concurrency, queue.attempts, queue.backoff_base) for name, queue in settings.queues.items()}
    assert queues == {
        "dailyBrief": (2, 3, 5.0),
        "documentProcessing": (5, 4, 5.0),
        "emailProcessing": (10, 4, 5.0),
        "sourceSync": (3, 5, 10.0),
    }
    assert {(queue.keep_completed, queue.keep_failed) for queue in settings.queues.values()} == {(100, 500)}
    assert {name: queue.time_limit for name, queue in settings.queues.items()} == {
        "dailyBrief": 300,
        "documentProcessing": 600,
        "emailProcessing": 120,
        "sourceSync": 1800,
    }
    assert settings.ai.timeout < min(queue.time_limit for queue in settings.queues.values())


def test_every_number_of_a_queue_can_be_set() -> None:
    settings = load(
        EMAIL_CONCURRENCY="7",
        EMAIL_ATTEMPTS="9",
        EMAIL_BACKOFF_SECONDS="0.5",
        EMAIL_TIME_LIMIT_SECONDS="90",
        EMAIL_KEEP_COMPLETED="0",
        EMAIL_KEEP_FAILED="5",
    )
    email = settings.queues["emailProcessing"]
    assert (email.concurrency, email.attempts, email.backoff_base) == (7, 9, 0.5)
    assert (email.time_limit, email.keep_completed, email.keep_failed) == (90.0, 0, 5)
    assert settings.queues["documentProcessing"] == load().queues["documentProcessing"]


# --- redis ----------------------------------------------------------------------------------------------------------


def test_a_redis_url_brings_everything_with_it() -> None:
    redis = load(REDIS_URL="rediss://worker:p%40ss%2Fw%3Aord%25@cache.example.com:6380/3").redis
    assert (redis.host, redis.port, redis.database, redis.tls) == ("cache.example.com", 6380, 3, True)
    assert redis.username == "worker"
    assert redis.password == Secret("p@ss/w:ord%")


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("redis://cache", "cache", 6379),
        ("redis://cache:6380", "cache", 6380),
        ("redis://[::1]:6380/0", "::1", 6380),
        ("redis://cache/", "cache", 6379),
    ],
)
def test_a_redis_url_may_leave_parts_out(url: str, host: str, port: int) -> None:
    redis = load(REDIS_URL=url).redis
    assert (redis.host, redis.port, redis.password) == (host, port, None)


def test_a_redis_url_wins_over_host_and_port_and_is_completed_by_the_rest() -> None:
    redis = load(
        REDIS_URL="redis://cache",
        REDIS_HOST="elsewhere",
        REDIS_PORT="1",
        REDIS_DB="4",
        REDIS_USERNAME="worker",
        REDIS_PASSWORD="p@ss%41",
        REDIS_TLS="true",
    ).redis
    assert (redis.host, redis.port, redis.database, redis.tls) == ("cache", 6379, 4, True)
    assert (redis.username, redis.password) == ("worker", Secret("p@ss%41"))


def test_sentinels_are_addresses_with_the_name_of_the_primary() -> None:
    redis = load(REDIS_SENTINELS="one:26379, [::1]:26380", REDIS_SENTINEL_MASTER="mymaster").redis
    assert redis.sentinels == (("one", 26379), ("::1", 26380))
    assert redis.sentinel_master == "mymaster"


def test_sentinels_without_the_name_of_the_primary_are_a_fault_and_the_other_way_round() -> None:
    assert "REDIS_SENTINEL_MASTER" in faults(REQUIRED | {"REDIS_SENTINELS": "one:26379"})
    assert "REDIS_SENTINELS" in faults(REQUIRED | {"REDIS_SENTINEL_MASTER": "mymaster"})


# --- the rest -------------------------------------------------------------------------------------------------------


def test_the_services_own_supabase_address_wins_over_the_apps() -> None:
    app = {"NEXT_PUBLIC_SUPABASE_URL": "https://app.supabase.co/", "SUPABASE_SERVICE_ROLE_KEY": "k"}
    assert Settings.load(environ=app).supabase.url == "https://app.supabase.co"
    assert Settings.load(environ=app | REQUIRED).supabase.url == "https://deal.supabase.co"


@pytest.mark.parametrize(
    ("value", "debug"),
    [
        ("dealpulse:*", True),
        ("bullmq:*", True),
        ("express:*,dealpulse:*", True),
        ("next:* bullmq:*", True),
        ("*", True),
        ("express:*", False),
        ("-dealpulse:*", False),
        ("true", False),
        ("", False),
    ],
)
def test_debug_is_ours_only_when_it_names_us(value: str, debug: bool) -> None:
    log = load(DEBUG=value, LOG_LEVEL="warning").log
    assert log.debug is debug
    assert log.level == ("debug" if debug else "warning")


@pytest.mark.parametrize(("value", "level"), [("DEBUG", "debug"), ("Warn", "warning"), ("error", "error")])
def test_log_levels_are_read_in_any_case(value: str, level: str) -> None:
    log = load(LOG_LEVEL=value).log
    assert (log.level, log.debug) == (level, False)


def test_development_asks_for_logs_for_people() -> None:
    assert load(NODE_ENV="development").log.human
    assert not load(NODE_ENV="production").log.human


@pytest.mark.parametrize(
    ("value", "count"),
    [("1048576", 1 << 20), ("50MB", 50 << 20), ("50 mb", 50 << 20), ("3k", 3 << 10), ("2GB", 2 << 30)],
)
def test_sizes_may_have_a_unit(value: str, count: int) -> None:
    assert load(MAX_UPLOAD_BYTES=value).api.max_upload_bytes == count


def test_tokens_are_separated_by_commas() -> None:
    assert load(API_TOKENS="one, two,").api.tokens == (Secret("one"), Secret("two"))


def test_memory_is_given_in_megabytes() -> None:
    assert load(EXTRACTION_MEMORY_MB="512").extraction.memory_bytes == 512 << 20


def test_an_empty_value_counts_as_not_set() -> None:
    settings = load(REDIS_HOST="", REDIS_PORT="  ", ANTHROPIC_API_KEY="", API_TOKENS=" ")
    assert (settings.redis.host, settings.redis.port) == ("localhost", 6379)
    assert settings.ai.api_key is None
    assert settings.api.tokens == ()


# --- faults ---------------------------------------------------------------------------------------------------------


def test_all_faults_are_reported_at_once_each_with_what_would_be_right() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.load(environ={"PORT": "0", "TIMEZONE": "Mars/Olympus", "DAILY_BRIEF_TIME": "at eight"})
    error = raised.value
    assert {fault.variable for fault in error.faults} == {
        "PORT",
        "TIMEZONE",
        "DAILY_BRIEF_TIME",
        "SUPABASE_URL (or NEXT_PUBLIC_SUPABASE_URL)",
        "SUPABASE_SERVICE_ROLE_KEY",
    }
    assert error.code == "invalid_settings"
    lines = str(error).splitlines()
    assert len(lines) == 1 + len(error.faults)
    assert all(
        fault.variable in line and fault.remedy in line for fault, line in zip(error.faults, lines[1:], strict=True)
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "３０００"),
        ("REDIS_PORT", "-1"),
        ("REDIS_HOST", "http://cache"),
        ("REDIS_HOST", "two words"),
        ("REDIS_DB", "-1"),
        ("REDIS_TLS", "maybe"),
        ("REDIS_URL", "http://cache"),
        ("REDIS_URL", "cache:6379"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://cache:99999"),
        ("REDIS_URL", "redis://cache:0"),
        ("REDIS_URL", "redis://cache/one"),
        ("REDIS_URL", "redis://cache/0?ssl_cert_reqs=none"),
        ("REDIS_SENTINELS", "one"),
        ("REDIS_SENTINELS", "one:26379,two:x"),
        ("REDIS_SOCKET_TIMEOUT", "0"),
        ("REDIS_SOCKET_TIMEOUT", "nan"),
        ("REDIS_SOCKET_TIMEOUT", "inf"),
        ("SUPABASE_URL", "deal.supabase.co"),
        ("SUPABASE_URL", "ftp://deal.supabase.co"),
        ("SUPABASE_URL", "https://user:pass@deal.supabase.co"),
        ("SUPABASE_URL", "https://deal.supabase.co?x=1"),
        ("SUPABASE_SERVICE_ROLE_KEY", "two words"),
        ("SUPABASE_SERVICE_ROLE_KEY", "sb_publishable_abc"),
        ("SUPABASE_SCHEMA", "public; drop table deals"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("AI_FALLBACK", "always"),
        ("AI_TIMEOUT_SECONDS", "-3"),
        ("DAILY_BRIEF_TIME", "0 8 * *"),
        ("DAILY_BRIEF_TIME", "0 0 8 * * *"),
        ("DAILY_BRIEF_TIME", "61 8 * * *"),
        ("DAILY_BRIEF_TIME", "0 0 30 2 *"),
        ("DAILY_BRIEF_TIME", "@daily"),
        ("TIMEZONE", "../../etc/passwd"),
        ("TIMEZONE", "New York"),
        ("LOG_LEVEL", "loud"),
        ("API_HOST", "not a host"),
        ("API_TOKENS", "one,two words"),
        ("API_TRUST_LOOPBACK", "2"),
        ("MAX_BODY_BYTES", "0"),
        ("MAX_UPLOAD_BYTES", "much"),
        ("OCR_LANGUAGE", "eng; rm"),
        ("EXTRACTION_SECONDS", "soon"),
        ("EXTRACTION_MEMORY_MB", "1"),
        ("DOCUMENT_CONCURRENCY", "0"),
        ("DOCUMENT_ATTEMPTS", "1.5"),
        ("SOURCE_SYNC_KEEP_FAILED", "-1"),
        ("SHUTDOWN_GRACE_SECONDS", "-1"),
        ("RECONCILE_SECONDS", "0"),
    ],
)
def test_a_value_that_cannot_be_meant_is_a_fault_of_its_variable(variable: str, value: str) -> None:
    environ = REQUIRED | ({"REDIS_SENTINEL_MASTER": "mymaster"} if variable == "REDIS_SENTINELS" else {})
    assert list(faults(environ | {variable: value})) == [variable]


def test_the_anon_key_is_told_from_the_service_role_key() -> None:
    # The middle part is {"role":"anon"} and {"role":"service_role"}.
    anon = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl"
    service = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl"
    assert "public key" in faults(REQUIRED | {"SUPABASE_SERVICE_ROLE_KEY": anon})["SUPABASE_SERVICE_ROLE_KEY"]
    assert load(SUPABASE_SERVICE_ROLE_KEY=service).supabase.service_role_key == Secret(service)


# --- files ----------------------------------------------------------------------------------------------------------


def test_the_environment_wins_over_env_local_and_that_over_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REDIS_HOST=from-env\nREDIS_PORT=1\nREDIS_DB=1\nLOG_LEVEL=error\n")
    (tmp_path / ".env.local").write_text("REDIS_PORT=2\nREDIS_DB=2\nLOG_LEVEL=\n")
    settings = Settings.load(environ=REQUIRED | {"REDIS_DB": "3"}, directory=tmp_path)
    assert (settings.redis.host, settings.redis.port, settings.redis.database) == ("from-env", 2, 3)
    assert settings.log.level == "error"


def test_files_are_read_with_quotes_comments_and_export(tmp_path: Path) -> None:
    lines = [
        "# a comment",
        'DAILY_BRIEF_TIME="0 6,18 * * *"  # twice a day',
        "TIMEZONE='Europe/Berlin'",
        "export REDIS_HOST=cache # inline",
        "REDIS_USERNAME=not#a-comment",
        "  PORT = 3001  ",
        "REDIS_DB",
        "",
    ]
    (tmp_path / ".env").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    settings = Settings.load(environ=REQUIRED, directory=tmp_path)
    assert settings.daily_brief_time == "0 6,18 * * *"
    assert settings.time_zone.key == "Europe/Berlin"
    assert (settings.redis.host, settings.redis.username, settings.redis.database) == ("cache", "not#a-comment", 0)
    assert settings.api.port == 3001


def test_a_dollar_in_a_file_is_a_dollar(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('REDIS_PASSWORD="a$HOME${PATH}"\nREDIS_HOST=cache\n')
    settings = Settings.load(environ=REQUIRED | {"HOME": "/root"}, directory=tmp_path)
    assert settings.redis.password == Secret("a$HOME${PATH}")


def test_a_line_that_cannot_be_read_is_a_fault_with_its_place(tmp_path: Path) -> None:
    (tmp_path / ".env.local").write_text("PORT=3001\nREDIS_PASSWORD='CANARY\n")
    found = faults(REQUIRED, tmp_path)
    assert list(found) == [".env.local, line 2,"]
    assert "CANARY" not in str(found)


def test_a_file_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\xfe\n")
    assert list(faults(REQUIRED, tmp_path)) == [".env"]


def test_no_file_is_read_when_only_an_environment_is_given(tmp_path: Path) -> None:
    assert Settings.load(environ=REQUIRED).redis.host == "localhost"
