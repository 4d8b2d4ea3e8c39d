"""The connection to the Claude API: a client for the engine, and the check of key and models."""

from __future__ import annotations

from collections.abc import Mapping
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
_VARIABLES = "ANTHROPIC_MODEL or ANTHROPIC_MODELS"


class _Model(Struct):
    id: str
    lifecycle: str = "active"
    retires_at: datetime | None = None


class _Models(Struct):
    data: list[_Model]


class Retiring(Struct, frozen=True):
    """A configured model that still answers and soon will not. ``retires_on`` is an ISO date."""

    model: str
    retires_on: str | None

    @property
    def warning(self) -> str:
        when = f" on {self.retires_on}" if self.retires_on else ""
        return f"{self.model} answers, but will be retired{when}: choose another {_VARIABLES}."


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


async def check_account(ai: AiSettings, api_key: Secret) -> list[Retiring]:
    """The key is accepted and every configured model is there; returns those that will be gone soon.

    Raises ``Permanent`` (``ai_key_rejected``, ``ai_credit``, ``ai_model_unknown``, ``ai_model_retired``,
    ``ai_address_wrong``), ``Unavailable`` or ``RateLimited``, each saying what to do.
    """
    try:
        async with open_client(ai, api_key) as client:
            listing = await client.models.with_raw_response.list(limit=_MODELS_LISTED)
            known = {one.id: one for one in msgspec.json.decode(listing.http_response.content, type=_Models).data}
            found = [known.get(name) or await _alias(client, name, known) for name in ai.all_models]
    except anthropic.AnthropicError as exc:
        raise translated(exc) from exc
    except msgspec.MsgspecError as exc:
        raise Permanent(
            "What answers is not the Claude API. Correct or remove ANTHROPIC_BASE_URL.", code="ai_address_wrong"
        ) from exc
    retiring = []
    for name, model in zip(ai.all_models, found, strict=True):
        if model.lifecycle == "retired":
            raise Permanent(
                f"The model {name} is retired. Set {_VARIABLES} to a current one, and restart.",
                code="ai_model_retired",
            )
        if model.lifecycle == "deprecated":
            day = model.retires_at.date().isoformat() if model.retires_at else None
            retiring.append(Retiring(model=name, retires_on=day))
    return retiring


async def _alias(client: anthropic.AsyncAnthropic, name: str, known: Mapping[str, _Model]) -> _Model:
    """A model the listing does not hold under this name; it holds no aliases."""
    try:
        found = await client.models.with_raw_response.retrieve(name)
    except anthropic.NotFoundError as exc:
        names = ", ".join(model.id for model in known.values() if model.lifecycle != "retired")
        raise Permanent(
            f"The model {name} does not exist or this key may not use it. Set {_VARIABLES} to one of: {names}.",
            code="ai_model_unknown",
        ) from exc
    return msgspec.json.decode(found.http_response.content, type=_Model)
