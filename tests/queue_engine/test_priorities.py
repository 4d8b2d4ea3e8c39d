"""What goes first: priorities, and how waiting makes up for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Invalid, NotFound
from dealpulse.jobs import DOCUMENTS, Priority, ProcessDocument
from dealpulse.queue import QueueClient
from dealpulse.queue.connection import answer
from queue_engine.engines import ended, turn
from queue_engine.test_engine import document

LATER = timedelta(hours=1)


async def order(pool: ArqRedis) -> list[str]:
    """The ids in the order in which they are claimed, one at a time."""
    ids: list[str] = []
    for seq in range(1, 100):
        claims = (await turn(pool, seq=seq)).claims
        if not claims:
            break
        ids.append(claims[0].id)
        await turn(pool, seq=seq, wanted=0, finishing=[ended(claims[0], seq=seq)])
    return ids


async def age(pool: ArqRedis, job: ProcessDocument, by: timedelta) -> None:
    """As if it had been enqueued so much earlier."""
    ms = int(by.total_seconds() * 1000)
    await answer(pool.zincrby(DOCUMENTS.key, -ms, job.id))
    await answer(pool.zincrby(f"{DOCUMENTS.key}:waiting", -ms, job.id))
    await answer(pool.hincrby(f"dealpulse:job:{job.id}", "due", -ms))


async def test_the_higher_priority_goes_first_and_equals_in_the_order_they_came(
    client: QueueClient, pool: ArqRedis
) -> None:
    asked = [Priority.low, Priority.normal, Priority.critical, Priority.high, Priority.normal]
    for number, priority in enumerate(asked):
        await client.enqueue(document(number), priority=priority)
    assert await order(pool) == [document(number).id for number in (2, 3, 1, 4, 0)]


async def test_an_old_normal_job_overtakes_a_new_high_one(client: QueueClient, pool: ArqRedis) -> None:
    old, older, new = document(1), document(2), document(3)
    for job in (old, older):
        await client.enqueue(job)
    await age(pool, old, timedelta(hours=2))
    await age(pool, older, timedelta(hours=4))
    await client.enqueue(new, priority=Priority.high)
    assert await order(pool) == [older.id, new.id, old.id]


async def test_no_priority_shortens_a_delay(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue(document(), run_at=datetime.now(UTC) + LATER, priority=Priority.critical)
    assert (await turn(pool)).claims == []
    assert (await client.stats())[DOCUMENTS.name].delayed == 1


async def test_asking_again_at_a_higher_priority_raises_it_and_a_lower_one_changes_nothing(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(document(1))
    await client.enqueue(document(2))
    await client.enqueue(document(3))
    await client.enqueue(document(2), priority=Priority.high)
    await client.enqueue(document(2), priority=Priority.low)
    await client.enqueue(document(1), priority=Priority.low)
    assert await order(pool) == [document(number).id for number in (2, 1, 3)]


async def test_the_priority_of_a_waiting_job_can_be_changed_either_way(client: QueueClient, pool: ArqRedis) -> None:
    for number in (1, 2, 3):
        await client.enqueue(document(number))
    await client.reprioritise(document(3).id, Priority.critical)
    await client.reprioritise(document(1).id, Priority.low)
    assert await order(pool) == [document(number).id for number in (3, 2, 1)]


async def test_a_delayed_job_that_is_promoted_is_due_now_and_only_then(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue(document(1), run_at=datetime.now(UTC) + LATER)
    await client.enqueue(document(2), run_at=datetime.now(UTC) + LATER)
    await client.promote(document(1).id)
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.waiting, stats.delayed) == (1, 1)
    assert await order(pool) == [document(1).id]


async def test_what_ended_or_never_was_can_be_neither_promoted_nor_cancelled(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(document())
    await order(pool)
    for change in (client.promote, client.cancel):
        with pytest.raises(Invalid, match="has ended"):
            await change(document().id)
        with pytest.raises(NotFound):
            await change("nobody")


async def test_a_thousand_jobs_on_two_queues_are_one_round_trip(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue(document(0))  # the script is loaded
    before = (await answer(pool.info("commandstats")))["cmdstat_evalsha"]["calls"]
    await client.enqueue_many([document(number) for number in range(1000)])
    after = (await answer(pool.info("commandstats")))["cmdstat_evalsha"]["calls"]
    assert after - before == 1
    assert (await client.stats())[DOCUMENTS.name].waiting == 1000
