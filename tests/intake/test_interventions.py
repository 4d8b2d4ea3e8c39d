"""What people do to jobs that are there: the rows say so first, so that no sweep undoes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Invalid, NotFound, Unavailable
from dealpulse.intake import Intake
from dealpulse.interventions import Replayed
from dealpulse.jobs import (
    CALLS,
    DAILY_BRIEF,
    DOCUMENTS,
    JOB_TYPES,
    SOURCE_SYNC,
    DocumentOperation,
    Job,
    ProcessDocument,
    job_called,
    job_for,
)
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Operation, OperationState, SourceType, SubjectType
from dealpulse.outbox import reconcile, request
from dealpulse.queue import History, Letters, QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.store import Store
from queue_engine.endings import claimed, die, drain, succeed
from queue_engine.engines import ended, turn

EVERY = Letters()
UNKNOWN = "00000000-0000-4000-8000-00000000000{}"


@pytest.fixture
async def deal(store: Store) -> Deal:
    return await store.deals.create("Alder")


async def state_of(store: Store, job: Job) -> OperationState | None:
    """What the job's row says; None where there is none."""
    rows = await store.operations.of_deal(job.deal_id)
    wanted = job.operation
    named = (wanted.subject_type, wanted.subject_id, wanted.name)
    return next((row.state for row in rows if (row.subject_type, row.subject_id, row.name) == named), None)


async def swept(store: Store, queue: QueueClient) -> int:
    """How many jobs the sweep brings back."""
    return await reconcile(operations=store.operations, queue=queue, older_than=0)


async def asked(intake: Intake, *jobs: Job) -> None:
    """They were asked for, and wait."""
    await request(jobs, operations=intake.store.operations, queue=intake.queue)


async def documents(intake: Intake, deal: Deal, count: int = 1) -> list[ProcessDocument]:
    """Jobs that were asked for and wait."""
    jobs = [
        ProcessDocument(UNKNOWN.format(number), deal.id, DocumentOperation.analyze) for number in range(1, count + 1)
    ]
    await asked(intake, *jobs)
    return jobs


async def failed(intake: Intake, store: Store, pool: ArqRedis, deal: Deal, count: int = 1) -> list[ProcessDocument]:
    """Jobs that failed for good, and whose rows say so, as a worker leaves them."""
    jobs = await documents(intake, deal, count)
    await drain(pool, die)
    for job in jobs:
        await store.operations.mark(job.operation, OperationState.failed, error_code="gone", error_message="Gone.")
    return jobs


async def forget(stack: Stack, deal: Deal) -> None:
    database = await asyncpg.connect(stack.database_url)
    await database.execute("delete from deals where id = $1", deal.id)
    await database.close()


# --- cancelling -------------------------------------------------------------------------------------------------------


async def test_a_cancelled_job_is_not_brought_back(
    intake: Intake, store: Store, queue: QueueClient, deal: Deal
) -> None:
    (job,) = await documents(intake, deal)
    assert await intake.cancel_job(job.id) == "waiting"
    view = await queue.job(job.id)
    assert view is not None
    assert (view.state, await state_of(store, job)) == ("cancelled", OperationState.cancelled)
    assert await swept(store, queue) == 0


async def test_a_running_job_is_told_and_stays_cancelled_should_its_worker_die(
    intake: Intake, store: Store, queue: QueueClient, pool: ArqRedis, deal: Deal
) -> None:
    (job,) = await documents(intake, deal)
    await turn(pool, "a worker that died", lease=1, registered=1)
    assert await intake.cancel_job(job.id) == "active"
    assert await state_of(store, job) is OperationState.cancelled
    async with asyncio.timeout(10):
        while (view := await queue.job(job.id)) is not None and view.state != "cancelled":
            assert (await turn(pool)).claims == []
    assert await swept(store, queue) == 0


async def test_cancelling_one_of_a_source_s_two_syncs_cancels_what_either_asked(
    intake: Intake, store: Store, queue: QueueClient, deal: Deal
) -> None:
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    other = await store.sources.create(deal.id, SourceType.gmail, "Mail", "me")
    for how in ("incremental", "full"):
        await intake.queue_source_sync(deal.id, "folder", how)
    await intake.queue_source_sync(deal.id, "gmail", "full")
    await intake.cancel_job(f"sync:{source.id}")
    states = {(row.subject_id, row.name): row.state for row in await store.operations.of_deal(deal.id)}
    assert states == {
        (source.id, "incremental"): OperationState.cancelled,
        (source.id, "full"): OperationState.cancelled,
        (other.id, "full"): OperationState.queued,
    }
    assert await swept(store, queue) == 0
    assert (await queue.stats())[SOURCE_SYNC.name].waiting == 1


async def test_a_sync_that_was_done_is_not_called_cancelled_for_the_next(
    intake: Intake, store: Store, deal: Deal
) -> None:
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    done = Operation(subject_type=SubjectType.source, subject_id=source.id, name="full", deal_id=deal.id)
    await store.operations.mark(done, OperationState.done)
    await intake.queue_source_sync(deal.id, "folder", "incremental")
    await intake.cancel_job(f"sync:{source.id}")
    states = {row.name: row.state for row in await store.operations.of_deal(deal.id)}
    assert states == {"full": OperationState.done, "incremental": OperationState.cancelled}


async def test_a_cancelled_brief_says_so(intake: Intake, store: Store, deal: Deal) -> None:
    job_id = (await intake.queue_daily_brief(deal.id)).job_id
    assert await intake.cancel_job(job_id) == "waiting"
    (row,) = await store.operations.of_deal(deal.id)
    assert row.state is OperationState.cancelled


async def test_a_job_that_has_ended_cannot_be_cancelled_and_its_row_stays(
    intake: Intake, store: Store, pool: ArqRedis, deal: Deal
) -> None:
    (job,) = await documents(intake, deal)
    await drain(pool, succeed)
    await store.operations.mark(job.operation, OperationState.done)
    with pytest.raises(Invalid) as refused:
        await intake.cancel_job(job.id)
    assert (refused.value.code, refused.value.details) == ("job_ended", {"state": "completed"})
    assert await state_of(store, job) is OperationState.done


class _EndsMeanwhile(QueueClient):
    """A client before whose every cancelling the job completes."""

    def __init__(self, pool: ArqRedis) -> None:
        super().__init__(pool)
        self._redis = pool

    async def cancel(self, job_id: str) -> str:
        (claim,) = (await turn(self._redis)).claims
        await turn(self._redis, seq=2, wanted=0, finishing=[ended(claim)])
        return await super().cancel(job_id)


async def test_a_job_that_completes_at_that_very_moment_is_done(
    store: Store, history: History, intake: Intake, pool: ArqRedis, deal: Deal
) -> None:
    (job,) = await documents(intake, deal)
    late = Intake(store=store, queue=_EndsMeanwhile(pool), history=history, time_zone=intake.time_zone)
    with pytest.raises(Invalid):
        await late.cancel_job(job.id)
    assert await state_of(store, job) is OperationState.done


async def test_jobs_without_a_row_are_cancelled_in_redis_alone(
    intake: Intake, queue: QueueClient, pool: ArqRedis, store: Store, deal: Deal, clean_stack: Stack
) -> None:
    (of_no_deal,) = await documents(intake, deal)
    await forget(clean_stack, deal)
    await pool.enqueue_job("somebody_elses", _job_id="foreign", _queue_name=DOCUMENTS.key)
    await pool.enqueue_job("process_document", "d", "deal", _job_id="no-uuid", _queue_name=DOCUMENTS.key)
    for job_id in (of_no_deal.id, "foreign", "no-uuid"):
        assert await intake.cancel_job(job_id) == "waiting"
    async with asyncio.timeout(10):
        while (await queue.stats())[DOCUMENTS.name].cancelled < 3:
            assert (await turn(pool, wanted=5)).claims == []
    for job_id in (of_no_deal.id, "foreign", "no-uuid"):
        view = await queue.job(job_id)
        assert view is not None
        assert view.state == "cancelled"


async def test_what_is_unknown_cannot_be_cancelled_or_retried(intake: Intake) -> None:
    for ask in (intake.cancel_job, intake.retry_job):
        with pytest.raises(NotFound) as refused:
            await ask("doc:nothing:analyze")
        assert refused.value.code == "job_not_found"


async def test_without_redis_the_row_is_left_alone(
    store: Store, intake: Intake, deal: Deal, clean_stack: Stack
) -> None:
    (job,) = await documents(intake, deal)
    away = clean_stack.environment() | {"REDIS_URL": "redis://127.0.0.1:1/0"}
    pool = await create_pool(Settings.load(environ=away).redis)
    lost = Intake(store=store, queue=QueueClient(pool), history=History(pool), time_zone=intake.time_zone)
    for ask in (lost.cancel_job(job.id), lost.retry_job(job.id), lost.replay(DOCUMENTS.key, EVERY)):
        with pytest.raises(Unavailable):
            await ask
    assert await state_of(store, job) is OperationState.queued


# --- running again ----------------------------------------------------------------------------------------------------


async def test_a_retried_job_is_asked_for_again(
    intake: Intake, store: Store, queue: QueueClient, pool: ArqRedis, deal: Deal
) -> None:
    (job,) = await failed(intake, store, pool, deal)
    enqueued = await intake.retry_job(job.id)
    assert (enqueued.job_id, enqueued.deduplicated) == (job.id, False)
    view = await queue.job(job.id)
    assert view is not None
    assert (view.state, await state_of(store, job)) == ("waiting", OperationState.queued)
    with pytest.raises(Invalid) as refused:
        await intake.retry_job(job.id)
    assert refused.value.code == "job_not_failed"


async def test_a_cancelled_job_can_be_retried(intake: Intake, store: Store, queue: QueueClient, deal: Deal) -> None:
    (job,) = await documents(intake, deal)
    await intake.cancel_job(job.id)
    await intake.retry_job(job.id)
    view = await queue.job(job.id)
    assert view is not None
    assert (view.state, await state_of(store, job)) == ("waiting", OperationState.queued)


async def test_a_completed_job_is_nothing_to_retry(intake: Intake, store: Store, pool: ArqRedis, deal: Deal) -> None:
    (job,) = await documents(intake, deal)
    await drain(pool, succeed)
    with pytest.raises(Invalid) as refused:
        await intake.retry_job(job.id)
    assert (refused.value.code, refused.value.details) == ("job_not_failed", {"state": "completed"})


async def test_a_retry_of_what_the_database_forgot_is_refused_and_the_letter_stays(
    intake: Intake, store: Store, history: History, pool: ArqRedis, deal: Deal, clean_stack: Stack
) -> None:
    (job,) = await failed(intake, store, pool, deal)
    await forget(clean_stack, deal)
    with pytest.raises(NotFound):
        await intake.retry_job(job.id)
    assert [letter.job_id for letter in await history.dead_letters(DOCUMENTS.key)] == [job.id]


async def test_a_job_that_named_no_queue_is_retried_where_it_was(
    intake: Intake, queue: QueueClient, pool: ArqRedis
) -> None:
    await pool.enqueue_job("somebody_elses", _job_id="foreign")
    claim = await claimed(pool, "arq:queue")
    await turn(pool, queue="arq:queue", seq=2, wanted=0, finishing=[ended(claim, "failed")])
    await intake.retry_job("foreign")
    (again,) = (await turn(pool, queue="arq:queue", seq=3)).claims
    assert again.id == "foreign"


async def test_all_dead_letters_run_again_and_their_rows_ask_for_it(
    intake: Intake, store: Store, queue: QueueClient, pool: ArqRedis, deal: Deal
) -> None:
    jobs = await failed(intake, store, pool, deal, count=3)
    await pool.enqueue_job("somebody_elses", _job_id="foreign", _queue_name=DOCUMENTS.key)
    await drain(pool, die)
    assert await intake.replay(DOCUMENTS.key, EVERY) == Replayed(replayed=4, busy=0, refused=0, lost=0)
    assert {await state_of(store, job) for job in jobs} == {OperationState.queued}
    stats = (await queue.stats())[DOCUMENTS.name]
    assert (stats.waiting, stats.failed) == (4, 0)
    assert [claim.id for claim in (await turn(pool, wanted=4)).claims][:3] == [job.id for job in jobs]


async def test_the_sweep_leaves_a_throttled_lot_its_pace(
    intake: Intake, store: Store, queue: QueueClient, pool: ArqRedis, deal: Deal
) -> None:
    await failed(intake, store, pool, deal, count=5)
    await intake.replay(DOCUMENTS.key, EVERY, per_second=0.01)
    assert await swept(store, queue) == 0
    stats = (await queue.stats())[DOCUMENTS.name]
    assert (stats.waiting, stats.delayed) == (1, 4)


async def test_a_pace_that_is_none_is_refused_before_anything_is_asked(
    intake: Intake, store: Store, pool: ArqRedis, deal: Deal
) -> None:
    (job,) = await failed(intake, store, pool, deal)
    with pytest.raises(Invalid) as refused:
        await intake.replay(DOCUMENTS.key, EVERY, per_second=0)
    assert (refused.value.code, await state_of(store, job)) == ("invalid_rate", OperationState.failed)


async def test_only_what_was_chosen_runs_again(
    intake: Intake, store: Store, history: History, pool: ArqRedis, deal: Deal
) -> None:
    first, second = await failed(intake, store, pool, deal, count=2)
    done = await intake.replay(DOCUMENTS.key, Letters(job_id=first.id))
    assert (done.replayed, await state_of(store, first)) == (1, OperationState.queued)
    assert await state_of(store, second) is OperationState.failed
    (group,) = await history.dead_groups(DOCUMENTS.key)
    assert (await intake.replay(DOCUMENTS.key, Letters(fingerprint="another"))).replayed == 0
    assert (await intake.replay(DOCUMENTS.key, Letters(fingerprint=group.fingerprint))).replayed == 1


async def test_what_waits_or_runs_is_left_alone_with_its_row(
    intake: Intake, store: Store, pool: ArqRedis, deal: Deal
) -> None:
    (job,) = await failed(intake, store, pool, deal)
    await asked(intake, job)
    (claim,) = (await turn(pool)).claims
    await store.operations.mark(job.operation, OperationState.running)
    assert await intake.replay(DOCUMENTS.key, EVERY) == Replayed(replayed=0, busy=1, refused=0, lost=0)
    await store.operations.mark(job.operation, OperationState.done)
    await turn(pool, seq=2, wanted=0, finishing=[ended(claim)])
    assert await state_of(store, job) is OperationState.done, "it was not asked for once more"


async def test_of_several_letters_of_one_job_the_newest_runs(
    intake: Intake, store: Store, history: History, pool: ArqRedis, deal: Deal
) -> None:
    for _ in range(3):
        await failed(intake, store, pool, deal)
    newest, *older = [letter.run for letter in await history.dead_letters(DOCUMENTS.key)]
    assert await intake.replay(DOCUMENTS.key, EVERY) == Replayed(replayed=1, busy=2, refused=0, lost=0)
    assert [letter.run for letter in await history.dead_letters(DOCUMENTS.key)] == older
    assert newest not in older


async def test_letters_of_a_deal_that_is_gone_stay_and_the_others_run(
    intake: Intake, store: Store, history: History, pool: ArqRedis, deal: Deal, clean_stack: Stack
) -> None:
    other = await store.deals.create("Birch")
    kept = await failed(intake, store, pool, deal, count=2)
    lost = ProcessDocument(UNKNOWN.format(9), other.id, DocumentOperation.analyze)
    await asked(intake, lost)
    await drain(pool, die)
    await forget(clean_stack, other)
    assert await intake.replay(DOCUMENTS.key, EVERY) == Replayed(replayed=2, busy=0, refused=1, lost=0)
    assert {await state_of(store, job) for job in kept} == {OperationState.queued}
    assert [letter.job_id for letter in await history.dead_letters(DOCUMENTS.key)] == [lost.id]


async def test_discarded_letters_are_gone_and_their_rows_still_say_that_it_failed(
    intake: Intake, store: Store, queue: QueueClient, history: History, pool: ArqRedis, deal: Deal
) -> None:
    first, second = await failed(intake, store, pool, deal, count=2)
    assert await intake.discard(DOCUMENTS.key, Letters(job_id=first.id)) == 1
    assert [letter.job_id for letter in await history.dead_letters(DOCUMENTS.key)] == [second.id]
    assert await intake.discard(DOCUMENTS.key, EVERY) == 1
    assert await intake.discard(DOCUMENTS.key, EVERY) == 0
    assert await state_of(store, first) is OperationState.failed
    assert await swept(store, queue) == 0


# --- pausing ----------------------------------------------------------------------------------------------------------


async def test_a_paused_deal_is_the_same_deal_in_capitals(
    intake: Intake, queue: QueueClient, pool: ArqRedis, deal: Deal
) -> None:
    (job,) = await documents(intake, deal)
    await intake.pause(DOCUMENTS, deal.id.upper())
    assert (await turn(pool)).claims == []
    assert (await queue.stats())[DOCUMENTS.name].parked == 1
    await intake.resume(DOCUMENTS, deal.id.upper())
    assert [claim.id for claim in (await turn(pool, seq=2)).claims] == [job.id]


async def test_a_deal_that_does_not_exist_cannot_be_paused(intake: Intake) -> None:
    for ask in (intake.pause, intake.resume):
        with pytest.raises(NotFound) as refused:
            await ask(DAILY_BRIEF, UNKNOWN.format(1))
        assert refused.value.code == "deal_not_found"


# --- whose job it is --------------------------------------------------------------------------------------------------


def examples() -> Sequence[Operation]:
    names = {
        SubjectType.document: "classify",
        SubjectType.email: "parse",
        SubjectType.source: "full",
        SubjectType.brief: "2026-03-02",
        SubjectType.report: "weekly_report:2026-03-02",
        SubjectType.delivery: "deliver",
    }
    return [
        Operation(subject_type=kind, subject_id=UNKNOWN.format(1), name=names[kind], deal_id=UNKNOWN.format(1))
        for kind in JOB_TYPES
    ]


@pytest.mark.parametrize("operation", examples(), ids=lambda operation: operation.subject_type.value)
def test_every_job_is_known_by_its_call(operation: Operation) -> None:
    job = job_for(operation)
    assert job_called(job.function, job.args, {}) == job


def test_every_kind_of_job_has_its_call() -> None:
    assert len(CALLS) == len(JOB_TYPES)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("process_document", ()),
        ("process_document", ("d", "x", "translate")),
        ("process_document", ("d", "x", "analyze", "more")),
        ("process_document", (1, 2)),
        ("generate_daily_brief", ("x",)),
        ("generate_daily_brief", ("x", "tomorrow")),
        ("somebody_elses", ("d", "x")),
    ],
)
def test_other_peoples_calls_are_no_job_of_ours(function: str, arguments: tuple[object, ...]) -> None:
    assert job_called(function, arguments, {}) is None
