"""What needs no token: what this is, whether it lives, whether it can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final

from starlette.responses import Response

from dealpulse.errors import DealPulseError, NotFound
from dealpulse.store import Store
from dealpulse.web.codec import JsonResponse
from dealpulse.web.routing import ApiRequest, Endpoint, get
from dealpulse.web.wire import HealthAnswer, IndexAnswer, ReadinessAnswer

PROBE_SECONDS: Final = 3.0

ANSWERS: Final = "ok"
_NO_DEAL: Final = "00000000-0000-0000-0000-000000000000"


async def index(request: ApiRequest) -> IndexAnswer:
    """What this is, and where to go on."""
    links = {
        "stats": "/api/queue/stats",
        "deals": "/api/deals",
        "health": "/healthz",
        "readiness": "/readyz",
        "reference": "/api/docs",
        "openapi": "/openapi.json",
    }
    return IndexAnswer(name="DealPulse", version=request.state["version"], links=links)


async def healthz(request: ApiRequest) -> HealthAnswer:
    """The process answers; nothing else is asked."""
    return HealthAnswer(status=ANSWERS, version=request.state["version"])


async def readyz(request: ApiRequest) -> ReadinessAnswer | Response:
    """200 when Redis and Supabase answer, else 503 naming who does not."""
    redis, supabase = await asyncio.gather(
        _probe(request.state["queue"].ping()), _probe(ask_supabase(request.state["store"]))
    )
    checks = {"redis": redis, "supabase": supabase}
    ready = all(found == ANSWERS for found in checks.values())
    return JsonResponse(ReadinessAnswer(ready=ready, checks=checks), status_code=200 if ready else 503)


async def ask_supabase(store: Store) -> None:
    """Returns when Supabase answers and lets us read; raises what keeps it from that."""
    with suppress(NotFound):
        await store.deals.get(_NO_DEAL)


async def _probe(question: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await question
    except TimeoutError:
        return f"no answer within {PROBE_SECONDS:g} s"
    except DealPulseError as error:
        return error.message
    return ANSWERS


ENDPOINTS: Final[tuple[Endpoint, ...]] = (get("/", index), get("/healthz", healthz), get("/readyz", readyz))
