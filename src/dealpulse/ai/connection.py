"""The connection to the Claude API: a client for the engine, and the check `doctor` makes of key and model."""

from __future__ import annotations

from datetime import datetime

import anthropic
import httpx2
import msgspec
from msgspec import Struct

from dealpulse.ai.vendor_errors import translated
from dealpulse.errors import Permanent
from dealpulse.settings import AiSettings, Secret

_DEFAULT_URL = "https://api.anthropic.com"
_CONNECT_SECONDS = 5.0
_MAX_CONNECTIONS = 20
_MODELS_LISTED = 1000


class _Model(Struct):
    id: str
    lifecycle: str = "active"
    retires_at: datetime | None = None


class _Models(Struct):
    data: list[_Model]


def open_client(ai: AiSettings, api_key: Secret) -> anthropic.AsyncAnthropic:
    """A client that retries nothing by itself: the SDK would wait as long as any Retry-After says."""
    # The address is always given, or the SDK would look for one in the environment, past our settings.
    return anthropic.AsyncAnthropic(
        api_key=api_key.reveal(),
        base_url=ai.base_url or _DEFAULT_URL,
        max_retries=0,
        timeout=anthropic.Timeout(ai.timeout, connect=_CONNECT_SECONDS),
        http_client=anthropic.DefaultAsyncHttpxClient(
            limits=httpx2.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS)
        ),
    )


async def check_account(ai: AiSettings, api_key: Secret) -> str:
    """One sentence: the key is accepted and the configured model is there.

    Raises ``Permanent`` (``ai_key_rejected``, ``ai_credit``, ``ai_model_unknown``, ``ai_model_retired``,
    ``ai_address_wrong``) or ``Unavailable``, each saying what to do.
    """
    try:
        async with open_client(ai, api_key) as client:
            model = await _model(client, ai.model)
    except anthropic.AnthropicError as exc:
        raise translated(exc) from exc
    except msgspec.MsgspecError as exc:
        raise Permanent(
            "What answers is not the Claude API. Correct or remove ANTHROPIC_BASE_URL.", code="ai_address_wrong"
        ) from exc
    if model.lifecycle == "retired":
        raise Permanent(
            f"The model {ai.model} is retired. Set ANTHROPIC_MODEL to a current one, and restart.",
            code="ai_model_retired",
        )
    if model.lifecycle == "deprecated":
        when = f" on {model.retires_at:%Y-%m-%d}" if model.retires_at else ""
        return f"The key is accepted; {ai.model} answers, but will be retired{when}: choose another ANTHROPIC_MODEL."
    return f"The key is accepted and {ai.model} is available."


async def _model(client: anthropic.AsyncAnthropic, name: str) -> _Model:
    # Asked for by name first: the listing holds no aliases.
    try:
        found = await client.models.with_raw_response.retrieve(name)
    except anthropic.NotFoundError as exc:
        listing = await client.models.with_raw_response.list(limit=_MODELS_LISTED)
        known = msgspec.json.decode(listing.http_response.content, type=_Models).data
        names = ", ".join(model.id for model in known if model.lifecycle != "retired")
        raise Permanent(
            f"The model {name} does not exist or this key may not use it. Set ANTHROPIC_MODEL to one of: {names}.",
            code="ai_model_unknown",
        ) from exc
    return msgspec.json.decode(found.http_response.content, type=_Model)
