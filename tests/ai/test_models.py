"""The configured models are looked at when a worker starts, and every day."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from dealpulse.ai import check_key, watch_models
from dealpulse.errors import Permanent
from dealpulse.health import Health
from dealpulse.settings import AiSettings, Secret
from fakes.claude import FAKE_KEY, FakeClaude, foreign_page, overloaded, rate_limited

DAY, MINUTE = 86_400.0, 60.0


class LookedOftenEnough(Exception):
    """Ends the watch."""


async def watched(ai: AiSettings, health: Health, *, looks: int = 1) -> tuple[list[float], list[EventDict]]:
    """The seconds between that many looks, and what was logged."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == looks:
            raise LookedOftenEnough

    with capture_logs() as lines, pytest.raises(LookedOftenEnough):
        await watch_models(ai, health=health, sleep=sleep)
    return waits, [line for line in lines if line["log_level"] in ("warning", "error")]


async def test_models_that_are_there_are_looked_at_again_tomorrow(ai: AiSettings, health: Health) -> None:
    several = replace(ai, models={"email": "claude-haiku-5-5"})
    assert await watched(several, health) == ([DAY], [])
    assert health.dependencies == {"claude models": True}


@pytest.mark.parametrize(
    ("key", "model", "code"),
    [
        (FAKE_KEY, "claude-unheard-of", "ai_model_unknown"),
        (FAKE_KEY, "claude-3-opus", "ai_model_retired"),
        ("sk-ant-wrong", "claude-haiku-5-5", "ai_key_rejected"),
    ],
)
async def test_a_model_that_cannot_be_had_is_an_error_at_once_and_on_the_board(
    ai: AiSettings, health: Health, key: str, model: str, code: str
) -> None:
    wrong = replace(ai, api_key=Secret(key), models={"email": model})
    _, [line] = await watched(wrong, health)
    assert (line["event"], line["log_level"], line["code"]) == ("ai_models_wrong", "error", code)
    assert health.dependencies == {"claude models": False}


async def test_a_model_about_to_be_retired_is_told_with_its_day(ai: AiSettings, health: Health) -> None:
    waits, [line] = await watched(replace(ai, models={"email": "claude-sonnet-4-5"}), health)
    assert waits == [DAY]
    assert (line["event"], line["log_level"]) == ("ai_model_retiring", "warning")
    assert (line["model"], line["retires_on"]) == ("claude-sonnet-4-5", "2026-11-30")
    assert health.dependencies == {"claude models": True}


async def test_an_api_that_is_away_says_nothing_about_the_models(
    claude: FakeClaude, ai: AiSettings, health: Health
) -> None:
    claude.script_models(overloaded(), rate_limited(5))
    waits, lines = await watched(ai, health, looks=3)
    assert waits == [MINUTE, MINUTE, DAY]
    assert [line["event"] for line in lines] == ["ai_models_unchecked"] * 2
    assert health.dependencies == {"claude models": True}


async def test_a_key_that_is_mended_takes_the_fault_off_the_board(
    claude: FakeClaude, ai: AiSettings, health: Health
) -> None:
    claude.script_models(foreign_page())
    waits, _ = await watched(ai, health, looks=2)
    assert waits[0] < DAY
    assert health.dependencies == {"claude models": True}


async def test_without_a_key_there_is_nothing_to_watch(health: Health) -> None:
    await watch_models(AiSettings(), health=health)
    assert health.dependencies == {}


async def test_doctor_hears_of_every_configured_model(ai: AiSettings) -> None:
    several = replace(ai, models={"email": "claude-haiku-5-5"})
    assert await check_key(several) == "The key is accepted and claude-sonnet-5-5 and claude-haiku-5-5 are available."
    with pytest.raises(Permanent, match="claude-unheard-of"):
        await check_key(replace(ai, models={"email": "claude-unheard-of"}))
