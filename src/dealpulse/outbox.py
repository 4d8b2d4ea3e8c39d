"""Ask for work so that it cannot be lost: first the row in Postgres, then the job in Redis.

Postgres is the truth and Redis the fast path. A crash between the two, or a Redis that forgot, leaves a row that is
``pending`` or ``queued`` with nobody working on it; :func:`reconcile` finds such rows and enqueues them again by
their deterministic ids, which costs nothing where the job is still there.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

import structlog

from dealpulse.jobs import Job, Priority, job_for
from dealpulse.models import Operation, OperationState
from dealpulse.queue import Batch, Enqueued, QueueClient

RECONCILED: Final = "reconciled"
UNKNOWN_OPERATION: Final = "unknown_operation"

_log = structlog.get_logger("dealpulse.outbox")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How soon work is wanted. The rows do not keep it: what Redis loses is asked for again as any other work is."""

    run_at: datetime | None = None
    """None: now."""
    priority: Priority = Priority.normal


AT_ONCE: Final = Terms()


Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Together(Generic[Item, Answer]):
    """Asks one after the other for many at once: what comes while ``work`` is under way waits and then goes together.

    Under load that makes one question of twenty, and adds no time where there is none.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], *, most: int) -> None:
        """``work`` answers each item, in their order; ``most`` go at once."""
        self._work = work
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Answer:
        """What ``work`` answers to it, or raises."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((item, answered))
        if self._asking is None:
            # In a context of its own: what is done for all is done in nobody's name.
            self._asking = loop.create_task(self._ask_all(), context=contextvars.Context())
        return await answered

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                part, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._ask(part)
        finally:
            self._asking = None

    async def _ask(self, part: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._work([item for item, _ in part])
        except Exception as error:  # each of those who asked gets it
            for _, answered in part:
                if not answered.done():
                    answered.set_exception(error)
            return
        for (_, answered), told in zip(part, answers, strict=True):
            if not answered.done():  # who asked may have left
                answered.set_result(told)


class Operations(Protocol):
    """The rows that keep what is asked of documents, e-mails, sources and deals."""

    async def ask(self, operations: Sequence[Operation]) -> None: ...

    async def mark_queued(self, operations: Sequence[Operation]) -> None: ...

    async def mark(
        self,
        operation: Operation,
        state: OperationState,
        *,
        error_code: str | None = None,
        error_message: str | None = None,
    ) -> None: ...

    async def stale(self, *, older_than: float, limit: int) -> list[Operation]: ...

    async def touch(self, operations: Sequence[Operation]) -> None: ...


class Deferred(Operations, Protocol):
    """Rows that also keep what is to be asked for again later."""

    async def ask_due(self, *, limit: int) -> list[Operation]: ...


async def request(
    jobs: Sequence[Job],
    *,
    operations: Operations,
    queue: QueueClient,
    run_at: datetime | None = None,
    batch: Batch | None = None,
    priority: Priority = Priority.normal,
) -> list[Enqueued]:
    """Record and enqueue ``jobs``; the answers stand in their order.

    A batch lives in Redis alone: after a loss its jobs run all the same, and the job that was to follow does not.

    Raises:
        Unavailable: Supabase is away (nothing happened), or Redis is (recorded: the sweep will enqueue it).
    """
    if not jobs:
        return []
    await operations.ask([job.operation for job in jobs])
    return await enqueue_asked(jobs, operations=operations, queue=queue, run_at=run_at, batch=batch, priority=priority)


async def enqueue_asked(
    jobs: Sequence[Job],
    *,
    operations: Operations,
    queue: QueueClient,
    run_at: datetime | None = None,
    batch: Batch | None = None,
    priority: Priority = Priority.normal,
) -> list[Enqueued]:
    """Enqueue jobs whose rows are there already, such as a sync page's."""
    if not jobs:
        return []
    enqueued = await queue.enqueue_many(jobs, run_at=run_at, batch=batch, priority=priority)
    await operations.mark_queued([job.operation for job in jobs])
    return enqueued


async def ask_due(*, operations: Deferred, queue: QueueClient, limit: int = 50) -> int:
    """Enqueue what was put off until now, at most ``limit`` at a time; returns how many.

    A crash on the way leaves rows that are ``pending``, which :func:`reconcile` finds.
    """
    jobs = _jobs(await operations.ask_due(limit=limit))
    await enqueue_asked(jobs, operations=operations, queue=queue)
    return len(jobs)


async def reconcile(*, operations: Operations, queue: QueueClient, older_than: float, limit: int = 500) -> int:
    """Enqueue again what rows ask for and Redis does not know; returns how many were really missing.

    Looks at the ``limit`` rows left alone longest, at least ``older_than`` seconds, and moves them to the end.
    """
    asked = await operations.stale(older_than=older_than, limit=limit)
    jobs = _jobs(asked)
    enqueued = await queue.enqueue_missing(jobs) if jobs else []
    await operations.mark_queued([job.operation for job in jobs])
    await operations.touch(asked)
    missing = sum(not job.deduplicated for job in enqueued)
    if missing:
        _log.warning(RECONCILED, missing=missing, looked_at=len(asked))
    return missing


def _jobs(asked: Sequence[Operation]) -> list[Job]:
    """The jobs those operations are, but for the unknown."""
    jobs = []
    for operation in asked:
        try:
            jobs.append(job_for(operation))
        except ValueError:
            # Written by a newer version during a rolling deploy: its own workers will see to it.
            _log.warning(UNKNOWN_OPERATION, subject_type=operation.subject_type, operation=operation.name)
    return jobs
