"""Jobs that belong together, and the one that follows when the last of them has ended."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Invalid, Permanent
from dealpulse.jobs import DAILY_BRIEF, DOCUMENTS, GenerateDailyBrief
from dealpulse.queue import Batch, BatchView, QueueClient
from dealpulse.queue.engine import Claimed, Dead, Done, Outcome
from queue_engine.engines import ended, running_engine, turn
from queue_engine.test_engine import Recorder, document, until_idle

BRIEF = GenerateDailyBrief("deal-1", date(2026, 11, 20))
BATCH = Batch("first-sync", then=BRIEF)


async def found(client: QueueClient) -> BatchView:
    batch = await client.batch(BATCH.id)
    assert batch is not None
    return batch


async def follow_ups(client: QueueClient) -> int:
    """How often the job that follows was enqueued."""
    stats = (await client.stats())[DAILY_BRIEF.name]
    return stats.waiting + stats.totals["completed"]


async def test_the_follow_up_is_enqueued_when_the_last_has_ended_and_not_before(
    client: QueueClient, pool: ArqRedis
) -> None:
    release = asyncio.Event()
    recorder = Recorder()

    async def handler(job: Claimed) -> Outcome:
        if job.job_id == document(3).id:
            await release.wait()
        return await recorder(job)

    await client.enqueue_many([document(number) for number in (1, 2, 3)], batch=BATCH)
    async with running_engine(pool, handler):
        await recorder.reached(2)
        async with asyncio.timeout(20):
            while (await found(client)).completed < 2:
                await asyncio.sleep(0.01)
        assert ((await found(client)).progress, await follow_ups(client)) == (66, 0)
        release.set()
        await until_idle(client)
    batch = await found(client)
    assert (batch.total, batch.completed, batch.progress, batch.fired) == (3, 3, 100, True)
    assert await follow_ups(client) == 1


async def test_jobs_that_running_jobs_of_the_batch_enqueue_belong_to_it(client: QueueClient, pool: ArqRedis) -> None:
    async def handler(job: Claimed) -> Outcome:
        number = int(job.job_id.split(":")[1].removeprefix("document-"))
        if number < 4:
            await client.within(job.batches).enqueue(document(number + 1))
        else:
            assert await follow_ups(client) == 0
        return Done("process_document")

    await client.enqueue(document(1), batch=BATCH)
    async with running_engine(pool, handler, concurrency=1):
        async with asyncio.timeout(20):
            while not (await found(client)).fired:
                await asyncio.sleep(0.01)
    assert (await found(client)).total == 4
    assert await follow_ups(client) == 1


async def test_dead_and_cancelled_jobs_have_ended_too(client: QueueClient, pool: ArqRedis) -> None:
    async def handler(job: Claimed) -> Outcome:
        if job.job_id == document(1).id:
            return Dead("process_document", Permanent("No."))
        return Done("process_document")

    await client.enqueue_many([document(number) for number in (1, 2, 3)], batch=BATCH)
    await client.cancel(document(3).id)
    async with running_engine(pool, handler):
        await until_idle(client)
    batch = await found(client)
    assert (batch.completed, batch.failed, batch.cancelled, batch.fired) == (1, 1, 1, True)
    assert await follow_ups(client) == 1


async def test_the_last_one_cancelled_is_followed_as_well(client: QueueClient) -> None:
    await client.enqueue(document(1), batch=BATCH)
    await client.cancel(document(1).id)
    assert await follow_ups(client) == 1


async def test_a_job_that_waits_already_joins_the_batch_that_asks_for_it(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue(document(1), batch=Batch("another"))
    await client.enqueue_many([document(1), document(1)], batch=BATCH)
    assert (await found(client)).total == 1
    recorder = Recorder()
    async with running_engine(pool, recorder):
        await recorder.reached(1)
        await until_idle(client)
    another = await client.batch("another")
    assert another is not None
    assert another.fired
    assert await follow_ups(client) == 1


async def test_a_batch_that_has_ended_takes_no_more_and_nothing_of_what_was_asked_is_enqueued(
    client: QueueClient,
) -> None:
    await client.enqueue(document(1), batch=BATCH)
    await client.cancel(document(1).id)
    with pytest.raises(Invalid, match="have ended"):
        await client.enqueue_many([document(2), document(3)], batch=BATCH)
    assert (await client.stats())[DOCUMENTS.name].waiting == 0


async def test_a_batch_nobody_opened_is_not_there(client: QueueClient) -> None:
    assert await client.batch("nobody") is None


async def test_a_follow_up_that_runs_already_runs_once_more(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue(BRIEF)
    (running,) = (await turn(pool, queue=DAILY_BRIEF.key)).claims
    await client.enqueue(document(1), batch=BATCH)
    await client.cancel(document(1).id)
    (again,) = (await turn(pool, queue=DAILY_BRIEF.key, seq=2, finishing=[ended(running)])).claims
    assert (again.id, again.run != running.run) == (BRIEF.id, True)


async def test_the_last_of_a_batch_may_be_what_follows_it(client: QueueClient, pool: ArqRedis) -> None:
    batch = Batch("read-twice", then=document(1))
    await client.enqueue(document(1), batch=batch)
    recorder = Recorder()
    async with running_engine(pool, recorder):
        await recorder.reached(2)
        await until_idle(client)
    assert [job.job_id for job in recorder.seen] == [document(1).id] * 2


async def test_what_follows_an_inner_batch_belongs_to_the_outer_one(client: QueueClient, pool: ArqRedis) -> None:
    inner = Batch("inner", then=document(3))

    async def handler(job: Claimed) -> Outcome:
        if job.job_id == document(1).id:
            await client.within(job.batches).enqueue(document(2), batch=inner)
        assert await follow_ups(client) == 0
        return Done("process_document")

    await client.enqueue(document(1), batch=BATCH)
    async with running_engine(pool, handler, concurrency=1):
        await until_idle(client)
    batch = await found(client)
    assert (batch.total, batch.completed, batch.fired) == (3, 3, True)
    assert await follow_ups(client) == 1


async def test_the_id_of_a_batch_is_one_word(client: QueueClient) -> None:
    for name in ("", "two words", "a\nline"):
        with pytest.raises(Invalid, match="a word"):
            await client.enqueue(document(1), batch=Batch(name))


async def test_what_joins_after_the_end_is_followed_by_nothing(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue(document(1), batch=BATCH)
    (late,) = (await turn(pool)).claims
    await client.cancel(document(1).id)
    await turn(pool, wanted=0, finishing=[ended(late, "again")])
    (brief,) = (await turn(pool, queue=DAILY_BRIEF.key)).claims
    await turn(pool, queue=DAILY_BRIEF.key, wanted=0, finishing=[ended(brief)])
    # As its worker would, who has not heard yet that it was called off.
    await client.within(tuple(late.batches.split())).enqueue(document(2))
    await client.cancel(document(2).id)
    assert (await found(client)).fired
    assert await follow_ups(client) == 1
