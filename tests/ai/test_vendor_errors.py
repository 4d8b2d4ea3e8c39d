"""Each way the Claude API can fail, over real HTTP, and what it tells the job to do next."""

from __future__ import annotations

import socket

import anthropic
import pytest

from ai.lease import LEASE, lease_question
from dealpulse.ai.claude import ClaudeEngine
from dealpulse.ai.connection import open_client
from dealpulse.ai.vendor_errors import MAX_RETRY_AFTER
from dealpulse.errors import DealPulseError, Permanent, RateLimited, Transient, Unavailable
from dealpulse.settings import AiSettings, Secret
from fakes.claude import (
    FAKE_KEY,
    Behaviour,
    FakeClaude,
    answer,
    cut_off,
    foreign_page,
    garbled,
    hang,
    overloaded,
    prompt_too_long,
    rate_limited,
    reshaped,
    status,
)


async def failure(engine: ClaudeEngine, text: str = "rent") -> DealPulseError:
    with pytest.raises(DealPulseError) as raised:
        await engine.ask(lease_question(text))
    return raised.value


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (7, 7.0),
        ("0.5", 0.5),
        (86_400, MAX_RETRY_AFTER),
        ("inf", MAX_RETRY_AFTER),
        (-3, 0.0),
        ("soon", None),
        ("nan", None),
        (None, None),
    ],
)
async def test_a_rate_limit_closes_the_bucket_for_as_long_as_asked_but_not_for_ever(
    claude: FakeClaude, engine: ClaudeEngine, sent: float | str | None, expected: float | None
) -> None:
    claude.script(rate_limited(sent))
    error = await failure(engine)
    assert isinstance(error, RateLimited)
    assert (error.bucket, error.retry_after) == ("anthropic", expected)


@pytest.mark.parametrize(
    "behaviour",
    [
        overloaded(),
        status(500),
        status(502),
        status(503),
        status(504, "timeout_error"),
        status(599),
        status(408, "timeout_error"),
    ],
)
async def test_a_struggling_api_is_unavailable(claude: FakeClaude, engine: ClaudeEngine, behaviour: Behaviour) -> None:
    claude.script(behaviour)
    error = await failure(engine)
    assert isinstance(error, Unavailable)
    assert error.dependency == "anthropic"


async def test_an_overloaded_api_may_say_when_to_come_back(claude: FakeClaude, engine: ClaudeEngine) -> None:
    claude.script(overloaded(30))
    error = await failure(engine)
    assert isinstance(error, Unavailable)
    assert error.retry_after == 30


async def test_an_address_where_nobody_listens_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ai = AiSettings(api_key=Secret(FAKE_KEY), base_url=f"http://127.0.0.1:{port}")
    async with open_client(ai, Secret(FAKE_KEY)) as client:
        assert isinstance(await failure(ClaudeEngine(client, model=ai.model)), Unavailable)


async def test_an_api_that_says_nothing_in_time_is_unavailable(
    claude: FakeClaude, client: anthropic.AsyncAnthropic
) -> None:
    claude.script(hang())
    impatient = ClaudeEngine(client, model="claude-sonnet-5-5", timeout=0.05)
    with pytest.raises(Unavailable):
        await impatient.ask(lease_question(max_tokens=1))


@pytest.mark.parametrize("behaviour", [cut_off(), garbled(), foreign_page(), status(409, "conflict_error")])
async def test_a_reply_that_breaks_off_or_is_nonsense_is_tried_again(
    claude: FakeClaude, engine: ClaudeEngine, behaviour: Behaviour
) -> None:
    claude.script(behaviour)
    error = await failure(engine)
    assert isinstance(error, Transient)
    assert not isinstance(error, Unavailable | RateLimited)


@pytest.mark.parametrize(
    "changes",
    [
        {"content": None},
        {"content": "Lease of Unit 4"},
        {"content": [{"text": "{}"}]},
        {"content": [{"type": "text", "text": 7}]},
        {"stop_reason": 7},
        {"usage": None},
        {"usage": {"input_tokens": "many", "output_tokens": 1}},
        {"usage": {}},
    ],
    ids=str,
)
async def test_a_reply_of_another_shape_is_tried_again(
    claude: FakeClaude, engine: ClaudeEngine, changes: dict[str, object]
) -> None:
    claude.script(reshaped(**changes))
    error = await failure(engine)
    assert (type(error), error.code) == (Transient, "ai_reply_cut_off")


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (status(401, "authentication_error"), "ai_key_rejected"),
        (status(403, "permission_error"), "ai_key_rejected"),
        (status(402, "billing_error"), "ai_credit"),
        (status(400, "billing_error"), "ai_credit"),
        (rate_limited(60, error_code="enforced_spend_limit_reached"), "ai_credit"),
        (status(404, "not_found_error"), "ai_model_unknown"),
        (status(400, "invalid_request_error"), "ai_request_rejected"),
        (status(422, "invalid_request_error"), "ai_request_rejected"),
        (status(413, "invalid_request_error"), "context_too_long"),
    ],
)
async def test_what_no_retry_can_mend_is_permanent(
    claude: FakeClaude, engine: ClaudeEngine, behaviour: Behaviour, code: str
) -> None:
    claude.script(behaviour)
    error = await failure(engine)
    assert isinstance(error, Permanent)
    assert error.code == code


async def test_a_long_prompt_refused_without_a_code_is_too_long_and_a_short_one_is_just_wrong(
    claude: FakeClaude, engine: ClaudeEngine
) -> None:
    claude.script(prompt_too_long(), prompt_too_long())
    assert (await failure(engine, "x" * 200_000)).code == "context_too_long"
    assert (await failure(engine, "x")).code == "ai_request_rejected"


async def test_messages_name_status_and_request_id_but_never_the_body(claude: FakeClaude, engine: ClaudeEngine) -> None:
    claude.script(status(400, "invalid_request_error", message="messages: 'Project Halcyon' is odd"))
    error = await failure(engine)
    assert "Halcyon" not in error.message
    assert "status 400" in error.message
    assert claude.requests[0].request_id in error.message
    assert isinstance(error.__cause__, anthropic.BadRequestError)


async def test_the_engine_never_retries_by_itself(claude: FakeClaude, engine: ClaudeEngine) -> None:
    claude.script(overloaded(), answer(LEASE))
    await failure(engine)
    assert len(claude.requests) == 1
