"""What happens to jobs, as it happens: server-sent events at ``/api/events``.

``id:`` is the position in the stream; a client that sends it back as ``Last-Event-ID`` goes on behind it. A client that
does not read is dropped once its connection's buffers are full for some seconds; nobody else notices.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dealpulse.errors import Unavailable
from dealpulse.jobs import queue_named
from dealpulse.queue import Event, Missed, Quiet
from dealpulse.queue.events import News
from dealpulse.web import about
from dealpulse.web.routing import ApiRequest, Endpoint, get_query
from dealpulse.web.wire import EventsQuery

SLOWEST_SECONDS: Final = 10.0
"""A client that has not taken a message for so long is dropped."""
_RETRY_MS: Final = 3_000
_END: Final = {"type": "http.response.body", "body": b"", "more_body": False}


async def events(request: ApiRequest, asked: EventsQuery) -> Response:
    """An endless stream of events of all queues, or of one queue or deal; a comment every few quiet seconds."""
    queue = queue_named(asked.queue) if asked.queue else None
    position = request.headers.get("last-event-id") or None
    news = request.state["desk"].events.follow(position, queue=queue, deal_id=asked.deal_id)
    # Its first word decides whether this is a stream or an error.
    first = await anext(news) if position else None
    return _Stream(news, first, request.state["stopping"])


class _Stream(Response):
    """Sends what ``news`` tells until the client leaves, is too slow, Redis is away, or the process is to stop."""

    media_type = "text/event-stream"

    def __init__(self, news: AsyncIterator[News], first: News | None, stopping: asyncio.Event) -> None:
        super().__init__()
        self._news = news
        self._first = first
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send_all(send))
        # The client comes again by itself, and then finds another process.
        ends = (sending, asyncio.create_task(_left(receive)), asyncio.create_task(self._stopping.wait()))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
        if self._stopping.is_set():
            await send(_END)

    async def _send_all(self, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _told(send, f"retry: {_RETRY_MS}\n\n")
        if self._first is not None:
            await _told(send, _written(self._first))
        async with aclosing(self._news) as news:  # type: ignore[type-var]  # follow() is an async generator
            try:
                async for one in news:
                    await _told(send, _written(one))
            except (Unavailable, TimeoutError):
                pass  # the client comes again by itself, with its last position
        await send(_END)


async def _told(send: Send, text: str) -> None:
    async with asyncio.timeout(SLOWEST_SECONDS):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _written(news: News) -> str:
    if isinstance(news, Quiet):
        return f"id: {news.position}\n: quiet\n\n"
    if isinstance(news, Missed):
        return f"id: {news.position}\nevent: missed\ndata: {{}}\n\n"
    return f"id: {news.position}\nevent: {news.kind}\ndata: {_data(news)}\n\n"


def _data(event: Event) -> str:
    told = {"queue": event.queue, "jobId": event.job_id, "dealId": event.deal_id, "at": event.at}
    return msgspec.json.encode(told).decode()


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    get_query("/events", events, asks=EventsQuery, also=("text/event-stream",), about=about.query),
)
