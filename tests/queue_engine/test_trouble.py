"""What goes wrong around a queue: a sweep that repairs, a Redis that refuses, producers of another kind."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import structlog
from arq.connections import ArqRedis
from arq.jobs import deserialize_job_raw

from dealpulse import logs
from dealpulse.jobs import DOCUMENTS, SOURCE_SYNC, Job, SyncSource, SyncType
from dealpulse.queue import QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import REDIS_BACK, REDIS_LOST, Again, Claimed, Done, Outcome
from dealpulse.queue.serializer import deserialize
from queue_engine.engines import renewed, running_engine, turn
from queue_engine.test_engine import Recorder, document, until_idle

SYNC = SyncSource("source-1", "deal-1", SyncType.incremental)
FULL_SYNC = SyncSource("source-1", "deal-1", SyncType.full)


async def arguments(pool: ArqRedis, job: Job) -> tuple[object, ...]:
    """What the waiting job will be called with."""
    payload = await answer(pool.get(f"arq:job:{job.id}"))
    return tuple(deserialize_job_raw(payload, deserializer=deserialize)[1])


async def test_a_sweep_hurries_no_job_that_waits_for_its_time(client: QueueClient) -> None:
    due = datetime.now(UTC) + timedelta(hours=7)
    await client.enqueue(document(), run_at=due)
    assert [job.deduplicated for job in await client.enqueue_missing([document(), document(2)])] == [True, False]
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.delayed, stats.waiting) == (1, 1)


async def test_a_sweep_makes_no_running_sync_run_once_more(client: QueueClient, pool: ArqRedis) -> None:
    started, release = asyncio.Event(), asyncio.Event()
    runs = 0

    async def handler(_job: Claimed) -> Outcome:
        nonlocal runs
        runs += 1
        started.set()
        await release.wait()
        return Done("sync_source")

    async with running_engine(pool, handler, queue=SOURCE_SYNC.key):
        await client.enqueue(SYNC)
        await started.wait()
        await client.enqueue_missing([SYNC])
        release.set()
        await until_idle(client, SOURCE_SYNC.name)
    assert runs == 1


async def test_a_full_sync_takes_the_place_of_an_incremental_one_that_waits(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(SYNC)
    assert (await client.enqueue(FULL_SYNC)).deduplicated
    assert await arguments(pool, SYNC) == FULL_SYNC.args
    assert (await client.enqueue(SYNC)).deduplicated
    assert await arguments(pool, SYNC) == FULL_SYNC.args, "an incremental one adds nothing to a full one"


async def test_a_full_sync_asked_for_during_a_run_is_what_runs_next(client: QueueClient, pool: ArqRedis) -> None:
    started, release = asyncio.Event(), asyncio.Event()
    seen: list[tuple[object, ...]] = []

    async def handler(job: Claimed) -> Outcome:
        seen.append(tuple(deserialize_job_raw(job.payload, deserializer=deserialize)[1]))
        started.set()
        await release.wait()
        return Done("sync_source")

    async with running_engine(pool, handler, queue=SOURCE_SYNC.key):
        await client.enqueue(SYNC)
        await started.wait()
        for job in (SYNC, FULL_SYNC, SYNC):
            await client.enqueue(job)
        release.set()
        await until_idle(client, SOURCE_SYNC.name)
    assert seen == [SYNC.args, FULL_SYNC.args]
    assert (await client.stats())[SOURCE_SYNC.name].totals["completed"] == 2


async def test_a_job_asked_for_sooner_says_when_it_is_due_now(client: QueueClient) -> None:
    job = document()
    await client.enqueue(job, run_at=datetime.now(UTC) + timedelta(hours=1))
    await client.enqueue(job)
    view = await client.job(job.id)
    assert view is not None
    assert view.state == "waiting"


async def test_a_kept_id_that_a_foreign_producer_uses_again_starts_from_its_first_attempt(
    client: QueueClient, pool: ArqRedis
) -> None:
    recorder = Recorder()
    async with running_engine(pool, recorder):
        for run in (1, 2):
            await pool.enqueue_job("process_document", "d", "deal", _job_id="nightly", _queue_name=DOCUMENTS.key)
            await recorder.reached(run)
            await until_idle(client)
            # As after the day for which arq's result, which keeps it from enqueuing the id again, is there.
            await answer(pool.delete("arq:result:nightly"))
    assert [job.attempt for job in recorder.seen] == [1, 1]
    assert (await client.stats())[DOCUMENTS.name].completed == 2


async def test_the_request_that_asked_for_a_job_is_known_where_it_runs(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder()
    with logs.bound(request_id="request-7"):
        await client.enqueue(document())
    await pool.enqueue_job("process_document", "d", "deal", _queue_name=DOCUMENTS.key)
    async with running_engine(pool, recorder):
        await recorder.reached(2)
    assert sorted(json.loads(job.payload).get("rq", "") for job in recorder.seen) == ["", "request-7"]


async def test_a_tick_leaves_no_trace_but_its_result(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder(Done("cron:reconcile", result=0))
    async with running_engine(pool, recorder):
        await pool.enqueue_job("cron:reconcile", _job_id="cron:reconcile:1", _queue_name=DOCUMENTS.key)
        await recorder.reached(1)
        await until_idle(client)
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.completed, set(stats.totals.values())) == (0, {0})
    assert await client.job("cron:reconcile:1") is None
    assert await answer(pool.exists("arq:result:cron:reconcile:1"))


async def test_totals_count_also_where_no_history_is_kept(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder()
    async with running_engine(pool, recorder, keep_completed=0):
        await client.enqueue(document())
        await recorder.reached(1)
        await until_idle(client)
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.completed, stats.totals["completed"]) == (0, 1)


async def test_a_redis_that_refuses_writes_is_reported_once_and_again_when_it_takes_them(
    client: QueueClient, pool: ArqRedis
) -> None:
    recorder = Recorder()
    await client.enqueue(document())
    with structlog.testing.capture_logs() as lines:
        # As in a failover: it answers, but is no primary any more.
        await answer(pool.replicaof("127.0.0.1", "1"))
        try:
            async with running_engine(pool, recorder):
                async with asyncio.timeout(20):
                    while not any(line["event"] == REDIS_LOST for line in lines):
                        await asyncio.sleep(0.01)
                    refused = await refusals(pool)
                    while await refusals(pool) < refused + 2:
                        await asyncio.sleep(0.01)
                await answer(pool.replicaof("no", "one"))
                await recorder.reached(1)
                await until_idle(client)
        finally:
            await answer(pool.replicaof("no", "one"))
    said = [line["event"] for line in lines if line["event"] in (REDIS_LOST, REDIS_BACK)]
    assert said == [REDIS_LOST, REDIS_BACK]


async def refusals(pool: ArqRedis) -> int:
    """How often this Redis refused to write as a replica."""
    count: int = (await answer(pool.info("errorstats"))).get("errorstat_READONLY", {"count": 0})["count"]
    return count


async def test_a_retried_sync_that_was_asked_for_once_more_runs_once_more_after_its_end(
    client: QueueClient, pool: ArqRedis
) -> None:
    outcomes: list[Outcome] = [Again("sync_source", delay=0, burn=True), Done("sync_source"), Done("sync_source")]
    attempts: list[int] = []

    async def handler(job: Claimed) -> Outcome:
        attempts.append(job.attempt)
        if len(attempts) == 1:
            await client.enqueue(SYNC)
        return outcomes[len(attempts) - 1]

    await client.enqueue(SYNC)
    async with running_engine(pool, handler, queue=SOURCE_SYNC.key):
        await until_idle(client, SOURCE_SYNC.name)
    assert attempts == [1, 2, 1]


async def test_a_lease_that_ran_out_and_was_taken_by_nobody_is_renewed(client: QueueClient, pool: ArqRedis) -> None:
    job = await client.enqueue(document())
    await turn(pool, "slow", lease=1)
    async with asyncio.timeout(10):
        while (await client.stats())[DOCUMENTS.name].waiting == 0:
            await asyncio.sleep(0)
    assert (await renewed(pool, "slow", [(job.job_id, "slow#1")])).lost == []
    assert (await client.stats())[DOCUMENTS.name].active == 1
    assert (await turn(pool)).claims == []
