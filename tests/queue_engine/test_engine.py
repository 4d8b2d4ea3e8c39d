"""What the engine promises about every job it drains."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job as ArqJob
from arq.jobs import JobStatus

from dealpulse.errors import Permanent
from dealpulse.jobs import DOCUMENTS, SOURCE_SYNC, DocumentOperation, ProcessDocument, SyncSource, SyncType
from dealpulse.queue import QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import Again, Claimed, Dead, Done, Outcome
from dealpulse.queue.serializer import RemoteError, deserialize
from queue_engine.engines import ended, running_engine, turn


def document(number: int = 1) -> ProcessDocument:
    return ProcessDocument(f"document-{number}", "deal-1", DocumentOperation.analyze)


class Recorder:
    """Runs jobs by doing nothing; ``seen`` fills up and ``reached(n)`` waits for the n-th."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.seen: list[Claimed] = []
        self._outcome = outcome or Done("process_document", result={"pages": 3})
        self._arrived = asyncio.Condition()

    async def __call__(self, job: Claimed) -> Outcome:
        async with self._arrived:
            self.seen.append(job)
            self._arrived.notify_all()
        return self._outcome

    async def reached(self, count: int) -> None:
        async with asyncio.timeout(20), self._arrived:
            await self._arrived.wait_for(lambda: len(self.seen) >= count)


async def until_idle(client: QueueClient, queue: str = DOCUMENTS.name) -> None:
    """Wait for the queue to hold nothing that waits or runs."""
    async with asyncio.timeout(20):
        while True:
            stats = (await client.stats())[queue]
            if stats.waiting == stats.active == 0:
                return
            await asyncio.sleep(0.01)


async def test_a_job_is_run_once_and_its_result_is_kept(client: QueueClient, pool: ArqRedis) -> None:
    enqueued = await client.enqueue(document())
    recorder = Recorder()
    async with running_engine(pool, recorder):
        await recorder.reached(1)
        await until_idle(client)
    assert [job.job_id for job in recorder.seen] == [enqueued.job_id]
    view = await client.job(enqueued.job_id)
    assert view is not None
    assert (view.state, view.attempts, view.result) == ("completed", 1, {"pages": 3})
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.completed, stats.failed, stats.totals["completed"]) == (1, 0, 1)


async def test_the_same_work_asked_for_twice_is_one_job(client: QueueClient) -> None:
    first, second = await client.enqueue(document()), await client.enqueue(document())
    assert (first.deduplicated, second.deduplicated) == (False, True)
    assert first.job_id == second.job_id
    assert (await client.stats())[DOCUMENTS.name].waiting == 1


async def test_a_finished_job_runs_again_when_asked_for_again(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder()
    async with running_engine(pool, recorder):
        await client.enqueue(document())
        await recorder.reached(1)
        await until_idle(client)
        again = await client.enqueue(document())
        assert not again.deduplicated
        await recorder.reached(2)
        await until_idle(client)
    assert (await client.stats())[DOCUMENTS.name].completed == 2, "history is kept by run"


async def test_a_delayed_job_waits_and_comes_sooner_when_asked_for_sooner(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue(document(), run_at=datetime.now(UTC) + timedelta(hours=1))
    assert (await client.stats())[DOCUMENTS.name].delayed == 1
    recorder = Recorder()
    async with running_engine(pool, recorder):
        assert (await client.enqueue(document())).deduplicated
        await recorder.reached(1)
        await until_idle(client)


async def test_a_retried_job_keeps_count_of_its_attempts(client: QueueClient, pool: ArqRedis) -> None:
    outcomes: list[Outcome] = [
        Again("process_document", delay=0, burn=True),
        Again("process_document", delay=0, burn=False),
        Done("process_document"),
    ]
    attempts: list[int] = []
    done = asyncio.Event()

    async def handler(job: Claimed) -> Outcome:
        attempts.append(job.attempt)
        if len(attempts) == 3:
            done.set()
        return outcomes[len(attempts) - 1]

    async with running_engine(pool, handler):
        await client.enqueue(document())
        async with asyncio.timeout(20):
            await done.wait()
        await until_idle(client)
    assert attempts == [1, 2, 2], "the second retry burned no attempt"


async def test_a_dead_job_keeps_its_payload_and_its_reason(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder(Dead("process_document", Permanent("The file is gone.", code="gone")))
    async with running_engine(pool, recorder):
        job = await client.enqueue(document())
        await recorder.reached(1)
        await until_idle(client)
    view = await client.job(job.job_id)
    assert view is not None
    assert (view.state, view.error_class, view.error_code, view.error_message) == (
        "failed",
        "Permanent",
        "gone",
        "The file is gone.",
    )
    assert await answer(pool.hexists(f"dealpulse:job:{job.job_id}", "payload"))
    with pytest.raises(RemoteError, match="The file is gone"):
        await ArqJob(job.job_id, pool, _queue_name=DOCUMENTS.key, _deserializer=deserialize).result(timeout=1)


async def test_only_so_many_finished_jobs_are_kept(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder()
    async with running_engine(pool, recorder, keep_completed=3):
        await client.enqueue_many([document(number) for number in range(8)])
        await recorder.reached(8)
        await until_idle(client)
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.completed, stats.totals["completed"]) == (3, 8)
    assert len(await pool.keys("dealpulse:job:*")) == 3


async def test_no_more_jobs_run_at_once_than_the_engine_may(client: QueueClient, pool: ArqRedis) -> None:
    running, most = 0, 0
    release = asyncio.Event()

    async def handler(_job: Claimed) -> Outcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            release.set()
        await release.wait()
        running -= 1
        return Done("process_document")

    async with running_engine(pool, handler, concurrency=3):
        await client.enqueue_many([document(number) for number in range(9)])
        await until_idle(client)
    assert most == 3


async def test_a_foreign_producer_needs_only_arq(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder()
    async with running_engine(pool, recorder):
        job = await pool.enqueue_job("process_document", "d", "deal", "summarize", _queue_name=DOCUMENTS.key)
        assert job is not None
        result = await job.result(timeout=20, poll_delay=0.05)
        assert await job.status() is JobStatus.complete
    assert result == {"pages": 3}
    assert len(recorder.seen) == 1


async def test_a_job_whose_worker_died_comes_due_by_itself(client: QueueClient, pool: ArqRedis) -> None:
    job = await client.enqueue(document())
    lost = await turn(pool, "a worker that died", lease=50, registered=1)
    assert [claim.id for claim in lost.claims] == [job.job_id]
    recorder = Recorder()
    async with running_engine(pool, recorder):
        await recorder.reached(1)
        await until_idle(client)
    assert (recorder.seen[0].crashes, recorder.seen[0].attempt) == (1, 1), "the crash counts, its attempt does not"


async def test_a_lease_that_ran_out_on_a_worker_that_lives_is_no_crash(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue(document())
    await turn(pool, "slow but alive", lease=1)
    recorder = Recorder()
    async with running_engine(pool, recorder):
        await recorder.reached(1)
        await until_idle(client)
    assert (recorder.seen[0].crashes, recorder.seen[0].attempt) == (0, 1)


async def test_a_finish_is_refused_once_another_worker_owns_the_job(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue(document())
    (first,) = (await turn(pool, "first", lease=1)).claims
    async with asyncio.timeout(10):
        while not (claims := (await turn(pool, "second")).claims):
            await asyncio.sleep(0)
    refused = await turn(pool, "first", seq=2, wanted=0, finishing=[ended(first, worker="first")])
    assert refused.refused == [first.id]
    finish = [ended(claims[0], worker="second")]
    assert (await turn(pool, "second", seq=2, wanted=0, finishing=finish)).refused == []
    assert (await turn(pool, "second", seq=3, wanted=0, finishing=finish)).refused == [], "twice changes nothing"
    assert (await client.stats())[DOCUMENTS.name].totals["completed"] == 1


async def test_a_sync_asked_for_while_it_runs_runs_once_more(client: QueueClient, pool: ArqRedis) -> None:
    sync = SyncSource("source-1", "deal-1", SyncType.incremental)
    started, release = asyncio.Event(), asyncio.Event()
    runs = 0

    async def handler(_job: Claimed) -> Outcome:
        nonlocal runs
        runs += 1
        started.set()
        await release.wait()
        return Done("sync_source")

    async with running_engine(pool, handler, queue=SOURCE_SYNC.key):
        await client.enqueue(sync)
        await started.wait()
        assert (await client.enqueue(sync)).deduplicated
        assert (await client.enqueue(sync)).deduplicated
        release.set()
        await until_idle(client, SOURCE_SYNC.name)
    assert runs == 2


async def test_a_drained_engine_finishes_what_runs_and_claims_nothing_more(client: QueueClient, pool: ArqRedis) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def handler(_job: Claimed) -> Outcome:
        started.set()
        await release.wait()
        return Done("process_document")

    async with running_engine(pool, handler, concurrency=1) as engine:
        await client.enqueue_many([document(1), document(2)])
        await started.wait()
        engine.drain()
        release.set()
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.completed, stats.waiting, stats.active) == (1, 1, 0)


async def test_a_job_handed_back_has_lost_no_attempt(client: QueueClient, pool: ArqRedis) -> None:
    started = asyncio.Event()

    async def handler(_job: Claimed) -> Outcome:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async with running_engine(pool, handler) as engine:
        job = await client.enqueue(document())
        await started.wait()
        engine.drain()
        engine.hand_back()
    view = await client.job(job.job_id)
    assert view is not None
    assert (view.state, view.attempts) == ("waiting", 0)
