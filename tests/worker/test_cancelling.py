"""A cancelled job stays cancelled: in Redis, in its row, and for the sweep."""

from __future__ import annotations

import asyncio

from arq.connections import ArqRedis
from arq.jobs import Job as ArqJob

from dealpulse.jobs import DOCUMENTS, DocumentOperation, ProcessDocument
from dealpulse.models import Deal, OperationState
from dealpulse.outbox import reconcile, request
from dealpulse.queue import QueueClient
from dealpulse.queue.serializer import deserialize
from dealpulse.store import Store
from worker.workers import Start


async def test_a_job_aborted_through_arq_while_it_waits_is_not_brought_back_by_the_sweep(
    start: Start, store: Store, client: QueueClient, pool: ArqRedis, deal: Deal
) -> None:
    job = ProcessDocument("00000000-0000-4000-8000-000000000001", deal.id, DocumentOperation.analyze)
    await client.pause(DOCUMENTS)
    await request([job], operations=store.operations, queue=client)
    watched = ArqJob(job.id, pool, _queue_name=DOCUMENTS.key, _deserializer=deserialize)
    aborting = asyncio.create_task(watched.abort(timeout=30, poll_delay=0.05))
    async with asyncio.timeout(20):
        while not await pool.exists("arq:abort"):
            await asyncio.sleep(0.01)
    await client.resume(DOCUMENTS)
    async with start("DocumentWorkerSettings") as worker:
        await worker.says("worker_started")
        assert await aborting
        async with asyncio.timeout(20):
            while [one.state for one in await store.operations.of_deal(deal.id)] != [OperationState.cancelled]:
                await asyncio.sleep(0.01)
    assert await reconcile(operations=store.operations, queue=client, older_than=0) == 0
