"""What calls cost, worked out by hand from the price list."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from dealpulse.ai.pricing import MODEL_PRICE_UNKNOWN, PRICES, cost_usd

tokens = st.integers(min_value=0, max_value=1_000_000)


@pytest.mark.parametrize(
    ("model", "read", "written", "expected"),
    [
        ("claude-haiku-5-5", 100_000, 10_000, 0.010 + 0.005),
        ("claude-sonnet-5-5", 1_000_000, 100_000, 2.00 + 1.00),
        ("claude-opus-5-5", 1_000_000, 100_000, 4.00 + 2.00),
        ("claude-fable-5-1", 1_000_000, 100_000, 10.00 + 5.00),
    ],
)
def test_input_and_output_are_charged_at_the_list_price(model: str, read: int, written: int, expected: float) -> None:
    assert cost_usd(model, input_tokens=read, output_tokens=written) == pytest.approx(expected)


def test_haiku_charges_the_whole_call_more_once_the_prompt_passes_100k_tokens() -> None:
    assert cost_usd("claude-haiku-5-5", input_tokens=100_001, output_tokens=10_000) == pytest.approx(
        0.0500005 + 0.025, abs=1e-9
    )


def test_cached_tokens_count_towards_the_length_of_the_prompt() -> None:
    cost = cost_usd("claude-haiku-5-5", input_tokens=1, output_tokens=0, cache_read_tokens=100_000)
    assert cost == pytest.approx(0.005 + 0.0000005, abs=1e-9)


def test_writing_the_cache_costs_a_quarter_more_and_reading_it_a_twentieth() -> None:
    assert cost_usd(
        "claude-sonnet-5-5", input_tokens=0, output_tokens=0, cache_write_tokens=1_000_000
    ) == pytest.approx(2.50)
    assert cost_usd("claude-sonnet-5-5", input_tokens=0, output_tokens=0, cache_read_tokens=1_000_000) == pytest.approx(
        0.10
    )


def test_an_unknown_model_costs_nothing_and_is_warned_about_once() -> None:
    model = f"claude-{uuid4()}"
    with capture_logs() as lines:
        costs = [cost_usd(model, input_tokens=10, output_tokens=10) for _ in range(3)]
    assert costs == [0.0, 0.0, 0.0]
    assert [(line["event"], line["model"]) for line in lines] == [(MODEL_PRICE_UNKNOWN, model)]


def test_a_dated_snapshot_costs_what_its_model_costs() -> None:
    tokens = {"input_tokens": 1_000_000, "output_tokens": 0}
    assert cost_usd("claude-sonnet-5-5-20260901", **tokens) == cost_usd("claude-sonnet-5-5", **tokens) > 0


@given(model=st.sampled_from(sorted(PRICES)), prompt=tokens, written=tokens, more=tokens)
def test_more_tokens_never_cost_less(model: str, prompt: int, written: int, more: int) -> None:
    less = cost_usd(model, input_tokens=prompt, output_tokens=written)
    assert 0 <= less <= cost_usd(model, input_tokens=prompt + more, output_tokens=written + more)
