"""A system that has much to tell: jobs that wait, and a full history of others."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

import asyncpg
from arq.connections import ArqRedis

from dealpulse.errors import Permanent, Transient
from dealpulse.jobs import QUEUES, DocumentOperation, Job, ProcessDocument, Queue
from dealpulse.local.stack import Stack
from dealpulse.models import Operation
from dealpulse.queue import QueueClient, create_pool, keys
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import Claimed, Dead, Done, Outcome
from dealpulse.queue.metrics import Unit
from dealpulse.settings import Settings
from queue_engine.endings import drain

_DEALS: Final = 200
_ENDED: Final = 700
"""More of each kind than a queue keeps."""
_OPERATIONS: Final = tuple(DocumentOperation)


def uid(number: int) -> str:
    return str(uuid.UUID(int=number))


def deal_of(number: int) -> str:
    return uid(10**12 + number % _DEALS)


def job(number: int) -> ProcessDocument:
    """The ``number``-th of all jobs: five operations a document."""
    return ProcessDocument(uid(1 + number // 5), deal_of(number // 5), _OPERATIONS[number % 5])


async def documents(running: Stack, count: int) -> None:
    """Deals, and documents of theirs that could be worked on."""
    database = await asyncpg.connect(running.database_url)
    await database.executemany(
        "insert into deals (id, name) values ($1, $2) on conflict do nothing",
        [(uid(10**12 + number), f"Deal {number}") for number in range(_DEALS)],
    )
    await database.executemany(
        "insert into documents (id, deal_id, name, path, storage_key, content_hash) values ($1, $2, $3, $3, $3, $3)",
        [(uid(1 + number), deal_of(number), f"document-{number}.pdf") for number in range(count)],
    )
    await database.execute("analyze")
    await database.close()


async def history(running: Stack) -> None:
    """Every queue keeps all it may keep, and two weeks of figures."""
    async with _pool(running) as pool:
        for number, queue in enumerate(QUEUES):
            named = [uid(10**9 + number * 10**6 + n) for n in range(2 * _ENDED)]
            jobs = [
                _Elsewhere(ProcessDocument(name, deal_of(n), _OPERATIONS[n % 5]), queue) for n, name in enumerate(named)
            ]
            await QueueClient(pool).enqueue_many(cast("list[Job]", jobs))
            await drain(pool, _sometimes, queue=queue)
            await _figures(pool, queue.key)


async def waiting(running: Stack, count: int) -> None:
    """So many jobs that wait, and their rows."""
    async with _pool(running) as pool:
        await QueueClient(pool).enqueue_many([job(number) for number in range(count)])
    database = await asyncpg.connect(running.database_url)
    await database.execute(
        """
        insert into processing_operations (subject_type, subject_id, operation, deal_id, state)
        select 'document', d.id, o.operation, d.deal_id, 'queued'
        from documents d cross join unnest($1::text[]) o(operation)
        on conflict do nothing
        """,
        [one.value for one in _OPERATIONS],
    )
    await database.execute("analyze")
    await database.close()


@dataclass(frozen=True)
class _Elsewhere:
    """A job for any queue."""

    document: ProcessDocument
    queue: Queue
    function = ProcessDocument.function

    @property
    def id(self) -> str:
        return self.document.id

    @property
    def args(self) -> tuple[str, ...]:
        return self.document.args

    @property
    def deal_id(self) -> str:
        return self.document.deal_id

    @property
    def operation(self) -> Operation:
        return self.document.operation


def _sometimes(claimed: Claimed) -> Outcome:
    """Half of them fail, of one of twenty faults."""
    luck = random.Random(claimed.job_id)  # noqa: S311  # no secret
    if luck.random() < 0.5:
        return Done("process_document", {"pages": 3})
    code = f"fault_{luck.randrange(20)}"
    fault = Permanent if luck.random() < 0.5 else Transient
    return Dead("process_document", fault(f"The file is {code} in the archive.", code=code))


async def _figures(pool: ArqRedis, queue: str) -> None:
    now = int(datetime.now(UTC).timestamp())
    counts = {"enqueued": 40, "completed": 30, "failed": 2, "retried": 3, "depth": 12}
    times = {f"{kind}{bucket}": 3 for kind in "wr" for bucket in range(8, 30)}
    for unit in Unit:
        async with pool.pipeline(transaction=False) as together:
            for ago in range(1, unit.kept):
                name = keys.metrics(queue, unit, now // unit.seconds - ago)
                together.hset(name, mapping={**counts, **times})
            await answer(together.execute())


@asynccontextmanager
async def _pool(running: Stack) -> AsyncIterator[ArqRedis]:
    opened = await create_pool(Settings.load(environ=running.environment()).redis)
    yield opened
    await opened.aclose(close_connection_pool=True)


def numbers(count: int, below: int) -> Sequence[int]:
    """So many different ones, the same in every run."""
    return random.Random(7).sample(range(below), count)  # noqa: S311
