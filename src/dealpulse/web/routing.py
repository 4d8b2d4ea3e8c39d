"""The route table: an endpoint is a path, a handler, the wire types it takes and gives, and who may ask.

A handler gets the request (and its parsed body) and returns a wire value; reading, limits and JSON happen here once.
What handlers use (intake, store, queue) they take by name out of the request's state, filled by the app's lifespan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Final, TypeAlias, TypedDict

import httpx
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope as AsgiScope

from dealpulse.connecting.consent import Consents
from dealpulse.connecting.notices import Notices
from dealpulse.errors import NotFound
from dealpulse.intake import Intake
from dealpulse.queue import QueueClient
from dealpulse.queue.alert_book import AlertBook
from dealpulse.queue.desk import Desk
from dealpulse.queue.idempotency import IdempotencyKeys
from dealpulse.settings import ApiSettings, Settings
from dealpulse.store import Store
from dealpulse.web.access.audit import Audit
from dealpulse.web.access.door import Door
from dealpulse.web.access.identity import Identity, Scope
from dealpulse.web.access.push import PushTokens
from dealpulse.web.access.users import Memberships
from dealpulse.web.codec import Body, JsonResponse, body_of, query_of
from dealpulse.web.errors import HttpFault
from dealpulse.web.idempotency import KEY, answer_once
from dealpulse.web.middleware import BodyLimit
from dealpulse.web.readings import Readings
from dealpulse.web.wire import Incoming, Outgoing


class State(TypedDict):
    """What requests may use while the app runs."""

    intake: Intake
    store: Store
    queue: QueueClient
    version: str
    door: Door
    memberships: Memberships
    audit: Audit
    desk: Desk
    keys: IdempotencyKeys
    budget_usd: float
    """What a deal without a budget of its own may spend a day; 0 is any amount."""
    metrics: Readings
    settings: Settings
    consents: Consents
    notices: Notices
    push_tokens: PushTokens
    vendors: httpx.AsyncClient
    """What vendors are reached with."""
    alerts: AlertBook
    stopping: asyncio.Event
    """Set once the process is told to stop."""


ApiRequest: TypeAlias = Request[State]
Answer: TypeAlias = Outgoing | Response
Handler: TypeAlias = Callable[[ApiRequest], Awaitable[Answer]]
About: TypeAlias = Callable[[ApiRequest], Awaitable[str | None]]
"""Which deal a request is about; None: the answer itself is cut to the caller's own deals."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    method: str
    path: str
    handler: Handler
    takes: type[Incoming] | None = None
    """The JSON body; None: it has none, or (``uploads``) takes the bytes as they come."""
    optional: bool = False
    """No body at all stands for one that says nothing."""
    asks: type[Incoming] | None = None
    """The query parameters; None: it heeds none."""
    also: tuple[str, ...] = ()
    """Media types it may answer with beside, or in place of, JSON."""
    status: int = 200
    uploads: bool = False
    """The body is a file: the limit for uploads applies."""
    once: bool = False
    """Its answer shows a secret, which must not be kept: an ``Idempotency-Key`` is not heeded."""
    scope: Scope
    about: About | None = None
    """None: closed to users of the app, who see only their own deals."""
    only_with: str = ""
    """A header without which the request is for another endpoint of the same path."""

    @property
    def action(self) -> str:
        """What the audit log calls it: ``jobs.cancel``."""
        return f"{self.handler.__module__.rpartition('.')[2]}.{self.handler.__name__}"

    @property
    def heeds_key(self) -> bool:
        """Whether the same request with the same ``Idempotency-Key`` is carried out once."""
        return self.method == "POST" and not self.uploads and not self.once


def get(
    path: str,
    handler: Handler,
    *,
    also: tuple[str, ...] = (),
    scope: Scope = Scope.read,
    about: About | None = None,
) -> Endpoint:
    return Endpoint(method="GET", path=path, handler=handler, also=also, scope=scope, about=about)


def get_query(
    path: str,
    handler: Callable[[ApiRequest, Body], Awaitable[Answer]],
    *,
    asks: type[Body],
    also: tuple[str, ...] = (),
    scope: Scope = Scope.read,
    about: About | None = None,
) -> Endpoint:
    """A GET whose query parameters say what is wanted."""

    @wraps(handler)
    async def read_then_handle(request: ApiRequest) -> Answer:
        return await handler(request, query_of(request, asks))

    return Endpoint(method="GET", path=path, handler=read_then_handle, asks=asks, also=also, scope=scope, about=about)


def post(
    path: str,
    handler: Handler,
    *,
    status: int = 200,
    scope: Scope = Scope.operate,
    about: About | None = None,
    only_with: str = "",
) -> Endpoint:
    """A POST without a body of ours."""
    return Endpoint(
        method="POST", path=path, handler=handler, status=status, scope=scope, about=about, only_with=only_with
    )


def post_file(
    path: str,
    handler: Callable[[ApiRequest, Body], Awaitable[Answer]],
    *,
    asks: type[Body],
    status: int = 201,
    scope: Scope = Scope.enqueue,
    about: About | None = None,
) -> Endpoint:
    """A POST whose body is a file."""
    endpoint = get_query(path, handler, asks=asks, scope=scope, about=about)
    return replace(endpoint, method="POST", status=status, uploads=True)


def delete_query(
    path: str,
    handler: Callable[[ApiRequest, Body], Awaitable[Answer]],
    *,
    asks: type[Body],
    scope: Scope = Scope.operate,
    about: About | None = None,
) -> Endpoint:
    """A DELETE whose query parameters say how."""
    return replace(get_query(path, handler, asks=asks, scope=scope, about=about), method="DELETE")


def delete(path: str, handler: Handler, *, scope: Scope = Scope.operate, about: About | None = None) -> Endpoint:
    return Endpoint(method="DELETE", path=path, handler=handler, scope=scope, about=about)


def post_json(
    path: str,
    handler: Callable[[ApiRequest, Body], Awaitable[Answer]],
    *,
    takes: type[Body],
    optional: bool = False,
    status: int = 200,
    once: bool = False,
    scope: Scope = Scope.operate,
    about: About | None = None,
) -> Endpoint:
    """A POST whose body is JSON."""

    @wraps(handler)
    async def read_then_handle(request: ApiRequest) -> Answer:
        says_nothing = optional and not (await request.body()).strip()
        return await handler(request, takes() if says_nothing else await body_of(request, takes))

    return Endpoint(
        method="POST",
        path=path,
        handler=read_then_handle,
        takes=takes,
        optional=optional,
        status=status,
        once=once,
        scope=scope,
        about=about,
    )


def routes_of(endpoints: Iterable[Endpoint], api: ApiSettings, *, guards: Sequence[Middleware] = ()) -> list[Route]:
    """One Starlette route a path, so that a wrong method is told all the right ones; ``guards`` stand before each."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [_route(path, methods, api, guards) for path, methods in by_path.items()]


def identity_of(request: ApiRequest) -> Identity | None:
    """Who asks; None outside ``/api``, where nobody has to say."""
    identity: Identity | None = request.scope.get("identity")
    return identity


_HEAD: Final = "HEAD"
_LONGEST_TARGET: Final = 200
"""Characters of an id in the audit log: ids come from the address, and may be anything."""


def _route(path: str, methods: Mapping[str, Endpoint], api: ApiSettings, guards: Sequence[Middleware]) -> Route:
    async def dispatch(request: ApiRequest) -> Response:
        endpoint = methods["GET" if request.method == _HEAD else request.method]
        identity = identity_of(request)
        if identity is not None:
            await _let_through(request, endpoint, identity)
        if endpoint.heeds_key and identity is not None and KEY in request.headers:
            return await answer_once(request, identity.name, lambda: _answer(request, endpoint, identity))
        return await _answer(request, endpoint, identity)

    uploads = any(endpoint.uploads for endpoint in methods.values())
    limit = api.max_upload_bytes if uploads else api.max_body_bytes
    middleware = [*guards, Middleware(BodyLimit, limit=limit)]
    header = next(iter(methods.values())).only_with
    if header:
        return _RouteWith(header, path, dispatch, methods=list(methods), middleware=middleware)
    return Route(path, dispatch, methods=list(methods), middleware=middleware)


class _RouteWith(Route):
    """Not there for requests without a certain header."""

    def __init__(self, header: str, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._header = header

    def matches(self, scope: AsgiScope) -> tuple[Match, AsgiScope]:
        if scope["type"] == "http" and self._header not in Headers(scope=scope):
            return Match.NONE, {}
        return super().matches(scope)


async def _let_through(request: ApiRequest, endpoint: Endpoint, identity: Identity) -> None:
    """Raises HttpFault (403) and, for what is not theirs to know of, NotFound."""
    if not identity.scope.contains(endpoint.scope):
        message = f"This takes a token with the scope {endpoint.scope}; yours has {identity.scope}."
        raise HttpFault(403, code="insufficient_scope", message=message, details={"needed": endpoint.scope})
    if identity.user_id is None:
        return
    if endpoint.about is None:
        raise HttpFault(403, code="not_for_users", message="This is for operators' tokens, not for users of the app.")
    deal_id = await endpoint.about(request)
    if deal_id is not None and deal_id.lower() not in await request.state["memberships"].of(identity.user_id):
        raise NotFound("There is no such deal.", code="deal_not_found")


async def _answer(request: ApiRequest, endpoint: Endpoint, identity: Identity | None) -> Response:
    answer = await _audited(request, endpoint, identity)
    return answer if isinstance(answer, Response) else JsonResponse(answer, status_code=endpoint.status)


async def _audited(request: ApiRequest, endpoint: Endpoint, identity: Identity | None) -> Answer:
    """What operators do is written down, whether it worked or not."""
    if identity is None or endpoint.method == "GET" or not endpoint.scope.contains(Scope.operate):
        return await endpoint.handler(request)
    entry = request.state["audit"].begin(
        actor=identity.name,
        action=endpoint.action,
        target={name: str(value)[:_LONGEST_TARGET] for name, value in request.path_params.items()},
        peer=request.client.host if request.client else None,
    )
    async with entry:
        return await endpoint.handler(request)
