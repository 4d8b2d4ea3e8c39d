"""The dashboard's routes: what needs a login behind the gate, the login itself and the files beside it."""

from __future__ import annotations

from typing import Final

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from dealpulse.settings import ApiSettings
from dealpulse.web.api import events
from dealpulse.web.dashboard import deals, desk, jobs, overview, queues, sources
from dealpulse.web.dashboard.gate import LOGIN, Gate
from dealpulse.web.dashboard.login import Login
from dealpulse.web.dashboard.rendering import static
from dealpulse.web.dashboard.sessions import Sessions
from dealpulse.web.middleware import BodyLimit
from dealpulse.web.routing import Endpoint, get_query, routes_of
from dealpulse.web.wire import EventsQuery

PAGES: Final[tuple[Endpoint, ...]] = (
    *overview.ENDPOINTS,
    *jobs.ENDPOINTS,
    *desk.ENDPOINTS,
    *queues.ENDPOINTS,
    *sources.ENDPOINTS,
    *deals.ENDPOINTS,
    get_query("/live", events.events, asks=EventsQuery, also=("text/event-stream",)),
)


class _ForBrowsers(Route):
    """``/`` is a page for people; programs get the index there."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and "text/html" not in Request(scope).headers.get("accept", ""):
            return Match.NONE, {}
        return super().matches(scope)


def routes(api: ApiSettings, sessions: Sessions) -> list[BaseRoute]:
    login, gate = Login(sessions), Middleware(Gate, sessions=sessions)
    limited = [Middleware(BodyLimit, limit=api.max_body_bytes)]
    home, *pages = routes_of(PAGES, api, guards=[gate])
    return [
        _ForBrowsers(home.path, home.endpoint, methods=["GET"], middleware=[gate]),
        *pages,
        Route(LOGIN, login.show, methods=["GET"]),
        Route(LOGIN, login.enter, methods=["POST"], middleware=limited),
        Route("/logout", login.leave, methods=["POST"], middleware=[gate, *limited]),
        Route("/static/{digest}/{name}", static, methods=["GET"]),
    ]
