"""What happens to every request, as plain ASGI middleware: request id, log line, headers, body limit."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dealpulse.web.errors import HttpFault, unexpected

log = structlog.get_logger(__name__)

REQUEST_FINISHED: Final = "request_finished"
REQUEST_FAILED: Final = "request_failed"
REQUEST_ABANDONED: Final = "request_abandoned"

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET_PATHS: Final = ("/healthz", "/readyz")
"""Probed every few seconds: logged at debug level."""

_SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class RequestFrame:
    """The outermost layer: gives a request its id, logs its end, and answers 500 for what nobody foresaw.

    A caller's ``X-Request-ID`` is kept when it is a plain word of at most 64 characters, so that one id runs from the
    app through our log lines into the job.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        started = time.perf_counter()
        status = 0

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _frame_headers(message, request_id)
            await send(message)

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_framed)
        except ClientDisconnect:
            log.info(REQUEST_ABANDONED, method=scope["method"], path=scope["path"])
            return
        except Exception:
            log.exception(REQUEST_FAILED, method=scope["method"], path=scope["path"])
            if status:
                raise  # half an answer is out; only closing the connection says that it is not whole
            await unexpected(request_id)(scope, receive, send_framed)
        _log_end(scope, status, started)


class BodyLimit:
    """Refuses a request whose body is larger than ``limit`` bytes, announced or not."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._limit:
            await _drain(receive, self._limit)
            raise self._too_large()
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                await _drain(receive, self._limit)
                raise self._too_large()
            return message

        await self._app(scope, receive_limited, send)

    def _too_large(self) -> HttpFault:
        message = f"The body is larger than {self._limit} bytes."
        return HttpFault(413, code="body_too_large", message=message, details={"limit": self._limit})


async def _drain(receive: Receive, at_most: int) -> None:
    """Read a little on: a connection closed over unread bytes is reset, and the caller never sees the answer."""
    read = 0
    try:
        async with asyncio.timeout(2.0):
            while read <= at_most:
                message = await receive()
                read += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _frame_headers(message: MutableMapping[str, Any], request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    for name, value in _SECURITY_HEADERS.items():
        headers.setdefault(name, value)


def _log_end(scope: Scope, status: int, started: float) -> None:
    write = log.debug if scope["path"] in _QUIET_PATHS else log.info
    write(
        REQUEST_FINISHED,
        method=scope["method"],
        path=scope["path"],
        status=status,
        duration_ms=round((time.perf_counter() - started) * 1000, 1),
    )
