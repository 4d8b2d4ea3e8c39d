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
from dealpulse.web.errors import HttpFault, invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get, post, post_json
from dealpulse.web.wire import (
    DocumentAnswer,
    DocumentRequest,
    DocumentsAnswer,
    DocumentView,
    ProcessingAnswer,
    UploadAnswer,
)

_UNTOLD: Final = ("", "application/octet-stream", "application/x-www-form-urlencoded")
"""Content types that say nothing; the last is what curl sends unasked."""


async def process(request: ApiRequest, asked: DocumentRequest) -> ProcessingAnswer:
    document_id = request.path_params["document_id"]
    if asked.document_id.casefold() != document_id.casefold():
        raise invalid("The address names one document, the body another.", code="contradicting_ids", field="documentId")
    enqueued = await request.state["intake"].queue_document_processing(document_id, asked.deal_id, asked.operation)
    return ProcessingAnswer(job_id=enqueued.job_id)


async def upload(request: ApiRequest) -> UploadAnswer:
    """The body is the file; ``?name=`` is its name."""
    name = request.query_params.get("name", "")
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
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    return DocumentsAnswer(documents=[_view(each) for each in await request.state["store"].documents.of_deal(deal.id)])


async def document(request: ApiRequest) -> DocumentAnswer:
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
    post("/deals/{deal_id}/documents", upload, status=201, uploads=True, scope=Scope.enqueue, about=about.path),
    get("/deals/{deal_id}/documents", documents_of_deal, about=about.path),
)
