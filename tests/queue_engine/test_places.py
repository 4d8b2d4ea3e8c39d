"""That a job keeps its place and its count wherever it is kept back, and that no dead worker's job holds up others."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from arq.connections import ArqRedis

from dealpulse.jobs import DOCUMENTS, DocumentOperation, Priority, ProcessDocument
from dealpulse.queue import QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.scripts import ClaimedRow
from queue_engine.endings import now_ms
from queue_engine.engines import ended, turn

LATER = timedelta(hours=1)


def of_deal(deal: str, number: int) -> ProcessDocument:
    return ProcessDocument(f"{deal}-{number}", deal, DocumentOperation.analyze)


async def die(pool: ArqRedis, client: QueueClient, *, wanted: int = 1, registered: int = 1) -> list[ClaimedRow]:
    """A worker claims and is gone, or with a longer registration only late."""
    claims = (await turn(pool, "gone", wanted=wanted, lease=1, registered=registered)).claims
    async with asyncio.timeout(10):
        while (await client.stats())[DOCUMENTS.name].active:
            await asyncio.sleep(0)
    return claims


async def a_minute_passes(pool: ArqRedis, job: ProcessDocument) -> None:
    """For a job that is kept back: it is looked at again."""
    await answer(pool.zadd(DOCUMENTS.key, {job.id: await now_ms(pool) - 1}))


async def test_a_limit_over_all_workers_is_not_used_up_by_those_that_died(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue_many([of_deal("a", number) for number in range(3)])
    lost = await die(pool, client, wanted=2)
    first = await turn(pool, "one", limit=2, wanted=5)
    assert [(claim.id, claim.crashes) for claim in first.claims] == [(of_deal("a", 2).id, 0)], "those wait to be alone"
    alone = await turn(pool, "two", limit=2, wanted=5)
    assert [(claim.id, claim.crashes) for claim in alone.claims] == [(lost[0].id, 1)]
    assert (await turn(pool, "three", limit=2, wanted=5)).claims == []


async def test_a_late_worker_s_job_that_is_kept_back_returns_to_its_old_place(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(of_deal("a", 1), priority=Priority.high)
    await die(pool, client, registered=15_000)
    await client.pause(DOCUMENTS, "a")
    assert (await turn(pool)).claims == []
    assert (await client.stats())[DOCUMENTS.name].parked == 1
    await client.enqueue(of_deal("a", 2), priority=Priority.normal)
    await client.resume(DOCUMENTS, "a")
    assert [claim.id for claim in (await turn(pool, seq=2)).claims] == [of_deal("a", 1).id]


async def test_a_higher_priority_reaches_a_job_that_is_kept_back(client: QueueClient, pool: ArqRedis) -> None:
    jobs = [of_deal("a", number) for number in range(4)]
    for job in jobs:
        await client.enqueue(job)
    (running,) = (await turn(pool, wanted=5, per_deal=1)).claims
    await client.enqueue(jobs[3], priority=Priority.critical)
    await client.reprioritise(jobs[2].id, Priority.high)
    order = [running.id]
    for seq in range(2, 5):
        finish = [ended(running, seq=seq - 1)]
        (running,) = (await turn(pool, seq=seq, wanted=1, per_deal=1, finishing=finish)).claims
        order.append(running.id)
    assert order == [jobs[number].id for number in (0, 3, 2, 1)]


@pytest.mark.parametrize("asked", [Priority.normal, Priority.high])
async def test_every_higher_priority_raises_a_lower_one(client: QueueClient, pool: ArqRedis, asked: Priority) -> None:
    await client.enqueue(of_deal("a", 1), priority=Priority.low)
    await client.enqueue(of_deal("a", 1), priority=asked)
    view = await client.job(of_deal("a", 1).id)
    assert view is not None
    assert view.priority == asked
    await turn(pool)
    await client.enqueue(of_deal("a", 1), priority=Priority.critical)
    view = await client.job(of_deal("a", 1).id)
    assert view is not None
    assert (view.state, view.priority) == ("active", "critical"), "also for its next attempt"


async def test_a_deal_goes_on_at_once_when_its_only_running_job_was_a_dead_worker_s_and_is_called_off(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue_many([of_deal("a", 1), of_deal("a", 2)])
    assert len((await turn(pool, "gone", wanted=2, per_deal=1, lease=1, registered=1)).claims) == 1
    assert await client.cancel(of_deal("a", 1).id) == "active"
    async with asyncio.timeout(10):
        while (await client.stats())[DOCUMENTS.name].active:
            await asyncio.sleep(0)
    assert (await turn(pool, wanted=2, per_deal=1)).claims == []
    assert [claim.id for claim in (await turn(pool, seq=2, wanted=2, per_deal=1)).claims] == [of_deal("a", 2).id]


async def test_a_job_that_must_run_alone_and_is_kept_back_is_counted_once(client: QueueClient, pool: ArqRedis) -> None:
    suspect = of_deal("a", 1)
    await client.enqueue(suspect)
    await turn(pool, "gone", lease=1, registered=1)
    await client.enqueue(of_deal("a", 2), priority=Priority.critical)
    assert [claim.id for claim in (await turn(pool)).claims] == [of_deal("a", 2).id]
    async with asyncio.timeout(10):
        while (await client.stats())[DOCUMENTS.name].active > 1:
            await asyncio.sleep(0)
    assert (await turn(pool, "idle", per_deal=1)).claims == []
    assert (await client.stats())[DOCUMENTS.name].parked == 1
    await a_minute_passes(pool, suspect)
    # The cap has been lifted since.
    assert (await turn(pool, "busy", running=1)).reserve
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.waiting, stats.parked, stats.active) == (1, 0, 1)
    assert not await answer(pool.exists(f"{DOCUMENTS.key}:parked:a"))


@pytest.mark.parametrize("state", ["waiting", "delayed", "parked"])
async def test_what_has_not_begun_is_cancelled_at_once_and_leaves_every_count(
    client: QueueClient, pool: ArqRedis, state: str
) -> None:
    await client.enqueue(of_deal("a", 1), run_at=datetime.now(UTC) + LATER if state == "delayed" else None)
    if state == "parked":
        await client.pause(DOCUMENTS, "a")
        assert (await turn(pool)).claims == []
    assert await client.cancel(of_deal("a", 1).id) == state
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.waiting, stats.delayed, stats.parked, stats.cancelled) == (0, 0, 0, 1)
    assert await answer(pool.zcard(DOCUMENTS.key)) == 0
    assert not await answer(pool.exists(f"arq:job:{of_deal('a', 1).id}"))
