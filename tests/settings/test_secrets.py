"""Secrets do not print: not as values, not in faults, not in tracebacks."""

from __future__ import annotations

import copy
import dataclasses
import logging
import traceback

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.settings import Secret, Settings, SettingsError

CANARY = "xXcanaryXx"

EVERY_SECRET = {
    "SUPABASE_URL": "https://deal.supabase.co",
    "SUPABASE_SERVICE_ROLE_KEY": CANARY,
    "DATABASE_URL": f"postgresql://postgres:{CANARY}@db.example.com/postgres",
    "REDIS_URL": f"redis://:{CANARY}@cache:6379/0",
    "REDIS_PASSWORD": CANARY,
    "ANTHROPIC_API_KEY": CANARY,
    "API_TOKENS": f"{CANARY},{CANARY}2",
    "GOOGLE_CLIENT_SECRET": CANARY,
    "MICROSOFT_CLIENT_SECRET": CANARY,
    "TOKEN_ENCRYPTION_KEYS": "key:" + CANARY + "A" * 33 + "=",
}


@pytest.mark.parametrize("show", [repr, str, format, lambda value: f"{value!r:>20} {value:>9}", "%s %r".__mod__])
def test_a_secret_prints_as_stars(show: object) -> None:
    assert callable(show)
    secret = Secret(CANARY)
    shown = show((secret, secret)) if show == "%s %r".__mod__ else show(secret)
    assert CANARY not in shown
    assert "***" in shown
    assert secret.reveal() == CANARY


def test_settings_with_every_secret_print_none() -> None:
    settings = Settings.load(environ=EVERY_SECRET)
    parts = [settings, settings.redis, settings.supabase, settings.ai, settings.api, dataclasses.asdict(settings)]
    for part in (*parts, copy.deepcopy(settings)):
        assert CANARY not in f"{part!r} {part}"


def test_a_secret_is_not_written_by_a_serializer() -> None:
    with pytest.raises(TypeError):
        orjson.dumps(Secret(CANARY))
    assert CANARY.encode() not in orjson.dumps(Settings.load(environ=EVERY_SECRET).redis, default=repr)


def test_secrets_compare_by_what_they_hold() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


MALFORMED = [
    ("REDIS_URL", f"redis://:{CANARY}/x@cache:6379/0"),
    ("REDIS_URL", f"redis://:{CANARY}#x@cache:6379/0"),
    ("REDIS_URL", f"redis://:{CANARY}[x@cache:6379/0"),
    ("REDIS_URL", f"redis://:x:{CANARY}"),
    ("REDIS_URL", f"redis://cache:{CANARY}"),
    ("REDIS_URL", f"redis://:x@cache/{CANARY}"),
    ("REDIS_URL", f"{CANARY}://cache"),
    ("REDIS_URL", CANARY),
    ("DATABASE_URL", f"postgres://u:{CANARY}[@db"),
    ("DATABASE_URL", f"u:{CANARY}@db"),
    ("SUPABASE_URL", f"https://u:{CANARY}@deal.supabase.co"),
    ("SUPABASE_SERVICE_ROLE_KEY", f"{CANARY} {CANARY}"),
    ("SUPABASE_SERVICE_ROLE_KEY", f"sb_publishable_{CANARY}"),
    ("ANTHROPIC_API_KEY", f"{CANARY}\n{CANARY}"),
    ("API_TOKENS", f"a b {CANARY}"),
    ("PORT", CANARY),
    ("TIMEZONE", CANARY),
    ("DAILY_BRIEF_TIME", f"{CANARY} * * * *"),
    ("REDIS_SENTINELS", CANARY + ":x"),
    ("LOG_LEVEL", CANARY),
]


@pytest.mark.parametrize(("variable", "value"), MALFORMED)
def test_a_malformed_value_is_quoted_nowhere(variable: str, value: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(SettingsError) as raised:
        Settings.load(environ=EVERY_SECRET | {variable: value})
    error = raised.value
    shown = [str(error), repr(error), repr(error.faults), caplog.text, *traceback.format_exception(error)]
    # A source line of this test is part of a traceback; it names the constant, not its value.
    assert CANARY not in "".join(shown)


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=12))
def test_whatever_stands_in_a_redis_url_it_is_read_or_refused_and_never_quoted(text: str) -> None:
    try:
        settings = Settings.load(environ=EVERY_SECRET | {"REDIS_URL": f"redis://{text}"})
    except SettingsError as error:
        message, faulty = str(error), [fault.variable for fault in error.faults]
    else:
        message, faulty = repr(settings.redis.password), []
    assert text not in message
    assert faulty in ([], ["REDIS_URL"])
