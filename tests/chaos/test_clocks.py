"""Workers whose clocks are minutes off: leases and due times are the business of Redis' clock alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from arq.connections import ArqRedis
from arq.jobs import Job as ArqJob

from chaos.crew import Crew, Database, job, rows
from chaos.told import told
from dealpulse.jobs import DOCUMENTS
from dealpulse.queue import QueueClient
from dealpulse.queue.serializer import deserialize

SKEWS: Final = (-120, 0, 120)
"""Seconds; far more than a lease lasts."""
LONG_SECONDS: Final = 7.0
"""Beyond a worker's first heartbeat, which renews the lease."""
DELAY: Final = timedelta(seconds=4)
LATEST: Final = timedelta(seconds=2)


async def test_clocks_that_are_off_steal_no_lease_and_start_nothing_early(
    pool: ArqRedis, client: QueueClient, workers: Crew, database: Database
) -> None:
    # More than two of them can hold: each has some.
    running = [job(number, LONG_SECONDS) for number in range(25)]
    await asyncio.gather(*(workers.start("--ahead", str(seconds)) for seconds in SKEWS))
    await client.enqueue_many(running)
    due = datetime.now(UTC) + DELAY
    delayed = [job(number, 0) for number in range(100, 105)]
    await client.enqueue_many(delayed, run_at=due)
    ids = [one.id for one in running + delayed]
    async with asyncio.timeout(40):
        while (await client.stats())[DOCUMENTS.name].totals["completed"] < len(ids):
            await asyncio.sleep(0.05)
    await workers.stop()
    written = await rows(database)
    assert Counter((row.job_id, row.what) for row in written) == Counter(
        (job_id, what) for job_id in ids for what in ("started", "finished")
    )
    assert len({row.pid for row in written}) == len(SKEWS)
    waited = [row.at - due for row in written if row.job_id in {one.id for one in delayed} and row.what == "started"]
    assert timedelta(0) <= min(waited)
    assert max(waited) < LATEST
    assert await spread(pool, ids) > timedelta(seconds=SKEWS[-1] - SKEWS[0] - LONG_SECONDS), "they were off"
    events = await told(pool)
    assert events.by_job("completed") == Counter(ids)
    assert events.total("crashed") == 0
    assert workers.refused("finishing") == workers.refused("running") == []


async def spread(pool: ArqRedis, ids: Sequence[str]) -> timedelta:
    """Between the ends of these jobs, going by the clocks of their workers."""
    results = [
        await ArqJob(job_id, pool, _queue_name=DOCUMENTS.key, _deserializer=deserialize).result_info() for job_id in ids
    ]
    ends = [result.finish_time for result in results if result is not None]
    return max(ends) - min(ends)
