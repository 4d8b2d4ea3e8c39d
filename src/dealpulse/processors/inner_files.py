"""Files found inside a document or an e-mail: stored, and made documents of their own."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from msgspec import Struct

from dealpulse.errors import Permanent
from dealpulse.extraction.contract import Attachment, DocumentContent
from dealpulse.jobs import DocumentOperation, Job, ProcessDocument
from dealpulse.models import Document
from dealpulse.store import Store
from dealpulse.store.documents import InnerFile
from dealpulse.store.files import Files, storage_key


class Stored(Struct, frozen=True, kw_only=True):
    """Where a file found inside another is kept."""

    content_hash: str
    key: str
    refusal: Permanent | None = None
    """Why the storage did not take it: it is too large."""


async def stored(file: Attachment, *, deal_id: str, files: Files) -> Stored:
    content_hash = await asyncio.to_thread(_sha256, file.path)
    key = storage_key(deal_id, content_hash)
    try:
        await files.upload(key, file.path, content_type=file.mime_type)
    except Permanent as error:
        if error.code != "too_large":
            raise
        return Stored(content_hash=content_hash, key=key, refusal=error)
    return Stored(content_hash=content_hash, key=key)


async def keep_inner_files(document: Document, content: DocumentContent, *, store: Store) -> list[Job]:
    """Make what was found inside the document documents; returns the jobs that will read those not read yet.

    One too large to store fails alone.
    """
    kept = [(file, await stored(file, deal_id=document.deal_id, files=store.files)) for file in content.files]
    unread = await store.documents.save_inner(
        document.id,
        [_inner_file(file, where) for file, where in kept],
        reading_of=None if content.holds_files else document.content_hash,
    )
    refused = {file.place: where.refusal for file, where in kept if where.refusal is not None}
    jobs: list[Job] = []
    for inner in unread:
        refusal = refused.get(inner.place)
        if refusal is None:
            jobs.append(ProcessDocument(inner.id, document.deal_id, DocumentOperation.ingest))
        else:
            await store.documents.mark_failed(inner.id, code=refusal.code, reason=refusal.message)
    return jobs


async def forget_inner_files(document: Document, *, reading_of: str | None = None, store: Store) -> None:
    """Nothing is inside any more; ``reading_of`` as for :meth:`Documents.save_inner`."""
    await store.documents.save_inner(document.id, (), reading_of=reading_of)


def _inner_file(file: Attachment, where: Stored) -> InnerFile:
    return InnerFile(
        place=file.place,
        name=file.name,
        mime_type=file.mime_type,
        size_bytes=file.size_bytes,
        content_hash=where.content_hash,
        storage_key=where.key,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
