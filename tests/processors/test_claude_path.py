"""With a key, Claude answers: from a stored file through the workers to rows, bills and a brief."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from arq.jobs import serialize_job

from dealpulse.errors import BudgetExceeded
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
from dealpulse.worker.schedule import reconcile_queues
from fakes.claude import (
    FAKE_KEY,
    Behaviour,
    FakeClaude,
    context_window_exceeded,
    fake_claude,
    out_of_tokens,
    overloaded,
    prompt_too_long,
    rate_limited,
    refusal,
    status,
)
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
OVERVIEW_SAYS = {"document_type": "loan agreement", "summary": "A loan.\nCallable.\nAt will."}
BRIEF_SAYS = {"headline": "One loan can be called, one consent is missing", "summary": "The loan is callable."}


def says(body: dict[str, Any]) -> dict[str, Any]:
    """What Claude answers, by what it is asked for."""
    asked = body["output_config"]["format"]["schema"]["properties"]
    if "headline" in asked:
        return BRIEF_SAYS
    if "document_type" in asked:
        return OVERVIEW_SAYS
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


async def make_due(stack: Stack) -> int:
    """Everything put off until later is due now; returns how much there is."""
    connection = await asyncpg.connect(stack.database_url)
    done: str = await connection.execute("update deferred_operations set due_at = now()")
    await connection.close()
    return int(done.split()[-1])


async def test_where_allowed_the_offline_engine_stands_in_and_claudes_answer_replaces_it_later(
    clean_stack: Stack,
    claude: FakeClaude,
    environment: dict[str, str],
    document: Document,
    email: Email,
    tmp_path: Path,
) -> None:
    allowing = {**environment, "AI_FALLBACK": "local"}
    async with open_runtime(Settings.load(environ=allowing), health=Health()) as runtime:
        store = runtime.store
        claude.narrow(0, status(401, "authentication_error"))
        ingest = ProcessDocument(document.id, document.deal_id, DocumentOperation.ingest)
        await ask(runtime, ingest, ProcessEmail(email.id, email.deal_id, EmailOperation.parse))
        await drain(allowing, tmp_path)

        read, heard = await store.documents.get(document.id), await store.emails.get(email.id)
        assert [one.origin and one.origin.engine for one in (read, heard)] == [EngineName.local] * 2
        assert {each.state for each in await store.operations.of_deal(document.deal_id)} == {OperationState.done}
        asked = len(claude.requests)
        await reconcile_queues({"runtime": runtime})
        await drain(allowing, tmp_path)
        assert len(claude.requests) == asked

        assert await make_due(clean_stack) == 2
        await reconcile_queues({"runtime": runtime})
        await drain(allowing, tmp_path)
        assert len(claude.requests) == asked + 2
        assert (await store.documents.get(document.id)).origin == read.origin

        claude.forget()
        claude.answerer = says
        assert await make_due(clean_stack) == 2
        await reconcile_queues({"runtime": runtime})
        await drain(allowing, tmp_path)
        read, heard = await store.documents.get(document.id), await store.emails.get(email.id)
        assert [one.origin and one.origin.engine for one in (read, heard)] == [EngineName.claude] * 2
        assert read.summary is not None
        assert read.summary.document_type == "loan agreement"
        assert {each.origin.engine for each in await store.findings.of_deal(document.deal_id)} == {EngineName.claude}
        assert await make_due(clean_stack) == 0


@pytest.mark.parametrize(
    ("beyond", "is_billed"),
    [(prompt_too_long(), False), (context_window_exceeded(), True), (out_of_tokens(), True)],
    ids=["400", "window exceeded", "out of room"],
)
async def test_a_contract_longer_than_the_model_can_take_is_read_in_sections_to_its_end(
    clean_stack: Stack,
    claude: FakeClaude,
    runtime: Runtime,
    deal: Deal,
    tmp_path: Path,
    beyond: Behaviour,
    is_billed: bool,
) -> None:
    filler = "The parties met and agreed on nothing of note whatever. " * 4_000
    content_hash, key = await stored(runtime.store, deal, tmp_path / "long.txt", f"{filler}\n\n{CLAUSE}\n")
    document = await runtime.store.documents.create(
        deal.id,
        name="long.txt",
        path="long.txt",
        mime_type="text/plain",
        size_bytes=1,
        content_hash=content_hash,
        storage_key=key,
    )
    claude.narrow(40_000, beyond)
    claude.answerer = lambda body: says(body) | ({} if CLAUSE in str(body["messages"]) else {"risks": []})
    analyze = await read_document(document, runtime)
    assert isinstance(await execute_here(analyze, runtime), Done)

    read = await runtime.store.documents.get(document.id)
    assert read.summary is not None
    assert len(read.summary.sections) >= 2
    assert len(read.summary.summary.splitlines()) <= 5
    [finding] = await runtime.store.findings.of_deal(deal.id)
    assert finding.citations[0].citation.page == read.page_count
    paid = await bills(clean_stack)
    assert sum(bill.input_tokens for bill in paid) == sum(
        asked.usage["input_tokens"] for asked in claude.requests if is_billed or asked.usage["input_tokens"] <= 40_000
    )
    assert {bill.operation for bill in paid} == {"document.analyze", "document.overview"}


async def test_a_worker_says_at_its_start_that_a_model_does_not_exist_and_works_on(
    environment: dict[str, str], tmp_path: Path
) -> None:
    wrong = {**environment, "ANTHROPIC_MODELS": "email=claude-unheard-of"}
    async with arq("EmailWorkerSettings", environment=wrong, folder=tmp_path) as worker:
        line = await worker.says("ai_models_wrong")
        assert (line["level"], line["code"]) == ("error", "ai_model_unknown")
        assert "claude-sonnet-5-5" in str(line["advice"])
        await worker.says("worker_started")
        worker.process.terminate()
        assert await worker.ends() == 0


async def test_a_spent_budget_puts_work_off_until_tomorrow_and_burns_no_attempt(
    clean_stack: Stack,
    claude: FakeClaude,
    environment: dict[str, str],
    document: Document,
    email: Email,
    tmp_path: Path,
) -> None:
    frugal = {**environment, "AI_DAILY_BUDGET_USD": "0.000001"}
    async with open_runtime(Settings.load(environ=frugal), health=Health()) as runtime:
        analyze = await read_document(document, runtime)
        assert isinstance(await execute_here(analyze, runtime), Done)
        asked = len(claude.requests)

        classify = ProcessDocument(document.id, document.deal_id, DocumentOperation.classify)
        outcome = await execute_here(classify, runtime)
        assert isinstance(outcome, Again)
        assert not outcome.burn
        assert isinstance(outcome.error, BudgetExceeded)
        midnight = datetime.now(ZoneInfo("America/New_York")).date() + timedelta(days=1)
        assert outcome.error.until.astimezone(ZoneInfo("America/New_York")).date() == midnight
        assert 0 < outcome.delay <= 25 * 3600

        assert isinstance(await execute_here(analyze, runtime), Done)

        await ask(runtime, GenerateDailyBrief(document.deal_id, TODAY))
        await drain(frugal, tmp_path)
        brief = await runtime.store.briefs.get(document.deal_id, TODAY)
        assert brief is not None
        assert (brief.status, brief.origin.engine) == (BriefStatus.partial, EngineName.local)
        assert len(claude.requests) == asked


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
