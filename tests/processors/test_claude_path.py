"""With a key, Claude answers: from a stored file through the workers to rows, bills and a brief."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from arq.jobs import serialize_job

from dealpulse.health import Health
from dealpulse.jobs import (
    DocumentOperation,
    EmailOperation,
    GenerateDailyBrief,
    Job,
    ProcessDocument,
    ProcessEmail,
)
from dealpulse.local.stack import Stack
from dealpulse.models import (
    BriefStatus,
    Deal,
    Document,
    DocumentState,
    Email,
    EngineName,
    Operation,
    OperationState,
    Verification,
)
from dealpulse.outbox import request
from dealpulse.queue.engine import Again, Claimed, Dead, Done, Outcome
from dealpulse.queue.serializer import serialize
from dealpulse.settings import Settings
from dealpulse.store import Store
from dealpulse.worker.execute import Policy, Runnable, execute
from dealpulse.worker.handlers import BINDINGS
from dealpulse.worker.runtime import Runtime, open_runtime
from fakes.claude import FAKE_KEY, Behaviour, FakeClaude, fake_claude, overloaded, rate_limited, refusal
from worker.workers import arq

CLAUSE = "The Lender may call the whole loan at any time without giving a reason."
CONTRACT = f"LOAN AGREEMENT\n\n{CLAUSE}\n\nThis agreement is governed by the laws of Delaware.\n"
WAITING = "We are still waiting for the signed consent from Harbor Bank."
MESSAGE = (
    "From: Dana Reyes <dana@example.com>\nTo: team@example.com\nSubject: Consent\n"
    "Message-ID: <consent-1@example.com>\nDate: Mon, 09 Mar 2026 10:00:00 -0500\n"
    f"Content-Type: text/plain; charset=utf-8\n\n{WAITING}\n"
)
TODAY = date(2026, 3, 10)
DOCUMENT_SAYS: dict[str, Any] = {
    "summary": {"document_type": "loan agreement", "summary": "A loan the lender may call at will."},
    "classification": {"primary": "financial", "workstreams": [{"workstream": "financial", "score": 0.9}]},
    "risks": [
        {
            "category": "termination_for_convenience",
            "severity": "P1",
            "action": "structure",
            "title": "Loan callable at will",
            "explanation": "The lender may ask for its money on the day after closing.",
            "quote": CLAUSE,
            "page": 1,
        }
    ],
}
EMAIL_SAYS: dict[str, Any] = {
    "sentiment": {"label": "negative", "score": -0.4, "reason": "Patience is running out."},
    "blockers": [
        {
            "title": "Signed consent",
            "owner": "Harbor Bank",
            "due_date": None,
            "needed_action": "Sign the consent",
            "quote": WAITING,
            "resolved": False,
        }
    ],
}
BRIEF_SAYS = {"headline": "One loan can be called, one consent is missing", "summary": "The loan is callable."}


def says(body: dict[str, Any]) -> dict[str, Any]:
    """What Claude answers, by what it is asked for."""
    asked = body["output_config"]["format"]["schema"]["properties"]
    if "headline" in asked:
        return BRIEF_SAYS
    return EMAIL_SAYS if "sentiment" in asked else DOCUMENT_SAYS


@dataclass(frozen=True)
class Bill:
    """One row of the usage ledger."""

    operation: str
    engine: str
    input_tokens: int
    cost_usd: float
    stop_reason: str | None
    of_document: bool
    of_email: bool


@pytest.fixture
def claude() -> Iterator[FakeClaude]:
    with fake_claude(says) as site:
        yield site


@pytest.fixture
def environment(clean_stack: Stack, claude: FakeClaude) -> dict[str, str]:
    """The stack's, and the key of the fake Claude."""
    return {**clean_stack.environment(), "ANTHROPIC_API_KEY": FAKE_KEY, "ANTHROPIC_BASE_URL": claude.url}


@pytest.fixture
async def runtime(environment: dict[str, str]) -> AsyncIterator[Runtime]:
    async with open_runtime(Settings.load(environ=environment), health=Health()) as opened:
        yield opened


@pytest.fixture
def store(runtime: Runtime) -> Store:
    return runtime.store


@pytest.fixture
async def deal(store: Store) -> Deal:
    return await store.deals.create("Project Alder", time_zone="America/New_York")


@pytest.fixture
async def document(store: Store, deal: Deal, tmp_path: Path) -> Document:
    """A stored contract nobody has read yet."""
    content_hash, key = await stored(store, deal, tmp_path / "loan.txt", CONTRACT)
    return await store.documents.create(
        deal.id,
        name="loan.txt",
        path="loan.txt",
        mime_type="text/plain",
        size_bytes=len(CONTRACT),
        content_hash=content_hash,
        storage_key=key,
    )


@pytest.fixture
async def email(store: Store, deal: Deal, tmp_path: Path) -> Email:
    """A stored message nobody has read yet."""
    content_hash, key = await stored(store, deal, tmp_path / "consent.eml", MESSAGE)
    return await store.emails.create(
        deal.id, name="consent.eml", path="consent.eml", content_hash=content_hash, storage_key=key
    )


async def stored(store: Store, deal: Deal, file: Path, content: str) -> tuple[str, str]:
    await asyncio.to_thread(file.write_text, content)
    content_hash = hashlib.sha256(content.encode()).hexdigest()
    key = f"deals/{deal.id}/{content_hash}"
    await store.files.upload(key, file, content_type="text/plain")
    return content_hash, key


async def bills(stack: Stack) -> list[Bill]:
    connection = await asyncpg.connect(stack.database_url)
    rows = await connection.fetch("select * from ai_usage order by created_at")
    await connection.close()
    return [
        Bill(
            operation=row["operation"],
            engine=row["engine"],
            input_tokens=row["input_tokens"],
            cost_usd=float(row["cost_usd"]),
            stop_reason=row["stop_reason"],
            of_document=row["document_id"] is not None,
            of_email=row["email_id"] is not None,
        )
        for row in rows
    ]


async def ask(runtime: Runtime, *jobs: Job) -> None:
    await request(jobs, operations=runtime.store.operations, queue=runtime.queue)


async def drain(environment: dict[str, str], folder: Path) -> None:
    """One worker of all queues does what there is to do."""
    async with arq("WorkerSettings", "--burst", environment=environment, folder=folder) as worker:
        assert await worker.ends() == 0, worker.lines[-3:]


async def execute_here(job: ProcessDocument, runtime: Runtime) -> Outcome:
    """What becomes of a document's job, as a worker decides it."""
    policy = Policy(attempts=4, backoff_base=5.0, time_limit=60.0)
    arguments = (job.document_id, job.deal_id, job.name.value)
    payload = serialize_job("process_document", arguments, {}, None, 1, serializer=serialize)
    return await execute(
        Claimed(job_id="job", run="1:job", queue="q", payload=payload, size=len(payload), token="w#1", attempt=4),
        functions={each.coroutine.__name__: Runnable(each.coroutine, policy, each.parse) for each in BINDINGS},
        context={"runtime": runtime},
        operations=runtime.store.operations,
        queue="documentProcessing",
    )


async def once_admitted(job: ProcessDocument, runtime: Runtime) -> Outcome:
    """What becomes of it once Claude may be asked again: its bucket released, its breaker closed by the next probe."""
    await runtime.buckets.release("anthropic")
    async with asyncio.timeout(20):
        while isinstance(outcome := await execute_here(job, runtime), Again):
            await asyncio.sleep(0.05)
    return outcome


async def until_claude_may_be_tried(runtime: Runtime) -> None:
    """Its breaker is closed, or a probe is due."""
    async with asyncio.timeout(20):
        while any(one.next_probe > 0 for one in (await runtime.breakers.state(["anthropic"])).values()):
            await asyncio.sleep(0.05)


async def read_document(document: Document, runtime: Runtime) -> ProcessDocument:
    """Ingest it; its analysis is returned, still to be done."""
    ingest = ProcessDocument(document.id, document.deal_id, DocumentOperation.ingest)
    assert isinstance(await execute_here(ingest, runtime), Done)
    return ProcessDocument(document.id, document.deal_id, DocumentOperation.analyze)


async def analysis_of(document: Document, store: Store) -> Operation:
    operations = await store.operations.of_deal(document.deal_id)
    return next(each for each in operations if each.name == DocumentOperation.analyze)


async def test_document_email_and_brief_are_claudes_and_nothing_is_paid_for_twice(
    clean_stack: Stack,
    claude: FakeClaude,
    environment: dict[str, str],
    runtime: Runtime,
    deal: Deal,
    document: Document,
    email: Email,
    tmp_path: Path,
) -> None:
    store = runtime.store
    ingest = ProcessDocument(document.id, deal.id, DocumentOperation.ingest)
    parse = ProcessEmail(email.id, deal.id, EmailOperation.parse)
    await ask(runtime, ingest, parse)
    await drain(environment, tmp_path)

    read, heard = await store.documents.get(document.id), await store.emails.get(email.id)
    assert (read.state, heard.state) == (DocumentState.ready, DocumentState.ready)
    assert read.summary is not None
    assert read.summary.document_type == "loan agreement"
    assert heard.sentiment is not None
    assert heard.sentiment.score == -0.4
    [finding] = await store.findings.of_deal(deal.id)
    [blocker] = await store.blockers.of_deal(deal.id)
    assert finding.citations[0].citation.verification is Verification.verified
    assert blocker.blocker.owner == "Harbor Bank"
    origins = [read.origin, heard.origin, finding.origin, blocker.origin]
    assert {(each.engine, each.model) for each in origins if each} == {(EngineName.claude, "claude-sonnet-5-5")}
    assert None not in origins
    first = await bills(clean_stack)
    assert {(bill.operation, bill.of_document, bill.of_email) for bill in first} == {
        ("document.analyze", True, False),
        ("email.analyze", False, True),
    }
    assert all(bill.engine == "claude" and bill.cost_usd > 0 and bill.input_tokens > 0 for bill in first)

    analyses: list[Job] = [
        ProcessDocument(document.id, deal.id, DocumentOperation.analyze),
        ProcessEmail(email.id, deal.id, EmailOperation.analyze),
    ]
    await ask(runtime, *analyses, GenerateDailyBrief(deal.id, TODAY))
    await drain(environment, tmp_path)

    brief = await store.briefs.get(deal.id, TODAY)
    assert brief is not None
    assert brief.origin.engine is EngineName.claude
    assert BRIEF_SAYS["headline"] in brief.markdown
    assert len(claude.requests) == 3
    again = (await bills(clean_stack))[len(first) :]
    assert {bill.operation: bill.cost_usd > 0 for bill in again} == {
        "document.analyze": False,
        "email.analyze": False,
        "brief.summary": True,
    }
    assert {each.state for each in await store.operations.of_deal(deal.id)} == {OperationState.done}


async def test_a_refusal_is_paid_for_and_fails_the_operation_with_a_sentence(
    clean_stack: Stack, claude: FakeClaude, runtime: Runtime, document: Document
) -> None:
    analyze = await read_document(document, runtime)
    claude.script(refusal())
    assert isinstance(await execute_here(analyze, runtime), Dead)
    failed = await analysis_of(document, runtime.store)
    assert (failed.state, failed.error_code) == (OperationState.failed, "refused")
    assert failed.error_message == "Claude declined to answer for policy reasons."
    [bill] = await bills(clean_stack)
    assert (bill.operation, bill.engine, bill.stop_reason) == ("document.analyze", "claude", "refusal")
    assert bill.of_document
    assert bill.cost_usd > 0
    assert (await runtime.store.documents.get(document.id)).state is DocumentState.ready


@pytest.mark.parametrize("away", [rate_limited(7), overloaded(7)], ids=["429", "529"])
async def test_a_claude_that_is_busy_costs_neither_money_nor_the_last_attempt(
    clean_stack: Stack, claude: FakeClaude, runtime: Runtime, document: Document, away: Behaviour
) -> None:
    analyze = await read_document(document, runtime)
    claude.script(away)
    outcome = await execute_here(analyze, runtime)
    assert isinstance(outcome, Again)
    assert not outcome.burn
    assert outcome.delay == pytest.approx(7, rel=0.2)
    assert (await analysis_of(document, runtime.store)).state is OperationState.queued
    assert await bills(clean_stack) == []
    assert isinstance(await once_admitted(analyze, runtime), Done)
    assert len(await bills(clean_stack)) == 1


async def test_where_allowed_the_offline_engine_stands_in_and_says_so_until_claude_is_back(
    claude: FakeClaude, environment: dict[str, str], document: Document
) -> None:
    settings = Settings.load(environ={**environment, "AI_FALLBACK": "local"})
    async with open_runtime(settings, health=Health()) as runtime:
        analyze = await read_document(document, runtime)
        claude.script(overloaded())
        engines: list[object] = []
        async with asyncio.timeout(20):
            while not engines or engines[-1] is not EngineName.claude:
                assert isinstance(await execute_here(analyze, runtime), Done)
                origin = (await runtime.store.documents.get(document.id)).origin
                engines.append(origin and origin.engine)
    assert engines[0] is EngineName.local


async def test_a_brief_is_written_on_time_without_claude_and_says_who_wrote_it(
    clean_stack: Stack, claude: FakeClaude, runtime: Runtime, environment: dict[str, str], deal: Deal, tmp_path: Path
) -> None:
    claude.script(overloaded(), refusal())
    days = (TODAY, TODAY + timedelta(days=1))
    for day in days:
        await until_claude_may_be_tried(runtime)
        await ask(runtime, GenerateDailyBrief(deal.id, day))
        await drain(environment, tmp_path)
    for day in days:
        brief = await runtime.store.briefs.get(deal.id, day)
        assert brief is not None
        assert (brief.status, brief.origin.engine) == (BriefStatus.partial, EngineName.local)
    paid = [bill for bill in await bills(clean_stack) if bill.cost_usd > 0]
    assert [(bill.operation, bill.engine, bill.stop_reason) for bill in paid] == [
        ("brief.summary", "claude", "refusal")
    ]
