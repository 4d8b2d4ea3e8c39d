"""Putting jobs on the queues, changing them and looking at them: what the API, the CLI and processors use."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from arq.connections import ArqRedis
from arq.constants import abort_jobs_ss
from redis.exceptions import ResponseError

from dealpulse.errors import Invalid, NotFound
from dealpulse.jobs import QUEUES, Errand, Priority, Queue, SyncSource, SyncType
from dealpulse.queue import keys
from dealpulse.queue.connection import Wires, answer, redis_faults
from dealpulse.queue.scripts import (
    CANCEL,
    CHANGE,
    ENQUEUE,
    NOTE,
    PAUSE,
    RESUME,
    STATS,
    BatchOpening,
    CancelRequest,
    ChangeRequest,
    EnqueueRequest,
    Item,
    NoteRequest,
    PauseRequest,
    ResumeRequest,
    StatsRequest,
    decode_stats,
)
from dealpulse.queue.serializer import payload_of
from dealpulse.queue.views import BatchView, Enqueued, JobView, QueueStats, WorkerView, job_view

MAX_PAYLOAD_BYTES: Final = 1 << 20
"""Payloads are ids; one larger than this is refused here, and a dead letter when it came from elsewhere."""
MAX_BULK: Final = 1_000
"""Jobs enqueued in one round trip, all or none of them."""


class _Clock(Protocol):
    def __call__(self) -> float: ...


@dataclass(frozen=True)
class Batch:
    """Jobs that belong together; when the last of them has ended, however it did, ``then`` is enqueued, once.

    Also jobs that running jobs of the batch enqueue belong to it: see :meth:`QueueClient.within`.
    """

    id: str
    then: Errand | None = None


@dataclass(frozen=True)
class Debounce:
    """Run ``delay`` after the last asking, but at most ``ceiling`` after the first."""

    delay: timedelta
    ceiling: timedelta


class QueueClient:
    """Enqueues jobs and answers questions about them over one shared pool.

    Every method raises ``Unavailable`` when Redis is away.
    """

    def __init__(
        self,
        pool: ArqRedis,
        *,
        clock: _Clock = time.time,
        batches: tuple[str, ...] = (),
        wires: Wires | None = None,
    ) -> None:
        self._pool = pool
        self._wires = wires or Wires(pool)
        self._clock = clock
        self._batches = " ".join(batches)

    def within(self, batches: tuple[str, ...]) -> QueueClient:
        """A client whose jobs belong to these batches too: what a running job of them enqueues with."""
        if not batches:
            return self
        return QueueClient(self._pool, clock=self._clock, batches=batches, wires=self._wires)

    # --- enqueueing -------------------------------------------------------------------------------------------------

    async def enqueue(
        self,
        job: Errand,
        *,
        run_at: datetime | None = None,
        priority: Priority = Priority.normal,
        batch: Batch | None = None,
        debounce: Debounce | None = None,
    ) -> Enqueued:
        """Put one job on its queue; see :meth:`enqueue_many`."""
        asked = await self.enqueue_many([job], run_at=run_at, priority=priority, batch=batch, debounce=debounce)
        return asked[0]

    async def enqueue_many(
        self,
        jobs: Sequence[Errand],
        *,
        run_at: datetime | None = None,
        priority: Priority = Priority.normal,
        batch: Batch | None = None,
        debounce: Debounce | None = None,
    ) -> list[Enqueued]:
        """Put jobs on their queues, due now or at ``run_at``; the answers stand in the order of ``jobs``.

        Up to :data:`MAX_BULK` go in one round trip, all or none of them. The same id waiting or running is not
        doubled: asked for sooner than it was due, it comes sooner; the higher priority wins. A finished id runs again.

        Raises:
            Invalid: ``payload_too_large``, ``invalid_batch``, or ``batch_ended`` when the batch's last job has ended
                already.
        """
        if batch is not None and batch.id.split() != [batch.id]:
            raise Invalid("A batch's id is a word: it has no spaces.", code="invalid_batch")
        make = self._item_maker(priority)
        items = [make(job, _meaning(job)) for job in jobs]
        for item in items:
            if run_at is not None:
                item.due = int(run_at.timestamp() * 1000)
            if debounce is not None:
                item.meaning = "debounce"
                item.delay, item.ceiling = _ms(debounce.delay), _ms(debounce.ceiling)
            if batch is not None:
                item.batch = f"{batch.id} {item.batch}".strip()
        opening = None
        if batch is not None:
            # What runs already knows nothing of what the batch has done: it runs once more.
            then = make(batch.then, _meaning(batch.then) or "again") if batch.then else None
            opening = BatchOpening(batch.id, then)
        return await self._enqueue(items, opening)

    def item(self, job: Errand, *, run_at: datetime | None = None, priority: Priority = Priority.normal) -> Item:
        """A job as :meth:`put` takes it, on behalf of whoever is bound to the logs here: their request, their name.

        Raises:
            Invalid: ``payload_too_large``.
        """
        item = self._item_maker(priority)(job, _meaning(job))
        item.due = None if run_at is None else int(run_at.timestamp() * 1000)
        return item

    async def put(self, items: Sequence[Item]) -> list[Enqueued]:
        """Put items on their queues, as :meth:`enqueue_many` does jobs."""
        return await self._enqueue(items)

    async def enqueue_missing(self, jobs: Sequence[Errand]) -> list[Enqueued]:
        """Put those jobs on their queues that are not there; what waits, is delayed or runs is left exactly as it is.

        For who repairs rather than asks: a job in back-off keeps its time, a running sync is not run once more.
        """
        make = self._item_maker(Priority.normal)
        return await self._enqueue([make(job, "missing") for job in jobs])

    def _item_maker(self, priority: Priority) -> Callable[[Errand, str], Item]:
        """Makes items of jobs and what asking for them means; what all of one call share is looked up once."""
        bound = structlog.contextvars.get_contextvars()
        request_id, caller = str(bound.get("request_id", "")), str(bound.get("caller", ""))
        now_ms = int(self._clock() * 1000)

        def make(job: Errand, meaning: str) -> Item:
            payload = payload_of(job.function, job.args, now_ms=now_ms, request_id=request_id)
            if len(payload) > MAX_PAYLOAD_BYTES:
                message = (
                    f"A job's payload is ids, at most {MAX_PAYLOAD_BYTES >> 10} KB: store the content, pass its id."
                )
                raise Invalid(message, code="payload_too_large", details={"jobId": job.id, "bytes": len(payload)})
            return Item(
                id=job.id,
                queue=job.queue.key,
                payload=payload.decode(),
                fn=job.function,
                deal=job.deal_id,
                priority=priority.value,
                request=request_id,
                caller=caller,
                meaning=meaning,
                batch=self._batches,
            )

        return make

    async def _enqueue(self, items: Sequence[Item], opening: BatchOpening | None = None) -> list[Enqueued]:
        enqueued: list[Enqueued] = []
        for first in range(0, len(items), MAX_BULK):
            part = items[first : first + MAX_BULK]
            async with redis_faults():
                added = await self._ask_enqueue(EnqueueRequest(part, opening))
            enqueued += [Enqueued(item.id, not new) for item, new in zip(part, added, strict=True)]
        return enqueued

    async def _ask_enqueue(self, request: EnqueueRequest) -> list[int]:
        try:
            added: list[int] = await ENQUEUE(self._pool, request, wire=self._wires)
        except ResponseError as error:
            if str(error).startswith("BATCHENDED"):
                message = "All jobs of this batch have ended; open a new one."
                raise Invalid(message, code="batch_ended") from error
            raise
        return added

    # --- changing ---------------------------------------------------------------------------------------------------

    async def cancel(self, job_id: str) -> str:
        """Cancel a job that has not ended; returns the state it was in.

        One that waits, is delayed or parked is cancelled when this returns. One that runs is told at once, cleans up,
        and is cancelled when it has: its state says so then.

        Raises:
            NotFound: ``job_not_found``.
            Invalid: ``job_ended``.
        """
        async with redis_faults():
            state = await CANCEL(self._pool, CancelRequest(job_id))
            if state is None and await answer(self._pool.exists(f"arq:job:{job_id}")):
                # A foreign producer's, not claimed yet: left as arq leaves it, it is cancelled at its first claim.
                await answer(self._pool.zadd(abort_jobs_ss, {job_id: int(self._clock() * 1000)}))
                return "waiting"
        return _live(job_id, state)

    async def promote(self, job_id: str) -> None:
        """Make a delayed job due now. Raises as :meth:`cancel`; a running one is left alone."""
        await self._change(job_id, promote=True, priority="")

    async def reprioritise(self, job_id: str, priority: Priority) -> None:
        """Give a job that has not begun another priority. Raises as :meth:`cancel`."""
        await self._change(job_id, promote=False, priority=priority.value)

    async def _change(self, job_id: str, *, promote: bool, priority: str) -> None:
        async with redis_faults():
            state = await CHANGE(self._pool, ChangeRequest(job_id, promote, priority))
        _live(job_id, state)

    async def pause(self, queue: Queue, deal_id: str = "") -> None:
        """Start no further job of the queue, or of one deal on it, until :meth:`resume`; what runs ends."""
        async with redis_faults():
            await PAUSE(self._pool, PauseRequest(queue.key, deal_id, paused=True))

    async def resume(self, queue: Queue, deal_id: str = "") -> None:
        """Undo :meth:`pause`."""
        async with redis_faults():
            await PAUSE(self._pool, PauseRequest(queue.key, deal_id, paused=False))
            while deal_id and await RESUME(self._pool, ResumeRequest(queue.key, deal_id)):
                pass

    async def note(
        self, job_id: str, token: str, *, percent: int | None = None, message: str = "", line: str = ""
    ) -> bool:
        """What a running job tells of itself: how far it is (0-100, and a few words), or a line for its log.

        False when the job is another worker's by now. The last 200 lines are kept.
        """
        share = -1 if percent is None else max(0, min(100, percent))
        async with redis_faults():
            return bool(await NOTE(self._pool, NoteRequest(job_id, token, share, message, line)))

    # --- looking ----------------------------------------------------------------------------------------------------

    async def stats(self) -> dict[str, QueueStats]:
        """Every queue's counts, by wire name, taken at one moment."""
        async with redis_faults():
            rows = decode_stats(await STATS(self._pool, StatsRequest([queue.key for queue in QUEUES])))
        return {queue.name: QueueStats.of(row) for queue, row in zip(QUEUES, rows, strict=True)}

    async def job(self, job_id: str) -> JobView | None:
        """One job, alive or the last run kept in history; None when unknown."""
        async with redis_faults(), self._pool.pipeline(transaction=False) as together:
            together.time()
            together.hgetall(keys.RECORD + job_id)
            together.exists(f"arq:job:{job_id}")
            (seconds, microseconds), record, has_payload = await together.execute()
        if not record and has_payload:
            # A foreign producer's, not claimed yet.
            record = {b"state": b"waiting"}
        # By the clock of Redis, which has set its times.
        return job_view(job_id, record, seconds + microseconds / 1_000_000) if record else None

    async def batch(self, batch_id: str) -> BatchView | None:
        """How far a batch is; None when unknown, or ended more than a week ago."""
        names = ("total", "completed", "failed", "cancelled", "fired")
        async with redis_faults():
            row: list[bytes | None] = await answer(self._pool.hmget(keys.BATCH + batch_id, list(names)))
        if row[0] is None:
            return None
        total, completed, failed, cancelled, _ = (int(value or 0) for value in row)
        return BatchView(
            batch_id=batch_id,
            total=total,
            completed=completed,
            failed=failed,
            cancelled=cancelled,
            fired=row[4] is not None,
        )

    async def workers(self) -> list[WorkerView]:
        """The workers alive, and what each runs."""
        async with redis_faults():
            seconds, _ = await answer(self._pool.time())
            alive = await answer(self._pool.zrangebyscore(keys.WORKERS, seconds * 1000, "+inf"))
            running = [
                name.decode(errors="replace")
                for queue in QUEUES
                for name in await answer(self._pool.zrange(keys.active(queue.key), 0, -1))
            ]
            views = []
            for name in (one.decode(errors="replace") for one in alive):
                about = await answer(self._pool.hgetall(keys.WORKER + name))
                views.append((name, {key.decode(): value.decode(errors="replace") for key, value in about.items()}))
            jobs = [view for job_id in running if (view := await self.job(job_id)) is not None]
        return [
            WorkerView(worker=name, about=about, jobs=tuple(job for job in jobs if job.worker == name))
            for name, about in views
        ]

    async def ping(self) -> None:
        """Raises ``Unavailable`` unless Redis answers."""
        async with redis_faults():
            await answer(self._pool.ping())


def _ms(time_span: timedelta) -> int:
    return int(time_span.total_seconds() * 1000)


def _meaning(job: Errand) -> str:
    """What asking for a job means while the same one waits or runs: see ``prelude.lua``."""
    if not isinstance(job, SyncSource):
        return ""
    # A full sync does what an incremental one does and more: the two share an id, and the full one must win.
    return "replace" if job.sync_type is SyncType.full else "again"


def _live(job_id: str, state: bytes | None) -> str:
    if state is None:
        raise NotFound(f"There is no job {job_id[:100]!r}, or none any more.", code="job_not_found")
    told = state.decode()
    if told in ("completed", "failed", "cancelled"):
        raise Invalid(f"The job has ended: it is {told}.", code="job_ended", details={"state": told})
    return told
