"""What the health board hears of Claude."""

from __future__ import annotations

import pytest

from ai.lease import LEASE, lease_question
from dealpulse.ai.claude import ClaudeEngine
from dealpulse.errors import DealPulseError
from dealpulse.health import Health
from fakes.claude import Behaviour, FakeClaude, answer, cut_off, overloaded, rate_limited, refusal, status


@pytest.mark.parametrize(
    "behaviour", [overloaded(), cut_off(), status(401, "authentication_error"), status(402, "billing_error")]
)
async def test_a_failed_call_is_on_the_board_until_one_succeeds(
    claude: FakeClaude, engine: ClaudeEngine, health: Health, behaviour: Behaviour
) -> None:
    claude.script(behaviour, answer(LEASE))
    with pytest.raises(DealPulseError) as raised:
        await engine.ask(lease_question())
    assert f"anthropic: {raised.value.message}" in health.status().reasons
    await engine.ask(lease_question())
    assert health.dependencies == {"anthropic": True}


@pytest.mark.parametrize("behaviour", [refusal(), status(400, "invalid_request_error")])
async def test_an_api_that_turns_one_question_down_is_well(
    claude: FakeClaude, engine: ClaudeEngine, health: Health, behaviour: Behaviour
) -> None:
    claude.script(behaviour)
    with pytest.raises(DealPulseError):
        await engine.ask(lease_question())
    assert health.dependencies == {"anthropic": True}


async def test_being_slowed_down_says_nothing_about_health(
    claude: FakeClaude, engine: ClaudeEngine, health: Health
) -> None:
    claude.script(rate_limited(5))
    with pytest.raises(DealPulseError):
        await engine.ask(lease_question())
    assert health.dependencies == {}
