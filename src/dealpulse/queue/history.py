"""What became of jobs: the runs each queue keeps, and its dead letters, to be run again or thrown away.

A queue is named by its key (``Queue.key``), so that arq's own default queue can be looked at too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from arq.connections import ArqRedis

from dealpulse.errors import Invalid, Permanent
from dealpulse.jobs import Job, job_called
from dealpulse.queue import keys
from dealpulse.queue.connection import answer, redis_faults
from dealpulse.queue.kept import KeptRecord, KeptRuns, id_of, parts, place
from dealpulse.queue.scripts import BURY, BuryRequest
from dealpulse.queue.serializer import deserialize
from dealpulse.queue.views import JobView, job_view

MAX_PAGE: Final = 500
LEAST_PER_SECOND: Final = 0.001
_EXAMPLES: Final = 5
_DEAD_REMEMBERED: Final = 4_000
_OURS_AT_MOST: Final = 64 * 1024
"""Bytes; a payload larger than this is none of ours, which hold ids."""
_LISTED: Final = (
    *("queue", "state", "run", "function", "deal", "priority", "attempts", "crashes", "token", "caller"),
    *("enqueued", "due", "started", "finished", "progress", "message", "batch"),
    *("error_class", "error_code", "error_message", "fingerprint"),
)
_OF_DEAD: Final = ("function", "deal", "error_class", "error_code", "error_message", "fingerprint")


class Kept(StrEnum):
    """How the runs in one history ended."""

    completed = "completed"
    failed = "failed"
    cancelled = "cancelled"


class Buried(StrEnum):
    """What became of a kept run that was to run again or to be thrown away."""

    replayed = "replayed"
    discarded = "discarded"
    busy = "busy"
    """The same job waits or runs already."""
    empty = "empty"
    """Its payload was lost before it ended: nobody can run it again."""
    unknown = "unknown"
    """It is kept no longer."""


@dataclass(frozen=True)
class Page:
    """Some kept runs, newest first, without results, faults and logs. ``next``: where the following page begins."""

    runs: list[JobView]
    next: str | None


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A job that failed for good. ``code`` and ``message`` may be empty."""

    run: str
    job_id: str
    function: str
    deal_id: str | None
    fingerprint: str
    error_class: str
    code: str
    message: str
    died_at: datetime
    live: bool
    """The same job waits or runs again."""


@dataclass(frozen=True, kw_only=True)
class DeadGroup:
    """Dead letters of the same error from the same place; what is told of it is the newest's."""

    fingerprint: str
    error_class: str
    code: str
    message: str
    function: str
    count: int
    first_at: datetime
    last_at: datetime
    job_ids: tuple[str, ...]
    """Examples, newest first."""


@dataclass(frozen=True)
class Letters:
    """Which dead letters of a queue: one job's, one group's, or all of them where neither is named."""

    job_id: str | None = None
    fingerprint: str | None = None


EVERY: Final = Letters()


class History:
    """Reads what Redis keeps of jobs that ended. Every method raises ``Unavailable`` when Redis is away."""

    def __init__(self, pool: ArqRedis) -> None:
        self._pool = pool
        self._kept = KeptRuns(pool)
        self._dead: OrderedDict[tuple[str, int], DeadLetter] = OrderedDict()
        """Dead letters read before, by run and time of death: what they died of never changes."""

    # --- looking ----------------------------------------------------------------------------------------------------

    async def runs(self, queue: str, kept: Kept, *, limit: int = 50, after: str | None = None) -> Page:
        """Kept runs of a queue that ended like that, newest first; ``after`` is the ``next`` of the page before.

        What ends meanwhile shifts nothing.

        Raises:
            Invalid: ``invalid_page``: ``after`` is no page's ``next``, or ``limit`` not from 1 to :data:`MAX_PAGE`.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise Invalid(f"A page holds 1 to {MAX_PAGE} runs.", code="invalid_page")
        async with redis_faults():
            named = await self._kept.newest(keys.history(queue, kept), limit + 1, after)
            runs = [run for run, _ in named[:limit]]
            records = await self._kept.records(runs, _LISTED)
        found = [
            job_view(id_of(run), record.fields, 0) for run, record in zip(runs, records, strict=True) if record.fields
        ]
        return Page(found, place(*named[limit - 1]) if len(named) > limit else None)

    async def run(self, run: str) -> JobView | None:
        """Everything about one run, also one of a job that ran again since; None when it is not kept."""
        async with redis_faults(), self._pool.pipeline(transaction=False) as together:
            together.hgetall(keys.RECORD + id_of(run))
            together.hgetall(keys.EARLIER_RUN + run)
            together.time()
            latest, earlier, (seconds, _) = await together.execute()
        record = latest if latest.get(b"run") == run.encode() else earlier
        return job_view(id_of(run), record, seconds) if record else None

    async def dead_letters(self, queue: str, letters: Letters = EVERY) -> list[DeadLetter]:
        """Dead letters of a queue, newest first."""
        async with redis_faults():
            named = await self._kept.newest(keys.history(queue, Kept.failed), -1)
            ended = {run: ms for run, ms in named if letters.job_id in (None, id_of(run))}
            records = await self._kept.records(list(ended), _OF_DEAD)
        found = [_dead_letter(run, ended[run], record) for run, record in zip(ended, records, strict=True)]
        return [letter for letter in found if letters.fingerprint in (None, letter.fingerprint)]

    async def dead_groups(self, queue: str) -> list[DeadGroup]:
        """A queue's dead letters by what they died of, the one met last first."""
        async with redis_faults():
            named = await self._kept.newest(keys.history(queue, Kept.failed), -1)
            known = {died: self._dead[died] for died in named if died in self._dead}
            new = [died for died in named if died not in known]
            records = await self._kept.records([run for run, _ in new], _OF_DEAD)
        read = {died: _dead_letter(*died, record) for died, record in zip(new, records, strict=True)}
        self._dead |= read
        groups: dict[str, list[DeadLetter]] = {}
        for died in named:
            letter = known.get(died) or read[died]
            groups.setdefault(letter.fingerprint, []).append(letter)
        while len(self._dead) > _DEAD_REMEMBERED:
            self._dead.popitem(last=False)
        return [_dead_group(members) for members in groups.values()]

    async def runs_before(self, queue: str, kept: Kept, moment: datetime) -> list[str]:
        """The kept runs of a queue that ended like that before ``moment``, oldest first."""
        ended = f"({int(moment.timestamp() * 1000)}"
        async with redis_faults():
            found = await answer(self._pool.zrangebyscore(keys.history(queue, kept), "-inf", ended))
        return [run.decode(errors="replace") for run in found]

    async def jobs_of(self, runs: Sequence[str]) -> dict[str, Job]:
        """Our own jobs among kept runs, by run: those that a row may stand behind."""
        jobs: dict[str, Job] = {}
        for part in parts(runs):
            async with redis_faults():
                records = {run: found.key for run, found in zip(part, await self._kept.records(part, ()), strict=True)}
                sizes = await self._kept.each("hstrlen", [(key, "payload") for key in records.values()])
                ours = [run for run, size in zip(records, sizes, strict=True) if 0 < size <= _OURS_AT_MOST]
                payloads = await self._kept.each("hget", [(records[run], "payload") for run in ours])
            found = zip(ours, map(_job_in, payloads), strict=True)
            jobs |= {run: job for run, job in found if job is not None}
        return jobs

    async def job_asked(self, job_id: str) -> Job | None:
        """The job of ours that a live id stands for; None for other people's, which no row stands behind."""
        key = f"arq:job:{job_id}"
        async with redis_faults():
            ours = 0 < await answer(self._pool.strlen(key)) <= _OURS_AT_MOST
            return _job_in(await answer(self._pool.get(key))) if ours else None

    # --- changing ---------------------------------------------------------------------------------------------------

    async def replay(
        self, queue: str, runs: Sequence[str], *, kept: Kept = Kept.failed, per_second: float | None = None
    ) -> dict[str, Buried]:
        """Put kept runs back on their queue in this order; what became of each, by run.

        Redis only: a row that stands behind a job is to be asked again first (see :mod:`dealpulse.interventions`).
        With ``per_second`` the jobs come due one after the other, at most so many a second.

        Raises:
            Invalid: ``invalid_rate``.
        """
        return await self._bury(queue, kept, runs, spacing=spacing_ms(per_second), replay=True)

    async def discard(self, queue: str, runs: Sequence[str], *, kept: Kept = Kept.failed) -> dict[str, Buried]:
        """Throw kept runs away; what became of each, by run."""
        return await self._bury(queue, kept, runs, spacing=0.0, replay=False)

    async def _bury(
        self, queue: str, kept: Kept, runs: Sequence[str], *, spacing: float, replay: bool
    ) -> dict[str, Buried]:
        buried: dict[str, Buried] = {}
        due = 0
        for part in parts(runs):
            request = BuryRequest(queue, kept.value, part, replay=replay, first=due, spacing=spacing)
            async with redis_faults():
                due, *words = await BURY(self._pool, request)
            buried |= {run: Buried(word.decode()) for run, word in zip(part, words, strict=True)}
        return buried


def spacing_ms(per_second: float | None) -> float:
    """Between two of so many jobs a second; none where no rate is given. Raises Invalid: ``invalid_rate``."""
    if per_second is None:
        return 0.0
    if not per_second >= LEAST_PER_SECOND:
        raise Invalid(f"The rate is at least {LEAST_PER_SECOND} jobs a second.", code="invalid_rate")
    return 1000 / per_second


def _dead_letter(run: str, ended_ms: int, record: KeptRecord) -> DeadLetter:
    return DeadLetter(
        run=run,
        job_id=id_of(run),
        function=record.text("function"),
        deal_id=record.text("deal") or None,
        fingerprint=record.text("fingerprint"),
        error_class=record.text("error_class"),
        code=record.text("error_code"),
        message=record.text("error_message"),
        died_at=datetime.fromtimestamp(ended_ms / 1000, UTC),
        live=record.live,
    )


def _dead_group(members: Sequence[DeadLetter]) -> DeadGroup:
    newest = members[0]
    return DeadGroup(
        fingerprint=newest.fingerprint,
        error_class=newest.error_class,
        code=newest.code,
        message=newest.message,
        function=newest.function,
        count=len(members),
        first_at=members[-1].died_at,
        last_at=newest.died_at,
        job_ids=tuple(dict.fromkeys(letter.job_id for letter in members))[:_EXAMPLES],
    )


def _job_in(payload: bytes | None) -> Job | None:
    try:
        told = deserialize(payload or b"")
        return job_called(str(told["f"]), tuple(told["a"]), dict(told["k"]))
    except (Permanent, KeyError, TypeError, ValueError):
        return None
