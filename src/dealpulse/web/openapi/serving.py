"""The API described: for programs at ``/openapi.json``, for people at ``/api/docs``."""

from __future__ import annotations

import json
from functools import cache
from typing import Final

from starlette.responses import HTMLResponse, Response

from dealpulse.web import consent, probes
from dealpulse.web.api import ENDPOINTS as API
from dealpulse.web.api import webhooks
from dealpulse.web.metrics import serving as metrics
from dealpulse.web.openapi.document import document
from dealpulse.web.openapi.reference import POLICY, page
from dealpulse.web.openapi.schemas import Json
from dealpulse.web.routing import ApiRequest, Endpoint, get


async def openapi(request: ApiRequest) -> Response:
    """The OpenAPI 3.1 document of all this."""
    content = json.dumps(described(request.state["version"]), separators=(",", ":"))
    return Response(content, media_type="application/json")


async def reference(request: ApiRequest) -> HTMLResponse:
    """The same as a page to read; it loads nothing."""
    return HTMLResponse(_page(request.state["version"]), headers={"Content-Security-Policy": POLICY})


@cache
def described(version: str) -> Json:
    """The document, made once."""
    # What a path of ours is for with a vendor's header is the vendor's to know.
    vendors = tuple(endpoint for endpoint in webhooks.VENDORS if not endpoint.only_with)
    open_to_all = (*probes.ENDPOINTS, *ENDPOINTS, *consent.ENDPOINTS, *vendors)
    return document(version, API, guarded=metrics.ENDPOINTS, open_to_all=open_to_all)


@cache
def _page(version: str) -> str:
    return page(described(version))


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    get("/openapi.json", openapi, also=("application/json",)),
    get("/api/docs", reference, also=("text/html",)),
)
