"""How fast files become stored pages, and how much of that is the start of the sandboxed child."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from benchmarks.rows import Row
from dealpulse.extraction import extract_document
from dealpulse.extraction.child import answer
from dealpulse.extraction.contract import Limits
from dealpulse.extraction.protocol import Read, Request
from dealpulse.health import Health
from dealpulse.jobs import DocumentOperation, ProcessDocument
from dealpulse.local.stack import Stack, running_stack
from dealpulse.models import Deal
from dealpulse.processors.documents import process_document
from dealpulse.settings import Settings
from dealpulse.store.files import storage_key
from dealpulse.store.migrate import apply_migrations
from dealpulse.worker.runtime import Runtime, open_runtime

_SIZES = ((40, 1), (20, 10), (2, 200))
"""So many PDFs of so many pages."""
_AT_ONCE = 5
"""As one document worker does."""
_LINES = 45
_STARTS = 15
_CLAUSE = "The Supplier shall indemnify the Customer against all losses arising from breach number"


def ingest_rows(_: Path) -> Iterator[Row]:
    """The figures, from files written here, with a stack of its own: its servers end with the thread that started
    them."""

    def migrate(database_url: str) -> None:
        asyncio.run(apply_migrations(database_url))

    with tempfile.TemporaryDirectory(prefix="dealpulse-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield from _sandbox(folder)
        with running_stack(folder / "data", durable=False, prepare_database=migrate) as stack:
            yield from asyncio.run(_ingested(stack, folder))


# --- the child alone --------------------------------------------------------------------------------------------------


def _sandbox(folder: Path) -> Iterator[Row]:
    path = _pdf(folder / "one.pdf", pages=1, number=0)
    confined = asyncio.run(_confined(path))
    began = time.perf_counter()
    for _ in range(_STARTS):
        assert isinstance(answer(_request(path)), Read)
    inside = 1000 * (time.perf_counter() - began) / _STARTS
    yield Row("a one-page PDF read in a child of its own, median", "ms", confined, {"in the process": inside}, "")
    yield Row("of that, starting the child", "%", 100 * (confined - inside) / confined, {}, "")


async def _confined(path: Path) -> float:
    """Milliseconds, one child after the other."""
    took = []
    for _ in range(_STARTS):
        began = time.perf_counter()
        await extract_document(path, name=path.name, limits=Limits())
        took.append(1000 * (time.perf_counter() - began))
    return median(took)


def _request(path: Path) -> Request:
    return Request(path=path, name=path.name, as_email=False, files_dir=None, limits=Limits())


# --- from the stored file to the stored pages -------------------------------------------------------------------------


async def _ingested(stack: Stack, folder: Path) -> list[Row]:
    settings = Settings.load(environ=stack.environment())
    async with open_runtime(settings, health=Health()) as runtime:
        deal = await runtime.store.deals.create("Ingestion")
        return [await _rate(runtime, deal, folder, files, pages) for files, pages in _SIZES]


async def _rate(runtime: Runtime, deal: Deal, folder: Path, files: int, pages: int) -> Row:
    jobs = [await _stored(runtime, deal, _pdf(folder / f"{pages}-{n}.pdf", pages, n)) for n in range(files)]
    began = time.perf_counter()
    await _done(runtime, jobs)
    took = time.perf_counter() - began
    first = await runtime.store.documents.pages(jobs[0].document_id)
    assert len(first) == pages
    what = f"ingested end to end, {files} PDFs of {pages} page{'s' if pages > 1 else ''}, {_AT_ONCE} at once"
    return Row(what, "pages/s", files * pages / took, {}, "")


async def _done(runtime: Runtime, jobs: Sequence[ProcessDocument]) -> None:
    """Each downloaded, read, saved, and its analysis asked for, which nobody does here."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(job: ProcessDocument) -> None:
        async with places:
            await process_document(
                job, store=runtime.store, queue=runtime.queue, engine=runtime.engine, limits=runtime.limits
            )

    await asyncio.gather(*map(one, jobs))


async def _stored(runtime: Runtime, deal: Deal, path: Path) -> ProcessDocument:
    content = await asyncio.to_thread(path.read_bytes)
    content_hash = hashlib.sha256(content).hexdigest()
    key = storage_key(deal.id, content_hash)
    await runtime.store.files.upload(key, path, content_type="application/pdf")
    document = await runtime.store.documents.create(
        deal.id,
        name=path.name,
        path=path.name,
        mime_type="application/pdf",
        size_bytes=len(content),
        content_hash=content_hash,
        storage_key=key,
    )
    return ProcessDocument(document.id, deal.id, DocumentOperation.ingest)


def _pdf(path: Path, pages: int, number: int) -> Path:
    """A full page of clauses each; no two files are the same."""
    canvas = Canvas(str(path), pagesize=A4)
    for page in range(pages):
        for line in range(_LINES):
            canvas.drawString(50, 790 - 16 * line, f"{_CLAUSE} {number}.{page}.{line}.")
        canvas.showPage()
    canvas.save()
    return path
