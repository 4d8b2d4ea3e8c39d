"""Putting jobs on the queues and looking at them: what the API, the CLI and processors use."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog
from arq.connections import ArqRedis
from arq.jobs import serialize_job

from dealpulse.jobs import QUEUES, Job, Queue, SyncSource, SyncType
from dealpulse.queue import keys
from dealpulse.queue.connection import answer, redis_faults, run_script
from dealpulse.queue.serializer import deserialize, serialize


@dataclass(frozen=True)
class Enqueued:
    """``deduplicated`` means the same work was already waiting or running; ``job_id`` is then that job's."""

    job_id: str
    deduplicated: bool


@dataclass(frozen=True)
class QueueStats:
    """One queue at one moment. ``completed`` and ``failed`` are what is kept; ``totals`` count a lifetime."""

    waiting: int
    active: int
    delayed: int
    completed: int
    failed: int
    oldest_waiting_ms: int
    totals: Mapping[str, int] = field(default_factory=dict)
    """``completed``, ``failed``, ``retried`` since the queue exists."""


@dataclass(frozen=True)
class JobView:
    """What is known of one job. Times are UTC; what has not happened yet is None."""

    job_id: str
    queue: str
    function: str
    state: str
    """``waiting``, ``delayed``, ``active``, ``completed`` or ``failed``."""
    deal_id: str | None
    attempts: int
    enqueued_at: datetime | None
    due_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    error_class: str | None
    error_code: str | None
    error_message: str | None
    result: object = None


class _Clock(Protocol):
    def __call__(self) -> float: ...


_NO_TOTALS: Final = {"completed": 0, "failed": 0, "retried": 0}


class QueueClient:
    """Enqueues jobs and answers questions about them over one shared pool.

    Every method raises ``Unavailable`` when Redis is away.
    """

    def __init__(self, pool: ArqRedis, *, clock: _Clock = time.time) -> None:
        self._pool = pool
        self._clock = clock

    async def enqueue(self, job: Job, *, run_at: datetime | None = None) -> Enqueued:
        """Put one job on its queue, due now or at ``run_at``.

        The same id waiting or running is not doubled; asked for sooner than it was due, it comes sooner. A finished
        id runs again.
        """
        return (await self.enqueue_many([job], run_at=run_at))[0]

    async def enqueue_many(self, jobs: Sequence[Job], *, run_at: datetime | None = None) -> list[Enqueued]:
        """Put jobs on their queues, one round trip a queue; the answers stand in the order of ``jobs``."""
        return await self._enqueue(jobs, run_at=run_at)

    async def enqueue_missing(self, jobs: Sequence[Job]) -> list[Enqueued]:
        """Put those jobs on their queues that are not there; what waits, is delayed or runs is left exactly as it is.

        For who repairs rather than asks: a job in back-off keeps its time, a running sync is not run once more.
        """
        return await self._enqueue(jobs, only_missing=True)

    async def _enqueue(
        self, jobs: Sequence[Job], *, run_at: datetime | None = None, only_missing: bool = False
    ) -> list[Enqueued]:
        outcome: dict[int, Enqueued] = {}
        for queue in {job.queue for job in jobs}:
            positions = [index for index, job in enumerate(jobs) if job.queue is queue]
            asked = [(jobs[index], "missing" if only_missing else _meaning(jobs[index])) for index in positions]
            added = await self._enqueue_on(queue, asked, run_at)
            for index, new in zip(positions, added, strict=True):
                outcome[index] = Enqueued(job_id=jobs[index].id, deduplicated=not new)
        return [outcome[index] for index in range(len(jobs))]

    async def _enqueue_on(self, queue: Queue, asked: Sequence[tuple[Job, str]], run_at: datetime | None) -> list[int]:
        due = "" if run_at is None else str(int(run_at.timestamp() * 1000))
        request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
        arguments: list[str | bytes | int] = [len(asked)]
        for job, meaning in asked:
            payload = serialize_job(job.function, job.args, {}, None, int(self._clock() * 1000), serializer=serialize)
            arguments += [job.id, payload, due, job.function, job.deal_id, request_id, meaning]
        touched = [
            queue.key,
            keys.active(queue.key),
            keys.completed(queue.key),
            keys.failed(queue.key),
            keys.wake(queue.key),
        ]
        async with redis_faults():
            added: list[int] = await run_script(self._pool, "enqueue", touched, arguments)
        return added

    async def stats(self) -> dict[str, QueueStats]:
        """Every queue's counts, by wire name, taken at one moment."""
        async with redis_faults():
            rows = await run_script(self._pool, "stats", [], [queue.key for queue in QUEUES])
        return {queue.name: _stats(row) for queue, row in zip(QUEUES, rows, strict=True)}

    async def job(self, job_id: str) -> JobView | None:
        """One job, alive or kept in history; None when unknown."""
        async with redis_faults():
            record: dict[bytes, bytes] = await answer(self._pool.hgetall(keys.RECORD + job_id))
        if not record:
            return None
        # A payload of somebody else's making need not be text.
        fields = {name.decode(): value.decode(errors="replace") for name, value in record.items()}
        return _view(job_id, fields, self._clock())

    async def ping(self) -> None:
        """Raises ``Unavailable`` unless Redis answers."""
        async with redis_faults():
            await answer(self._pool.ping())


def _meaning(job: Job) -> str:
    """What asking for a job means while the same one waits or runs: see ``enqueue.lua``."""
    if not isinstance(job, SyncSource):
        return ""
    # A full sync does what an incremental one does and more: the two share an id, and the full one must win.
    return "replace" if job.sync_type is SyncType.full else "again"


def _stats(row: list[Any]) -> QueueStats:
    waiting, delayed, active, completed, failed, oldest, flat = row
    names, counts = flat[::2], flat[1::2]
    return QueueStats(
        waiting=waiting,
        active=active,
        delayed=max(0, delayed),
        completed=completed,
        failed=failed,
        oldest_waiting_ms=oldest,
        totals=_NO_TOTALS | {name.decode(): int(count) for name, count in zip(names, counts, strict=True)},
    )


def _view(job_id: str, record: Mapping[str, str], now: float) -> JobView:
    state = record.get("state", "waiting")
    if state == "waiting" and float(record.get("due", 0)) > now * 1000:
        state = "delayed"
    key = record.get("queue", "")
    result = record.get("result")
    return JobView(
        job_id=job_id,
        queue=next((queue.name for queue in QUEUES if queue.key == key), key),
        function=record.get("function", ""),
        state=state,
        deal_id=record.get("deal") or None,
        attempts=int(record.get("attempts", 0)),
        enqueued_at=_moment(record.get("enqueued")),
        due_at=_moment(record.get("due")),
        started_at=_moment(record.get("started")),
        finished_at=_moment(record.get("finished")),
        error_class=record.get("error_class") or None,
        error_code=record.get("error_code") or None,
        error_message=record.get("error_message") or None,
        result=deserialize(result.encode()).get("r") if result and state == "completed" else None,
    )


def _moment(milliseconds: str | None) -> datetime | None:
    return datetime.fromtimestamp(float(milliseconds) / 1000, UTC) if milliseconds else None
