"""Workers that are told to stop while they are at work, and engines that cannot go on."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import Final

from arq.connections import ArqRedis

from chaos.crew import Crew, Database, job, rows, until_started
from chaos.left import left_behind
from chaos.program import BROKEN
from chaos.told import told
from dealpulse.jobs import DOCUMENTS
from dealpulse.queue import QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import REDIS_LOST

STOPS: Final = 20
GRACE_SECONDS: Final = 10.0
LOAD: Final = 200
"""Jobs that wait while the load lasts."""
AT_ONCE_SECONDS: Final = 3.0
"""What a process takes to end that waits for nothing."""
SEED: Final = 11


async def test_twenty_stops_under_load_lose_nothing_and_repeat_nothing(
    pool: ArqRedis, client: QueueClient, workers: Crew, database: Database
) -> None:
    over = asyncio.Event()
    load = asyncio.create_task(keep_busy(client, over))
    at_work = 0
    grace = {"SHUTDOWN_GRACE_SECONDS": str(GRACE_SECONDS)}
    serving, coming = await workers.start(**grace), await workers.launch(**grace)
    for _ in range(STOPS):
        following, coming = coming, await workers.launch(**grace)
        await following.says("worker_started")
        began = time.monotonic()
        serving.process.terminate()
        assert await serving.ends() == 0
        assert time.monotonic() - began < GRACE_SECONDS
        running = (await serving.says("worker_draining"))["running"]
        at_work += isinstance(running, int) and running > 0
        serving = following
    over.set()
    ids = await load
    await until_ended(client, len(ids))
    await workers.stop()
    assert at_work == STOPS
    events = await told(pool)
    assert events.by_job("completed") == Counter(ids)
    assert Counter((row.job_id, row.what) for row in await rows(database)) == Counter(
        (job_id, what) for job_id in ids for what in ("started", "finished")
    )
    assert workers.refused("finishing") == workers.refused("running") == []
    assert await left_behind(pool, DOCUMENTS.key) == []


async def test_a_job_longer_than_the_grace_is_handed_back_unharmed(
    pool: ArqRedis, client: QueueClient, workers: Crew, database: Database
) -> None:
    long = job(1, 60)
    worker = await workers.start(SHUTDOWN_GRACE_SECONDS="1")
    await client.enqueue(long)
    await until_started(database, long.id)
    began = time.monotonic()
    worker.process.terminate()
    assert await worker.ends() == 0
    assert 1 <= time.monotonic() - began < 1 + AT_ONCE_SECONDS
    await assert_handed_back(pool, client, long.id)


async def test_a_second_signal_hands_back_at_once(
    pool: ArqRedis, client: QueueClient, workers: Crew, database: Database
) -> None:
    long = job(1, 60)
    worker = await workers.start(SHUTDOWN_GRACE_SECONDS="60")
    await client.enqueue(long)
    await until_started(database, long.id)
    began = time.monotonic()
    worker.process.terminate()
    await worker.says("worker_draining")
    worker.process.terminate()
    assert await worker.ends() == 0
    assert time.monotonic() - began < AT_ONCE_SECONDS
    await assert_handed_back(pool, client, long.id)


async def test_an_engine_that_breaks_ends_its_process_once_its_other_jobs_have_ended(
    client: QueueClient, workers: Crew, database: Database
) -> None:
    sound, breaking = job(1, 0.5), job(2, BROKEN)
    worker = await workers.start()
    await client.enqueue(sound)
    await until_started(database, sound.id)
    await client.enqueue(breaking)
    assert await worker.ends() == 1
    await worker.says("engine_died")
    views = [await client.job(one.id) for one in (sound, breaking)]
    assert [view and view.state for view in views] == ["completed", "waiting"]


async def test_a_password_refused_while_it_works_ends_a_worker(
    pool: ArqRedis, client: QueueClient, workers: Crew, database: Database
) -> None:
    long = job(1, 60)
    worker = await workers.start()
    await client.enqueue(long)
    await until_started(database, long.id)
    await answer(pool.config_set("requirepass", "another"))
    await answer(pool.client_kill_filter(_type="normal", skipme=True))
    began = time.monotonic()
    assert await worker.ends() == 1
    assert time.monotonic() - began < 2 * AT_ONCE_SECONDS
    died = await worker.says("engine_died")
    assert died["error_class"] == "AuthenticationError"
    assert not [line for line in worker.lines if line["event"] == REDIS_LOST]


async def keep_busy(client: QueueClient, over: asyncio.Event) -> list[str]:
    """Enqueue jobs of 50 to 300 ms, so that some always wait; returns their ids."""
    chance, ids = random.Random(SEED), list[str]()  # noqa: S311  # spreads load
    while not over.is_set():
        stats = (await client.stats())[DOCUMENTS.name]
        if stats.waiting < LOAD:
            more = [job(len(ids) + number, round(chance.uniform(0.05, 0.3), 3)) for number in range(LOAD)]
            ids += [one.id for one in more]
            await client.enqueue_many(more)
        await asyncio.sleep(0.05)
    return ids


async def until_ended(client: QueueClient, count: int) -> None:
    async with asyncio.timeout(30):
        while (await client.stats())[DOCUMENTS.name].totals["completed"] < count:
            await asyncio.sleep(0.05)


async def assert_handed_back(pool: ArqRedis, client: QueueClient, job_id: str) -> None:
    view = await client.job(job_id)
    assert view is not None
    assert (view.state, view.attempts, view.crashes) == ("waiting", 0, 0)
    assert (await told(pool)).of(job_id, "handed_back") == 1
