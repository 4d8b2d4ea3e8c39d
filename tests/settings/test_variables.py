"""The table of variables, ``.env.example`` and the queues say the same."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from dealpulse.jobs import QUEUES
from dealpulse.settings import Settings
from dealpulse.settings.values import QUEUE_DEFAULTS
from dealpulse.settings.variables import VARIABLES, Variable, as_env_example

EXAMPLE = Path(__file__).parents[2] / ".env.example"
REQUIRED = {"SUPABASE_URL": "https://deal.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "service-key"}


def test_env_example_is_the_table() -> None:
    assert EXAMPLE.read_text() == as_env_example(), "run: python -m dealpulse.settings > .env.example"


def test_env_example_names_every_variable_once_and_no_other() -> None:
    named = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(), flags=re.MULTILINE)
    assert sorted(named) == sorted(variable.name for variable in VARIABLES)
    assert len(named) == len(set(named))


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_every_default_can_be_parsed_and_every_variable_is_explained(variable: Variable[object]) -> None:
    if variable.default is not None:
        variable.parse(variable.default)
    assert variable.meaning
    assert variable.remedy


OTHER_VALUES = {
    "PUBLIC_URL": "https://other.example",
    "BRIEF_WAIT_SECONDS": "77",
    "REDIS_URL": "redis://other/1",
    "REDIS_HOST": "cache",
    "REDIS_TLS": "true",
    "REDIS_SENTINELS": "one:26379",
    "SUPABASE_URL": "https://other.supabase.co",
    "NEXT_PUBLIC_SUPABASE_URL": "https://app.supabase.co",
    "DATABASE_URL": "postgresql://db/postgres",
    "ANTHROPIC_BASE_URL": "https://proxy.example.com",
    "ANTHROPIC_MODELS": "email=claude-haiku-5-5",
    "AI_FALLBACK": "local",
    "DAILY_BRIEF_TIME": "0 9 * * 1-5",
    "TIMEZONE": "Europe/Berlin",
    "SMTP_URL": "smtp://mail.example.com",
    "SMTP_FROM": "briefs@example.com",
    "DELIVERY_ALLOW_PRIVATE": "true",
    "API_TRUST_LOOPBACK": "true",
    "DASHBOARD_PAYLOADS": "admin",
    "API_CORS_ORIGINS": "https://app.example.com",
    "METRICS_OPEN": "true",
    "ALERT_NEEDS_CONSENT": "false",
    "ALERT_WEBHOOK_URL": "https://example.com/hook",
    "ALERT_WEBHOOK_SECRET": "whsec_" + "A" * 43 + "=",
    "ALERT_SLACK_URL": "https://hooks.example.com/services/1",
    "ALERT_EMAILS": "ops@example.com",
    "FOLDER_SOURCE_ROOTS": "/srv",
    "TOKEN_ENCRYPTION_KEYS": "other:" + "A" * 43 + "=",
    "GOOGLE_SERVICE_ACCOUNT_FILE": "/srv/key.json",
    "GOOGLE_API_URL": "https://other.example",
    "GOOGLE_TOKEN_URL": "https://other.example",
    "GOOGLE_AUTH_URL": "https://other.example",
    "GOOGLE_REVOKE_URL": "https://other.example",
    "GOOGLE_KEYS_URL": "https://other.example",
    "SOURCE_SWEEP_TIME": "5 * * * *",
    "SOURCE_NOTIFICATIONS": "off",
    "MICROSOFT_GRAPH_URL": "https://other.example",
    "MICROSOFT_LOGIN_URL": "https://other.example",
    "LOG_LEVEL": "error",
    "DEBUG": "bullmq:*",
    "NODE_ENV": "development",
}
"""Of the variables that take neither any number nor any word."""


def _changed(name: str) -> Settings:
    """What the settings are when only this variable is set to something else."""
    numeric = next(variable for variable in VARIABLES if variable.name == name).default or ""
    value = OTHER_VALUES.get(name) or ("77" if numeric[:1].isdigit() else "other")
    environ = REQUIRED | {name: value}
    if name == "NEXT_PUBLIC_SUPABASE_URL":
        del environ["SUPABASE_URL"]
    if name == "REDIS_SENTINELS":
        environ["REDIS_SENTINEL_MASTER"] = "mymaster"
    if name == "REDIS_SENTINEL_MASTER":
        environ["REDIS_SENTINELS"] = "one:26379"
    if name == "SMTP_URL":
        environ["SMTP_FROM"] = "other@example.com"
    if name == "ALERT_WEBHOOK_URL":
        environ["ALERT_WEBHOOK_SECRET"] = OTHER_VALUES["ALERT_WEBHOOK_SECRET"]
    if name == "ALERT_EMAILS":
        environ |= {"SMTP_URL": "smtp://mail.example.com", "SMTP_FROM": "other@example.com"}
    return Settings.load(environ=environ)


def test_every_variable_has_an_effect_and_one_of_its_own() -> None:
    effects = {variable.name: _changed(variable.name) for variable in VARIABLES}
    unset = Settings.load(environ=REQUIRED)
    assert [name for name, settings in effects.items() if settings == unset] == []
    alike = [
        (one, other)
        for one, settings in effects.items()
        for other, others in effects.items()
        if one < other and settings == others
    ]
    assert alike == []


def test_env_example_with_its_defaults_uncommented_changes_nothing(tmp_path: Path) -> None:
    text = re.sub(r"^#(?=[A-Z][A-Z0-9_]*=)", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    assert len(dotenv_values(stream=io.StringIO(text))) == len(VARIABLES)
    (tmp_path / ".env").write_text(text)
    assert Settings.load(environ=REQUIRED, directory=tmp_path) == Settings.load(environ=REQUIRED)


def test_the_queues_defaults_are_those_of_the_jobs() -> None:
    ours = {
        name: (queue.prefix, *(getattr(queue.values, number) for number in NUMBERS))
        for name, queue in QUEUE_DEFAULTS.items()
    }
    theirs = {queue.name: (queue.prefix, *(getattr(queue, number) for number in NUMBERS)) for queue in QUEUES}
    assert ours == theirs


NUMBERS = ("concurrency", "attempts", "backoff_base", "time_limit", "keep_completed", "keep_failed")
