"""Documents: ask for their processing, upload, list, look at one."""

from __future__ import annotations

import asyncio
import mimetypes
import tempfile
from pathlib import Path
from typing import IO, Final

from dealpulse.models import Document
from dealpulse.web import about
from dealpulse.web.access.identity import Scope
from dealpulse.web.api.terms import terms_of
from dealpulse.web.errors import HttpFault, invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get, post_file, post_json
from dealpulse.web.wire import (
    DocumentAnswer,
    DocumentRequest,
    DocumentsAnswer,
    DocumentView,
    ProcessingAnswer,
    UploadAnswer,
    UploadQuery,
)

_UNTOLD: Final = ("", "application/octet-stream", "application/x-www-form-urlencoded")
"""Content types that say nothing; the last is what curl sends unasked."""


async def process(request: ApiRequest, asked: DocumentRequest) -> ProcessingAnswer:
    """Ask for one operation on a document, named by the address and by the body alike."""
    document_id = request.path_params["document_id"]
    if asked.document_id.casefold() != document_id.casefold():
        raise invalid("The address names one document, the body another.", code="contradicting_ids", field="documentId")
    enqueued = await request.state["intake"].queue_document_processing(
        document_id, asked.deal_id, asked.operation, terms=terms_of(asked)
    )
    return ProcessingAnswer(job_id=enqueued.job_id)


async def upload(request: ApiRequest, asked: UploadQuery) -> UploadAnswer:
    """Store the file that is the body as a document of the deal and ask for it to be read."""
    name = asked.name
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type.startswith("multipart/"):
        message = "Send the file's bytes as the body, for example with curl --data-binary @FILE, not as a form."
        raise HttpFault(415, code="unsupported_media_type", message=message)
    if not name:
        raise invalid("Say the file's name: ?name=contract.pdf", code="invalid_name", field="name")
    if content_type in _UNTOLD:
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    with tempfile.NamedTemporaryFile(prefix="dealpulse-upload-") as file:
        await _receive(request, file.file)
        uploaded = await request.state["intake"].upload_document(
            request.path_params["deal_id"], name=name, path=Path(file.name), mime_type=content_type
        )
    return UploadAnswer(
        document=_view(uploaded.document),
        job_id=uploaded.enqueued.job_id,
        deduplicated=uploaded.enqueued.deduplicated,
    )


async def documents_of_deal(request: ApiRequest) -> DocumentsAnswer:
    """The deal's documents, by path."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    return DocumentsAnswer(documents=[_view(each) for each in await request.state["store"].documents.of_deal(deal.id)])


async def document(request: ApiRequest) -> DocumentAnswer:
    """One document: what it is, and whether it could be read."""
    return DocumentAnswer(
        document=_view(await request.state["store"].documents.get(request.path_params["document_id"]))
    )


async def _receive(request: ApiRequest, file: IO[bytes]) -> None:
    async for chunk in request.stream():
        await asyncio.to_thread(file.write, chunk)
    await asyncio.to_thread(file.flush)


def _view(document: Document) -> DocumentView:
    return DocumentView(
        id=document.id,
        deal_id=document.deal_id,
        name=document.name,
        path=document.path,
        mime_type=document.mime_type,
        size_bytes=document.size_bytes,
        state=document.state.value,
        failure_code=document.failure_code,
        failure_reason=document.failure_reason,
        page_count=document.page_count,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json(
        "/documents/{document_id}/process", process, takes=DocumentRequest, scope=Scope.enqueue, about=about.document
    ),
    get("/documents/{document_id}", document, about=about.document),
    post_file("/deals/{deal_id}/documents", upload, asks=UploadQuery, about=about.path),
    get("/deals/{deal_id}/documents", documents_of_deal, about=about.path),
)
