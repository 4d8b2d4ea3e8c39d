"""How much each queue did and how long it took: per minute for a day, per hour for two weeks.

The scripts count as they go (``prelude.lua``); here the counts become a series without holes. Times are kept as
histograms of half octaves: bucket b holds those up to 2^(b/2) ms, so a percentile is at most 41 % off.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Final

from arq.connections import ArqRedis

from dealpulse.errors import Invalid
from dealpulse.queue import keys
from dealpulse.queue.connection import answer, redis_faults

_PART: Final = 100
_REMEMBERED: Final = 4_000
"""Intervals: a day of minutes of two queues, and an hour of all."""
_WAIT: Final = b"w"
_RUN: Final = b"r"
_BUCKETS: Final = {b"%b%d" % (kind, number): (kind, number) for kind in (_WAIT, _RUN) for number in range(128)}
"""Fields that hold how many times fell into a bucket: of which histogram, and which bucket."""
_TOTALS: Final = ("completed", "failed", "cancelled", "retried", "crashed", "evicted")


class Unit(StrEnum):
    """How long an interval is."""

    minute = "minute"
    hour = "hour"

    @property
    def seconds(self) -> int:
        return 60 if self is Unit.minute else 3600

    @property
    def kept(self) -> int:
        """How many intervals can be looked back on."""
        return 24 * 60 if self is Unit.minute else 14 * 24


@dataclass(frozen=True)
class Histogram:
    """How many times fell into each bucket, by the bucket's number."""

    buckets: Mapping[int, int] = field(default_factory=dict)

    @cached_property
    def count(self) -> int:
        return sum(self.buckets.values())

    @cached_property
    def _in_order(self) -> list[tuple[int, int]]:
        return sorted(self.buckets.items())

    def up_to(self, bucket: int) -> int:
        """How many times fell into this bucket or one below."""
        return sum(held for number, held in self.buckets.items() if number <= bucket)

    def percentile(self, share: float) -> float | None:
        """Milliseconds that ``share`` (0.5, 0.99 ...) of the times do not exceed; None when there are none.

        Inside the bucket they are taken to lie evenly by their logarithm.
        """
        wanted, below = share * self.count, 0
        for bucket, held in self._in_order:
            if below + held >= wanted:
                inside = (wanted - below) / held
                return float(2 ** ((bucket - 1 + inside) / 2))
            below += held
        return None

    @cached_property
    def p50(self) -> float | None:
        return self.percentile(0.50)

    @cached_property
    def p95(self) -> float | None:
        return self.percentile(0.95)

    @cached_property
    def p99(self) -> float | None:
        return self.percentile(0.99)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a queue did in some stretch of time."""

    enqueued: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    retried: int = 0
    crashed: int = 0
    """Runs that went down with their worker."""
    waits: Histogram = Histogram()
    """From when a job was due to when it began."""
    runs: Histogram = Histogram()
    """How long runs took, however they ended."""


@dataclass(frozen=True, kw_only=True)
class Interval(Figures):
    """A minute or an hour."""

    start: datetime
    depth: int | None = None
    """Jobs waiting when a worker last looked in this minute; None when none did, and of hours."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """Intervals of one queue without holes, oldest first; the last is the one that is not over yet."""

    queue: str
    unit: Unit
    now: datetime
    """By the clock of Redis, which decides what belongs to which interval."""
    intervals: tuple[Interval, ...]

    @property
    def sum(self) -> Figures:
        """The intervals as one."""
        return Figures(
            enqueued=sum(each.enqueued for each in self.intervals),
            completed=sum(each.completed for each in self.intervals),
            failed=sum(each.failed for each in self.intervals),
            cancelled=sum(each.cancelled for each in self.intervals),
            retried=sum(each.retried for each in self.intervals),
            crashed=sum(each.crashed for each in self.intervals),
            waits=_together(each.waits for each in self.intervals),
            runs=_together(each.runs for each in self.intervals),
        )

    @property
    def seconds(self) -> float:
        """How much time the series covers; ``sum.completed / seconds`` is the throughput."""
        return (self.now - self.intervals[0].start).total_seconds()


@dataclass(frozen=True, kw_only=True)
class Ever:
    """What a queue did since it exists: figures that only grow, until Redis forgets."""

    totals: Mapping[str, int]
    """``enqueued``, ``completed``, ``failed``, ``cancelled``, ``retried``, ``crashed``, ``evicted``."""
    waits: Histogram
    waits_ms: int
    """All waits together."""
    runs: Histogram
    runs_ms: int
    faults: Mapping[str, int]
    """Runs that did not end well, by the error's class."""


class Metrics:
    """Reads what the queues did. Raises ``Unavailable`` when Redis is away."""

    def __init__(self, pool: ArqRedis) -> None:
        self._pool = pool
        self._over: OrderedDict[str, Interval] = OrderedDict()
        """Intervals that are over, which never change, by their key: those asked for last."""

    async def ever(self, queues: Sequence[str]) -> list[Ever]:
        """What each of these queues, named by its key, did since it exists."""
        async with redis_faults(), self._pool.pipeline(transaction=False) as together:
            for queue in queues:
                for name in ("totals", "times", "faults"):
                    together.hgetall(f"{queue}:{name}")
            found: list[dict[bytes, bytes]] = await together.execute()
        return [_ever(*found[first : first + 3]) for first in range(0, len(found), 3)]

    async def series(self, queue: str, unit: Unit = Unit.minute, *, last: int = 60) -> Series:
        """The ``last`` intervals of a queue, which is named by its key, up to the one that runs now.

        Raises:
            Invalid: ``invalid_span``: ``last`` is not from 1 to what is kept.
        """
        if not 1 <= last <= unit.kept:
            raise Invalid(f"There are 1 to {unit.kept} {unit.value}s to look back on.", code="invalid_span")
        async with redis_faults():
            seconds, microseconds = await answer(self._pool.time())
            newest = seconds // unit.seconds
            numbers = range(newest - last + 1, newest + 1)
            read = await self._read(queue, unit, numbers, newest)
        return Series(
            queue=queue,
            unit=unit,
            now=datetime.fromtimestamp(seconds + microseconds / 1e6, UTC),
            intervals=tuple(read[number] for number in numbers),
        )

    async def _read(self, queue: str, unit: Unit, numbers: Sequence[int], newest: int) -> dict[int, Interval]:
        """These intervals, by their numbers; ``newest`` is not over yet."""
        names = {number: keys.metrics(queue, unit, number) for number in numbers}
        known = {number: self._over[name] for number, name in names.items() if name in self._over}
        unknown = [number for number in numbers if number not in known]
        for first in range(0, len(unknown), _PART):
            part = unknown[first : first + _PART]
            async with self._pool.pipeline(transaction=False) as together:
                for number in part:
                    together.hgetall(names[number])
                found: list[dict[bytes, bytes]] = await together.execute()
            known |= {
                number: _interval(number * unit.seconds, fields) for number, fields in zip(part, found, strict=True)
            }
        for number, name in names.items():
            if number < newest:
                self._over[name] = known[number]
                self._over.move_to_end(name)
        while len(self._over) > _REMEMBERED:
            self._over.popitem(last=False)
        return known


def _ever(totals: Mapping[bytes, bytes], times: Mapping[bytes, bytes], faults: Mapping[bytes, bytes]) -> Ever:
    counted = _counts(totals)
    return Ever(
        # Each enqueuing is a run of its own.
        totals={"enqueued": counted.pop("runs", 0), **{name: counted.get(name, 0) for name in _TOTALS}},
        waits=_histogram(times, _WAIT),
        waits_ms=int(times.get(_WAIT + b"sum", 0)),
        runs=_histogram(times, _RUN),
        runs_ms=int(times.get(_RUN + b"sum", 0)),
        faults=_counts(faults),
    )


def _counts(found: Mapping[bytes, bytes]) -> dict[str, int]:
    return {name.decode(errors="replace"): int(value) for name, value in found.items()}


def _interval(start: int, found: Mapping[bytes, bytes]) -> Interval:
    # Some ten thousand fields on one page of the dashboard: each is looked at once.
    times: dict[bytes, dict[int, int]] = {_WAIT: {}, _RUN: {}}
    counts: dict[bytes, int] = {}
    for name, value in found.items():
        bucket = _BUCKETS.get(name)
        if bucket is None:
            counts[name] = int(value)
        else:
            times[bucket[0]][bucket[1]] = int(value)
    return Interval(
        start=datetime.fromtimestamp(start, UTC),
        enqueued=counts.get(b"enqueued", 0),
        completed=counts.get(b"completed", 0),
        failed=counts.get(b"failed", 0),
        cancelled=counts.get(b"cancelled", 0),
        retried=counts.get(b"retried", 0),
        crashed=counts.get(b"crashed", 0),
        depth=counts.get(b"depth"),
        waits=Histogram(times[_WAIT]),
        runs=Histogram(times[_RUN]),
    )


def _histogram(times: Mapping[bytes, bytes], kind: bytes) -> Histogram:
    buckets = ((_BUCKETS.get(name), count) for name, count in times.items())
    return Histogram({bucket[1]: int(count) for bucket, count in buckets if bucket is not None and bucket[0] == kind})


def _together(histograms: Iterable[Histogram]) -> Histogram:
    buckets: dict[int, int] = {}
    for histogram in histograms:
        for bucket, held in histogram.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + held
    return Histogram(buckets)
