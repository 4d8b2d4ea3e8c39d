"""Documents, e-mails, jobs and webhooks over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from dealpulse.models import Deal, Document, Email, OperationState, SourceType
from dealpulse.store import Store

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_processing_a_document_starts_a_summary_unless_said_otherwise(
    api: httpx.AsyncClient, deal: Deal, document: Document
) -> None:
    address = f"/api/documents/{document.id}/process"
    first = await api.post(address, json={"documentId": document.id, "dealId": deal.id})
    assert first.status_code == 200
    assert first.json() == {
        "success": True,
        "message": "Processing started",
        "jobId": f"doc:{document.id}:summarize",
    }
    other = await api.post(address, json={"documentId": document.id, "dealId": deal.id, "operation": "classify"})
    assert other.json()["jobId"] == f"doc:{document.id}:classify"


async def test_processing_a_document_under_another_id_is_400_and_of_another_deal_404(
    api: httpx.AsyncClient,
    store: Store,
    deal: Deal,
    document: Document,
    jobs_in_redis: Callable[[], Awaitable[int]],
) -> None:
    other = await store.deals.create("Project Birch")
    address = f"/api/documents/{document.id}/process"

    differs = await api.post(address, json={"documentId": UNKNOWN, "dealId": deal.id})
    foreign = await api.post(address, json={"documentId": document.id, "dealId": other.id})
    unknown = await api.post(f"/api/documents/{UNKNOWN}/process", json={"documentId": UNKNOWN, "dealId": deal.id})
    other_word = await api.post(address, json={"documentId": document.id, "dealId": deal.id, "operation": "translate"})

    assert (differs.status_code, differs.json()["error"]["code"]) == (400, "contradicting_ids")
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (404, "document_not_found")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "document_not_found")
    assert (other_word.status_code, other_word.json()["error"]["code"]) == (400, "unknown_operation")
    assert await jobs_in_redis() == 0


async def test_processing_an_email_follows_the_same_rules(
    api: httpx.AsyncClient, store: Store, deal: Deal, email: Email
) -> None:
    other = await store.deals.create("Project Birch")
    address = f"/api/emails/{email.id}/process"
    started = await api.post(address, json={"emailId": email.id, "dealId": deal.id})
    differs = await api.post(address, json={"emailId": UNKNOWN, "dealId": deal.id})
    foreign = await api.post(address, json={"emailId": email.id, "dealId": other.id})
    assert started.json()["jobId"] == f"mail:{email.id}:analyze"
    assert [answer.status_code for answer in (started, differs, foreign)] == [200, 400, 404]


async def test_an_uploaded_document_is_stored_as_it_was_and_queued_for_reading(
    api: httpx.AsyncClient, store: Store, deal: Deal, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 300
    answer = await api.post(
        f"/api/deals/{deal.id}/documents", params={"name": "legal/Übernahme – Entwurf.pdf"}, content=content
    )

    assert answer.status_code == 201
    told = answer.json()
    assert told["jobId"] == f"doc:{told['document']['id']}:ingest"
    document = await store.documents.get(told["document"]["id"])
    assert (document.name, document.mime_type) == ("Übernahme – Entwurf.pdf", "application/pdf")
    assert (document.size_bytes, document.content_hash) == (len(content), hashlib.sha256(content).hexdigest())
    await store.files.download(document.storage_key, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert [row.state for row in await store.operations.of_deal(deal.id)] == [OperationState.queued]
    listed = (await api.get(f"/api/deals/{deal.id}/documents")).json()["documents"]
    assert listed == [told["document"]] == [(await api.get(f"/api/documents/{document.id}")).json()["document"]]


async def test_the_same_file_uploaded_twice_is_one_document(api: httpx.AsyncClient, store: Store, deal: Deal) -> None:
    answers = [
        (await api.post(f"/api/deals/{deal.id}/documents", params={"name": "a.txt"}, content=b"text")).json()
        for _ in range(2)
    ]
    assert answers[0]["document"]["id"] == answers[1]["document"]["id"]
    assert answers[1]["deduplicated"] is True
    assert len(await store.documents.of_deal(deal.id)) == 1


@pytest.mark.parametrize(
    ("name", "headers", "status", "code"),
    [
        ("", {}, 400, "invalid_name"),
        ("..", {}, 400, "invalid_name"),
        ("folder/", {}, 400, "invalid_name"),
        ("a\u0000.pdf", {}, 400, "invalid_name"),
        ("a\n.pdf", {}, 400, "invalid_name"),
        ("x" * 300, {}, 400, "invalid_name"),
        ("a.pdf", {"content-type": "multipart/form-data; boundary=x"}, 415, "unsupported_media_type"),
    ],
)
async def test_an_upload_with_no_usable_name_or_as_a_form_is_refused(
    api: httpx.AsyncClient,
    store: Store,
    deal: Deal,
    name: str,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = await api.post(f"/api/deals/{deal.id}/documents", params={"name": name}, content=b"text", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await store.documents.of_deal(deal.id) == []


async def test_an_upload_may_be_larger_than_a_json_body_but_not_than_its_own_limit(
    api: httpx.AsyncClient, store: Store, deal: Deal
) -> None:
    address = f"/api/deals/{deal.id}/documents"
    fits = await api.post(address, params={"name": "fits.bin"}, content=b"x" * 200_000)
    exceeds = await api.post(address, params={"name": "exceeds.bin"}, content=b"x" * 200_001)
    assert (fits.status_code, exceeds.status_code) == (201, 413)
    assert [document.name for document in await store.documents.of_deal(deal.id)] == ["fits.bin"]


async def test_an_upload_to_an_unknown_deal_is_404(api: httpx.AsyncClient) -> None:
    answer = await api.post(f"/api/deals/{UNKNOWN}/documents", params={"name": "a.txt"}, content=b"text")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "deal_not_found")


async def test_a_job_can_be_looked_up_by_the_id_it_was_given(api: httpx.AsyncClient, deal: Deal) -> None:
    job_id = (await api.post("/api/queue/daily-brief", json={"dealId": deal.id})).json()["jobId"]
    answer = (await api.get(f"/api/jobs/{job_id}")).json()
    assert answer["success"] is True
    job = answer["job"]
    assert (job["id"], job["queue"], job["state"], job["dealId"]) == (job_id, "dailyBrief", "waiting", deal.id)
    assert (job["function"], job["attempts"], job["error"]) == ("generate_daily_brief", 0, None)
    assert job["enqueuedAt"].endswith("Z")


@pytest.mark.parametrize("job_id", ["nothing", "brief:x:y", "%00", "a%20b", "%F0%9F%98%80"])
async def test_an_unknown_job_is_404(api: httpx.AsyncClient, job_id: str) -> None:
    answer = await api.get(f"/api/jobs/{job_id}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "job_not_found")


async def test_a_drive_notice_syncs_each_deal_once_whatever_else_it_holds(
    api: httpx.AsyncClient, store: Store, deal: Deal
) -> None:
    other = await store.deals.create("Project Birch")
    sources = [await store.sources.create(owner.id, SourceType.gdrive, "Drive", "folder-id") for owner in (deal, other)]
    entries = [
        {"dealId": deal.id},
        {"dealId": UNKNOWN},
        {"dealId": 7},
        {"deal": "x"},
        "nonsense",
        None,
        {"dealId": deal.id.upper()},
        {"dealId": other.id, "fileId": "more than we ask"},
    ]

    answer = await api.post("/api/webhooks/gdrive", json={"changes": entries})

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    for owner, source in zip((deal, other), sources, strict=True):
        rows = await store.operations.of_deal(owner.id)
        assert [(row.subject_id, row.name) for row in rows] == [(source.id, "incremental")]
    stats = (await api.get("/api/queue/stats")).json()["stats"]
    assert stats["sourceSync"]["waiting"] == 2


async def test_a_drive_notice_leaves_sources_of_other_types_alone(
    api: httpx.AsyncClient, store: Store, deal: Deal, jobs_in_redis: Callable[[], Awaitable[int]]
) -> None:
    await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    assert (await api.post("/api/webhooks/gdrive", json={"changes": [{"dealId": deal.id}]})).status_code == 200
    assert await jobs_in_redis() == 0


@pytest.mark.parametrize("body", [{}, {"changes": None}, {"changes": {"dealId": "x"}}, []])
async def test_a_notice_without_a_list_of_changes_is_400(api: httpx.AsyncClient, body: object) -> None:
    assert (await api.post("/api/webhooks/gdrive", json=body)).status_code == 400


async def test_a_deals_emails_are_listed_and_looked_at(api: httpx.AsyncClient, deal: Deal, email: Email) -> None:
    (listed,) = (await api.get(f"/api/deals/{deal.id}/emails")).json()["emails"]
    assert (await api.get(f"/api/emails/{email.id}")).json()["email"] == listed
    assert (listed["id"], listed["name"], listed["state"]) == (email.id, "hello.eml", "new")
    assert (await api.get("/api/emails/nothing")).status_code == 404
