"""What a model call costs, by the vendor's list prices of October 2026, in USD per million tokens.

Prompt caching with the five-minute lifetime, the only one we ask for, is charged at 1.25 times the input price.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import structlog

MODEL_PRICE_UNKNOWN = "ai_model_price_unknown"

_CACHE_WRITE_FACTOR = 1.25
_MILLION = 1_000_000
_SNAPSHOT = re.compile(r"-20\d{6}\Z")
"""A dated snapshot of a model costs what the model costs."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Price:
    """USD per million tokens."""

    input: float
    output: float
    cache_read: float


@dataclass(frozen=True)
class PriceList:
    """One model's prices. Prompts of more than ``long_from`` tokens, cached ones counted, pay ``long`` throughout."""

    standard: Price
    long: Price | None = None
    long_from: int = 0

    def for_prompt(self, tokens: int) -> Price:
        return self.long if self.long is not None and tokens > self.long_from else self.standard


PRICES = {
    "claude-haiku-5-5": PriceList(
        standard=Price(input=0.10, output=0.50, cache_read=0.01),
        long=Price(input=0.50, output=2.50, cache_read=0.05),
        long_from=100_000,
    ),
    "claude-sonnet-5-5": PriceList(standard=Price(input=2.00, output=10.00, cache_read=0.10)),
    "claude-opus-5-5": PriceList(standard=Price(input=4.00, output=20.00, cache_read=0.20)),
    "claude-fable-5-1": PriceList(standard=Price(input=10.00, output=50.00, cache_read=0.25)),
}

_warned: set[str] = set()


def cost_usd(
    model: str,
    *,
    input_tokens: int,
    output_tokens: int,
    cache_read_tokens: int = 0,
    cache_write_tokens: int = 0,
) -> float:
    """The price of one call in USD. ``input_tokens`` are those neither read from nor written to the cache.

    A model that is not in the list costs 0, and is warned about once a process.
    """
    prices = PRICES.get(_SNAPSHOT.sub("", model))
    if prices is None:
        _warn_once(model)
        return 0.0
    price = prices.for_prompt(input_tokens + cache_read_tokens + cache_write_tokens)
    return (
        input_tokens * price.input
        + cache_write_tokens * price.input * _CACHE_WRITE_FACTOR
        + cache_read_tokens * price.cache_read
        + output_tokens * price.output
    ) / _MILLION


def _warn_once(model: str) -> None:
    if model not in _warned:
        _warned.add(model)
        _log.warning(MODEL_PRICE_UNKNOWN, model=model)
