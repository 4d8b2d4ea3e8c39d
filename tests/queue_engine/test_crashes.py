"""Jobs that take their worker down, jobs whose worker lost Redis, and answers that never arrived."""

from __future__ import annotations

import asyncio

import structlog
from arq.connections import ArqRedis

from dealpulse.errors import Permanent
from dealpulse.jobs import DOCUMENTS, EMAILS, EmailOperation, ProcessEmail
from dealpulse.queue import QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import DEAD_LETTER_EVICTED, Claimed, Dead, Done, Engine, EngineSettings, Outcome
from dealpulse.queue.room import Room
from queue_engine.engines import renewed, running_engine, turn
from queue_engine.test_engine import Recorder, document, until_idle


async def die(pool: ArqRedis, client: QueueClient, *, seq: int = 1) -> None:
    """A worker claims what is due and is gone."""
    await turn(pool, f"dead-{seq}", seq=seq, lease=1, registered=1)
    async with asyncio.timeout(10):
        while (await client.stats())[DOCUMENTS.name].active:
            await asyncio.sleep(0)


async def test_every_crash_is_counted_and_told_and_the_run_gives_its_attempt_back(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(document())
    for seq in (1, 2, 3):
        await die(pool, client, seq=seq)
    recorder = Recorder()
    async with running_engine(pool, recorder):
        await recorder.reached(1)
        await until_idle(client)
    assert (recorder.seen[0].crashes, recorder.seen[0].attempt) == (3, 1)
    view = await client.job(document().id)
    assert view is not None
    assert [(fault.error_class, fault.worker) for fault in view.faults] == [
        ("WorkerDied", f"dead-{seq}") for seq in (1, 2, 3)
    ]
    assert (await client.stats())[DOCUMENTS.name].totals["crashed"] == 3


async def test_a_job_that_crashed_before_waits_until_it_can_run_alone_in_its_process(
    client: QueueClient, pool: ArqRedis
) -> None:
    suspect, email = document(), ProcessEmail("e", "deal-1", EmailOperation.parse)
    room, release, started = Room(), asyncio.Event(), asyncio.Event()
    together: list[int] = []

    async def handler(job: Claimed) -> Outcome:
        if job.job_id == suspect.id:
            together.append(room.running)
            return Done("process_document")
        started.set()
        await release.wait()
        return Done("process_email")

    def engine(queue: str) -> Engine:
        settings = EngineSettings(queue=queue, concurrency=5)
        return Engine(settings, redis=pool, handler=handler, worker="one process", room=room)

    await client.enqueue(suspect)
    await die(pool, client)
    engines = [engine(EMAILS.key), engine(DOCUMENTS.key)]
    running = [asyncio.create_task(engines[0].run())]
    await client.enqueue(email)
    await started.wait()
    running.append(asyncio.create_task(engines[1].run()))
    async with asyncio.timeout(20):
        while not await answer(pool.exists(f"{DOCUMENTS.key}:alone")):
            await asyncio.sleep(0.01)
        assert together == []
        release.set()
        while not (view := await client.job(suspect.id)) or view.state != "completed":
            await asyncio.sleep(0.01)
    for each in engines:
        each.drain()
    await asyncio.gather(*running)
    assert together == [1]


async def test_a_busy_worker_reserves_the_suspect_and_takes_nothing_else_until_it_is_idle(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(document(1))
    await die(pool, client)
    await client.enqueue_many([document(2), document(3), document(4)])
    busy = await turn(pool, "busy", wanted=4)
    assert len(busy.claims) == 3, "those before it; then it stands first"
    await client.enqueue(document(5))
    busy = await turn(pool, "busy", seq=2, wanted=4, running=3)
    assert (busy.reserve, busy.claims) == (True, [])
    other = await turn(pool, "other", wanted=3, running=1)
    assert (other.reserve, [claim.id for claim in other.claims]) == (False, [document(5).id]), "others go on"
    idle = await turn(pool, "busy", seq=3, wanted=3)
    assert (idle.alone, [claim.id for claim in idle.claims]) == (True, [document(1).id])


async def test_who_lived_through_an_outage_of_redis_may_say_so_before_its_jobs_are_taken(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue(document())
    await renewed(pool, "survivor", [], redis_run="before")
    await turn(pool, "survivor", lease=1, registered=1)
    async with asyncio.timeout(10):
        while (await client.stats())[DOCUMENTS.name].active:
            await asyncio.sleep(0)
    await renewed(pool, "newcomer", [], redis_run="after")
    assert (await turn(pool, "newcomer")).claims == []
    assert (await renewed(pool, "survivor", [(document().id, "survivor#1")], redis_run="after")).lost == []
    assert (await client.stats())[DOCUMENTS.name].active == 1


async def test_a_claim_whose_answer_was_lost_is_handed_out_again_and_takes_no_others(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue_many([document(number) for number in range(6)])
    lost = await turn(pool, "one", seq=7, wanted=3)
    again = await turn(pool, "one", seq=7, wanted=3, repeated=True)
    assert [claim.id for claim in again.claims] == [claim.id for claim in lost.claims]
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.active, stats.waiting) == (3, 3)


async def test_a_claim_that_is_repeated_leaves_out_what_another_took_since(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue_many([document(1), document(2)])
    await turn(pool, "one", seq=7, wanted=2, lease=1)
    async with asyncio.timeout(10):
        while not (taken := (await turn(pool, "two", wanted=1)).claims):
            await asyncio.sleep(0)
    again = await turn(pool, "one", seq=7, wanted=2, repeated=True)
    assert {claim.id for claim in again.claims} == {document(1).id, document(2).id} - {taken[0].id}


async def test_a_dead_letter_that_must_make_room_is_counted_and_logged(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder(Dead("process_document", Permanent("No.")))
    with structlog.testing.capture_logs() as lines:
        async with running_engine(pool, recorder, keep_failed=2):
            await client.enqueue_many([document(number) for number in range(5)])
            await recorder.reached(5)
            await until_idle(client)
    evicted = [line["job_id"] for line in lines if line["event"] == DEAD_LETTER_EVICTED]
    assert len(evicted) == 3
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.failed, stats.totals["failed"], stats.totals["evicted"]) == (2, 5, 3)


async def test_a_job_cancelled_while_it_runs_cleans_up_and_is_cancelled_not_failed(
    client: QueueClient, pool: ArqRedis
) -> None:
    started, cleaned_up = asyncio.Event(), asyncio.Event()

    async def handler(_job: Claimed) -> Outcome:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()
        raise AssertionError("unreachable")

    await client.enqueue(document())
    async with running_engine(pool, handler):
        await started.wait()
        assert await client.cancel(document().id) == "active"
        await until_idle(client)
    assert cleaned_up.is_set()
    view = await client.job(document().id)
    assert view is not None
    assert view.state == "cancelled"
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.cancelled, stats.failed, stats.totals["cancelled"]) == (1, 0, 1)
