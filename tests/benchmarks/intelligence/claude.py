"""What Claude's part costs: tokens of one reading against three, and our own share of the time.

Against a fake site over HTTP that answers after ``LATENCY`` seconds, with real workers, Redis, Postgres and PostgREST.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from arq.connections import ArqRedis
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.rows import Row
from dealpulse.ai import open_engine
from dealpulse.ai.contract import Engine
from dealpulse.health import Health
from dealpulse.jobs import (
    DocumentOperation,
    EmailOperation,
    GenerateDailyBrief,
    Job,
    ProcessDocument,
    ProcessEmail,
)
from dealpulse.local.stack import Stack, running_stack
from dealpulse.models import Deal, Page, PageKind
from dealpulse.outbox import request
from dealpulse.processors.operations import DOCUMENT_OPERATIONS
from dealpulse.processors.operations.contract import DocumentText
from dealpulse.queue import create_pool
from dealpulse.queue.events import BEGINNING, Event, Events
from dealpulse.settings import AiSettings, Secret, Settings
from dealpulse.store import StoredEmailContent
from dealpulse.store.migrate import apply_migrations
from dealpulse.worker.runtime import Runtime, open_runtime
from fakes.claude import FAKE_KEY, FakeClaude
from fakes.serving import serving
from worker.workers import arq

LATENCY = 1.5
MAILS, AT_ONCE = 500, 10
EACH = 10
SENT = datetime(2026, 3, 2, 9, tzinfo=UTC)
_SUMMARY: dict[str, Any] = {"document_type": "contract", "summary": "A contract.\nOf two parties.\nFor three years."}
_CLASSES: dict[str, Any] = {"primary": "material_contracts", "workstreams": [], "confidence": 0.9}
_DOCUMENT: dict[str, Any] = {"summary": _SUMMARY, "classification": _CLASSES, "risks": []}
_EMAIL: dict[str, Any] = {"sentiment": {"label": "neutral", "score": 0.0, "reason": "A report."}, "blockers": []}
_BRIEF = {"headline": "Nothing is open", "summary": "Nothing has changed."}


def claude_rows(data: Path) -> Iterator[Row]:
    """Tokens and calls first, then the times."""
    yield from asyncio.run(_tokens(data))
    yield from _timed()


def _says(body: dict[str, Any]) -> dict[str, Any]:
    wanted = body["output_config"]["format"]["schema"]["properties"]
    alone = _BRIEF if "headline" in wanted else _SUMMARY if "document_type" in wanted else {}
    answers = {**_DOCUMENT, **_CLASSES, **_EMAIL, **alone}
    return {name: answers[name] for name in wanted if name in answers}


class _Slow:
    """The site, with every question thought about for as long as a model does."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/v1/messages":
            await asyncio.sleep(self._seconds)
        await self._app(scope, receive, send)


@contextmanager
def _site(seconds: float) -> Iterator[FakeClaude]:
    site = FakeClaude(answerer=_says)
    with serving(_Slow(site.app(), seconds)) as site.url:
        yield site


# --- tokens -----------------------------------------------------------------------------------------------------------


class _Remembering:
    """An answer cache in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self._kept.get(key)

    async def put(self, key: str, value: str, *, operation: str, model: str) -> None:
        self._kept[key] = value


async def _tokens(data: Path) -> list[Row]:
    contracts = sorted((data / "contracts").glob("*.txt"))[:12]
    documents = [DocumentText(name=path.name, pages=_pages(path)) for path in contracts]
    apart = (DocumentOperation.summarize, DocumentOperation.extract_risks, DocumentOperation.classify)
    with _site(0.0) as site:
        settings = AiSettings(api_key=Secret(FAKE_KEY), base_url=site.url)
        async with open_engine(settings, cache=None, health=Health()) as plain:
            together = await _billed(site, plain, documents, [DocumentOperation.analyze])
            three = await _billed(site, plain, documents, apart)
        async with open_engine(settings, cache=_Remembering(), health=Health()) as remembering:
            await _billed(site, remembering, documents, [DocumentOperation.analyze])
            before = len(site.requests)
            await _billed(site, remembering, documents, [DocumentOperation.analyze])
            again = len(site.requests) - before
    return [
        Row("tokens of analyze, of three calls'", "x", together / three, {}, "<= 0.45"),
        Row(f"calls for {len(documents)} unchanged documents, second run", "", again, {}, "0"),
    ]


async def _billed(
    site: FakeClaude, engine: Engine, documents: Sequence[DocumentText], operations: Sequence[DocumentOperation]
) -> int:
    """Tokens read and written by the site for these operations on all documents."""
    first = len(site.requests)
    for document in documents:
        for name in operations:
            await DOCUMENT_OPERATIONS[name].run(document, engine=engine)
    return sum(sum(asked.usage.values()) for asked in site.requests[first:])


def _pages(path: Path) -> tuple[Page, ...]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return (Page(number=1, kind=PageKind.page, text=text, char_start=0, char_end=len(text)),)


# --- times ------------------------------------------------------------------------------------------------------------


def _timed() -> Iterator[Row]:
    """With a stack of its own, started here: its servers end with the thread that started them."""

    def migrate(database_url: str) -> None:
        asyncio.run(apply_migrations(database_url))

    with tempfile.TemporaryDirectory(prefix="dealpulse-bench-") as name, _site(LATENCY) as site:
        folder = Path(name)
        folder.chmod(0o711)
        with running_stack(folder / "data", durable=False, prepare_database=migrate) as stack:
            yield from asyncio.run(_times(stack, site, folder))


async def _times(stack: Stack, site: FakeClaude, folder: Path) -> list[Row]:
    environment = {
        **stack.environment(),
        "ANTHROPIC_API_KEY": FAKE_KEY,
        "ANTHROPIC_BASE_URL": site.url,
        "EMAIL_CONCURRENCY": str(AT_ONCE),
        "EMAIL_MAX_PER_DEAL": "0",
    }
    settings = Settings.load(environ=environment)
    async with open_runtime(settings, health=Health()) as runtime:
        pool = await create_pool(settings.redis)
        try:
            return [
                await _many_mails(runtime, pool, environment, folder),
                *await _one_at_a_time(runtime, pool, environment, folder),
            ]
        finally:
            await pool.aclose(close_connection_pool=True)


async def _many_mails(runtime: Runtime, pool: ArqRedis, environment: Mapping[str, str], folder: Path) -> Row:
    deal = await runtime.store.deals.create("Many mails")
    jobs = [await _mail(runtime, deal, number) for number in range(MAILS)]
    async with arq("EmailWorkerSettings", environment=environment, folder=folder) as worker:
        await worker.says("worker_started")
        began = time.perf_counter()
        await _ask(runtime, *jobs)
        await _ended(pool, jobs)
        took = time.perf_counter() - began
    ideal = MAILS / AT_ONCE * LATENCY
    what = f"{MAILS} e-mails at {LATENCY} s, {AT_ONCE} at once, of the ideal {ideal:g} s"
    return Row(what, "%", 100 * ideal / took, {}, ">= 97")


async def _one_at_a_time(runtime: Runtime, pool: ArqRedis, environment: Mapping[str, str], folder: Path) -> list[Row]:
    """Nothing else runs: what a job takes beyond the model's time is ours."""
    deal = await runtime.store.deals.create("One at a time")
    mails = [await _mail(runtime, deal, number) for number in range(MAILS, MAILS + EACH)]
    documents = [await _document(runtime, deal, number) for number in range(EACH)]
    briefs = [GenerateDailyBrief(deal.id, date(2026, 3, 2) + timedelta(days=number)) for number in range(EACH)]
    rows = []
    async with arq("WorkerSettings", environment=environment, folder=folder) as worker:
        await worker.says("worker_started")
        for what, jobs in (("an e-mail", mails), ("a summary", documents), ("a brief", briefs)):
            own = [await _own_share(runtime, pool, job) for job in jobs]
            # The first of its kind also opens connections and loads modules.
            rows.append(Row(f"our own share of {what}, median", "ms", 1000 * median(own[1:]), {}, "<= 50"))
            rows.append(Row(f"our own share of {what}, first", "ms", 1000 * own[0], {}, ""))
    return rows


async def _own_share(runtime: Runtime, pool: ArqRedis, job: Job) -> float:
    """Seconds from claim to finish, less the model's."""
    await _ask(runtime, job)
    await _ended(pool, [job])
    view = await runtime.queue.job(job.id)
    assert view is not None
    assert view.state == "completed", view.error_message
    assert view.started_at is not None
    assert view.finished_at is not None
    return (view.finished_at - view.started_at).total_seconds() - LATENCY


async def _ask(runtime: Runtime, *jobs: Job) -> None:
    await request(jobs, operations=runtime.store.operations, queue=runtime.queue)


async def _ended(pool: ArqRedis, jobs: Sequence[Job]) -> None:
    waiting = {job.id for job in jobs}
    async for news in Events(pool).follow(BEGINNING):
        if isinstance(news, Event) and news.kind in ("completed", "failed", "cancelled"):
            waiting.discard(news.job_id or "")
        if not waiting:
            return


async def _mail(runtime: Runtime, deal: Deal, number: int) -> ProcessEmail:
    name = f"{number}.eml"
    email = await runtime.store.emails.create(
        deal.id, name=name, path=name, content_hash=f"{number:064x}", storage_key=f"deals/{deal.id}/{number:064x}"
    )
    content = StoredEmailContent(
        message_id=f"<{number}@bench.example>",
        in_reply_to=None,
        thread_key=f"<{number}@bench.example>",
        subject=f"Report {number}",
        sender=None,
        to=(),
        cc=(),
        sent_at=SENT + timedelta(minutes=number),
        body_text=f"This is report {number} of the working group.",
        full_text=f"This is report {number} of the working group.",
        events=(),
    )
    await runtime.store.emails.save_content(email.id, content)
    return ProcessEmail(email.id, deal.id, EmailOperation.analyze)


async def _document(runtime: Runtime, deal: Deal, number: int) -> ProcessDocument:
    name = f"{number}.txt"
    document = await runtime.store.documents.create(
        deal.id,
        name=name,
        path=name,
        mime_type="text/plain",
        size_bytes=1,
        content_hash=f"{number:064x}",
        storage_key=f"deals/{deal.id}/{number:064x}",
    )
    text = f"Agreement {number} between two parties. " * 200
    page = Page(number=1, kind=PageKind.page, text=text, char_start=0, char_end=len(text))
    await runtime.store.documents.save_content(document.id, mime_type="text/plain", pages=[page])
    return ProcessDocument(document.id, deal.id, DocumentOperation.summarize)
