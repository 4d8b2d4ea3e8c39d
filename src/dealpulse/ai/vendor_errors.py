"""Anthropic's errors become ours here, and nowhere else.

Messages name the status and the vendor's request id, never a response body or a prompt: both may hold deal content.
"""

from __future__ import annotations

import math

import anthropic
import httpx2

from dealpulse.ai.contract import CLAUDE
from dealpulse.errors import DealPulseError, Permanent, RateLimited, Transient, Unavailable

MAX_RETRY_AFTER = 900.0
"""Seconds: however long the vendor asks us to stay away, we look again after this."""

# The vendor answers a spent monthly limit with 429 too, but no retry within the month can help.
_SPEND_LIMITS = frozenset(
    {"enforced_spend_limit_reached", "contract_spend_limit_reached", "linked_organization_spend_limit_reached"}
)
_DOWN = frozenset({"overloaded_error", "api_error", "timeout_error"})

# A 400 for a prompt that is too long has no code of its own. A prompt of fewer characters than the smallest context
# window has tokens cannot be too long; for a longer one it is by far the likeliest reason.
_SMALLEST_CONTEXT_WINDOW = 200_000


def translated(error: anthropic.AnthropicError, *, prompt_chars: int = 0) -> DealPulseError:
    """What to do next about ``error``; raise it ``from error``. ``prompt_chars`` is the length of what was asked."""
    if isinstance(error, anthropic.APIStatusError):
        return _of_status(error, prompt_chars)
    if isinstance(error, anthropic.APIConnectionError):
        return _of_connection(error)
    return Transient("The Claude API's answer could not be used.", code="ai_reply_unusable")


def _of_connection(error: anthropic.APIConnectionError) -> Transient:
    if isinstance(error.__cause__, httpx2.RemoteProtocolError | httpx2.DecodingError):
        return Transient("The Claude API's answer was cut off.", code="ai_reply_cut_off")
    what = "did not answer in time" if isinstance(error, anthropic.APITimeoutError) else "cannot be reached"
    return Unavailable(f"The Claude API {what}.", dependency=CLAUDE)


def _of_status(error: anthropic.APIStatusError, prompt_chars: int) -> DealPulseError:
    status, said = error.status_code, _said(error)
    if status == 402 or error.type == "billing_error" or error.error_code in _SPEND_LIMITS:
        return Permanent(
            f"The Anthropic account has no credit left or has reached its spend limit ({said}). "
            "Add credit or raise the limit in the Anthropic console, then retry.",
            code="ai_credit",
        )
    if status == 429 or error.type == "rate_limit_error":
        return RateLimited(
            f"The Claude API asked us to slow down ({said}).", bucket=CLAUDE, retry_after=_retry_after(error)
        )
    if status >= 500 or status == 408 or error.type in _DOWN:
        return Unavailable(
            f"The Claude API is not available ({said}).", dependency=CLAUDE, retry_after=_retry_after(error)
        )
    if status < 400 or status in (409, 499):
        return Transient(f"The Claude API gave up on the request ({said}).", code="ai_reply_cut_off")
    return _of_rejection(error, said, prompt_chars)


def _of_rejection(error: anthropic.APIStatusError, said: str, prompt_chars: int) -> Permanent:
    """What our own request did wrong: never worth a retry as it is."""
    status = error.status_code
    if status in (401, 403):
        return Permanent(
            f"The Claude API refused the API key ({said}). Set ANTHROPIC_API_KEY to a valid key that may use the "
            "configured model, and restart.",
            code="ai_key_rejected",
        )
    if status == 404:
        return Permanent(
            f"The Claude API does not know the configured model or address ({said}). "
            "`dealpulse doctor` lists the models this key may use.",
            code="ai_model_unknown",
        )
    too_long = status == 400 and error.error_code is None and prompt_chars >= _SMALLEST_CONTEXT_WINDOW
    if status == 413 or too_long:
        return Permanent(f"The material is too long for the model ({said}).", code="context_too_long")
    return Permanent(f"The Claude API rejected the request ({said}).", code="ai_request_rejected")


def _said(error: anthropic.APIStatusError) -> str:
    parts = [f"status {error.status_code}", error.error_code or error.type or "", error.request_id or ""]
    return ", ".join(part for part in parts if part)


def _retry_after(error: anthropic.APIStatusError) -> float | None:
    """Seconds, 0 .. ``MAX_RETRY_AFTER``; None when the header is missing or is no number."""
    try:
        seconds = float(error.response.headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER)
