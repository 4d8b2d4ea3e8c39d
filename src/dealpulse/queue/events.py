"""What happens to jobs, as it happens: a reader of the event stream that knows when it fell behind.

Redis keeps about the last ten thousand entries, one a script call, and forgets older ones. It counts all it ever added;
a reader that knows the number of the last entry it read can tell whether the next one was forgotten meanwhile.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from arq.connections import ArqRedis
from redis.exceptions import ResponseError

from dealpulse.errors import Invalid
from dealpulse.jobs import QUEUES, Queue
from dealpulse.queue import keys
from dealpulse.queue.connection import answer, heed_cancellation, redis_faults

BEGINNING: Final = "0-0"
"""The position before everything that is kept."""
_ENTRIES_AT_ONCE: Final = 100
_LONGEST_QUIET_SECONDS: Final = 5.0
_POSITION: Final = re.compile(r"(\d{1,20})-(\d{1,20})(?:@(\d{1,20}))?", re.ASCII)
_NAMES: Final = {queue.key: queue.name for queue in QUEUES}
_decode = msgspec.msgpack.Decoder(list[tuple[str, str, str, str]]).decode

_Entries = Sequence[tuple[bytes, Mapping[bytes, bytes]]]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened to a job, or to a queue.

    ``kind``: enqueued, started, progress, changed, retried, handed_back (without losing an attempt), crashed,
    completed, failed, cancelled, discarded; of a queue, or one deal on it: paused, resumed.
    """

    kind: str
    queue: str
    """The wire name; the key of a queue that is none of ours."""
    job_id: str | None
    deal_id: str | None
    at: datetime
    position: str
    entry: tuple[int, int]
    """Of the stream: grows with time, and is the same for what happened at the same moment."""


@dataclass(frozen=True)
class Quiet:
    """Nothing the reader asked for happened for some seconds: a moment to say that one is still there."""

    position: str


@dataclass(frozen=True)
class Missed:
    """What happened between the last event and the next is forgotten: look at the state itself, then read on."""

    position: str


News = Event | Quiet | Missed
"""Reading from its ``position`` goes on behind it; only what happened at the very same moment may come twice."""


class Events:
    """Reads the event stream. A reader keeps one connection of the pool busy."""

    def __init__(self, pool: ArqRedis) -> None:
        self._pool = pool
        # A connection gives up on a Redis that is silent for longer than this.
        silence = pool.connection_pool.connection_kwargs.get("socket_timeout") or 2 * _LONGEST_QUIET_SECONDS
        self.quiet_seconds = min(_LONGEST_QUIET_SECONDS, silence / 2)
        """A reader hears something at least this often."""

    async def follow(
        self, position: str | None = None, *, queue: Queue | None = None, deal_id: str | None = None
    ) -> AsyncIterator[News]:
        """What happens from now on, or behind ``position``, to all jobs or those of a queue or deal; never ends.

        Raises:
            Invalid: ``invalid_position``.
            Unavailable: Redis is away; go on from the last position when it is back.
        """
        place = await self._end() if position is None else _Place.at(position)
        told = time.monotonic()
        while True:
            entries, corrected = await self._next(place, told + self.quiet_seconds - time.monotonic())
            heed_cancellation()
            if corrected is not None:
                told, place = time.monotonic(), corrected
                yield Missed(str(place))
            for name, fields in entries:
                before, place = place, place.then(name)
                wanted = [one for one in _happened(fields) if _concerns(one, queue, deal_id)]
                for number, one in enumerate(wanted, 1):
                    told = time.monotonic()
                    # Whoever stops in the middle of an entry reads the whole of it again.
                    yield _event(one, place, str(place if number == len(wanted) else before))
            if time.monotonic() - told >= self.quiet_seconds:
                told = time.monotonic()
                yield Quiet(str(place))

    async def _next(self, place: _Place, seconds: float) -> tuple[_Entries, _Place | None]:
        """The entries behind ``place``, waiting for them at most so long; and where they begin if some are missing."""
        async with redis_faults():
            reply = await answer(
                self._pool.xread({keys.EVENTS: place.entry}, count=_ENTRIES_AT_ONCE, block=max(1, int(seconds * 1000)))
            )
            if reply and await answer(self._pool.xrange(keys.EVENTS, place.entry, place.entry)):
                return reply[0][1], None
            # Nothing came, or the last entry read is forgotten: everything as it is at one moment.
            async with self._pool.pipeline(transaction=True) as together:
                together.xrange(keys.EVENTS, place.entry, place.entry)
                together.xrange(keys.EVENTS, f"({place.entry}", count=_ENTRIES_AT_ONCE)
                together.xinfo_stream(keys.EVENTS)
                there, entries, told = await together.execute(raise_on_error=False)
            for reply in (there, entries):
                if isinstance(reply, ResponseError):
                    raise reply
            return entries, None if there else _Stream.of(told).correction(place)

    async def end(self) -> str:
        """The position behind all that happened until now. Raises ``Unavailable``."""
        return str(await self._end())

    async def _end(self) -> _Place:
        async with redis_faults():
            try:
                stream = _Stream.of(await answer(self._pool.xinfo_stream(keys.EVENTS)))
            except ResponseError as error:
                stream = _Stream.of(error)
        return _Place(stream.last, stream.added)


@dataclass(frozen=True)
class _Place:
    """Behind the stream's entry ``entry``, the ``number``-th ever added; None where that is not known."""

    entry: str
    number: int | None

    @classmethod
    def at(cls, position: str) -> _Place:
        found = _POSITION.fullmatch(position)
        if found is None:
            raise Invalid("This is no position in the events.", code="invalid_position")
        return cls(f"{found[1]}-{found[2]}", int(found[3]) if found[3] else None)

    def __str__(self) -> str:
        return self.entry if self.number is None else f"{self.entry}@{self.number}"

    def then(self, entry: bytes) -> _Place:
        """Behind the next entry."""
        return _Place(entry.decode(), None if self.number is None else self.number + 1)


@dataclass(frozen=True)
class _Stream:
    """The stream at one moment: how many entries it holds and how many it ever had, its first and last one."""

    length: int
    added: int
    first: str | None
    last: str

    @classmethod
    def of(cls, told: Any) -> _Stream:
        if isinstance(told, ResponseError):
            if "no such key" not in str(told):
                raise told
            return cls(0, 0, None, BEGINNING)
        first = told["first-entry"]
        return cls(
            told["length"],
            told["entries-added"],
            first[0].decode() if first else None,
            told["last-generated-id"].decode(),
        )

    def correction(self, place: _Place) -> _Place | None:
        """Where to read on if ``place``, whose entry is not there, has not all that came behind it; None if it has."""
        forgotten = self.added - self.length
        if _order(self.last) < _order(place.entry):
            # Another stream than the one that was read: Redis lost it, or its end.
            return _Place(self.last, self.added)
        if self.first is not None and _order(place.entry) > _order(self.first):
            return _Place(place.entry, None)
        if place.number == forgotten or place == _Place(BEGINNING, None):
            return None
        return _Place(place.entry, forgotten)


def entry_of(position: str) -> tuple[int, int]:
    """The entry that was read last at this position. Raises Invalid (``invalid_position``)."""
    return _order(_Place.at(position).entry)


def _order(entry: str) -> tuple[int, int]:
    moment, _, number = entry.partition("-")
    return int(moment), int(number)


def _happened(fields: Mapping[bytes, bytes]) -> list[tuple[str, str, str, str]]:
    """Kind, key of the queue, job and deal of everything in one entry; nothing in one that is not of our making."""
    try:
        return _decode(fields.get(b"e", b""))
    except msgspec.DecodeError:
        return []


def _concerns(one: tuple[str, str, str, str], queue: Queue | None, deal_id: str | None) -> bool:
    return (queue is None or one[1] == queue.key) and deal_id in (None, one[3])


def _event(one: tuple[str, str, str, str], place: _Place, position: str) -> Event:
    kind, queue, job_id, deal_id = one
    return Event(
        kind=kind,
        queue=_NAMES.get(queue, queue),
        job_id=job_id or None,
        deal_id=deal_id or None,
        at=datetime.fromtimestamp(_order(place.entry)[0] / 1000, UTC),
        position=position,
        entry=_order(place.entry),
    )
