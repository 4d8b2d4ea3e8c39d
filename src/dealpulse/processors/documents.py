"""What the document queue does: read a file into pages, and ask about the pages."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog
from msgspec.structs import replace

from dealpulse.ai.contract import Engine, Unanswered
from dealpulse.ai.local import LOCAL_ORIGIN
from dealpulse.errors import NotFound, Permanent, Unreadable
from dealpulse.extraction import extract_document
from dealpulse.extraction.contract import DocumentContent, Limits
from dealpulse.jobs import DocumentOperation, ProcessDocument
from dealpulse.models import Document, DocumentAnalysis, DocumentState, Page
from dealpulse.outbox import request
from dealpulse.processors.accounts import OnAccount
from dealpulse.processors.inner_files import forget_inner_files, keep_inner_files
from dealpulse.processors.operations import DOCUMENT_OPERATIONS
from dealpulse.processors.operations.contract import DocumentText
from dealpulse.processors.operations.reading import read_findings
from dealpulse.processors.scratch import downloaded, scratch_folder
from dealpulse.queue import QueueClient
from dealpulse.store import Store

_log = structlog.get_logger("dealpulse.processors.documents")


async def process_document(
    job: ProcessDocument, *, store: Store, queue: QueueClient, engine: Engine, limits: Limits
) -> dict[str, object]:
    """Do one operation on one document and return what was done, in numbers.

    Running it twice leaves the same rows.

    Raises:
        NotFound: there is no such document in this deal (any more).
        Unreadable: the file cannot be read; the document says why.
    """
    asking = job.name is not DocumentOperation.ingest
    # At once: the one is small, and the other is wanted unless something is wrong.
    document, pages = await asyncio.gather(
        store.documents.get(job.document_id), store.documents.pages(job.document_id if asking else "")
    )
    if document.deal_id != job.deal_id:
        raise NotFound("The document belongs to another deal.", code="document_not_found")
    if document.state is DocumentState.deleted:
        return {"skipped": "deleted"}
    if not asking:
        return await _ingest(document, store=store, queue=queue, limits=limits)
    return await _ask(document, pages, job, store=store, engine=engine)


async def _ingest(document: Document, *, store: Store, queue: QueueClient, limits: Limits) -> dict[str, object]:
    analyze = ProcessDocument(document.id, document.deal_id, DocumentOperation.analyze)
    reused = await store.documents.reuse_reading(document.id)
    if reused:
        await forget_inner_files(document, reading_of=document.content_hash, store=store)
        await request([analyze], operations=store.operations, queue=queue)
        return {"pages": reused, "reused": True}
    async with scratch_folder() as folder:
        try:
            content = await _read(document, folder, store=store, limits=limits)
        except Unreadable as error:
            await store.documents.mark_failed(document.id, code=error.code, reason=error.message)
            await forget_inner_files(document, store=store)
            raise
        await store.documents.save_content(document.id, mime_type=content.mime_type, pages=content.pages)
        follow_up = await keep_inner_files(document, content, store=store)
    if not content.only_lists:
        follow_up.append(analyze)
    await request(follow_up, operations=store.operations, queue=queue)
    return {"pages": len(content.pages), "format": content.format, "files": len(content.files)}


async def _read(document: Document, folder: Path, *, store: Store, limits: Limits) -> DocumentContent:
    """Files inside are written to ``folder``, unless the document lies too deep in others itself.

    What others have taken out of the same outermost file is counted before the reading. Several of its archives read
    at once may so go over the limit, each by no more than one archive may hold.
    """
    nesting = await store.documents.nesting(document.id)
    allowance = replace(
        limits,
        max_inner_files=max(0, limits.max_inner_files - nesting.files),
        max_inner_bytes=max(0, limits.max_inner_bytes - nesting.size_bytes),
    )
    files_dir = folder if nesting.depth < limits.max_depth else None
    async with downloaded(store.files, document.storage_key) as path:
        return await extract_document(path, name=document.name, limits=allowance, files_dir=files_dir)


async def _ask(
    document: Document, pages: tuple[Page, ...], job: ProcessDocument, *, store: Store, engine: Engine
) -> dict[str, object]:
    if document.state is DocumentState.failed:
        raise Permanent(f"The document could not be read: {document.failure_reason}", code="document_unreadable")
    if not pages:
        raise Permanent("The document has not been read yet; ask for its ingestion first.", code="not_ingested")
    text = DocumentText(name=document.name, pages=pages)
    async with OnAccount(engine, store=store, deal_id=document.deal_id, document_id=document.id) as on_account:
        try:
            result = await DOCUMENT_OPERATIONS[job.name].run(text, engine=on_account)
        except Unanswered:
            # It may be the document's own doing: what tells its reader to keep silent is told all the same.
            findings = await asyncio.to_thread(read_findings, [], text)
            if findings:
                await store.documents.save_analysis(document.id, DocumentAnalysis(findings=findings), LOCAL_ORIGIN)
            raise
        await store.documents.save_analysis(document.id, result.analysis, result.origin)
    if result.provisional:
        await store.operations.ask_later(job.operation)
    return {"engine": result.origin.engine.value, "findings": len(result.analysis.findings or ())}
