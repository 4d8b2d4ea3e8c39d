"""Jobs brought to the end a test wants for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from arq.connections import ArqRedis

from dealpulse.errors import Permanent
from dealpulse.jobs import DOCUMENTS, DocumentOperation, Job, ProcessDocument, Queue
from dealpulse.queue import QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import Claimed, Dead, Done, Outcome
from dealpulse.queue.scripts import ClaimedRow
from queue_engine.engines import running_engine, turn

Decide = Callable[[Claimed], Outcome]


def document(number: int = 1) -> ProcessDocument:
    return ProcessDocument(f"document-{number}", "deal-1", DocumentOperation.analyze)


async def until_idle(client: QueueClient, queue: Queue = DOCUMENTS) -> None:
    """Wait for the queue to hold nothing that waits or runs."""
    async with asyncio.timeout(30):
        while True:
            stats = (await client.stats())[queue.name]
            if stats.waiting == stats.active == 0:
                return
            await asyncio.sleep(0.01)


async def drain(pool: ArqRedis, decide: Decide, *, queue: Queue = DOCUMENTS, keep: int = 500) -> None:
    """Run what waits, ``decide`` saying how each job ends."""

    async def handler(job: Claimed) -> Outcome:
        return decide(job)

    async with running_engine(pool, handler, queue=queue.key, concurrency=100, keep_completed=keep, keep_failed=keep):
        await until_idle(QueueClient(pool), queue)


def succeed(_job: Claimed) -> Outcome:
    return Done("process_document", {"pages": 3})


def die(_job: Claimed) -> Outcome:
    return Dead("process_document", gone())


def gone() -> Permanent:
    return Permanent("The file is gone.", code="gone")


async def end(pool: ArqRedis, jobs: Sequence[Job], decide: Decide, *, keep: int = 500) -> None:
    """Enqueue these jobs of one queue, and run what waits there."""
    await QueueClient(pool).enqueue_many(jobs)
    await drain(pool, decide, queue=jobs[0].queue, keep=keep)


async def claimed(pool: ArqRedis, queue: str) -> ClaimedRow:
    """The next job of a queue, by another's hand; arq's own clock may be a moment ahead of that of Redis."""
    async with asyncio.timeout(10):
        while not (claims := (await turn(pool, queue=queue)).claims):
            await asyncio.sleep(0)
    return claims[0]


async def now_ms(pool: ArqRedis) -> int:
    """By the clock of Redis."""
    seconds, microseconds = await answer(pool.time())
    return int(seconds * 1000 + microseconds // 1000)
