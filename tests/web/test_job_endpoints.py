"""``/api/jobs/{id}``: everything known of a job, and what can be done to it."""

from __future__ import annotations

import datetime

import httpx
import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Permanent, Transient
from dealpulse.jobs import DocumentOperation, Priority, ProcessDocument
from dealpulse.models import Deal, Document, OperationState
from dealpulse.queue import Batch, QueueClient
from dealpulse.queue.outcomes import Again, Claimed, Dead, Outcome
from dealpulse.store import Store
from queue_engine.endings import die, drain, succeed
from queue_engine.engines import ended, turn

DETAILS = [
    *("id", "queue", "function", "state", "dealId", "attempts", "enqueuedAt", "dueAt", "startedAt", "finishedAt"),
    *(
        "error",
        "run",
        "priority",
        "crashes",
        "worker",
        "caller",
        "progress",
        "message",
        "batches",
        "result",
        "faults",
        "log",
    ),
]


@pytest.fixture
def job(document: Document) -> ProcessDocument:
    return ProcessDocument(document.id, document.deal_id, DocumentOperation.analyze)


async def asked(api: httpx.AsyncClient, job: ProcessDocument) -> None:
    body = {"documentId": job.document_id, "dealId": job.deal_id, "operation": job.name.value}
    assert (await api.post("/api/queue/document", json=body)).json()["jobId"] == job.id


async def told(api: httpx.AsyncClient, job: ProcessDocument) -> dict[str, object]:
    answer = await api.get(f"/api/jobs/{job.id}")
    assert answer.status_code == 200
    details = answer.json()["job"]
    assert isinstance(details, dict)
    assert list(details) == DETAILS
    return details


async def row_state(store: Store, deal: Deal) -> OperationState:
    (row,) = await store.operations.of_deal(deal.id)
    return row.state


async def test_a_completed_job_is_told_with_its_result(
    api: httpx.AsyncClient, queue: QueueClient, queue_pool: ArqRedis, job: ProcessDocument
) -> None:
    await queue.enqueue(job, priority=Priority.high, batch=Batch("first-sync"))
    await drain(queue_pool, succeed)
    details = await told(api, job)
    assert (details["state"], details["result"], details["attempts"]) == ("completed", {"pages": 3}, 1)
    assert (details["priority"], details["batches"], details["crashes"]) == ("high", ["first-sync"], 0)
    assert (details["error"], details["faults"], details["log"]) == (None, [], [])
    assert str(details["run"]).endswith(f":{job.id}")
    assert str(details["finishedAt"]).endswith("Z")


async def test_a_running_job_tells_its_worker_progress_and_log(
    api: httpx.AsyncClient, queue: QueueClient, queue_pool: ArqRedis, job: ProcessDocument
) -> None:
    await asked(api, job)
    await turn(queue_pool, "host:1:abc")
    await queue.note(job.id, "host:1:abc#1", percent=40, message="page 2 of 5", line="reading page 2")
    details = await told(api, job)
    assert (details["state"], details["worker"]) == ("active", "host:1:abc")
    assert (details["progress"], details["message"]) == (40, "page 2 of 5")
    log = details["log"]
    assert isinstance(log, list)
    (line,) = log
    assert line["text"] == "reading page 2"
    assert datetime.datetime.fromisoformat(line["at"]).tzinfo is not None


async def test_a_dead_job_tells_every_run_that_went_wrong(
    api: httpx.AsyncClient, queue_pool: ArqRedis, job: ProcessDocument
) -> None:
    def fail(claimed: Claimed) -> Outcome:
        try:
            job.queue.missing  # type: ignore[attr-defined]  # noqa: B018
        except AttributeError as cause:
            error = Transient("Busy.", code="busy") if claimed.attempt == 1 else Permanent("Gone.", code="gone")
            error.__cause__ = cause
        if claimed.attempt == 1:
            return Again("process_document", 0, burn=True, error=error)
        return Dead("process_document", error)

    await asked(api, job)
    await drain(queue_pool, fail)
    details = await told(api, job)
    assert details["error"] == {"type": "Permanent", "code": "gone", "message": "Gone."}
    faults = details["faults"]
    assert isinstance(faults, list)
    assert [
        (fault["type"], fault["code"], fault["message"], fault["attempt"], fault["worker"]) for fault in faults
    ] == [
        ("Transient", "busy", "Busy.", 1, "test"),
        ("Permanent", "gone", "Gone.", 2, "test"),
    ]
    for fault in faults:
        assert fault["startedAt"] <= fault["endedAt"]
        outermost, cause = fault["traceback"]
        assert outermost["type"].endswith(fault["type"])
        assert cause["type"] == "AttributeError"
        assert "test_job_endpoints.py" in cause["frames"][-1]


async def test_a_waiting_job_is_cancelled_and_its_row_says_so(
    api: httpx.AsyncClient, store: Store, deal: Deal, job: ProcessDocument
) -> None:
    await asked(api, job)
    answer = await api.post(f"/api/jobs/{job.id}/cancel")
    assert answer.json() == {"success": True, "jobId": job.id, "state": "cancelled"}
    assert (await told(api, job))["state"] == "cancelled"
    assert await row_state(store, deal) is OperationState.cancelled
    again = await api.post(f"/api/jobs/{job.id}/cancel")
    assert (again.status_code, again.json()["error"]["code"]) == (400, "job_ended")
    assert again.json()["error"]["details"] == {"state": "cancelled"}


async def test_a_running_job_is_told_to_stop(
    api: httpx.AsyncClient, queue_pool: ArqRedis, job: ProcessDocument
) -> None:
    await asked(api, job)
    (claim,) = (await turn(queue_pool)).claims
    assert (await api.post(f"/api/jobs/{job.id}/cancel")).json()["state"] == "cancelling"
    await turn(queue_pool, seq=2, wanted=0, finishing=[ended(claim, "cancelled")])
    assert (await told(api, job))["state"] == "cancelled"


async def test_a_dead_job_is_retried(
    api: httpx.AsyncClient, store: Store, deal: Deal, queue_pool: ArqRedis, job: ProcessDocument
) -> None:
    await asked(api, job)
    await drain(queue_pool, die)
    answer = await api.post(f"/api/jobs/{job.id}/retry")
    assert answer.json() == {"success": True, "jobId": job.id, "deduplicated": False}
    details = await told(api, job)
    assert (details["state"], details["attempts"], details["error"]) == ("waiting", 0, None)
    assert await row_state(store, deal) is OperationState.queued
    again = await api.post(f"/api/jobs/{job.id}/retry")
    assert (again.status_code, again.json()["error"]["code"]) == (400, "job_not_failed")


async def test_a_delayed_job_is_promoted(api: httpx.AsyncClient, queue: QueueClient, job: ProcessDocument) -> None:
    await queue.enqueue(job, run_at=datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1))
    assert (await told(api, job))["state"] == "delayed"
    answer = await api.post(f"/api/jobs/{job.id}/promote")
    assert answer.json() == {"success": True, "jobId": job.id, "state": "waiting"}
    assert (await told(api, job))["state"] == "waiting"


@pytest.mark.parametrize("verb", ["cancel", "retry", "promote"])
@pytest.mark.parametrize("job_id", ["nothing", "brief:x:y", "a%20b"])
async def test_nothing_can_be_done_to_an_unknown_job(api: httpx.AsyncClient, verb: str, job_id: str) -> None:
    answer = await api.post(f"/api/jobs/{job_id}/{verb}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "job_not_found")
    assert (await api.get(f"/api/jobs/{job_id}/{verb}")).status_code == 405


async def test_what_a_job_told_of_itself_is_told(
    api: httpx.AsyncClient, queue: QueueClient, queue_pool: ArqRedis, document: Document
) -> None:
    body = {"documentId": document.id, "dealId": document.deal_id}
    job_id = (await api.post("/api/queue/document", json=body)).json()["jobId"]
    await turn(queue_pool, "host:1:abc")
    assert await queue.note(job_id, "host:1:abc#1", line="page 3 of 9")
    told = (await api.get(f"/api/jobs/{job_id}/log")).json()
    assert (told["jobId"], [line["text"] for line in told["log"]]) == (job_id, ["page 3 of 9"])
    assert (await api.get("/api/jobs/nothing/log")).status_code == 404
