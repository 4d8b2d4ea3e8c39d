"""``/api/queue/...``: the documented shapes, de-duplication, and what the rows say afterwards."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest
from arq.connections import ArqRedis

from dealpulse.models import Deal, Document, Email, OperationState, SourceType
from dealpulse.store import Store
from queue_engine.engines import turn

UNKNOWN = "00000000-0000-4000-8000-000000000000"
QUEUES = ["dailyBrief", "documentProcessing", "emailProcessing", "sourceSync"]
FIGURES = [
    *("waiting", "active", "completed", "failed", "delayed", "oldestWaitingMs", "totals"),
    *("parked", "cancelled", "paused"),
]


async def curl(*arguments: str) -> dict[str, object]:
    """What curl prints, as JSON, in the order it is printed."""
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", "--noproxy", "*", *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    answer = json.loads(out)
    assert isinstance(answer, dict)
    return answer


async def test_curl_triggers_the_briefs_of_all_active_deals(api: httpx.AsyncClient, store: Store) -> None:
    active = {(await store.deals.create(name)).id for name in ("Alder", "Birch")}
    gone = await store.deals.create("Cedar")
    await store.deals.archive(gone.id)

    answer = await curl("-X", "POST", f"{api.base_url}/api/queue/trigger-daily-briefs")

    assert list(answer) == ["success", "queued", "jobs"]
    assert (answer["success"], answer["queued"]) == (True, 2)
    jobs = answer["jobs"]
    assert isinstance(jobs, list)
    assert {job["dealId"] for job in jobs} == active
    for job in jobs:
        assert list(job) == ["dealId", "jobId", "deduplicated"]
        assert job["jobId"].startswith(f"brief:{job['dealId']}:")
        assert job["deduplicated"] is False


async def test_curl_reads_the_figures_of_every_queue(api: httpx.AsyncClient, deal: Deal) -> None:
    await api.post("/api/queue/daily-brief", json={"dealId": deal.id})

    answer = await curl(f"{api.base_url}/api/queue/stats")

    assert answer["success"] is True
    stats = answer["stats"]
    assert isinstance(stats, dict)
    assert list(stats) == QUEUES
    assert all(list(figures) == FIGURES for figures in stats.values())
    assert [stats[name]["waiting"] for name in QUEUES] == [1, 0, 0, 0]


async def test_triggering_again_names_the_same_jobs_as_deduplicated(api: httpx.AsyncClient, deal: Deal) -> None:
    first, second = [(await api.post("/api/queue/trigger-daily-briefs")).json() for _ in range(2)]
    assert first["jobs"][0]["jobId"] == second["jobs"][0]["jobId"]
    assert [answer["jobs"][0]["deduplicated"] for answer in (first, second)] == [False, True]


async def test_triggering_with_no_deals_queues_nothing(api: httpx.AsyncClient) -> None:
    assert (await api.post("/api/queue/trigger-daily-briefs")).json() == {"success": True, "queued": 0, "jobs": []}


async def test_a_brief_of_a_date_is_queued_and_its_row_says_so(
    api: httpx.AsyncClient, store: Store, deal: Deal
) -> None:
    answer = await api.post("/api/queue/daily-brief", json={"dealId": deal.id, "date": "2026-03-02"})

    assert answer.json() == {"success": True, "jobId": f"brief:{deal.id}:2026-03-02", "deduplicated": False}
    operation = (await store.operations.of_deal(deal.id))[0]
    assert (operation.name, operation.state) == ("2026-03-02", OperationState.queued)


async def test_a_deal_named_in_capitals_is_the_same_deal(api: httpx.AsyncClient, deal: Deal) -> None:
    plain, capitals = [
        (await api.post("/api/queue/daily-brief", json={"dealId": written, "date": "2026-03-02"})).json()
        for written in (deal.id, deal.id.upper())
    ]
    assert (plain["jobId"], capitals["deduplicated"]) == (capitals["jobId"], True)


async def test_an_archived_deal_gets_no_brief(
    api: httpx.AsyncClient, store: Store, deal: Deal, jobs_in_redis: Callable[[], Awaitable[int]]
) -> None:
    await store.deals.archive(deal.id)
    answer = await api.post("/api/queue/daily-brief", json={"dealId": deal.id})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "deal_not_active")
    assert await jobs_in_redis() == 0


async def test_a_document_and_an_email_are_queued(
    api: httpx.AsyncClient, deal: Deal, document: Document, email: Email
) -> None:
    asked = {"documentId": document.id, "dealId": deal.id, "operation": "extract_risks"}
    assert (await api.post("/api/queue/document", json=asked)).json() == {
        "success": True,
        "jobId": f"doc:{document.id}:extract_risks",
        "deduplicated": False,
    }
    asked = {"emailId": email.id, "dealId": deal.id, "operation": "detect_blocker"}
    assert (await api.post("/api/queue/email", json=asked)).json() == {
        "success": True,
        "jobId": f"mail:{email.id}:detect_blocker",
        "deduplicated": False,
    }


async def test_every_source_of_the_type_is_synced_and_no_other(
    api: httpx.AsyncClient, store: Store, deal: Deal
) -> None:
    drives = {
        (await store.sources.create(deal.id, SourceType.gdrive, f"Drive {place}", place)).id for place in ("a", "b")
    }
    await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")

    asked = {"dealId": deal.id, "sourceType": "gdrive", "syncType": "full"}
    answer = (await api.post("/api/queue/source-sync", json=asked)).json()

    assert answer["success"] is True
    assert {job["jobId"] for job in answer["jobs"]} == {f"sync:{source}" for source in drives}
    assert {(row.name, row.state) for row in await store.operations.of_deal(deal.id)} == {
        ("full", OperationState.queued)
    }


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("daily-brief", {"dealId": UNKNOWN}, 404, "deal_not_found"),
        ("daily-brief", {"dealId": "not-a-uuid"}, 404, "deal_not_found"),
        ("daily-brief", {"dealId": "\u0000"}, 404, "deal_not_found"),
        ("daily-brief", {"dealId": "DEAL", "date": "2026-02-30"}, 400, "invalid_body"),
        ("daily-brief", {"dealId": "DEAL", "when": "now"}, 400, "invalid_body"),
        ("daily-brief", [], 400, "invalid_body"),
        ("document", {"documentId": UNKNOWN, "dealId": "DEAL"}, 404, "document_not_found"),
        ("document", {"documentId": "DOCUMENT", "dealId": UNKNOWN}, 404, "document_not_found"),
        ("document", {"documentId": "DOCUMENT", "dealId": "DEAL", "operation": "translate"}, 400, "unknown_operation"),
        ("document", {"documentId": "DOCUMENT"}, 400, "invalid_body"),
        ("email", {"emailId": "EMAIL", "dealId": UNKNOWN}, 404, "email_not_found"),
        ("email", {"emailId": "EMAIL", "dealId": "DEAL", "operation": "summarize"}, 400, "unknown_operation"),
        ("source-sync", {"dealId": "DEAL", "sourceType": "gdrive"}, 404, "source_not_found"),
        ("source-sync", {"dealId": "DEAL", "sourceType": "dropbox"}, 400, "unknown_source_type"),
        ("source-sync", {"dealId": "DEAL", "sourceType": "gdrive", "syncType": "half"}, 400, "unknown_sync_type"),
        ("source-sync", {"dealId": UNKNOWN, "sourceType": "gdrive"}, 404, "deal_not_found"),
    ],
)
async def test_a_bad_request_is_refused_and_leaves_no_trace(
    api: httpx.AsyncClient,
    store: Store,
    deal: Deal,
    document: Document,
    email: Email,
    jobs_in_redis: Callable[[], Awaitable[int]],
    path: str,
    body: dict[str, str] | list[str],
    status: int,
    code: str,
) -> None:
    real = {"DEAL": deal.id, "DOCUMENT": document.id, "EMAIL": email.id}
    sent = {name: real.get(value, value) for name, value in body.items()} if isinstance(body, dict) else body

    answer = await api.post(f"/api/queue/{path}", json=sent)

    assert answer.status_code == status
    told = answer.json()
    assert told["success"] is False
    assert set(told["error"]) == {"code", "message", "details"}
    assert told["error"]["code"] == code
    assert await jobs_in_redis() == 0
    assert await store.operations.of_deal(deal.id) == []


async def test_an_unknown_operation_is_answered_with_the_ones_there_are(
    api: httpx.AsyncClient, deal: Deal, document: Document
) -> None:
    asked = {"documentId": document.id, "dealId": deal.id, "operation": "translate"}
    error = (await api.post("/api/queue/document", json=asked)).json()["error"]
    assert error["details"]["valid"] == ["ingest", "summarize", "extract_risks", "classify", "analyze"]


async def test_a_brief_without_date_is_of_the_deals_own_today(api: httpx.AsyncClient, store: Store) -> None:
    # Twenty-six hours apart, the two can never share a date.
    early = await store.deals.create("Early", time_zone="Pacific/Kiritimati")
    late = await store.deals.create("Late", time_zone="Etc/GMT+12")
    dates = []
    for deal in (early, late):
        job_id = (await api.post("/api/queue/daily-brief", json={"dealId": deal.id})).json()["jobId"]
        dates.append(datetime.date.fromisoformat(job_id.rpartition(":")[2]))
    assert dates[0] > dates[1]


async def test_a_paused_queue_says_so_until_it_is_resumed(api: httpx.AsyncClient) -> None:
    paused = await curl("-X", "POST", f"{api.base_url}/api/queue/daily-brief/pause")
    assert paused == {"success": True, "queue": "dailyBrief", "dealId": None, "paused": True}
    stats = (await api.get("/api/queue/stats")).json()["stats"]
    assert [stats[name]["paused"] for name in QUEUES] == [True, False, False, False]
    resumed = (await api.post("/api/queue/dailyBrief/resume", json={})).json()
    assert resumed == {"success": True, "queue": "dailyBrief", "dealId": None, "paused": False}
    assert not (await api.get("/api/queue/stats")).json()["stats"]["dailyBrief"]["paused"]


async def test_one_deal_is_paused_and_its_jobs_are_parked(
    api: httpx.AsyncClient, deal: Deal, document: Document, queue_pool: ArqRedis
) -> None:
    asked = {"documentId": document.id, "dealId": deal.id, "operation": "classify"}
    await api.post("/api/queue/document", json=asked)
    paused = (await api.post("/api/queue/document/pause", json={"dealId": deal.id})).json()
    assert paused == {"success": True, "queue": "documentProcessing", "dealId": deal.id, "paused": True}
    assert (await turn(queue_pool)).claims == []
    figures = (await api.get("/api/queue/stats")).json()["stats"]["documentProcessing"]
    assert (figures["paused"], figures["parked"], figures["waiting"]) == (False, 1, 0)
    await api.post("/api/queue/document/resume", json={"dealId": deal.id})
    figures = (await api.get("/api/queue/stats")).json()["stats"]["documentProcessing"]
    assert (figures["parked"], figures["waiting"]) == (0, 1)


@pytest.mark.parametrize(
    ("slug", "body", "status", "code"),
    [
        ("fax", b"", 404, "unknown_queue"),
        ("document", b'{"dealId": "%s"}' % UNKNOWN.encode(), 404, "deal_not_found"),
        ("document", b'{"deal": "x"}', 400, "invalid_body"),
        ("document", b"{", 400, "malformed_json"),
        ("document", b"[]", 400, "invalid_body"),
    ],
)
async def test_what_cannot_be_paused_is_refused_and_nothing_is(
    api: httpx.AsyncClient, slug: str, body: bytes, status: int, code: str
) -> None:
    for verb in ("pause", "resume"):
        answer = await api.post(f"/api/queue/{slug}/{verb}", content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    stats = (await api.get("/api/queue/stats")).json()["stats"]
    assert not any(figures["paused"] for figures in stats.values())
