"""Jobs that other programs enqueue and abort with nothing but arq, whose marks may be old or come in halves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job as ArqJob
from arq.jobs import JobStatus

from dealpulse.jobs import DOCUMENTS
from dealpulse.queue import QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.scripts import ClaimedRow
from dealpulse.queue.serializer import deserialize
from queue_engine.endings import claimed, document, now_ms
from queue_engine.engines import ended, renewed, turn

NAME = "nightly"
LATER = timedelta(hours=1)
A_WHILE = timedelta(minutes=10)


async def enqueue(pool: ArqRedis) -> ClaimedRow:
    """As any program with arq does, once more when the last result is no longer kept; claimed by us."""
    await answer(pool.delete(f"arq:result:{NAME}"))
    assert await pool.enqueue_job("process_document", "d", "deal", _job_id=NAME, _queue_name=DOCUMENTS.key)
    return await claimed(pool, DOCUMENTS.key)


async def finish(pool: ArqRedis, claim: ClaimedRow, outcome: str = "completed") -> None:
    await turn(pool, seq=2, wanted=0, finishing=[ended(claim, outcome)])


async def mark(pool: ArqRedis, job_id: str, ago: timedelta = timedelta(0)) -> None:
    """The second half of what arq's ``abort`` does."""
    await answer(pool.zadd("arq:abort", {job_id: await now_ms(pool) - int(ago.total_seconds() * 1000)}))


def watched(pool: ArqRedis, job_id: str) -> ArqJob:
    return ArqJob(job_id, pool, _queue_name=DOCUMENTS.key, _deserializer=deserialize)


async def state(client: QueueClient, job_id: str) -> str:
    view = await client.job(job_id)
    assert view is not None
    return view.state


async def test_an_abort_that_came_too_late_long_ago_does_not_reach_the_next_run(pool: ArqRedis) -> None:
    await finish(pool, await enqueue(pool))
    await mark(pool, NAME, A_WHILE)
    assert (await enqueue(pool)).id == NAME
    assert not await answer(pool.exists("arq:abort"))


async def test_an_earlier_run_that_was_called_off_does_not_reach_the_next_run(
    client: QueueClient, pool: ArqRedis
) -> None:
    running = await enqueue(pool)
    assert await client.cancel(NAME) == "active"
    await finish(pool, running, "cancelled")
    assert (await enqueue(pool)).id == NAME


@pytest.mark.parametrize("registered", [1, 15_000])
async def test_which_function_a_job_names_is_learned_even_when_its_first_run_told_nothing(
    client: QueueClient, pool: ArqRedis, registered: int
) -> None:
    await pool.enqueue_job("process_document", "d", "deal", _job_id=NAME, _queue_name=DOCUMENTS.key)
    await turn(pool, "lost", lease=1, registered=registered)
    again = await claimed(pool, DOCUMENTS.key)
    assert again.foreign, "whoever runs it is to say what it is"
    told = ended(again)
    told.fn = "process_document"
    await turn(pool, seq=2, wanted=0, finishing=[told])
    view = await client.job(NAME)
    assert view is not None
    assert (view.function, view.state) == ("process_document", "completed")


async def test_a_delayed_job_does_not_run_between_the_two_halves_of_its_abort(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(document(), run_at=datetime.now(UTC) + LATER)
    await answer(pool.zadd(DOCUMENTS.key, {document().id: 1}))
    assert (await turn(pool, wanted=5)).claims == []
    assert (await client.stats())[DOCUMENTS.name].delayed == 1
    await mark(pool, document().id)
    assert (await turn(pool, seq=2, wanted=5)).claims == []
    assert await state(client, document().id) == "cancelled"


async def test_a_job_kept_back_for_its_deal_can_be_aborted(client: QueueClient, pool: ArqRedis) -> None:
    await client.pause(DOCUMENTS, document().deal_id)
    await client.enqueue(document())
    await turn(pool)
    assert await state(client, document().id) == "parked"
    await answer(pool.zadd(DOCUMENTS.key, {document().id: 1}))
    await mark(pool, document().id)
    assert (await turn(pool, seq=2)).claims == []
    assert await state(client, document().id) == "cancelled"
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.parked, stats.cancelled) == (0, 1)


async def test_a_running_job_whose_score_arq_lowered_is_no_crash_and_is_told_to_stop(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(document())
    (running,) = (await turn(pool, "one")).claims
    await answer(pool.zadd(DOCUMENTS.key, {document().id: 1}))
    await mark(pool, document().id)
    assert (await turn(pool, "two")).claims == []
    assert (await renewed(pool, "one", [(document().id, "one#1")])).called_off == [document().id]
    await turn(pool, "one", seq=2, wanted=0, finishing=[ended(running, "again", worker="one")])
    assert await state(client, document().id) == "cancelled"
    assert (await client.stats())[DOCUMENTS.name].totals["crashed"] == 0


async def test_a_job_that_ends_and_runs_again_in_one_turn_is_in_progress_for_arq(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(document())
    (first,) = (await turn(pool)).claims
    (second,) = (await turn(pool, seq=2, finishing=[ended(first, "again")])).claims
    assert second.id == first.id
    assert await watched(pool, document().id).status() is JobStatus.in_progress


async def test_an_id_that_ended_on_one_queue_and_runs_on_another_is_not_lost_with_its_history(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(document(1))
    (claim,) = (await turn(pool)).claims
    await finish(pool, claim)
    await answer(pool.delete(f"arq:result:{claim.id}"))
    elsewhere = "arq:queue"
    assert await pool.enqueue_job("process_document", "d", "deal", _job_id=claim.id, _queue_name=elsewhere)
    await claimed(pool, elsewhere)
    await client.enqueue(document(2))
    (other,) = (await turn(pool, seq=3)).claims
    await turn(pool, seq=4, wanted=0, keep_completed=0, finishing=[ended(other, seq=3)])
    assert (await client.stats())[DOCUMENTS.name].completed == 0
    assert await state(client, claim.id) == "active"
    await client.enqueue(document(1))
    assert (await client.stats())[DOCUMENTS.name].waiting == 0, "it is where it was"
