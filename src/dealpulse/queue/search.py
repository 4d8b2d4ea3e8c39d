"""Finding jobs: those that live, and those each queue keeps of the ones that ended.

Nothing here is indexed beyond what the engine needs anyway: a search reads the lists a state has, in order, and looks
at a bounded number of jobs a page. Which jobs belong to a deal or a document, Postgres knows: ask it, and name the ids.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from arq.connections import ArqRedis

from dealpulse.errors import Invalid
from dealpulse.jobs import QUEUES
from dealpulse.queue import keys
from dealpulse.queue.connection import answer, redis_faults
from dealpulse.queue.history import MAX_PAGE, Page
from dealpulse.queue.kept import KeptRuns, id_of
from dealpulse.queue.views import JobView, job_view

_SHOWN: Final = (
    *("queue", "state", "run", "function", "deal", "priority", "attempts", "crashes", "token", "caller"),
    *("enqueued", "due", "started", "finished", "progress", "message", "batch"),
    *("error_class", "error_code", "error_message", "fingerprint"),
)
_MOST_READ: Final = 1_000
"""Records one page looks at before it says where to go on."""
_MOST_NAMED: Final = 40_000
"""Ids one page looks at."""
_IDS_AT_ONCE: Final = 5_000
_RUNNING_AT_MOST: Final = 10_000


class JobState(StrEnum):
    """In the order a search lists them."""

    active = "active"
    waiting = "waiting"
    parked = "parked"
    delayed = "delayed"
    failed = "failed"
    cancelled = "cancelled"
    completed = "completed"


_ENDED: Final = (JobState.failed, JobState.cancelled, JobState.completed)


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs are wanted: those that meet all that is given.

    ``since`` and ``until`` are about when it ended, for what ended; when it is or was due, for what waits; when it
    began, for what runs. Without ``states`` an error is looked for among dead letters, a text among what has ended, and
    anything else everywhere.
    """

    queues: tuple[str, ...] = tuple(queue.key for queue in QUEUES)
    """Keys of queues."""
    states: tuple[JobState, ...] = ()
    ids: Sequence[str] | None = None
    """Only these jobs, in this order: what lives of them, or their last run."""
    operation: str = ""
    deal_id: str = ""
    error_class: str = ""
    fingerprint: str = ""
    text: str = ""
    """Part of the id, the function, the deal or the error, in any case."""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def searched(self) -> tuple[JobState, ...]:
        """The states that are looked at, in order."""
        if self.states:
            return tuple(state for state in JobState if state in self.states)
        if self.error_class or self.fingerprint:
            return (JobState.failed,)
        return _ENDED if self.text else tuple(JobState)

    def may_be(self, job_id: str) -> bool:
        """Whether its id alone does not rule it out."""
        return not self.operation or job_id.endswith(f":{self.operation}")

    def matches(self, job: JobView) -> bool:
        return (
            job.state in self.searched
            and self.may_be(job.job_id)
            and self.deal_id in ("", job.deal_id)
            and self.error_class in ("", job.error_class)
            and self.fingerprint in ("", job.fingerprint)
            and (not self.text or self.text.casefold() in _told(job))
            and self._in_time(job)
        )

    def _in_time(self, job: JobView) -> bool:
        at = job.finished_at or job.started_at if job.state in (*_ENDED, JobState.active) else job.due_at
        if at is None:
            return self.since is None and self.until is None
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass(frozen=True)
class _Listing:
    """One sorted set: the jobs of a queue in one state, soonest due first, or latest ended first."""

    queue: str
    state: JobState

    @property
    def key(self) -> str:
        if self.state is JobState.active:
            return keys.active(self.queue)
        if self.state is JobState.parked:
            return keys.parked(self.queue)
        return f"{self.queue}:{self.state}"

    @property
    def is_of_runs(self) -> bool:
        """Members are runs; ids otherwise."""
        return self.state in _ENDED

    def id_of(self, member: str) -> str:
        return id_of(member) if self.is_of_runs else member

    def bounds(self, wanted: JobFilter) -> tuple[str, str]:
        """Lowest and highest score worth a look. A running job's score is its lease's end, which tells nothing."""
        if self.state is JobState.active or self.state is JobState.parked:
            return "-inf", "+inf"
        since, until = _ms(wanted.since), _ms(wanted.until)
        return "-inf" if since is None else str(since), "+inf" if until is None else f"({until}"


@dataclass(frozen=True)
class _Place:
    """Behind this entry the following page begins."""

    listing: int
    score: str
    member: str

    def __str__(self) -> str:
        return f"{self.listing}-{self.score}-{self.member}"

    @classmethod
    def of(cls, text: str, listings: int) -> _Place:
        listing, _, rest = text.partition("-")
        score, _, member = rest.partition("-")
        if all(one.isascii() and one.isdecimal() for one in (listing, score)) and int(listing) < listings and member:
            return cls(int(listing), score, member)
        raise Invalid("This is where no page begins.", code="invalid_page")


class JobSearch:
    """Looks through the queues' lists. Raises ``Unavailable`` when Redis is away."""

    def __init__(self, pool: ArqRedis) -> None:
        self._pool = pool
        self._kept = KeptRuns(pool)

    async def find(self, wanted: JobFilter, *, limit: int = 50, after: str | None = None) -> Page:
        """A page of jobs without results, faults and logs; ``after`` is the ``next`` of the page before.

        A page looks at so many jobs at most: it may hold fewer than ``limit`` and yet have a ``next``.

        Raises:
            Invalid: ``invalid_page``.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise Invalid(f"A page holds 1 to {MAX_PAGE} jobs.", code="invalid_page")
        found: list[tuple[_Place, JobView]] = []
        named = read = 0
        async with redis_faults():
            async for part, records in self._walk(wanted, after):
                found += [(place, view) for place, view in part if view is not None and wanted.matches(view)]
                if len(found) > limit:
                    return Page([view for _, view in found[:limit]], str(found[limit - 1][0]))
                named, read = named + len(part), read + records
                if read >= _MOST_READ or named >= _MOST_NAMED:
                    return Page([view for _, view in found], str(part[-1][0]))
        return Page([view for _, view in found], None)

    async def _walk(
        self, wanted: JobFilter, after: str | None
    ) -> AsyncIterator[tuple[list[tuple[_Place, JobView | None]], int]]:
        """What is looked at, part by part, and how many records that took; None for what its id rules out."""
        seconds, microseconds = await answer(self._pool.time())
        now = seconds + microseconds / 1_000_000
        if wanted.ids is not None:
            start = 0 if after is None else int(_Place.of(after, 1).score) + 1
            for first in range(start, len(wanted.ids), 100):
                part = wanted.ids[first : first + 100]
                views = await self._live(part, now)
                places = [_Place(0, str(first + number), name) for number, name in enumerate(part)]
                yield list(zip(places, views, strict=True)), len(part)
            return
        listings = [_Listing(queue, state) for state in wanted.searched for queue in wanted.queues]
        at = None if after is None else _Place.of(after, len(listings))
        for number in range(at.listing if at else 0, len(listings)):
            async for part_of_list in self._walk_list(listings[number], number, wanted, at, now):
                yield part_of_list
            at = None

    async def _walk_list(
        self, listing: _Listing, number: int, wanted: JobFilter, at: _Place | None, now: float
    ) -> AsyncIterator[tuple[list[tuple[_Place, JobView | None]], int]]:
        at_once = _IDS_AT_ONCE if wanted.operation else 100
        while entries := await self._entries(listing, number, wanted, at, at_once):
            for part in _parts(entries):
                worth = [place.member for place in part if wanted.may_be(listing.id_of(place.member))]
                views = dict(zip(worth, await self._views(listing, worth, now), strict=True))
                yield [(place, views.get(place.member)) for place in part], len(worth)
            at = entries[-1]
            if len(entries) < at_once:
                return

    async def _entries(
        self, listing: _Listing, number: int, wanted: JobFilter, at: _Place | None, count: int
    ) -> list[_Place]:
        """The next so many entries of a list behind ``at``; entries of one moment stand in the order of their names."""
        lowest, highest = listing.bounds(wanted)
        if listing.state is JobState.active:
            # Their scores move with every heartbeat; there are never many.
            running = await answer(self._pool.zrange(listing.key, 0, _RUNNING_AT_MOST))
            names = sorted(name.decode(errors="replace") for name in running)
            return [_Place(number, "0", name) for name in names if at is None or name > at.member][:count]
        rows = []
        if at is not None:
            same: list[tuple[bytes, float]] = await answer(
                self._pool.zrangebyscore(listing.key, at.score, at.score, withscores=True)
            )
            behind = at.member.encode()
            rows = [row for row in same if (row[0] < behind if listing.is_of_runs else row[0] > behind)]
            rows.sort(reverse=listing.is_of_runs)
        if len(rows) < count:
            rows += await self._between(listing, lowest, highest, at, count - len(rows))
        return [_Place(number, str(int(score)), name.decode(errors="replace")) for name, score in rows[:count]]

    async def _between(
        self, listing: _Listing, lowest: str, highest: str, at: _Place | None, count: int
    ) -> list[tuple[bytes, float]]:
        if listing.is_of_runs:
            highest = highest if at is None else f"({at.score}"
            found = self._pool.zrevrangebyscore(listing.key, highest, lowest, 0, count, withscores=True)
        else:
            lowest = lowest if at is None else f"({at.score}"
            found = self._pool.zrangebyscore(listing.key, lowest, highest, 0, count, withscores=True)
        rows: list[tuple[bytes, float]] = await answer(found)
        return rows

    async def _views(self, listing: _Listing, members: Sequence[str], now: float) -> list[JobView | None]:
        if not listing.is_of_runs:
            return await self._live(members, now)
        records = await self._kept.records(members, _SHOWN)
        return [
            job_view(id_of(run), record.fields, now) if record.fields else None
            for run, record in zip(members, records, strict=True)
        ]

    async def _live(self, ids: Sequence[str], now: float) -> list[JobView | None]:
        records = await self._kept.fields([keys.RECORD + job_id for job_id in ids], _SHOWN)
        return [job_view(job_id, fields, now) if fields else None for job_id, fields in zip(ids, records, strict=True)]


def _parts(entries: Sequence[_Place]) -> list[Sequence[_Place]]:
    return [entries[first : first + 100] for first in range(0, len(entries), 100)]


def _told(job: JobView) -> str:
    told = (job.job_id, job.function, job.deal_id, job.error_class, job.error_code, job.error_message, job.message)
    return "\n".join(filter(None, told)).casefold()


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
