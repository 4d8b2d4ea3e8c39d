"""Documents inside documents, earlier versions, and the same content twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dealpulse.errors import NotFound
from dealpulse.models import Deal, Document, DocumentAnalysis, DocumentState, FindingStatus, OperationState, SourceType
from dealpulse.store import Store
from dealpulse.store.documents import InnerDocument, InnerFile
from store.samples import (
    CLASSIFICATION,
    CLAUDE,
    NOBODY,
    SUMMARY,
    finding,
    item,
    operation,
    page,
    sha256,
    stored_document,
    stored_email,
)


def inner(place: str, text: str = "one") -> InnerFile:
    return InnerFile(
        place=place,
        name=place.rpartition("/")[2],
        mime_type="text/plain",
        size_bytes=len(text),
        content_hash=sha256(text),
        storage_key=f"deals/{sha256(text)}",
    )


async def holding(store: Store, document: Document, *files: InnerFile) -> list[InnerDocument]:
    return await store.documents.save_inner(document.id, files, reading_of=None)


async def read(store: Store, document_id: str, text: str = "text", *, reading_of: str = sha256("one")) -> None:
    await store.documents.save_content(document_id, mime_type="text/plain", pages=[page(1, text)])
    await store.documents.save_inner(document_id, (), reading_of=reading_of)


async def paths(store: Store, deal: Deal) -> list[str]:
    return [document.path for document in await store.documents.of_deal(deal.id)]


# --- inside -----------------------------------------------------------------------------------------------------------


async def test_what_is_inside_lies_below_its_document_and_is_unread(store: Store, deal: Deal) -> None:
    archive = await stored_document(store, deal, "room.zip")

    unread = await holding(store, archive, inner("a/lease.txt"), inner("b/lease.txt"))

    assert [one.place for one in unread] == ["a/lease.txt", "b/lease.txt"]
    first = await store.documents.get(unread[0].id)
    assert (first.parent_id, first.name, first.path) == (archive.id, "lease.txt", "Legal/room.zip/a/lease.txt")
    assert first.state is DocumentState.new


async def test_the_same_files_inside_again_are_the_same_documents(store: Store, deal: Deal) -> None:
    archive = await stored_document(store, deal, "room.zip")
    unread = await holding(store, archive, inner("a.txt"), inner("b.txt"))
    await read(store, unread[0].id)
    before = await store.documents.of_deal(deal.id)

    again = await holding(store, archive, inner("a.txt"), inner("b.txt"))

    assert again == unread[1:], "what was read stays read"
    assert [one.id for one in await store.documents.of_deal(deal.id)] == [one.id for one in before]
    assert await store.documents.pages(unread[0].id) == (page(1, "text"),)


async def test_a_changed_archive_loses_and_replaces_what_is_inside(store: Store, deal: Deal) -> None:
    archive = await stored_document(store, deal, "room.zip")
    gone, changed = await holding(store, archive, inner("a.txt"), inner("b.txt"))
    await read(store, changed.id)

    unread = await holding(store, archive, inner("b.txt", "two"))

    assert unread == [changed]
    assert (await store.documents.get(gone.id)).state is DocumentState.deleted
    (version,) = await store.documents.versions(changed.id)
    assert version.content_hash == sha256("one")


async def test_what_is_inside_goes_and_comes_back_with_its_document(store: Store, deal: Deal) -> None:
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    (asked,) = await store.sources.save_page(source.id, sync_id="1", items=[item("a.zip")], removed=[], cursor=None)
    archive = await store.documents.get(asked.subject_id)
    (nested,) = await holding(store, archive, inner("b.zip"))
    (deepest,) = await holding(store, await store.documents.get(nested.id), inner("c.txt"))
    await store.documents.save_content(deepest.id, mime_type="text/plain", pages=[page(1, "may terminate")])
    await store.documents.save_analysis(deepest.id, DocumentAnalysis(findings=(finding("f1"),)), CLAUDE)
    await store.operations.ask([operation(deepest.id, deal.id)])

    await store.sources.save_page(source.id, sync_id="2", items=[], removed=["a.zip"], cursor=None)

    assert await paths(store, deal) == []
    (withdrawn,) = await store.findings.of_deal(deal.id)
    assert withdrawn.status is FindingStatus.resolved
    assert deepest.id not in {one.subject_id for one in await store.operations.of_deal(deal.id)}

    await store.sources.save_page(source.id, sync_id="3", items=[item("a.zip")], removed=[], cursor=None)
    assert await holding(store, archive, inner("b.zip")) == [nested]


async def test_what_is_inside_moves_with_its_document(store: Store, deal: Deal) -> None:
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    (asked,) = await store.sources.save_page(source.id, sync_id="1", items=[item("1")], removed=[], cursor=None)
    (nested,) = await holding(store, await store.documents.get(asked.subject_id), inner("b.zip"))
    await holding(store, await store.documents.get(nested.id), inner("c.txt"))

    moved = item("1", name="room.zip", text=None)
    await store.sources.save_page(source.id, sync_id="2", items=[moved], removed=[], cursor=None)

    assert await paths(store, deal) == ["Legal/room.zip", "Legal/room.zip/b.zip", "Legal/room.zip/b.zip/c.txt"]


async def test_nothing_is_put_into_a_document_that_is_gone(store: Store, deal: Deal) -> None:
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    (asked,) = await store.sources.save_page(source.id, sync_id="1", items=[item("a.zip")], removed=[], cursor=None)
    archive = await store.documents.get(asked.subject_id)
    await store.sources.save_page(source.id, sync_id="2", items=[], removed=["a.zip"], cursor=None)

    assert await holding(store, archive, inner("b.txt")) == []
    assert await paths(store, deal) == []
    with pytest.raises(NotFound):
        await store.documents.save_inner(NOBODY, (), reading_of=None)


async def test_nesting_counts_depth_and_what_others_took_out(store: Store, deal: Deal) -> None:
    archive = await stored_document(store, deal, "room.zip")
    first, second = await holding(store, archive, inner("1.zip", "11"), inner("2.zip", "22"))
    await holding(store, await store.documents.get(first.id), inner("x.txt", "333"), inner("y.txt", "333"))
    await holding(store, await store.documents.get(second.id), inner("z.txt", "4444"))

    outermost = await store.documents.nesting(archive.id)
    inside_first = await store.documents.nesting(first.id)

    assert (outermost.depth, outermost.files, outermost.size_bytes) == (0, 0, 0), "what is its own does not count"
    assert (inside_first.depth, inside_first.files, inside_first.size_bytes) == (1, 3, 8)


async def test_an_attachment_lies_one_deep(store: Store, deal: Deal) -> None:
    email = await stored_email(store, deal)
    attached = await stored_document(store, deal, "a.zip", email_id=email.id)
    await stored_document(store, deal, "b.pdf", email_id=email.id)
    (inside,) = await holding(store, attached, inner("x.txt"))

    assert (await store.documents.nesting(attached.id)).depth == 1
    nesting = await store.documents.nesting(inside.id)
    assert (nesting.depth, nesting.files) == (2, 3)


# --- versions ---------------------------------------------------------------------------------------------------------


async def synced(store: Store, source_id: str, *texts: str) -> Sequence[str]:
    ids = []
    for number, text in enumerate(texts):
        page_of = [item("a.pdf", text=text, version=str(number))]
        asked = await store.sources.save_page(source_id, sync_id=str(number), items=page_of, removed=[], cursor=None)
        ids += [one.subject_id for one in asked]
    return ids


async def test_new_content_of_a_known_item_keeps_what_it_was(store: Store, deal: Deal) -> None:
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    (document_id,) = await synced(store, source.id, "one")
    await read(store, document_id)
    await store.documents.save_analysis(
        document_id, DocumentAnalysis(summary=SUMMARY, classification=CLASSIFICATION), CLAUDE
    )
    await store.operations.mark(operation(document_id, deal.id), OperationState.done)
    assert await store.documents.versions(document_id) == []

    await synced(store, source.id, "two", "two", "three")

    first, second = await store.documents.versions(document_id)
    assert (first.number, first.content_hash, first.storage_key) == (1, sha256("one"), f"deals/{sha256('one')}")
    assert (first.page_count, first.summary, first.classification, first.origin) == (1, SUMMARY, CLASSIFICATION, CLAUDE)
    assert (second.number, second.content_hash) == (2, sha256("two"))
    assert (second.page_count, second.summary) == (0, None), "nobody ever read it"


async def test_a_summary_that_is_being_replaced_belongs_to_no_version(store: Store, deal: Deal) -> None:
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    (document_id,) = await synced(store, source.id, "one")
    await read(store, document_id)
    await store.documents.save_analysis(document_id, DocumentAnalysis(summary=SUMMARY), CLAUDE)
    await store.operations.ask([operation(document_id, deal.id, "analyze")])

    await synced(store, source.id, "two")

    (version,) = await store.documents.versions(document_id)
    assert (version.page_count, version.summary) == (1, None)


async def test_a_rename_is_no_version(store: Store, deal: Deal) -> None:
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    (document_id,) = await synced(store, source.id, "one")

    await store.sources.save_page(
        source.id, sync_id="2", items=[item("a.pdf", name="b.pdf", text=None)], removed=[], cursor=None
    )

    assert await store.documents.versions(document_id) == []


# --- the same content -------------------------------------------------------------------------------------------------


async def test_a_duplicate_names_the_first_and_stands_alone_once_that_is_gone(store: Store, deal: Deal) -> None:
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    (first,) = await synced(store, source.id, "one")
    duplicate = await stored_document(store, deal, "copy.pdf")
    other = await stored_document(store, deal, "other.pdf", text="two")

    assert duplicate.duplicate_of == first
    assert other.duplicate_of is None
    assert (await store.documents.get(first)).duplicate_of is None

    await store.sources.save_page(source.id, sync_id="2", items=[], removed=["a.pdf"], cursor=None)
    assert (await store.documents.get(duplicate.id)).duplicate_of is None


async def test_another_deals_document_is_no_original(store: Store, deal: Deal) -> None:
    elsewhere = await store.deals.create("Project Aster")
    theirs = await stored_document(store, elsewhere)
    await read(store, theirs.id)
    ours = await stored_document(store, deal)

    assert ours.duplicate_of is None
    assert await store.documents.reuse_reading(ours.id) == 0


async def test_a_duplicate_takes_over_the_pages(store: Store, deal: Deal) -> None:
    original = await stored_document(store, deal)
    await read(store, original.id, "scanned words")
    duplicate = await stored_document(store, deal, "copy.PDF")

    assert await store.documents.reuse_reading(duplicate.id) == 1

    assert await store.documents.pages(duplicate.id) == (page(1, "scanned words"),)
    taken_over = await store.documents.get(duplicate.id)
    assert (taken_over.state, taken_over.page_count, taken_over.mime_type) == (DocumentState.ready, 1, "text/plain")


@pytest.mark.parametrize(
    ("name", "reading_of", "why"),
    [
        ("copy.txt", sha256("one"), "another extension may mean another reading"),
        ("copy.pdf", None, "there are files in it that are documents of their own"),
        ("copy.pdf", sha256("before"), "its pages are those of an earlier content"),
    ],
)
async def test_pages_that_may_say_something_else_are_not_taken_over(
    store: Store, deal: Deal, name: str, reading_of: str | None, why: str
) -> None:
    original = await stored_document(store, deal)
    await store.documents.save_content(original.id, mime_type="a/b", pages=[page(1, "text")])
    await store.documents.save_inner(original.id, (), reading_of=reading_of)
    duplicate = await stored_document(store, deal, name)

    assert await store.documents.reuse_reading(duplicate.id) == 0, why


async def test_a_document_that_was_read_is_read_anew_when_asked(store: Store, deal: Deal) -> None:
    original = await stored_document(store, deal)
    await read(store, original.id)
    duplicate = await stored_document(store, deal, "copy.pdf")
    await store.documents.reuse_reading(duplicate.id)

    assert await store.documents.reuse_reading(duplicate.id) == 0
    assert await store.documents.reuse_reading(original.id) == 0
