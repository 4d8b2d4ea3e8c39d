"""The route table: an endpoint is a path, a handler, and the wire types it takes and gives.

A handler gets the request (and its parsed body) and returns a wire value; reading, limits and JSON happen here once.
What handlers use (intake, store, queue) they take by name out of the request's state, filled by the app's lifespan.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, TypedDict

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dealpulse.intake import Intake
from dealpulse.queue import QueueClient
from dealpulse.settings import ApiSettings
from dealpulse.store import Store
from dealpulse.web.codec import Body, JsonResponse, body_of
from dealpulse.web.middleware import BodyLimit
from dealpulse.web.wire import Incoming, Outgoing


class State(TypedDict):
    """What requests may use while the app runs."""

    intake: Intake
    store: Store
    queue: QueueClient
    version: str


ApiRequest: TypeAlias = Request[State]
Answer: TypeAlias = Outgoing | Response
Handler: TypeAlias = Callable[[ApiRequest], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    method: str
    path: str
    handler: Handler
    takes: type[Incoming] | None = None
    """The JSON body; None: it has none, or (``uploads``) takes the bytes as they come."""
    status: int = 200
    uploads: bool = False
    """The body is a file: the limit for uploads applies."""


def get(path: str, handler: Handler) -> Endpoint:
    return Endpoint(method="GET", path=path, handler=handler)


def post(path: str, handler: Handler, *, status: int = 200, uploads: bool = False) -> Endpoint:
    """A POST whose body is not JSON of ours."""
    return Endpoint(method="POST", path=path, handler=handler, status=status, uploads=uploads)


def post_json(
    path: str, handler: Callable[[ApiRequest, Body], Awaitable[Answer]], *, takes: type[Body], status: int = 200
) -> Endpoint:
    async def read_then_handle(request: ApiRequest) -> Answer:
        return await handler(request, await body_of(request, takes))

    return Endpoint(method="POST", path=path, handler=read_then_handle, takes=takes, status=status)


def routes_of(endpoints: Iterable[Endpoint], api: ApiSettings) -> list[Route]:
    """One Starlette route a path, so that a wrong method is told all the right ones."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [_route(path, methods, api) for path, methods in by_path.items()]


_HEAD: Final = "HEAD"


def _route(path: str, methods: Mapping[str, Endpoint], api: ApiSettings) -> Route:
    async def dispatch(request: ApiRequest) -> Response:
        endpoint = methods["GET" if request.method == _HEAD else request.method]
        answer = await endpoint.handler(request)
        return answer if isinstance(answer, Response) else JsonResponse(answer, status_code=endpoint.status)

    uploads = any(endpoint.uploads for endpoint in methods.values())
    limit = api.max_upload_bytes if uploads else api.max_body_bytes
    return Route(path, dispatch, methods=list(methods), middleware=[Middleware(BodyLimit, limit=limit)])
