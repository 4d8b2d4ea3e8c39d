"""Before every page: who asks. Whoever nobody knows is sent to the login, and back to where they were going."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dealpulse.web.access.door import Door
from dealpulse.web.access.identity import Identity
from dealpulse.web.dashboard.sessions import COOKIE, LOCAL, Session, Sessions
from dealpulse.web.errors import HttpFault

LOGIN: Final = "/login"


class Gate:
    """ASGI middleware: lets a session's cookie stand for its token, and otherwise does as the API's door does."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            identity, session = await self._admit(request)
        except HttpFault as fault:
            if not _is_visit(request) or fault.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise
            await _to_login(request)(scope, receive, send)
            return
        structlog.contextvars.bind_contextvars(caller=identity.name)
        scope["identity"], scope["session"], scope["sessions"] = identity, session, self._sessions
        await self._app(scope, receive, send)

    async def _admit(self, request: Request) -> tuple[Identity, Session]:
        door: Door = request.scope["state"]["door"]
        session = self._sessions.of(request.cookies.get(COOKIE, ""))
        identity = None if session is None else await door.holder(session.digest)
        if identity is not None and session is not None:
            return identity, session
        return await door.admit(request.headers, request.client.host if request.client else None), LOCAL


def _is_visit(request: Request) -> bool:
    """A person's browser on its way to a page, as against a program, or a script of ours."""
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


def _to_login(request: Request) -> RedirectResponse:
    there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = LOGIN if there == "/" else f"{LOGIN}?{urlencode({'next': there})}"
    return RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER)
