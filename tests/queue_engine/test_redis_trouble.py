"""What becomes of jobs while Redis is away, frozen, full, or another one: nothing is lost, nothing ends twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from arq.connections import ArqRedis
from redis.asyncio import Redis

from benchmarks.proxy import counting
from chaos.proxy import proxying
from chaos.told import told
from chaos.valkey import Valkey, running_valkey
from dealpulse.errors import Unavailable
from dealpulse.jobs import DOCUMENTS
from dealpulse.queue import QueueClient, create_pool, keys
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import LEASE_MS, REDIS_BACK, REDIS_LOST, Claimed, Done, Engine, EngineSettings, Outcome
from dealpulse.settings import RedisSettings
from queue_engine.test_engine import document, until_idle

DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0")
HELD = document(0)
IDLE_SECONDS = 6

Lines = Sequence[Mapping[str, Any]]


class Jobs:
    """Runs every job at once, and :data:`HELD` until it is ``let_go``."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self.let_go = asyncio.Event()
        self._changed = asyncio.Condition()

    async def __call__(self, job: Claimed) -> Outcome:
        async with self._changed:
            self.runs[job.job_id] += 1
            self._changed.notify_all()
        if job.job_id == HELD.id:
            await self.let_go.wait()
        return Done("process_document")

    async def begun(self, count: int) -> None:
        """Wait until so many runs have begun."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self.runs.total() >= count)


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Valkey]:
    async with running_valkey(tmp_path / "redis", *DURABLE) as server:
        yield server


@pytest.fixture
async def pool(redis: Valkey) -> AsyncIterator[ArqRedis]:
    """What the test itself looks with."""
    opened = await create_pool(redis.settings)
    yield opened
    await opened.aclose(close_connection_pool=True)


@asynccontextmanager
async def draining(redis: RedisSettings, jobs: Jobs, *, worker: str = "test") -> AsyncIterator[Engine]:
    """An engine with connections of its own, until the block ends."""
    pool = await create_pool(redis)
    settings = EngineSettings(queue=DOCUMENTS.key, concurrency=10)
    engine = Engine(settings, redis=pool, handler=jobs, worker=worker, longest_silence=redis.socket_timeout)
    task = asyncio.create_task(engine.run())
    test = asyncio.current_task()
    assert test is not None
    task.add_done_callback(lambda ended: test.cancel() if not ended.cancelled() and ended.exception() else None)
    try:
        yield engine
    finally:
        jobs.let_go.set()
        engine.drain()
        async with asyncio.timeout(20):
            await task
        await pool.aclose(close_connection_pool=True)


def said(lines: Lines) -> list[str]:
    """What was said about Redis."""
    return [line["event"] for line in lines if line["event"] in (REDIS_LOST, REDIS_BACK)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def each_ended_once(pool: ArqRedis, jobs: Jobs, *, runs: int = 1) -> None:
    """Every job that began ended once, after so many runs, and none of these was taken for a crash."""
    events = await told(pool)
    assert {job_id: events.ends(job_id) for job_id in jobs.runs} == dict.fromkeys(jobs.runs, 1)
    assert set(jobs.runs.values()) == {runs}
    assert events.total("crashed") == 0


async def test_cut_connections_interrupt_no_job(redis: Valkey, pool: ArqRedis, client: QueueClient) -> None:
    jobs = Jobs()
    with structlog.testing.capture_logs() as lines:
        async with draining(redis.settings, jobs):
            await client.enqueue_many([HELD, *map(document, range(1, 301))])
            await jobs.begun(301)
            for kind in ("normal", "pubsub"):
                await answer(pool.client_kill_filter(_type=kind, skipme=True))
            await client.enqueue_many([document(number) for number in range(301, 601)])
            await jobs.begun(601)
            jobs.let_go.set()
            await until_idle(client)
    assert said(lines) in ([], [REDIS_LOST, REDIS_BACK])
    await each_ended_once(pool, jobs)


async def test_a_restarted_redis_is_waited_for_while_jobs_run_on(
    redis: Valkey, pool: ArqRedis, client: QueueClient
) -> None:
    jobs = Jobs()
    with structlog.testing.capture_logs() as lines:
        async with draining(redis.settings, jobs) as engine:
            await client.enqueue_many([HELD, *map(document, range(1, 301))])
            await jobs.begun(301)
            await redis.kill()
            await until(lambda: said(lines) == [REDIS_LOST])
            # It ends while nobody can be told.
            jobs.let_go.set()
            await until(lambda: engine.running == 0)
            await redis.start()
            await client_answers(pool)
            await client.enqueue_many([document(number) for number in range(301, 601)])
            await jobs.begun(601)
            await until_idle(client)
    assert said(lines) == [REDIS_LOST, REDIS_BACK]
    await each_ended_once(pool, jobs)


async def test_a_redis_that_loads_its_data_is_waited_for(redis: Valkey, pool: ArqRedis, client: QueueClient) -> None:
    jobs = Jobs()
    await answer(pool.mset({f"ballast:{number}": "1" for number in range(12_000)}))
    # Written out as one key after the other, which are then loaded one by one.
    await answer(cast(Any, pool).bgrewriteaof())
    await rewritten(pool)
    with structlog.testing.capture_logs() as lines:
        async with draining(redis.settings, jobs):
            await client.enqueue(HELD)
            await jobs.begun(1)
            await redis.kill()
            await redis.start("--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024")
            assert (await answer(pool.info("persistence")))["loading"] == 1
            await until(lambda: bool(said(lines)))
            await client_answers(pool)
            await client.enqueue(document(1))
            await jobs.begun(2)
            jobs.let_go.set()
            await until_idle(client)
    assert said(lines) == [REDIS_LOST, REDIS_BACK]
    assert (await answer(pool.info("errorstats")))["errorstat_LOADING"]["count"] > 1
    await each_ended_once(pool, jobs)


async def rewritten(pool: ArqRedis) -> None:
    async with asyncio.timeout(20):
        while (await answer(pool.info("persistence")))["aof_rewrite_in_progress"]:
            await asyncio.sleep(0.01)


async def client_answers(pool: Redis) -> None:
    """Wait until Redis has loaded its data."""
    async with asyncio.timeout(20):
        while (await answer(pool.info("persistence")))["loading"]:
            await asyncio.sleep(0.05)


async def test_a_redis_that_froze_for_longer_than_a_lease_costs_no_job_a_crash(
    redis: Valkey, pool: ArqRedis, client: QueueClient
) -> None:
    jobs = Jobs()
    with structlog.testing.capture_logs() as lines:
        async with draining(redis.settings, jobs, worker="holds it"):
            await client.enqueue(HELD)
            await jobs.begun(1)
            async with draining(redis.settings, jobs, worker="would take it over"):
                await client.enqueue(document(1))
                await jobs.begun(2)
                redis.freeze()
                await until(lambda: said(lines) == [REDIS_LOST] * 2)
                await asyncio.sleep(LEASE_MS / 1000)
                redis.thaw()
                await until(lambda: len(said(lines)) >= 4)
                await client.enqueue(document(2))
                await jobs.begun(3)
                jobs.let_go.set()
                await until_idle(client)
    assert said(lines) == [REDIS_LOST] * 2 + [REDIS_BACK] * 2
    await each_ended_once(pool, jobs)


async def test_a_full_redis_lets_work_end_and_takes_more_once_there_is_room(
    redis: Valkey, pool: ArqRedis, client: QueueClient
) -> None:
    jobs = Jobs()
    with structlog.testing.capture_logs() as lines:
        async with draining(redis.settings, jobs):
            await client.enqueue(HELD)
            await jobs.begun(1)
            await answer(pool.config_set("maxmemory", "1"))
            with pytest.raises(Unavailable):
                await client.enqueue(document(1))
            jobs.let_go.set()
            await until_idle(client)
            await answer(pool.config_set("maxmemory", "0"))
            await client.enqueue(document(1))
            await jobs.begun(2)
            await until_idle(client)
    assert said(lines) == []
    await each_ended_once(pool, jobs)


async def test_a_failover_is_lived_through(redis: Valkey, tmp_path: Path, client: QueueClient) -> None:
    jobs = Jobs()
    async with AsyncExitStack() as stack:
        primary = str(redis.port)
        replica = await stack.enter_async_context(
            running_valkey(tmp_path / "replica", *DURABLE, "--replicaof", "127.0.0.1", primary)
        )
        watched = tmp_path / "sentinel.conf"
        watched.write_text(
            f"sentinel monitor deals 127.0.0.1 {primary} 1\nsentinel down-after-milliseconds deals 1000\n"
        )
        sentinel = await stack.enter_async_context(running_valkey(tmp_path / "sentinel", str(watched), "--sentinel"))
        settings = replace(redis.settings, sentinels=(("127.0.0.1", sentinel.port),), sentinel_master="deals")
        lines = stack.enter_context(structlog.testing.capture_logs())
        pool = await create_pool(settings)
        stack.push_async_callback(pool.aclose, close_connection_pool=True)
        through_sentinel = QueueClient(pool)
        async with draining(settings, jobs):
            await client.enqueue_many([HELD, document(1)])
            await jobs.begun(2)
            await until_replicated(sentinel, pool)
            await redis.kill()
            await until(lambda: said(lines) == [REDIS_LOST, REDIS_BACK])
            await through_sentinel.enqueue(document(2))
            await jobs.begun(3)
            jobs.let_go.set()
            await until_idle(through_sentinel)
        assert said(lines) == [REDIS_LOST, REDIS_BACK]
        assert cast(Any, pool.connection_pool).master_address == ("127.0.0.1", replica.port)
        await each_ended_once(pool, jobs)


async def test_an_address_that_leads_to_another_primary_is_followed(
    redis: Valkey, tmp_path: Path, pool: ArqRedis, client: QueueClient
) -> None:
    """As where a provider moves a name: the old primary is a replica now, and keeps its connections."""
    jobs = Jobs()
    async with AsyncExitStack() as stack:
        replica = await stack.enter_async_context(
            running_valkey(tmp_path / "replica", *DURABLE, "--replicaof", "127.0.0.1", str(redis.port))
        )
        port, proxy = await stack.enter_async_context(proxying(redis.port))
        other = await create_pool(replica.settings)
        stack.push_async_callback(other.aclose, close_connection_pool=True)
        lines = stack.enter_context(structlog.testing.capture_logs())
        async with draining(replace(redis.settings, port=port), jobs):
            await client.enqueue_many([HELD, document(1)])
            await jobs.begun(2)
            await until_linked(other)
            assert await answer(cast(Any, pool).wait(1, 10_000)) == 1
            await answer(other.replicaof("no", "one"))
            await answer(pool.replicaof("127.0.0.1", str(replica.port)))
            proxy.redis_port = replica.port
            await QueueClient(other).enqueue(document(2))
            await jobs.begun(3)
            await until_renewed(other)
            jobs.let_go.set()
            await until_idle(QueueClient(other))
        assert said(lines) in ([], [REDIS_LOST, REDIS_BACK])
        await each_ended_once(other, jobs)


async def until_renewed(pool: ArqRedis) -> None:
    """Wait for a heartbeat of the engine that runs :data:`HELD`."""
    lease = await answer(pool.zscore(keys.active(DOCUMENTS.key), HELD.id))
    async with asyncio.timeout(10):
        while await answer(pool.zscore(keys.active(DOCUMENTS.key), HELD.id)) == lease:
            await asyncio.sleep(0.05)


async def until_linked(replica: ArqRedis) -> None:
    async with asyncio.timeout(30):
        while (await answer(replica.info("replication")))["master_link_status"] != "up":
            await asyncio.sleep(0.05)


async def until_replicated(sentinel: Valkey, primary: ArqRedis) -> None:
    """The sentinel knows the replica, and the replica everything."""
    asking: Redis = Redis(host="127.0.0.1", port=sentinel.port)
    async with asyncio.timeout(30):
        while not any(
            "slave" in str(one[b"flags"]) and one[b"master-link-status"] == b"ok"
            for one in map(paired, await answer(cast(Any, asking).execute_command("SENTINEL", "REPLICAS", "deals")))
        ):
            await asyncio.sleep(0.05)
    await asking.aclose()
    assert await answer(cast(Any, primary).execute_command("WAIT", 1, 10_000)) == 1


def paired(flat: Any) -> dict[Any, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True)) if isinstance(flat, list) else flat


async def test_jobs_whose_claim_was_not_answered_run_at_once_and_once(
    redis: Valkey, pool: ArqRedis, client: QueueClient
) -> None:
    jobs = Jobs()
    jobs.let_go.set()
    async with proxying(redis.port, b"process_document") as (port, proxy):
        with structlog.testing.capture_logs() as lines:
            async with draining(replace(redis.settings, port=port), jobs):
                await client.enqueue_many([document(number) for number in range(5)])
                async with asyncio.timeout(LEASE_MS / 1000 / 3):
                    await proxy.lost.wait()
                    await jobs.begun(5)
                    await until_idle(client)
    assert said(lines) in ([], [REDIS_LOST, REDIS_BACK])
    await each_ended_once(pool, jobs)
    assert (await told(pool)).total("started") == 5, "claimed once, answered twice"


async def test_an_idle_engine_asks_at_most_twice_a_second(redis: Valkey, client: QueueClient) -> None:
    jobs = Jobs()
    as_usual = RedisSettings(host="127.0.0.1")
    async with counting(redis.port) as (port, counter), draining(replace(as_usual, port=port), jobs):
        await client.enqueue(document(1))
        await jobs.begun(1)
        await until_idle(client)
        before = counter.commands
        await asyncio.sleep(IDLE_SECONDS)
        asked = counter.commands - before
    assert asked / IDLE_SECONDS <= 2
