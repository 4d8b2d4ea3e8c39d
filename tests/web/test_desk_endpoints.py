"""What operators look at and mend over HTTP."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from arq.connections import ArqRedis

from dealpulse.jobs import DOCUMENTS, DocumentOperation, Job, ProcessDocument
from dealpulse.models import Deal, Document
from dealpulse.outbox import request
from dealpulse.queue import QueueClient
from dealpulse.queue.limits import Buckets
from dealpulse.store import Store
from queue_engine.endings import die, drain
from queue_engine.engines import renewed, turn


def documents(deal: Deal, count: int) -> list[Job]:
    return [ProcessDocument(str(uuid.UUID(int=n)), deal.id, DocumentOperation.analyze) for n in range(1, count + 1)]


async def asked(store: Store, queue: QueueClient, jobs: list[Job]) -> None:
    await request(jobs, operations=store.operations, queue=queue)


async def ids(api: httpx.AsyncClient, **query: str) -> list[str]:
    answer = await api.get("/api/jobs", params=query)
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["jobs"]]


# --- jobs -------------------------------------------------------------------------------------------------------------


async def test_jobs_are_found_by_what_is_known_of_them(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, queue_pool: ArqRedis, deal: Deal, document: Document
) -> None:
    mine = ProcessDocument(document.id, deal.id, DocumentOperation.summarize)
    await asked(store, queue, documents(deal, 2))
    await drain(queue_pool, die)
    await asked(store, queue, [mine])
    assert await ids(api, documentId=document.id) == [mine.id]
    assert await ids(api, id=mine.id) == [mine.id]
    assert await ids(api, dealId=deal.id, state="waiting") == [mine.id]
    assert await ids(api, queue="document", operation="summarize") == [mine.id]
    assert len(await ids(api, errorClass="Permanent")) == 2
    assert len(await ids(api, text="FILE is gone")) == 2
    assert await ids(api, state="failed", until=(datetime.now(UTC) - timedelta(hours=1)).isoformat()) == []
    assert len(await ids(api, state="failed,waiting")) == 3


async def test_pages_of_jobs_hold_each_once(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, deal: Deal
) -> None:
    await asked(store, queue, documents(deal, 25))
    for query in ({"dealId": deal.id}, {"queue": "document"}):
        seen: list[str] = []
        after: str | None = None
        while True:
            page = (
                await api.get("/api/jobs", params={**query, "limit": 10, **({"after": after} if after else {})})
            ).json()
            seen += [job["id"] for job in page["jobs"]]
            after = page["next"]
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 25


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"state": "dead"}, "unknown_state"),
        ({"queue": "nowhere"}, "unknown_queue"),
        ({"since": "2026-11-25T09:00:00"}, "invalid_time"),
        ({"since": "yesterday"}, "invalid_query"),
        ({"limit": "0"}, "invalid_page"),
        ({"limit": "many"}, "invalid_query"),
        ({"after": "x"}, "invalid_page"),
        ({"colour": "red"}, "invalid_query"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(api: httpx.AsyncClient, query: dict[str, str], code: str) -> None:
    answer = await api.get("/api/jobs", params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_many_jobs_are_cancelled_and_retried_at_once(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, deal: Deal
) -> None:
    jobs = documents(deal, 12)
    await asked(store, queue, jobs)
    every = {"action": "cancel", "filter": {"dealId": deal.id}}
    counted = (await api.post("/api/jobs/bulk", json={**every, "dryRun": True})).json()
    assert (counted["matched"], counted["done"]) == (12, 0)
    named = {"action": "cancel", "ids": [job.id for job in jobs[:3]] + ["nobody"]}
    assert (await api.post("/api/jobs/bulk", json=named)).json()["done"] == 3
    rest = (await api.post("/api/jobs/bulk", json={**every, "filter": {"dealId": deal.id, "state": "waiting"}})).json()
    assert (rest["matched"], rest["done"], rest["more"]) == (9, 9, False)
    again = (await api.post("/api/jobs/bulk", json={"action": "retry", "filter": {"state": "cancelled"}})).json()
    assert (again["done"], again["refused"]) == (12, {})
    refused = (await api.post("/api/jobs/bulk", json={"action": "discard", "filter": {"dealId": deal.id}})).json()
    assert (refused["done"], refused["refused"]) == (0, {"job_not_failed": 12})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"action": "burn", "ids": ["a"]}, "unknown_action"),
        ({"action": "cancel"}, "invalid_selection"),
        ({"action": "cancel", "ids": ["a"], "filter": {}}, "invalid_selection"),
        ({"action": "cancel", "filter": {}}, "invalid_selection"),
        ({"action": "reprioritise", "ids": ["a"]}, "unknown_priority"),
        ({"action": "cancel", "ids": ["a"] * 1001}, "too_many"),
    ],
)
async def test_a_bulk_action_that_is_not_clear_does_nothing(
    api: httpx.AsyncClient, body: dict[str, object], code: str
) -> None:
    answer = await api.post("/api/jobs/bulk", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_a_waiting_job_gets_another_priority(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, deal: Deal
) -> None:
    (job,) = documents(deal, 1)
    await asked(store, queue, [job])
    assert (await api.post(f"/api/jobs/{job.id}/priority", json={"priority": "critical"})).status_code == 200
    assert (await api.get(f"/api/jobs/{job.id}")).json()["job"]["priority"] == "critical"
    assert (await api.post(f"/api/jobs/{job.id}/priority", json={"priority": "soon"})).status_code == 400


# --- dead letters -----------------------------------------------------------------------------------------------------


async def test_dead_letters_are_grouped_replayed_and_thrown_away(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, queue_pool: ArqRedis, deal: Deal
) -> None:
    await asked(store, queue, documents(deal, 3))
    await drain(queue_pool, die)
    (group,) = (await api.get("/api/queue/document/dead")).json()["groups"]
    assert (group["count"], group["code"], len(group["jobIds"])) == (3, "gone", 3)
    one = (await api.post("/api/queue/document/replay", json={"jobId": group["jobIds"][0]})).json()
    assert one["replayed"] == 1
    rest = await api.post("/api/queue/document/discard", json={"fingerprint": group["fingerprint"]})
    assert rest.json()["discarded"] == 2
    assert (await api.get("/api/queue/document/dead")).json()["groups"] == []
    assert (await api.get("/api/queue/nowhere/dead")).status_code == 404


# --- figures ----------------------------------------------------------------------------------------------------------


async def test_what_a_queue_did_is_told_minute_by_minute(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, queue_pool: ArqRedis, deal: Deal
) -> None:
    await asked(store, queue, documents(deal, 4))
    await drain(queue_pool, die)
    told = (await api.get("/api/queue/document/series", params={"last": 5})).json()
    assert len(told["points"]) == 5
    assert sum(point["failed"] for point in told["points"]) == 4
    assert any(point["runP95"] is not None for point in told["points"])
    assert (await api.get("/api/queue/document/series", params={"unit": "year"})).status_code == 400
    assert (await api.get("/api/queue/document/series", params={"last": "99999"})).status_code == 400


async def test_workers_schedules_and_limits_are_told(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, queue_pool: ArqRedis, deal: Deal
) -> None:
    await asked(store, queue, documents(deal, 1))
    reply = await turn(queue_pool, "host:1:abc")
    await renewed(queue_pool, "host:1:abc", [(reply.claims[0].id, "host:1:abc#1")])
    (worker,) = (await api.get("/api/workers")).json()["workers"]
    assert (worker["worker"], [job["state"] for job in worker["jobs"]]) == ("host:1:abc", ["active"])
    known = (await api.get("/api/schedules")).json()["schedules"]
    assert {one["name"] for one in known} >= {"cron:daily_brief", "cron:reconcile"}
    assert all(len(one["nextRuns"]) == 3 for one in known)
    await Buckets(queue_pool).close("anthropic", 60)
    assert (await api.get("/api/limits")).json()["closed"]["anthropic"] > 50
    assert (await api.post("/api/limits/anthropic/release")).status_code == 200
    assert (await api.get("/api/limits")).json()["closed"]["anthropic"] == 0
    assert (await api.post("/api/limits/nobody/release")).status_code == 404


async def test_a_schedule_is_run_now_beside_its_times(api: httpx.AsyncClient, queue: QueueClient) -> None:
    told = (await api.post("/api/schedules/cron:reconcile/run")).json()
    job = await queue.job(told["jobId"])
    assert job is not None
    assert (job.function, job.state, job.priority) == ("cron:reconcile", "waiting", "critical")
    assert (await api.post("/api/schedules/cron:nothing/run")).status_code == 404


async def test_what_a_queue_keeps_is_cleaned_by_state_and_age(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, queue_pool: ArqRedis, deal: Deal
) -> None:
    await asked(store, queue, documents(deal, 3))
    await drain(queue_pool, die)

    async def clean(**what: object) -> httpx.Response:
        return await api.post("/api/queue/document/clean", json=what)

    assert (await clean(state="failed", olderThanSeconds=60)).json()["cleaned"] == 0
    assert (await clean(state="completed")).json()["cleaned"] == 0
    assert (await clean(state="failed")).json()["cleaned"] == 3
    assert await ids(api, state="failed") == []
    assert (await clean(state="waiting")).json()["error"]["code"] == "unknown_state"
    assert (await clean(state="failed", olderThanSeconds=-1)).json()["error"]["code"] == "invalid_span"


async def test_dead_letters_of_jobs_that_named_no_queue_are_looked_at_too(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/queue/arq:queue/dead")).json()["groups"] == []
    assert (await api.get("/api/queue/arq:queue/series")).status_code == 404


# --- events -----------------------------------------------------------------------------------------------------------


async def heard(answer: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """The events of a stream, each as its fields."""
    told: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            told[name] = value
        elif told:
            yield told
            told = {}


async def test_events_are_heard_as_they_happen_and_from_where_one_left_off(
    api: httpx.AsyncClient, queue: QueueClient, deal: Deal
) -> None:
    jobs = documents(deal, 3)
    async with asyncio.timeout(20), api.stream("GET", "/api/events", params={"queue": "document"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        news = heard(answer)
        assert (await anext(news))["retry"]
        await queue.enqueue_many(jobs[:2])
        first, second = await anext(news), await anext(news)
    assert [one["event"] for one in (first, second)] == ["enqueued", "enqueued"]
    assert json.loads(second["data"])["jobId"] == jobs[1].id
    await queue.enqueue(jobs[2])
    headers = {"last-event-id": second["id"]}
    async with asyncio.timeout(20), api.stream("GET", "/api/events", headers=headers) as answer:
        news = heard(answer)
        await anext(news)
        assert json.loads((await anext(news))["data"])["jobId"] == jobs[2].id


async def test_a_quiet_stream_says_that_it_lives_and_a_wrong_position_is_refused(api: httpx.AsyncClient) -> None:
    async with asyncio.timeout(20), api.stream("GET", "/api/events") as answer:
        news = heard(answer)
        await anext(news)
        assert "id" in await anext(news)
    assert (await api.get("/api/events", headers={"last-event-id": "nonsense"})).status_code == 400
    assert (await api.get("/api/events", params={"queue": "nowhere"})).status_code == 400


async def test_only_what_concerns_a_deal_is_told(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, deal: Deal
) -> None:
    other = await store.deals.create("Another")
    async with asyncio.timeout(20), api.stream("GET", "/api/events", params={"dealId": deal.id}) as answer:
        news = heard(answer)
        await anext(news)
        await queue.enqueue(ProcessDocument(str(uuid.UUID(int=77)), other.id, DocumentOperation.analyze))
        (job,) = documents(deal, 1)
        await queue.enqueue(job)
        assert json.loads((await anext(news))["data"])["jobId"] == job.id
    assert DOCUMENTS.slug == "document"
