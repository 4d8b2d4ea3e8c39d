"""The least an endpoint could be: one round trip to Redis, one read from PostgREST, a JSON answer."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import httpx
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class Clients(TypedDict):
    redis: Redis
    http: httpx.AsyncClient


@asynccontextmanager
async def _clients(_: Starlette) -> AsyncIterator[Clients]:
    key = os.environ["SUPABASE_SERVICE_ROLE_KEY"]
    headers = {"apikey": key, "authorization": f"Bearer {key}"}
    redis = Redis.from_url(os.environ["REDIS_URL"])
    async with httpx.AsyncClient(base_url=os.environ["SUPABASE_URL"], headers=headers) as http:
        yield Clients(redis=redis, http=http)
    await redis.aclose()


async def _answer(request: Request[Clients]) -> JSONResponse:
    asked = await request.json()
    await request.state["redis"].get("nothing")
    query = {"select": "id,deal_id", "id": f"eq.{asked['documentId']}", "limit": "1"}
    found = (await request.state["http"].get("/rest/v1/documents", params=query)).json()
    return JSONResponse({"success": True, "found": len(found)})


def create_app() -> Starlette:
    return Starlette(routes=[Route("/bare", _answer, methods=["POST"])], lifespan=_clients)
