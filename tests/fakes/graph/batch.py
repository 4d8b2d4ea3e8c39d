"""Several requests in one: learn.microsoft.com/graph/json-batching (20 at most, each answered with its own status)."""

from __future__ import annotations

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from fakes.graph.answers import GRAPH, refused

_MOST = 20


async def answer(request: Request, app: ASGIApp) -> Response:
    """What ``app`` answers to each; who may ask is decided for each as well."""
    asked = (await request.json())["requests"]
    if not 0 < len(asked) <= _MOST or len({one["id"] for one in asked}) < len(asked):
        return refused(400)
    bearer = {"authorization": request.headers.get("authorization", "")}
    replies = []
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
        for one in reversed(asked):  # in any order
            said = await client.request(one["method"], f"{GRAPH}{one['url']}", headers=bearer | one.get("headers", {}))
            replies.append(
                {
                    "id": one["id"],
                    "status": said.status_code,
                    "headers": dict(said.headers),
                    "body": said.json() if said.content else None,
                }
            )
    return JSONResponse({"responses": replies})
