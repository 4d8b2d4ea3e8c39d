"""What asking for a job means while the same one waits: debounced, it moves away; and what a running job tells."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from arq.connections import ArqRedis

from dealpulse.jobs import DOCUMENTS
from dealpulse.queue import Debounce, QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import Claimed, Done, Outcome
from queue_engine.engines import running_engine, turn
from queue_engine.test_engine import Recorder, document, until_idle

MINUTE = timedelta(minutes=1)


async def due(client: QueueClient) -> float:
    view = await client.job(document().id)
    assert view is not None
    assert view.due_at is not None
    return view.due_at.timestamp()


async def asked_earlier(pool: ArqRedis, by: timedelta) -> None:
    """As if the job had first been asked for so much earlier."""
    ms = int(by.total_seconds() * 1000)
    await answer(pool.hincrby(f"dealpulse:job:{document().id}", "enqueued", -ms))


async def test_a_debounced_job_runs_after_the_last_asking(client: QueueClient, pool: ArqRedis) -> None:
    debounce = Debounce(MINUTE, ceiling=10 * MINUTE)
    assert not (await client.enqueue(document(), debounce=debounce)).deduplicated
    first = await due(client)
    await asked_earlier(pool, 2 * MINUTE)
    assert (await client.enqueue(document(), debounce=debounce)).deduplicated
    assert await due(client) >= first
    assert (await client.stats())[DOCUMENTS.name].delayed == 1


async def test_no_asking_delays_a_debounced_job_beyond_its_ceiling(client: QueueClient, pool: ArqRedis) -> None:
    debounce = Debounce(10 * MINUTE, ceiling=15 * MINUTE)
    await client.enqueue(document(), debounce=debounce)
    first = await due(client)
    await asked_earlier(pool, 9 * MINUTE)
    await client.enqueue(document(), debounce=debounce)
    assert await due(client) - first < 0, "nine minutes ago and at most fifteen after that is in six"
    await asked_earlier(pool, 20 * MINUTE)
    await client.enqueue(document(), debounce=debounce)
    assert len((await turn(pool)).claims) == 1


async def test_a_debounced_job_asked_for_while_it_runs_runs_once_more(client: QueueClient, pool: ArqRedis) -> None:
    started, release = asyncio.Event(), asyncio.Event()
    runs = 0

    async def handler(_job: Claimed) -> Outcome:
        nonlocal runs
        runs += 1
        started.set()
        await release.wait()
        return Done("process_document")

    async with running_engine(pool, handler):
        await client.enqueue(document())
        await started.wait()
        await client.enqueue(document(), debounce=Debounce(MINUTE, ceiling=MINUTE))
        release.set()
        await until_idle(client)
    assert runs == 2


async def test_progress_and_log_of_a_running_job_are_seen_while_it_runs(client: QueueClient, pool: ArqRedis) -> None:
    told, release = asyncio.Event(), asyncio.Event()

    async def handler(job: Claimed) -> Outcome:
        for number in range(250):
            await client.note(job.job_id, job.token, line=f"line {number}")
        assert await client.note(job.job_id, job.token, percent=40, message="12 of 30 pages")
        assert not await client.note(job.job_id, "another's#1", percent=90)
        told.set()
        await release.wait()
        return Done("process_document")

    await client.enqueue(document())
    async with running_engine(pool, handler):
        async with asyncio.timeout(20):
            await told.wait()
        view = await client.job(document().id)
        assert view is not None
        assert (view.state, view.progress, view.message) == ("active", 40, "12 of 30 pages")
        assert len(view.log) == 200
        assert view.log[-1].text == "line 249"
        (worker,) = await client.workers()
        assert [(worker.worker, job.job_id) for job in worker.jobs] == [("test", document().id)]
        release.set()
        await until_idle(client)


async def test_a_result_is_kept_with_its_run_after_the_id_has_run_again(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder(Done("process_document", {"pages": 3}))
    async with running_engine(pool, recorder):
        await client.enqueue(document())
        await recorder.reached(1)
        await until_idle(client)
        first = await client.job(document().id)
        await client.enqueue(document())
        await recorder.reached(2)
        await until_idle(client)
    second = await client.job(document().id)
    assert first is not None
    assert second is not None
    assert first.run != second.run
    assert second.result == {"pages": 3}
    assert await answer(pool.hget(f"dealpulse:run:{first.run}", "result")) == b'{"pages":3}'
