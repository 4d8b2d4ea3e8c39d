"""How Graph writes answers: learn.microsoft.com/graph/errors and /graph/paging."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Json = dict[str, Any]

GRAPH = "/v1.0"
CODES = {
    400: "invalidRequest",
    401: "InvalidAuthenticationToken",
    403: "accessDenied",
    404: "itemNotFound",
    410: "resyncRequired",
    429: "activityLimitReached",
    503: "serviceNotAvailable",
}


def refused(status: int, reason: str = "", *, headers: Mapping[str, str] | None = None) -> Response:
    """An error; without a reason, with the usual code for its status."""
    error = {"code": reason or CODES.get(status, "generalException"), "message": "as told", "innerError": {"date": ""}}
    return JSONResponse({"error": error}, status, headers=dict(headers or {}))


def unknown_parameters(request: Request, *known: str) -> Response | None:
    return refused(400) if set(request.query_params) - set(known) else None


def sealed(**state: Any) -> str:
    """A token nobody but the vendor can make sense of."""
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def opened(token: str) -> Json | None:
    try:
        state = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        return None
    return state if isinstance(state, dict) else None


def selected(entry: Json, select: str | None) -> Json:
    """The fields that were asked for; ``id`` and annotations always come."""
    if not select:
        return entry
    wanted = {"id", *select.split(",")}
    return {name: value for name, value in entry.items() if name in wanted or name.startswith("@")}


def page(entries: Iterable[Json], *, next_link: str | None = None, delta_link: str | None = None) -> Response:
    answer: Json = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata", "value": list(entries)}
    if next_link is not None:
        answer["@odata.nextLink"] = next_link
    if delta_link is not None:
        answer["@odata.deltaLink"] = delta_link
    return JSONResponse(answer)
