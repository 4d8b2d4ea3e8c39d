"""A deal's jobs: the rows say which, Redis says how they are."""

from __future__ import annotations

import datetime
import uuid

import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Invalid
from dealpulse.job_search import find_jobs, jobs_of_document
from dealpulse.jobs import DocumentOperation, GenerateDailyBrief, Job, ProcessDocument
from dealpulse.models import Deal, OperationState
from dealpulse.outbox import request
from dealpulse.queue import JobFilter, JobSearch, JobState, JobView, QueueClient
from dealpulse.store import Store
from queue_engine.endings import die, drain


@pytest.fixture
def search(pool: ArqRedis) -> JobSearch:
    return JobSearch(pool)


@pytest.fixture
async def deal(store: Store) -> Deal:
    return await store.deals.create("Project Alder")


def documents(deal: Deal, count: int, *, first: int = 1) -> list[Job]:
    numbers = range(first, first + count)
    return [ProcessDocument(str(uuid.UUID(int=n)), deal.id, DocumentOperation.analyze) for n in numbers]


async def everything(wanted: JobFilter, search: JobSearch, store: Store, limit: int = 50) -> list[JobView]:
    found, after = [], None
    while True:
        page = await find_jobs(wanted, search=search, operations=store.operations, limit=limit, after=after)
        found += page.runs
        if page.next is None:
            return found
        after = page.next


async def test_a_deals_jobs_are_found_once_the_latest_first(
    store: Store, queue: QueueClient, search: JobSearch, deal: Deal
) -> None:
    other = await store.deals.create("Another")
    await request(documents(other, 5, first=1000), operations=store.operations, queue=queue)
    jobs = documents(deal, 450)
    await request(jobs, operations=store.operations, queue=queue)
    found = await everything(JobFilter(deal_id=deal.id), search, store, limit=70)
    assert len(found) == 450
    assert {one.job_id for one in found} == {job.id for job in jobs}


async def test_a_deals_jobs_are_narrowed_by_state_operation_and_error(
    store: Store, queue: QueueClient, pool: ArqRedis, search: JobSearch, deal: Deal
) -> None:
    (doomed, waiting) = documents(deal, 2)
    await request([doomed], operations=store.operations, queue=queue)
    await drain(pool, die)
    await store.operations.mark(doomed.operation, OperationState.failed)
    await request([waiting], operations=store.operations, queue=queue)
    failed = await everything(JobFilter(deal_id=deal.id, states=(JobState.failed,)), search, store)
    assert [job.job_id for job in failed] == [doomed.id]
    found = await everything(JobFilter(deal_id=deal.id, error_class="Permanent"), search, store)
    assert [job.job_id for job in found] == [doomed.id]
    found = await everything(JobFilter(deal_id=deal.id, states=(JobState.waiting,)), search, store)
    assert [job.job_id for job in found] == [waiting.id]
    assert await everything(JobFilter(deal_id=deal.id, operation="summarize"), search, store) == []
    assert len(await everything(JobFilter(deal_id=deal.id, operation="analyze"), search, store)) == 2


async def test_a_documents_jobs_are_found_by_their_ids(
    store: Store, queue: QueueClient, search: JobSearch, deal: Deal
) -> None:
    job = ProcessDocument(str(uuid.UUID(int=9)), deal.id, DocumentOperation.classify)
    await request([job], operations=store.operations, queue=queue)
    found = await everything(JobFilter(ids=jobs_of_document(job.document_id.upper())), search, store)
    assert [one.job_id for one in found] == [job.id]


async def test_rows_asked_for_at_one_moment_are_paged_without_loss(
    store: Store, queue: QueueClient, search: JobSearch, deal: Deal
) -> None:
    first = datetime.date(2026, 1, 1)
    jobs: list[Job] = [GenerateDailyBrief(deal.id, first + datetime.timedelta(days=n)) for n in range(7)]
    await request(jobs, operations=store.operations, queue=queue)
    found = await everything(JobFilter(deal_id=deal.id), search, store, limit=2)
    assert sorted(one.job_id for one in found) == sorted(job.id for job in jobs)


@pytest.mark.parametrize("after", ["x", "e30", "!!!", ""])
async def test_a_place_that_is_none_is_refused(store: Store, search: JobSearch, deal: Deal, after: str) -> None:
    with pytest.raises(Invalid):
        await find_jobs(JobFilter(deal_id=deal.id), search=search, operations=store.operations, after=after)
