"""Whether the configured models can be had: told when a worker starts, not when the first document fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from dealpulse.errors import Permanent, Transient
from dealpulse.health import Health
from dealpulse.settings import AiSettings, Secret

MODELS_WRONG = "ai_models_wrong"
MODELS_UNCHECKED = "ai_models_unchecked"
MODEL_RETIRING = "ai_model_retiring"

MODELS = "claude models"
"""What the check of the models goes by on the health board: a call that succeeds says nothing about the others."""
_AWAY_SECONDS = 60.0
_WRONG_SECONDS = 600.0
_DAY_SECONDS = 86_400.0

_log = structlog.get_logger(__name__)


async def watch_models(
    ai: AiSettings, *, health: Health, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> None:
    """Look at once, and then every day, whether the configured models can be had; until cancelled.

    A key or model that cannot work is logged as an error and on the health board until it can. An API that is away
    says nothing about either: it is asked again within the minute.
    """
    while ai.api_key is not None:
        await sleep(await _look_at_models(ai, ai.api_key, health))


async def _look_at_models(ai: AiSettings, api_key: Secret, health: Health) -> float:
    """Returns the seconds until the next look."""
    from dealpulse.ai.connection import check_account

    try:
        retiring = await check_account(ai, api_key)
    except Transient as error:
        _log.warning(MODELS_UNCHECKED, code=error.code)
        return _AWAY_SECONDS
    except Permanent as error:
        health.failed(MODELS, error.message)
        _log.error(MODELS_WRONG, code=error.code, advice=error.message)
        return _WRONG_SECONDS
    health.succeeded(MODELS)
    for one in retiring:
        _log.warning(MODEL_RETIRING, model=one.model, retires_on=one.retires_on)
    return _DAY_SECONDS
