"""Which engine the settings lead to, and what doctor says of them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ai.lease import LEASE, OFFLINE_LEASE, lease_question
from dealpulse.ai import check_key, open_engine
from dealpulse.ai.contract import Answer, Question, SchemaT
from dealpulse.errors import BudgetExceeded, DealPulseError, Permanent, RateLimited, Transient, Unavailable
from dealpulse.health import Health
from dealpulse.models import EngineName
from dealpulse.settings import AiSettings, Secret
from fakes.claude import (
    FAKE_KEY,
    Behaviour,
    FakeClaude,
    answer,
    cut_off,
    foreign_page,
    out_of_tokens,
    overloaded,
    rate_limited,
    refusal,
    status,
)


class MemoryCache:
    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.entries.get(key)

    async def put(self, key: str, value: str, *, operation: str, model: str) -> None:
        self.entries[key] = value


async def test_without_a_key_the_offline_engine_answers_and_nothing_is_cached(health: Health) -> None:
    cache = MemoryCache()
    async with open_engine(AiSettings(), cache=cache, health=health) as engine:
        given = await engine.ask(lease_question())
    assert given.origin.engine is EngineName.local
    assert cache.entries == {}


async def test_with_a_key_claude_answers_through_the_cache(claude: FakeClaude, ai: AiSettings, health: Health) -> None:
    cache = MemoryCache()
    for _ in range(2):
        async with open_engine(ai, cache=cache, health=health) as engine:
            given = await engine.ask(lease_question())
    assert given.origin.engine is EngineName.claude
    assert given.cached
    assert len(claude.requests) == 1


async def test_another_model_does_not_answer_from_the_first_ones_cache(
    claude: FakeClaude, ai: AiSettings, health: Health
) -> None:
    cache = MemoryCache()
    for model in ("claude-sonnet-5-5", "claude-opus-5-5"):
        async with open_engine(replace(ai, model=model), cache=cache, health=health) as engine:
            await engine.ask(lease_question())
    assert [request.body["model"] for request in claude.requests] == ["claude-sonnet-5-5", "claude-opus-5-5"]


async def test_claude_is_not_replaced_unless_the_settings_say_so(
    claude: FakeClaude, ai: AiSettings, health: Health
) -> None:
    claude.script(overloaded())
    async with open_engine(ai, cache=None, health=health) as engine:
        with pytest.raises(Unavailable):
            await engine.ask(lease_question())


@pytest.mark.parametrize(
    "behaviour",
    [
        overloaded(),
        rate_limited(60),
        status(402, "billing_error"),
        status(401, "authentication_error"),
        status(404, "not_found_error"),
    ],
)
async def test_where_allowed_the_offline_engine_stands_in_under_its_own_name(
    claude: FakeClaude, ai: AiSettings, health: Health, behaviour: Behaviour
) -> None:
    claude.script(behaviour, answer(LEASE))
    cache = MemoryCache()
    async with open_engine(replace(ai, fallback_local=True), cache=cache, health=health) as engine:
        stand_in = await engine.ask(lease_question())
        assert (stand_in.origin.engine, stand_in.value) == (EngineName.local, OFFLINE_LEASE)
        assert stand_in.provisional
        assert cache.entries == {}
        later = await engine.ask(lease_question())
        assert (later.origin.engine, later.provisional) == (EngineName.claude, False)


async def test_every_operation_is_asked_of_its_own_model_and_answered_from_that_ones_cache(
    claude: FakeClaude, ai: AiSettings, health: Health
) -> None:
    models = {"email": "claude-haiku-5-5", "email.detect_blocker": "claude-opus-5-5"}
    operations = ("document.analyze", "email.analyze", "email.detect_blocker")
    expected = ["claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5"]
    cache = MemoryCache()
    for _ in range(2):
        async with open_engine(replace(ai, models=models), cache=cache, health=health) as engine:
            given = [await engine.ask(lease_question(operation=operation)) for operation in operations]
        assert [answer.origin.model for answer in given] == expected
    assert [request.body["model"] for request in claude.requests] == expected
    assert len(cache.entries) == 3


async def test_cost_follows_the_model_asked(claude: FakeClaude, ai: AiSettings, health: Health) -> None:
    claude.script(answer(LEASE), answer(LEASE))
    cheap = replace(ai, models={"email": "claude-haiku-5-5"})
    async with open_engine(cheap, cache=None, health=health) as engine:
        dear = (await engine.ask(lease_question(operation="document.analyze"))).usage
        little = (await engine.ask(lease_question(operation="email.analyze"))).usage
    assert little.input_tokens == dear.input_tokens
    assert little.cost_usd == pytest.approx(dear.cost_usd / 20)


async def test_what_was_paid_before_the_stand_in_answered_is_told(
    claude: FakeClaude, ai: AiSettings, health: Health
) -> None:
    claude.script(out_of_tokens(), overloaded())
    async with open_engine(replace(ai, fallback_local=True), cache=None, health=health) as engine:
        stand_in = await engine.ask(lease_question())
    assert stand_in.origin.engine is EngineName.local
    assert stand_in.usage.origin.engine is EngineName.claude
    assert stand_in.usage.cost_usd > 0


@pytest.mark.parametrize(
    "fault",
    [
        BudgetExceeded("Spent.", until=datetime(2026, 3, 10, tzinfo=UTC)),
        Unavailable("Away.", dependency="supabase"),
    ],
)
async def test_nobody_stands_in_for_a_spent_budget_or_another_dependency(
    claude: FakeClaude, ai: AiSettings, health: Health, fault: DealPulseError
) -> None:
    class Refusing:
        async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
            raise fault

        async def aclose(self) -> None: ...

    settings = replace(ai, fallback_local=True)
    async with open_engine(settings, cache=None, health=health, guard=lambda _: Refusing()) as engine:
        with pytest.raises(type(fault)):
            await engine.ask(lease_question())


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [(refusal(), Permanent), (cut_off(), Transient), (status(400, "invalid_request_error"), Permanent)],
)
async def test_trouble_with_the_question_itself_is_not_covered_up(
    claude: FakeClaude, ai: AiSettings, health: Health, behaviour: Behaviour, expected: type[Exception]
) -> None:
    claude.script(behaviour)
    async with open_engine(replace(ai, fallback_local=True), cache=None, health=health) as engine:
        with pytest.raises(expected):
            await engine.ask(lease_question())


def test_nothing_of_the_sdk_is_imported_without_a_key() -> None:
    program = """
import asyncio, sys
from dealpulse.ai import open_engine
from dealpulse.health import Health
from dealpulse.settings import AiSettings

async def main():
    async with open_engine(AiSettings(), cache=None, health=Health()):
        assert "anthropic" not in sys.modules, "imported"

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


# --- doctor -----------------------------------------------------------------------------------------------------------


async def test_doctor_hears_that_key_and_model_are_fine(ai: AiSettings) -> None:
    assert await check_key(ai) == "The key is accepted and claude-sonnet-5-5 is available."


async def test_doctor_hears_that_the_offline_engine_answers_without_a_key() -> None:
    assert "offline engine" in await check_key(AiSettings())


async def test_doctor_hears_when_a_model_is_about_to_end(ai: AiSettings) -> None:
    assert "retired on 2026-11-30" in await check_key(replace(ai, model="claude-sonnet-4-5"))


@pytest.mark.parametrize(
    ("key", "model", "code", "advice"),
    [
        ("sk-ant-wrong", "claude-sonnet-5-5", "ai_key_rejected", "ANTHROPIC_API_KEY"),
        (FAKE_KEY, "claude-unheard-of", "ai_model_unknown", "claude-sonnet-5-5"),
        (FAKE_KEY, "claude-3-opus", "ai_model_retired", "ANTHROPIC_MODEL"),
    ],
)
async def test_doctor_hears_what_is_wrong_and_what_to_do(
    ai: AiSettings, key: str, model: str, code: str, advice: str
) -> None:
    with pytest.raises(Permanent) as raised:
        await check_key(replace(ai, api_key=Secret(key), model=model))
    assert raised.value.code == code
    assert advice in raised.value.message
    assert key not in raised.value.message


@pytest.mark.parametrize(("behaviour", "expected"), [(overloaded(), Unavailable), (rate_limited(5), RateLimited)])
async def test_doctor_hears_that_the_api_is_away(
    claude: FakeClaude, ai: AiSettings, behaviour: Behaviour, expected: type[Exception]
) -> None:
    claude.script_models(behaviour)
    with pytest.raises(expected):
        await check_key(ai)


async def test_doctor_hears_that_the_address_is_not_claudes(claude: FakeClaude, ai: AiSettings) -> None:
    claude.script_models(foreign_page())
    with pytest.raises(Permanent) as raised:
        await check_key(ai)
    assert raised.value.code == "ai_address_wrong"
