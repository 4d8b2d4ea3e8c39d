"""arq's own ``Job`` on jobs that our engine drains: what it tells, and what its ``abort`` does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job as ArqJob
from arq.jobs import JobStatus

from dealpulse.jobs import DOCUMENTS
from dealpulse.queue import QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import Claimed, Done, Outcome
from dealpulse.queue.serializer import deserialize
from queue_engine.engines import running_engine
from queue_engine.test_engine import Recorder, document, until_idle

LATER = timedelta(hours=1)


def watched(pool: ArqRedis, job_id: str) -> ArqJob:
    return ArqJob(job_id, pool, _queue_name=DOCUMENTS.key, _deserializer=deserialize)


class Endless:
    """Runs until it is cancelled, and says that it cleaned up."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cleaned_up = asyncio.Event()

    async def __call__(self, _job: Claimed) -> Outcome:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cleaned_up.set()
        raise AssertionError("unreachable")


async def test_arq_tells_the_states_of_a_jobs_life_apart(client: QueueClient, pool: ArqRedis) -> None:
    later, now = document(1), document(2)
    await client.enqueue(later, run_at=datetime.now(UTC) + LATER)
    await client.enqueue(now)
    assert await watched(pool, later.id).status() is JobStatus.deferred
    assert await watched(pool, now.id).status() is JobStatus.queued
    started, release = asyncio.Event(), asyncio.Event()

    async def handler(_job: Claimed) -> Outcome:
        started.set()
        await release.wait()
        return Done("process_document", {"pages": 3})

    async with running_engine(pool, handler):
        await started.wait()
        assert await watched(pool, now.id).status() is JobStatus.in_progress
        release.set()
        await until_idle(client)
    assert await watched(pool, now.id).status() is JobStatus.complete
    assert await watched(pool, "nobody").status() is JobStatus.not_found
    info = await watched(pool, now.id).info()
    assert info is not None
    assert (info.function, list(info.args)) == ("process_document", ["document-2", "deal-1", "analyze"])
    result = await watched(pool, now.id).result_info()
    assert result is not None
    assert (result.success, result.result, result.job_try, result.queue_name) == (True, {"pages": 3}, 1, DOCUMENTS.key)
    assert result.start_time <= result.finish_time


async def test_aborting_a_running_job_cancels_its_coroutine(client: QueueClient, pool: ArqRedis) -> None:
    job, handler = document(), Endless()
    await client.enqueue(job)
    async with running_engine(pool, handler):
        await handler.started.wait()
        assert await watched(pool, job.id).abort(timeout=20, poll_delay=0.05)
        await until_idle(client)
    assert handler.cleaned_up.is_set()
    view = await client.job(job.id)
    assert view is not None
    assert (view.state, view.attempts) == ("cancelled", 1)
    assert (await client.stats())[DOCUMENTS.name].totals["failed"] == 0


@pytest.mark.parametrize("wait", [timedelta(0), LATER])
async def test_aborting_a_job_that_waits_or_is_delayed_cancels_it_unrun(
    client: QueueClient, pool: ArqRedis, wait: timedelta
) -> None:
    job, recorder = document(), Recorder()
    await client.enqueue(job, run_at=datetime.now(UTC) + wait)
    await client.pause(DOCUMENTS)
    async with running_engine(pool, recorder):
        aborting = asyncio.create_task(watched(pool, job.id).abort(timeout=20, poll_delay=0.05))
        async with asyncio.timeout(20):
            while not await answer(pool.exists("arq:abort")):
                await asyncio.sleep(0.01)
        await client.resume(DOCUMENTS)
        assert await aborting
    assert recorder.seen == []
    view = await client.job(job.id)
    assert view is not None
    assert view.state == "cancelled"
    assert not await answer(pool.exists("arq:abort"))


async def test_a_wish_to_abort_that_came_too_late_does_not_reach_the_next_run(
    client: QueueClient, pool: ArqRedis
) -> None:
    job, recorder = document(), Recorder()
    async with running_engine(pool, recorder):
        await client.enqueue(job)
        await recorder.reached(1)
        await until_idle(client)
        assert not await watched(pool, job.id).abort(timeout=5)
        await client.enqueue(job)
        await recorder.reached(2)
        await until_idle(client)
    view = await client.job(job.id)
    assert view is not None
    assert view.state == "completed"
