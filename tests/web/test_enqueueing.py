"""How work is asked for: its terms, its key, many at once, and once more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from arq.connections import ArqRedis

from dealpulse.models import Deal, Document, Email, OperationState, SourceType
from dealpulse.queue import QueueClient
from dealpulse.settings import Settings
from dealpulse.store import Store
from dealpulse.web.app import build_app
from queue_engine.engines import ended, turn
from web.conftest import Serve

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def summary_of(document: Document, **terms: object) -> dict[str, object]:
    return {"documentId": document.id, "dealId": document.deal_id, "operation": "summarize", **terms}


# --- terms ------------------------------------------------------------------------------------------------------------


async def test_work_is_asked_for_with_a_priority_and_for_later(
    api: httpx.AsyncClient, document: Document, queue: QueueClient
) -> None:
    at = (datetime.now(UTC) + timedelta(hours=3)).replace(microsecond=0)
    body = summary_of(document, priority="high", runAt=at.isoformat())
    job_id = (await api.post("/api/queue/document", json=body)).json()["jobId"]
    job = await queue.job(job_id)
    assert job is not None
    assert (job.state, job.priority, job.due_at) == ("delayed", "high", at)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"priority": "urgent"}, "unknown_priority"),
        ({"runAt": "2026-11-25T09:00:00"}, "invalid_time"),
        ({"runAt": "2126-11-25T09:00:00Z"}, "invalid_time"),
        ({"runAt": "soon"}, "invalid_body"),
    ],
)
async def test_terms_nobody_can_meet_are_refused(
    api: httpx.AsyncClient, document: Document, terms: dict[str, str], code: str
) -> None:
    answer = await api.post("/api/queue/document", json=summary_of(document, **terms))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


# --- the same request twice -------------------------------------------------------------------------------------------


async def test_the_same_key_and_body_get_the_same_answer_and_are_carried_out_once(
    api: httpx.AsyncClient, store: Store
) -> None:
    answers = [await api.post("/api/deals", json={"name": "Alder"}, headers=keyed("k-1")) for _ in range(3)]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true", "true"]
    assert [deal.name for deal in await store.deals.all()] == ["Alder"]


async def test_a_key_used_for_another_request_is_refused(api: httpx.AsyncClient, store: Store) -> None:
    await api.post("/api/deals", json={"name": "Alder"}, headers=keyed("k-1"))
    for path, body in (("/api/deals", {"name": "Birch"}), ("/api/queue/trigger-daily-briefs", {"name": "Alder"})):
        answer = await api.post(path, json=body, headers=keyed("k-1"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert len(await store.deals.all()) == 1


async def test_many_at_once_with_one_key_are_carried_out_once(api: httpx.AsyncClient, store: Store) -> None:
    asked = [api.post("/api/deals", json={"name": "Alder"}, headers=keyed("k-1")) for _ in range(20)]
    answers = await asyncio.gather(*asked)
    assert {answer.content for answer in answers} == {answers[0].content}
    assert len(await store.deals.all()) == 1


async def test_what_was_refused_may_be_sent_again_with_its_key(
    api: httpx.AsyncClient, store: Store, document: Document
) -> None:
    body = {"dealId": UNKNOWN}
    assert (await api.post("/api/queue/daily-brief", json=body, headers=keyed("k-1"))).status_code == 404
    await store.deals.create("Late", deal_id=UNKNOWN)
    assert (await api.post("/api/queue/daily-brief", json=body, headers=keyed("k-1"))).status_code == 200


async def test_a_kept_answer_ends_after_a_day(api: httpx.AsyncClient, queue_pool: ArqRedis) -> None:
    await api.post("/api/deals", json={"name": "Alder"}, headers=keyed("k-1"))
    (name,) = [name async for name in queue_pool.scan_iter("dealpulse:idempotency:*")]
    assert 86_300 < await queue_pool.ttl(name) <= 86_400


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ä"])
async def test_a_key_that_is_none_is_refused(api: httpx.AsyncClient, key: str) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = await api.post("/api/deals", json={"name": "Alder"}, headers=headers)  # type: ignore[arg-type]  # httpx sends bytes too
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_idempotency_key")


async def test_an_answer_that_shows_a_secret_is_not_kept(api: httpx.AsyncClient, queue_pool: ArqRedis) -> None:
    answers = [await api.post("/api/tokens", json={"name": "ci"}, headers=keyed("k-1")) for _ in range(2)]
    assert len({answer.json()["token"] for answer in answers}) == 2
    assert [name async for name in queue_pool.scan_iter("dealpulse:idempotency:*")] == []


# --- many at once -----------------------------------------------------------------------------------------------------


async def test_many_jobs_of_all_kinds_are_asked_for_in_one_request(
    api: httpx.AsyncClient, store: Store, deal: Deal, document: Document, email: Email, queue: QueueClient
) -> None:
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "folder-1")
    items: list[dict[str, Any]] = [
        {"queue": "dailyBrief", "dealId": deal.id, "date": "2026-11-25"},
        {"queue": "documentProcessing", **summary_of(document, priority="low")},
        {"queue": "documentProcessing", **summary_of(document)},
        {"queue": "emailProcessing", "emailId": email.id.upper(), "dealId": deal.id},
        {"queue": "sourceSync", "sourceId": source.id, "dealId": deal.id, "syncType": "full"},
    ]
    answer = await api.post("/api/jobs", json={"jobs": items})
    told = answer.json()
    assert (answer.status_code, told["enqueued"], told["refused"]) == (200, 5, 0)
    assert [one["jobId"].split(":")[0] for one in told["jobs"]] == ["brief", "doc", "doc", "mail", "sync"]
    assert {name: each.waiting for name, each in (await queue.stats()).items()} == dict.fromkeys(
        ("dailyBrief", "documentProcessing", "emailProcessing", "sourceSync"), 1
    )
    states = {(one.subject_type.value, one.state) for one in await store.operations.of_deal(deal.id)}
    assert states == {(kind, OperationState.queued) for kind in ("brief", "document", "email", "source")}


async def test_items_that_cannot_be_met_are_told_and_keep_none_of_the_others(
    api: httpx.AsyncClient, store: Store, deal: Deal, document: Document
) -> None:
    archived = await store.deals.create("Old")
    await store.deals.archive(archived.id)
    items: list[dict[str, Any]] = [
        {"queue": "documentProcessing", **summary_of(document, operation="guess")},
        {"queue": "documentProcessing", **summary_of(document, priority="urgent")},
        {"queue": "documentProcessing", "documentId": UNKNOWN, "dealId": deal.id},
        {"queue": "documentProcessing", "documentId": document.id, "dealId": archived.id},
        {"queue": "emailProcessing", "emailId": "no id at all", "dealId": deal.id},
        {"queue": "dailyBrief", "dealId": archived.id, "date": "2026-11-25"},
        {"queue": "dailyBrief", "dealId": UNKNOWN, "date": "2026-11-25"},
        {"queue": "documentProcessing", **summary_of(document)},
    ]
    told = (await api.post("/api/jobs", json={"jobs": items})).json()
    assert [one["error"] and one["error"]["code"] for one in told["jobs"]] == [
        "unknown_operation",
        "unknown_priority",
        "document_not_found",
        "document_not_found",
        "email_not_found",
        "deal_not_active",
        "deal_not_found",
        None,
    ]
    assert (told["enqueued"], told["refused"]) == (1, 7)


async def test_a_bulk_that_is_malformed_is_refused_as_a_whole(api: httpx.AsyncClient, document: Document) -> None:
    good = {"queue": "documentProcessing", **summary_of(document)}
    for jobs, field in (([], "jobs"), ([good] * 1_001, "jobs"), ([good, {"queue": "nothing"}], "jobs[1]")):
        answer = await api.post("/api/jobs", json={"jobs": jobs})
        assert answer.status_code in (400, 413)
        if answer.status_code == 400:
            assert field in str(answer.json()["error"]["details"])


# --- once more --------------------------------------------------------------------------------------------------------


async def test_a_job_is_duplicated_however_it_ended(
    api: httpx.AsyncClient, queue_pool: ArqRedis, document: Document, queue: QueueClient, store: Store
) -> None:
    job_id = (await api.post("/api/queue/document", json=summary_of(document))).json()["jobId"]
    (claim,) = (await turn(queue_pool)).claims
    await turn(queue_pool, seq=2, wanted=0, finishing=[ended(claim, "completed")])
    done = await queue.job(job_id)
    assert done is not None
    assert done.state == "completed"
    again = await api.post(f"/api/jobs/{job_id}/duplicate", json={"priority": "high"})
    assert again.json() == {"success": True, "jobId": job_id, "deduplicated": False}
    view = await queue.job(job_id)
    assert view is not None
    assert (view.state, view.priority, view.run == done.run) == ("waiting", "high", False)
    assert (await api.post(f"/api/jobs/{job_id}/duplicate")).json()["deduplicated"] is True
    assert (await api.post("/api/jobs/doc:nothing:here/duplicate")).status_code == 404


async def test_jobs_asked_for_at_the_same_moment_keep_their_callers_and_requests_apart(
    serve: Serve, clean_environment: dict[str, str], store: Store, deal: Deal, document: Document, queue: QueueClient
) -> None:
    tokens = {name: f"a-token-that-is-{name}s" for name in ("anna", "bert", "cleo")}
    environ = {**clean_environment, "API_TOKENS": ",".join(f"{name}:enqueue:{token}" for name, token in tokens.items())}
    operations = dict(zip(tokens, ("summarize", "classify", "extract_risks"), strict=True))
    async with serve(build_app(Settings.load(environ=environ))) as api:

        async def ask(name: str, document_id: str) -> httpx.Response:
            headers = {"authorization": f"Bearer {tokens[name]}", "x-request-id": f"request-of-{name}"}
            body = {"documentId": document_id, "dealId": deal.id, "operation": operations[name]}
            return await api.post("/api/queue/document", json=body, headers=headers)

        answers = await asyncio.gather(
            *(ask(name, document.id) for name in tokens), *(ask(name, UNKNOWN) for name in tokens)
        )
    assert [answer.status_code for answer in answers] == [200, 200, 200, 404, 404, 404]
    for name, operation in operations.items():
        job = await queue.job(f"doc:{document.id}:{operation}")
        assert job is not None
        assert job.caller == name
