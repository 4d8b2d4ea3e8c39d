"""Finding jobs among those that live and those that are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Invalid
from dealpulse.jobs import DOCUMENTS, EMAILS, DocumentOperation, EmailOperation, ProcessDocument, ProcessEmail
from dealpulse.queue import JobView, QueueClient
from dealpulse.queue.search import JobFilter, JobSearch, JobState
from queue_engine.endings import die, document, end, succeed
from queue_engine.engines import turn


@pytest.fixture
def search(pool: ArqRedis) -> JobSearch:
    return JobSearch(pool)


async def everything(search: JobSearch, wanted: JobFilter, limit: int = 50) -> list[JobView]:
    page = await search.find(wanted, limit=limit)
    found = page.runs
    while page.next is not None:
        page = await search.find(wanted, limit=limit, after=page.next)
        found += page.runs
    return found


def ids(views: list[JobView]) -> list[str]:
    return [view.job_id for view in views]


async def test_jobs_of_every_state_and_queue_are_found_once(
    client: QueueClient, pool: ArqRedis, search: JobSearch
) -> None:
    mail = ProcessEmail("mail-1", "deal-1", EmailOperation.analyze)
    await end(pool, [document(1), document(2)], succeed)
    await end(pool, [document(3)], die)
    await client.enqueue(document(4))
    await client.enqueue(document(5), run_at=datetime.now(UTC) + timedelta(hours=1))
    await client.enqueue(mail)
    await client.cancel(mail.id)
    await client.enqueue(mail)
    found = await everything(search, JobFilter(), limit=2)
    assert sorted((view.state, view.job_id) for view in found) == sorted(
        [
            ("completed", document(1).id),
            ("completed", document(2).id),
            ("failed", document(3).id),
            ("waiting", document(4).id),
            ("delayed", document(5).id),
            ("cancelled", mail.id),
            ("waiting", mail.id),
        ]
    )
    assert ids(await everything(search, JobFilter(queues=(EMAILS.key,), states=(JobState.waiting,)))) == [mail.id]


async def test_a_running_and_a_parked_job_are_found_by_their_state(
    client: QueueClient, pool: ArqRedis, search: JobSearch
) -> None:
    await client.enqueue(document(1))
    await turn(pool)
    await client.pause(DOCUMENTS, "deal-1")
    await client.enqueue(document(2))
    await turn(pool)
    assert ids(await everything(search, JobFilter(states=(JobState.active,)))) == [document(1).id]
    assert ids(await everything(search, JobFilter(states=(JobState.parked,)))) == [document(2).id]


async def test_what_is_asked_for_narrows_the_search(client: QueueClient, pool: ArqRedis, search: JobSearch) -> None:
    summary = ProcessDocument("document-9", "deal-2", DocumentOperation.summarize)
    await end(pool, [document(1), summary], die)
    await client.enqueue_many([document(2), ProcessDocument("document-2", "deal-1", DocumentOperation.summarize)])
    assert ids(await everything(search, JobFilter(operation="summarize", deal_id="deal-2"))) == [summary.id]
    assert len(await everything(search, JobFilter(operation="summarize"))) == 2
    assert ids(await everything(search, JobFilter(error_class="Permanent", deal_id="deal-1"))) == [document(1).id]
    assert await everything(search, JobFilter(error_class="Transient")) == []
    assert len(await everything(search, JobFilter(text="FILE IS gone"))) == 2
    assert ids(await everything(search, JobFilter(text="document-9"))) == [summary.id]
    fingerprint = (await everything(search, JobFilter(error_class="Permanent")))[0].fingerprint
    assert len(await everything(search, JobFilter(fingerprint=fingerprint or ""))) == 2


async def test_a_time_is_the_end_of_what_ended_and_the_due_time_of_what_waits(
    client: QueueClient, pool: ArqRedis, search: JobSearch
) -> None:
    now = datetime.now(UTC)
    await end(pool, [document(1)], succeed)
    await client.enqueue(document(2), run_at=now + timedelta(hours=1))
    later = now + timedelta(minutes=30)
    assert ids(await everything(search, JobFilter(since=later))) == [document(2).id]
    assert ids(await everything(search, JobFilter(since=now - timedelta(minutes=1), until=later))) == [document(1).id]


async def test_named_jobs_are_found_in_the_order_they_are_named_in(
    client: QueueClient, pool: ArqRedis, search: JobSearch
) -> None:
    await end(pool, [document(1)], die)
    await client.enqueue_many([document(number) for number in range(2, 8)])
    named = [document(number).id for number in (7, 99, 1, 3)]
    assert ids(await everything(search, JobFilter(ids=named), limit=1)) == [named[0], named[2], named[3]]
    assert ids(await everything(search, JobFilter(ids=named, states=(JobState.failed,)))) == [document(1).id]


async def test_pages_hold_every_job_once_also_those_of_one_moment(client: QueueClient, search: JobSearch) -> None:
    jobs = [document(number) for number in range(457)]
    await client.enqueue_many(jobs)
    found = ids(await everything(search, JobFilter(), limit=33))
    assert len(found) == len(set(found)) == 457


async def test_a_page_looks_at_a_bounded_number_of_jobs(client: QueueClient, search: JobSearch) -> None:
    await client.enqueue_many([document(number) for number in range(2_500)])
    wanted = JobFilter(deal_id="deal-of-nobody")
    page = await search.find(wanted)
    assert page.runs == []
    assert page.next is not None
    assert await everything(search, wanted) == []


@pytest.mark.parametrize("after", ["", "x", "99-1-a", "0-x-a", "0-1-", "-1-1-a", "0"])
async def test_a_place_that_is_none_is_refused(search: JobSearch, after: str) -> None:
    with pytest.raises(Invalid, match="no page begins"):
        await search.find(JobFilter(), after=after)


@pytest.mark.parametrize("limit", [0, 501])
async def test_a_page_of_no_size_is_refused(search: JobSearch, limit: int) -> None:
    with pytest.raises(Invalid, match="1 to 500"):
        await search.find(JobFilter(), limit=limit)
