"""Documents: what they are, their pages, and what was found out about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from dealpulse.errors import NotFound
from dealpulse.models import Document, DocumentAnalysis, DocumentVersion, Origin, Page
from dealpulse.store.database import Database, is_uuid

_COLUMNS: Final = (
    "id,deal_id,name,path,mime_type,size_bytes,content_hash,storage_key,state,failure_code,failure_reason,page_count,"
    "source_id,external_id,email_id,parent_id,duplicate_of,web_link,summary:ai_summary,classification:ai_classification,origin:ai_origin,"
    "created_at,updated_at"
)
_PAGE_COLUMNS: Final = "number,kind,text,char_start,char_end,label,method,confidence,rotation,warnings"
_VERSION_COLUMNS: Final = (
    "document_id,number,name,mime_type,size_bytes,content_hash,storage_key,page_count,summary,classification,origin,"
    "replaced_at"
)
_PAGES_AT_ONCE: Final = 250
_LAST_PAGE: Final = 2**31 - 1
_MOST_GONE: Final = 200
_MOST_FAINT: Final = 200


class Nesting(Struct, frozen=True):
    """How deep a document lies (an attachment, or a file in an archive: 1), and what was taken out of the outermost
    file or e-mail it lies in, what is inside the document itself left out."""

    depth: int
    files: int
    size_bytes: int


class InnerFile(Struct, frozen=True, kw_only=True):
    """A stored file that was found inside a document."""

    place: str
    """Its path in there, ``/``-separated, unlike every other one's."""
    name: str
    mime_type: str
    size_bytes: int
    content_hash: str
    storage_key: str


class InnerDocument(Struct, frozen=True):
    id: str
    place: str


class FaintlyRead(Struct, frozen=True):
    """A page whose scan was hard to read. ``confidence`` is 0..1."""

    document_id: str
    number: int
    confidence: float


class Documents:
    """The documents this service has the file of; rows of the app without one do not exist here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        deal_id: str,
        *,
        name: str,
        path: str,
        mime_type: str | None,
        size_bytes: int,
        content_hash: str,
        storage_key: str,
        email_id: str | None = None,
    ) -> Document:
        """A document that was uploaded, or attached to an e-mail.

        The same name and content again, in the same deal or e-mail, is the same document.
        Raises NotFound (``deal_not_found``, ``email_not_found``).
        """
        if not is_uuid(deal_id):
            raise NotFound("There is no such deal.", code="deal_not_found")
        if email_id is not None and not is_uuid(email_id):
            raise NotFound("There is no such e-mail in this deal.", code="email_not_found")
        document_id = await self._database.call(
            "create_document",
            str,
            deal_id=deal_id,
            name=name,
            path=path,
            mime_type=mime_type,
            size_bytes=size_bytes,
            content_hash=content_hash,
            storage_key=storage_key,
            email_id=email_id,
        )
        return await self.get(document_id)

    async def get(self, document_id: str) -> Document:
        """Raises NotFound (``document_not_found``)."""
        _check(document_id)
        table = self._database.client.table("documents")
        query = table.select(_COLUMNS).eq("id", document_id).not_.is_("storage_key", "null").limit(1)
        document = await self._database.first(query, Document)
        if document is None:
            raise _missing()
        return document

    async def of_deal(self, deal_id: str) -> list[Document]:
        """The deal's documents by path; those gone from their source are left out."""
        if not is_uuid(deal_id):
            return []
        found = await self._database.every(
            "documents",
            _COLUMNS,
            Document,
            narrow=lambda query: query.eq("deal_id", deal_id).neq("state", "deleted").not_.is_("storage_key", "null"),
        )
        return sorted(found, key=lambda document: (document.path, document.name, document.id))

    async def save_content(self, document_id: str, *, mime_type: str, pages: Sequence[Page]) -> None:
        """Replace the document's pages and call it ready, in one transaction. One deleted meanwhile stays so."""
        _check(document_id)
        await self._database.perform(
            "save_document_content", document_id=document_id, mime_type=mime_type, pages=list(pages)
        )

    async def reuse_reading(self, document_id: str) -> int:
        """Take over the pages of a document of the deal that has the same content and the same extension, and call this
        one ready; returns their number. 0: there is none, or this one was read before."""
        _check(document_id)
        return await self._database.call("reuse_reading", int, document_id=document_id)

    async def nesting(self, document_id: str) -> Nesting:
        """Of a document that exists."""
        _check(document_id)
        return await self._database.call("document_nesting", Nesting, document_id=document_id)

    async def save_inner(
        self, document_id: str, files: Sequence[InnerFile], *, reading_of: str | None
    ) -> list[InnerDocument]:
        """Make these the documents found inside this one; returns those that were not read yet.

        A file that is known by its place stays the same document, with new content if it has any; a document inside
        that is not among ``files`` is deleted, with all inside it. ``reading_of`` is the content hash of what was
        read, where the pages are all there is in it: another document with the same content may take them over.
        """
        _check(document_id)
        return await self._database.call(
            "save_inner_documents",
            list[InnerDocument],
            document_id=document_id,
            reading_of=reading_of,
            files=list(files),
        )

    async def versions(self, document_id: str) -> list[DocumentVersion]:
        """What the document was before, oldest first; none where its content never changed."""
        if not is_uuid(document_id):
            return []
        return await self._database.every(
            "document_versions",
            _VERSION_COLUMNS,
            DocumentVersion,
            narrow=lambda query: query.eq("document_id", document_id),
            key="number",
        )

    async def mark_failed(self, document_id: str, *, code: str, reason: str) -> None:
        """It cannot be read; what an earlier version of the file said is withdrawn."""
        _check(document_id)
        await self._database.perform("fail_document", document_id=document_id, code=code, reason=reason)

    async def pages(self, document_id: str) -> tuple[Page, ...]:
        """All pages in order; none for a document that was not read yet or does not exist."""
        if not is_uuid(document_id):
            return ()
        return tuple(
            await self._database.every(
                "document_pages",
                _PAGE_COLUMNS,
                Page,
                narrow=lambda query: query.eq("document_id", document_id),
                key="number",
                page_rows=_PAGES_AT_ONCE,
            )
        )

    async def some_pages(self, document_id: str, numbers: Collection[int]) -> tuple[Page, ...]:
        """Those of the document's pages that have one of these numbers, in order."""
        if not is_uuid(document_id) or not numbers:
            return ()
        table = self._database.client.table("document_pages")
        wanted = sorted(number for number in numbers if number <= _LAST_PAGE)
        query = table.select(_PAGE_COLUMNS).eq("document_id", document_id).in_("number", wanted).order("number")
        return tuple(await self._database.rows(query, Page))

    async def gone(self, deal_id: str) -> list[Document]:
        """Documents of the deal that no source has any more, the last to go first; at most 200."""
        if not is_uuid(deal_id):
            return []
        table = self._database.client.table("documents")
        query = table.select(_COLUMNS).eq("deal_id", deal_id).eq("state", "deleted").not_.is_("storage_key", "null")
        return await self._database.rows(query.order("updated_at", desc=True).order("id").limit(_MOST_GONE), Document)

    async def faintly_read(self, deal_id: str, *, below: float) -> list[FaintlyRead]:
        """Scanned pages of the deal read with less confidence than ``below``, the worst first; at most 200."""
        if not is_uuid(deal_id):
            return []
        table = self._database.client.table("document_pages")
        query = table.select("document_id,number,confidence,documents!inner(deal_id)").eq("documents.deal_id", deal_id)
        worst = query.lt("confidence", below).order("confidence").order("document_id").order("number")
        return await self._database.rows(worst.limit(_MOST_FAINT), FaintlyRead)

    async def save_analysis(self, document_id: str, analysis: DocumentAnalysis, origin: Origin) -> None:
        """Save what one run found out, in one transaction; parts that are None leave stored results alone.

        Findings replace this document's citations. A finding no document cites any more is resolved, one that is
        cited again is open again, and a rejected one stays rejected.
        """
        _check(document_id)
        await self._database.perform(
            "save_document_analysis",
            document_id=document_id,
            summary=analysis.summary,
            classification=analysis.classification,
            findings=analysis.findings,
            origin=origin,
        )


def _check(document_id: str) -> None:
    if not is_uuid(document_id):
        raise _missing()


def _missing() -> NotFound:
    return NotFound("There is no such document.", code="document_not_found")
