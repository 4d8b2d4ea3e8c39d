"""What is kept of jobs that ended: found again, in order, without reading more than is asked for."""

from __future__ import annotations

import asyncio

import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Invalid, Permanent, Transient
from dealpulse.jobs import DOCUMENTS
from dealpulse.queue import History, JobView, Kept, QueueClient
from dealpulse.queue.outcomes import Again, Claimed, Dead, Done, Outcome
from queue_engine.endings import die, document, end, succeed, until_idle
from queue_engine.engines import running_engine


@pytest.fixture
def history(pool: ArqRedis) -> History:
    return History(pool)


async def page_through(history: History, kept: Kept, limit: int) -> list[JobView]:
    page = await history.runs(DOCUMENTS.key, kept, limit=limit)
    runs = page.runs
    while page.next is not None:
        page = await history.runs(DOCUMENTS.key, kept, limit=limit, after=page.next)
        assert page.runs
        runs += page.runs
    return runs


async def test_pages_hold_every_kept_run_once_newest_first(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    await end(pool, [document(number) for number in range(230)], succeed)
    runs = await page_through(history, Kept.completed, 33)
    assert len({view.run for view in runs}) == len(runs) == 230
    ended = [view.finished_at for view in runs]
    assert ended == sorted(ended, key=lambda one: one.timestamp() if one else 0, reverse=True)
    assert [view.run for view in (await history.runs(DOCUMENTS.key, Kept.completed, limit=230)).runs] == [
        view.run for view in runs
    ]


async def test_what_ends_while_one_reads_shifts_no_page(client: QueueClient, pool: ArqRedis, history: History) -> None:
    await end(pool, [document(number) for number in range(6)], succeed)
    first = await history.runs(DOCUMENTS.key, Kept.completed, limit=3)
    await end(pool, [document(number) for number in range(10, 14)], succeed)
    second = await history.runs(DOCUMENTS.key, Kept.completed, limit=3, after=first.next)
    assert {view.job_id for view in first.runs + second.runs} == {document(number).id for number in range(6)}
    assert second.next is None


async def test_runs_are_told_by_how_they_ended(client: QueueClient, pool: ArqRedis, history: History) -> None:
    await end(pool, [document(1)], succeed)
    await end(pool, [document(2)], die)
    await client.enqueue(document(3))
    await client.cancel(document(3).id)
    found = {kept: (await history.runs(DOCUMENTS.key, kept)).runs for kept in Kept}
    assert {kept: [view.job_id for view in runs] for kept, runs in found.items()} == {
        Kept.completed: [document(1).id],
        Kept.failed: [document(2).id],
        Kept.cancelled: [document(3).id],
    }
    (dead,) = found[Kept.failed]
    assert (dead.state, dead.error_code, dead.deal_id, dead.queue) == ("failed", "gone", "deal-1", DOCUMENTS.name)


async def test_a_list_leaves_out_what_may_be_large_and_one_run_has_it(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    def fail_once(job: Claimed) -> Outcome:
        busy = Again("process_document", 0, burn=True, error=Transient("Busy."))
        return busy if job.attempt == 1 else succeed(job)

    await end(pool, [document()], fail_once)
    (listed,) = (await history.runs(DOCUMENTS.key, Kept.completed)).runs
    assert (listed.attempts, listed.result, listed.faults) == (2, None, ())
    whole = await history.run(listed.run)
    assert whole is not None
    assert (whole.job_id, whole.result) == (document().id, {"pages": 3})
    assert [(fault.error_class, fault.message, fault.attempt) for fault in whole.faults] == [("Transient", "Busy.", 1)]


async def test_an_earlier_run_is_found_by_its_own_name(client: QueueClient, pool: ArqRedis, history: History) -> None:
    results = iter([1, 2, 3])
    for _ in range(3):
        await end(pool, [document()], lambda _: Done("process_document", next(results)))
    runs = (await history.runs(DOCUMENTS.key, Kept.completed)).runs
    assert len(runs) == 3
    views = [await history.run(view.run) for view in runs]
    assert [view.result for view in views if view is not None] == [3, 2, 1]
    latest = await client.job(document().id)
    assert latest is not None
    assert latest.run == runs[0].run


async def test_what_is_kept_no_longer_is_not_found(client: QueueClient, pool: ArqRedis, history: History) -> None:
    await end(pool, [document(1)], succeed)
    (view,) = (await history.runs(DOCUMENTS.key, Kept.completed)).runs
    await end(pool, [document(number) for number in range(2, 5)], succeed, keep=2)
    assert await history.run(view.run) is None
    assert await history.run("7:nothing") is None
    assert len((await history.runs(DOCUMENTS.key, Kept.completed)).runs) == 2


async def test_a_jobs_log_is_read_while_it_runs_and_afterwards(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    told, release = asyncio.Event(), asyncio.Event()

    async def handler(job: Claimed) -> Outcome:
        await client.note(job.job_id, job.token, percent=40, message="page 2 of 5", line="reading page 2")
        await client.note(job.job_id, job.token, line="two\nlines 17")
        told.set()
        await release.wait()
        return Done("process_document")

    async with running_engine(pool, handler):
        await client.enqueue(document())
        await asyncio.wait_for(told.wait(), 20)
        running = await client.job(document().id)
        release.set()
        await until_idle(client)
    assert running is not None
    assert (running.state, running.progress, running.message) == ("active", 40, "page 2 of 5")
    assert [line.text for line in running.log] == ["reading page 2", "two\nlines 17"]
    assert running.started_at is not None
    assert running.started_at <= running.log[0].at <= running.log[1].at
    ended = await history.run(running.run)
    assert ended is not None
    assert (ended.state, ended.log) == ("completed", running.log)


async def test_a_message_with_unusual_line_ends_is_read_like_any_other(client: QueueClient, pool: ArqRedis) -> None:
    message = "The file 'a\u2028b\u0085c\x0bd' is gone."
    await end(pool, [document()], lambda _: Dead("process_document", Permanent(message)))
    view = await client.job(document().id)
    assert view is not None
    assert [fault.message for fault in view.faults] == [message]


@pytest.mark.parametrize(("limit", "after"), [(0, None), (501, None), (5, "yesterday"), (5, "17-"), (5, "٣-4:x")])
async def test_a_page_that_is_none_is_refused(history: History, limit: int, after: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        await history.runs(DOCUMENTS.key, Kept.failed, limit=limit, after=after)
    assert refused.value.code == "invalid_page"
