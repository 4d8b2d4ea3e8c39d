"""What goes wrong at a fake site, whichever vendor's it is: refusals, answers that are cut off or never come.

A fake lets its app answer through one of these, and says by what name a request is known to the tests::

    faults = Faults(refused=as_the_vendor_writes_it, named=lambda request: request.url.path)
    faults.fail("/drive/v3/changes", status=410)      # the next such request
    faults.cut("/drive/v3/files/7 alt=media", 1000)   # the next answer ends after 1,000 bytes, with the connection
    asked = faults.stall("/drive/v3/files/7")         # the next one gets no answer; ``asked`` is set once it is there
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Refusal(Protocol):
    """How a vendor writes an error."""

    def __call__(self, status: int, reason: str, *, headers: Mapping[str, str] | None = None) -> Response: ...


@dataclass
class _Fault:
    request: str
    answer: Response
    times: int


class Faults:
    """Between the socket and a fake's app. Set from any thread."""

    def __init__(self, *, refused: Refusal, named: Callable[[Request], str]) -> None:
        self.requests: Counter[str] = Counter()
        """How often each was asked, by method and name."""
        self._refused = refused
        self._named = named
        self._faults: list[_Fault] = []
        self._cuts: dict[str, list[int]] = {}
        self._repeats: dict[str, list[Message]] = {}
        self._stalls: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def fail(
        self,
        request: str,
        *,
        status: int,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """The next ``times`` such requests are refused."""
        with self._lock:
            self._faults.append(_Fault(request, self._refused(status, reason, headers=headers), times))

    def garble(self, request: str) -> None:
        """The next such request is answered by a proxy on the way: 200, and a page for people."""
        with self._lock:
            self._faults.append(_Fault(request, HTMLResponse("<html>Please sign in to this network.</html>"), 1))

    def repeat(self, request: str) -> None:
        """What the next such request is answered is answered to the one after it as well, whatever it asks."""
        with self._lock:
            self._repeats[request] = []

    def cut(self, request: str, *after: int) -> None:
        """The next answers to such requests end after so many bytes each, with the connection."""
        with self._lock:
            self._cuts.setdefault(request, []).extend(after)

    def stall(self, request: str) -> threading.Event:
        """The next such request is never answered. What is returned is set when it has come."""
        with self._lock:
            return self._stalls.setdefault(request, threading.Event())

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """What ``app`` answers, unless something goes wrong."""
        request = Request(scope)
        name = self._named(request)
        with self._lock:
            self.requests[f"{request.method} {name}"] += 1
            stalled = self._stalls.pop(name, None)
            refusal = self._take(name)
            cuts = self._cuts.get(name)
            after = cuts.pop(0) if cuts else None
            said = self._repeats.get(name)
            again = self._repeats.pop(name) if said else None
        if stalled is not None:
            stalled.set()
            while (await receive())["type"] != "http.disconnect":
                pass
        elif refusal is not None:
            await refusal(scope, receive, send)
        elif again is not None:
            for message in again:
                await send(message)
        elif said is not None:
            await app(scope, receive, _noting(send, said))
        else:
            await app(scope, receive, send if after is None else _cutting(send, after))

    def _take(self, name: str) -> Response | None:
        fault = next((one for one in self._faults if one.request == name), None)
        if fault is None:
            return None
        fault.times -= 1
        if not fault.times:
            self._faults.remove(fault)
        return fault.answer


def _cutting(send: Send, after: int) -> Send:
    left = after

    async def cut(message: Message) -> None:
        nonlocal left
        body = message.get("body", b"")
        if message["type"] != "http.response.body" or len(body) <= left:
            left -= len(body)
            await send(message)
            return
        await send({**message, "body": body[:left], "more_body": True})
        raise ConnectionResetError("as told")

    return cut


def _noting(send: Send, said: list[Message]) -> Send:
    async def note(message: Message) -> None:
        said.append(message)
        await send(message)

    return note
