"""One reader of the event stream for all who listen in a process: a thousand of them keep one connection busy.

Whoever comes back with a position reads on from there by itself until it has what the reader had when it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from dealpulse.jobs import Queue
from dealpulse.queue.events import Event, Events, Missed, News, Quiet, entry_of

_MOST_UNHEARD: Final = 1_000
"""Events kept for a listener that does not take them; then it has missed them."""


class _Listener:
    """What one of them has still to hear."""

    def __init__(self, queue: Queue | None, deal_id: str | None) -> None:
        self._queue = queue and queue.name
        self._deal_id = deal_id
        self._unheard: list[News] = []
        self._fault: Exception | None = None
        self._bell = asyncio.Event()

    def tell(self, news: Event | Missed) -> None:
        if isinstance(news, Event):
            if self._queue not in (None, news.queue) or self._deal_id not in (None, news.deal_id):
                return
            if len(self._unheard) >= _MOST_UNHEARD:
                self._unheard = [Missed(news.position)]
                return
        self._unheard.append(news)
        self._bell.set()

    def fail(self, fault: Exception) -> None:
        self._fault = fault
        self._bell.set()

    async def take(self, seconds: float) -> list[News]:
        """What there is, after waiting for it at most so long. Raises what ended the reader."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        if self._fault is not None:
            raise self._fault
        self._bell.clear()
        heard, self._unheard = self._unheard, []
        return heard


class Broadcast:
    """Reads the event stream as long as somebody listens."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._listeners: set[_Listener] = set()
        self._starting = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._place = ""

    async def follow(
        self, position: str | None = None, *, queue: Queue | None = None, deal_id: str | None = None
    ) -> AsyncIterator[News]:
        """As :meth:`Events.follow`; who does not take a thousand events has missed them."""
        listener = _Listener(queue, deal_id)
        joined_at = await self._join(listener)
        try:
            if position is not None and entry_of(position) != entry_of(joined_at):
                async with aclosing(self._events.follow(position, queue=queue, deal_id=deal_id)) as earlier:  # type: ignore[type-var]  # an async generator
                    async for one in earlier:
                        if isinstance(one, Quiet) or (isinstance(one, Event) and one.entry > entry_of(joined_at)):
                            break
                        yield one
            while True:
                place = self._place
                heard = await listener.take(self._events.quiet_seconds)
                for one in heard:
                    yield one
                if not heard:
                    yield Quiet(place)
        finally:
            self._leave(listener)

    async def _join(self, listener: _Listener) -> str:
        """From the place returned on the listener hears everything."""
        async with self._starting:
            if self._reading is None:
                self._place = await self._events.end()
                # In a context of its own: it reads for all.
                self._reading = asyncio.get_running_loop().create_task(self._read(), context=contextvars.Context())
            self._listeners.add(listener)
            return self._place

    def _leave(self, listener: _Listener) -> None:
        self._listeners.discard(listener)
        if not self._listeners and self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _read(self) -> None:
        try:
            async with aclosing(self._events.follow(self._place)) as news:  # type: ignore[type-var]  # an async generator
                async for one in news:
                    self._place = one.position
                    if not isinstance(one, Quiet):
                        for listener in self._listeners:
                            listener.tell(one)
        except Exception as fault:  # everybody who listens gets it
            self._reading = None
            for listener in self._listeners:
                listener.fail(fault)
