"""What a sync finds: pages of rows with their cursor, changes, deletions, and what is asked of them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from dealpulse.errors import DealPulseError
from dealpulse.models import (
    Deal,
    DocumentState,
    FindingStatus,
    Operation,
    OperationState,
    Source,
    SourceType,
    SubjectType,
)
from dealpulse.store import Store, SyncedItem
from dealpulse.store.sources import Gone
from store.samples import (
    LOCAL,
    blocker,
    blockers,
    content,
    finding,
    findings,
    item,
    page,
    sha256,
    stored_document,
)


@pytest.fixture
async def source(store: Store, deal: Deal) -> Source:
    return await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")


async def save(
    store: Store, source: Source, *items: SyncedItem, sync: str = "s1", removed: tuple[str, ...] = (), cursor: str = "c"
) -> list[Operation]:
    asked = await store.sources.save_page(source.id, sync_id=sync, items=items, removed=removed, cursor=cursor)
    if removed:
        await store.sources.finish_sync(source.id, sync_id=sync, complete_listing=False)
    return asked


def asked(operations: list[Operation]) -> list[tuple[SubjectType, str, OperationState]]:
    return sorted((one.subject_type, one.name, one.state) for one in operations)


async def test_new_items_become_rows_to_be_read(store: Store, deal: Deal, source: Source) -> None:
    operations = await save(store, source, item("a.pdf"), item("1.eml", kind="email"), cursor="after-1")

    (document,) = await store.documents.of_deal(deal.id)
    (email,) = await store.emails.of_deal(deal.id)
    assert (document.name, document.external_id, document.source_id) == ("a.pdf", "a.pdf", source.id)
    assert (document.state, document.content_hash) == (DocumentState.new, sha256("one"))
    assert asked(operations) == [
        (SubjectType.document, "ingest", OperationState.pending),
        (SubjectType.email, "parse", OperationState.pending),
    ]
    assert {one.subject_id for one in operations} == {document.id, email.id}
    assert {one.deal_id for one in operations} == {deal.id}
    assert (await store.sources.get(source.id)).cursor == "after-1"


async def test_a_page_saved_again_leaves_the_same_rows_and_answers_the_same(
    store: Store, deal: Deal, source: Source
) -> None:
    first = await save(store, source, item("a.pdf"), item("1.eml", kind="email"))
    documents = [document.id for document in await store.documents.of_deal(deal.id)]

    again = await save(store, source, item("a.pdf"), item("1.eml", kind="email"))

    assert again == first
    assert [document.id for document in await store.documents.of_deal(deal.id)] == documents


async def test_unchanged_content_is_not_asked_for_again(store: Store, deal: Deal, source: Source) -> None:
    (reading,) = await save(store, source, item("a.pdf"))
    await store.documents.save_content(reading.subject_id, mime_type="application/pdf", pages=[page(1, "text")])
    await store.operations.mark(reading, OperationState.done)

    assert await save(store, source, item("a.pdf", text=None, name="renamed.pdf", version="2"), sync="s2") == []
    assert await save(store, source, item("a.pdf", name="renamed.pdf", version="2"), sync="s3") == []

    (document,) = await store.documents.of_deal(deal.id)
    assert (document.name, document.state, document.page_count) == ("renamed.pdf", DocumentState.ready, 1)
    assert document.mime_type == "application/pdf"


async def test_changed_content_is_asked_for_again_and_shows_the_old_text_until_it_is_read(
    store: Store, deal: Deal, source: Source
) -> None:
    (reading,) = await save(store, source, item("a.pdf"))
    await store.documents.save_content(reading.subject_id, mime_type="application/pdf", pages=[page(1, "text")])
    await store.operations.mark(reading, OperationState.done)

    operations = await save(store, source, item("a.pdf", text="two", version="2"), sync="s2")

    assert operations == [reading]
    document = await store.documents.get(reading.subject_id)
    assert (document.state, document.content_hash) == (DocumentState.new, sha256("two"))
    assert await store.documents.pages(document.id) == (page(1, "text"),)


async def test_a_failed_document_is_tried_again_when_it_changes(store: Store, source: Source) -> None:
    (reading,) = await save(store, source, item("a.pdf"))
    await store.documents.mark_failed(reading.subject_id, code="truncated", reason="The file is cut off.")
    await store.operations.mark(reading, OperationState.failed, error_code="truncated")

    assert await save(store, source, item("a.pdf"), sync="s2") == []
    assert await save(store, source, item("a.pdf", text="whole", version="2"), sync="s3") == [reading]
    assert (await store.documents.get(reading.subject_id)).failure_reason is None


async def test_versions_are_those_of_stored_items(store: Store, source: Source) -> None:
    await save(store, source, item("a.pdf", version="v1"), item("1.eml", kind="email", version="v2"), item("gone"))
    await save(store, source, removed=("gone",))

    names = ["a.pdf", "1.eml", "gone", "unknown", 'quo"ted, and (odd)']
    assert await store.sources.versions(source.id, names) == {"a.pdf": "v1", "1.eml": "v2"}
    assert await store.sources.versions(source.id, []) == {}


async def test_an_item_never_stored_and_without_content_is_left_out(store: Store, deal: Deal, source: Source) -> None:
    assert await save(store, source, item("a.pdf", text=None)) == []
    assert await store.documents.of_deal(deal.id) == []


async def test_an_item_listed_twice_on_a_page_counts_as_listed_last(store: Store, deal: Deal, source: Source) -> None:
    await save(store, source, item("a.pdf", text="one"), item("a.pdf", text="two"))

    (document,) = await store.documents.of_deal(deal.id)
    assert document.content_hash == sha256("two")


async def test_a_removed_item_takes_what_it_said_and_its_attachments_along(
    store: Store, deal: Deal, source: Source
) -> None:
    readings = await save(store, source, item("a.pdf"), item("1.eml", kind="email"))
    by_type = {reading.subject_type: reading.subject_id for reading in readings}
    await store.documents.save_analysis(by_type[SubjectType.document], findings(finding("f1")), LOCAL)
    await store.emails.save_content(by_type[SubjectType.email], content())
    await store.emails.save_analysis(by_type[SubjectType.email], blockers(blocker("b1")), LOCAL)
    attached = await stored_document(store, deal, "attached.pdf", email_id=by_type[SubjectType.email])

    await save(store, source, removed=("a.pdf", "1.eml", "never there"))

    assert await store.documents.of_deal(deal.id) == []
    assert await store.emails.of_deal(deal.id) == []
    assert (await store.documents.get(attached.id)).state is DocumentState.deleted
    assert [one.status for one in await store.findings.of_deal(deal.id)] == [FindingStatus.resolved]
    assert await store.blockers.of_deal(deal.id) == []
    assert await store.operations.of_deal(deal.id) == []


async def test_a_deleted_document_says_nothing_even_if_its_analysis_ends_later(
    store: Store, deal: Deal, source: Source
) -> None:
    (reading,) = await save(store, source, item("a.pdf"))
    await save(store, source, removed=("a.pdf",))

    await store.documents.save_content(reading.subject_id, mime_type="a/b", pages=[page(1, "late")])
    await store.documents.save_analysis(reading.subject_id, findings(finding("f1")), LOCAL)
    await store.documents.mark_failed(reading.subject_id, code="corrupt", reason="It is broken.")

    assert (await store.documents.get(reading.subject_id)).state is DocumentState.deleted
    assert await store.findings.of_deal(deal.id) == []


@pytest.mark.parametrize("text", [None, "one", "another"])
async def test_an_item_that_came_back_is_read_again(store: Store, source: Source, text: str | None) -> None:
    (reading,) = await save(store, source, item("a.pdf"))
    await store.documents.save_content(reading.subject_id, mime_type="a/b", pages=[page(1, "text")])
    await store.operations.mark(reading, OperationState.done)
    await save(store, source, removed=("a.pdf",))

    assert await save(store, source, item("a.pdf", text=text)) == [reading]
    assert (await store.documents.get(reading.subject_id)).state is DocumentState.new


async def test_only_a_complete_listing_deletes_what_it_did_not_see(store: Store, deal: Deal, source: Source) -> None:
    uploaded = await stored_document(store, deal, "uploaded.pdf")
    await save(store, source, item("a.pdf"), item("b.pdf"), item("1.eml", kind="email"), sync="s1")
    await save(store, source, item("a.pdf", text=None), sync="s2")

    assert await store.sources.finish_sync(source.id, sync_id="s2", complete_listing=False) == Gone(0, 0)
    assert len(await store.documents.of_deal(deal.id)) == 3
    assert (await store.sources.get(source.id)).last_synced_at is not None

    assert await store.sources.finish_sync(source.id, sync_id="s2", complete_listing=True) == Gone(2, 0)
    assert await store.sources.finish_sync(source.id, sync_id="s2", complete_listing=True) == Gone(0, 0)
    left = await store.documents.of_deal(deal.id)
    assert {document.name for document in left} == {"a.pdf", uploaded.name}
    assert await store.emails.of_deal(deal.id) == []


async def test_one_source_deletes_nothing_of_another(store: Store, deal: Deal, source: Source) -> None:
    other = await store.sources.create(deal.id, SourceType.folder, "Other", "/srv/other")
    await save(store, other, item("a.pdf"))

    await save(store, source, item("a.pdf"), sync="s2")
    assert await store.sources.finish_sync(source.id, sync_id="s2", complete_listing=True) == Gone(0, 0)
    await save(store, source, removed=("a.pdf",))

    assert [document.source_id for document in await store.documents.of_deal(deal.id)] == [other.id]


async def test_a_page_that_cannot_be_saved_leaves_neither_rows_nor_cursor(
    store: Store, deal: Deal, source: Source, database: asyncpg.Connection
) -> None:
    await save(store, source, item("a.pdf"), cursor="before")
    await database.execute("alter table documents add constraint refused check (name <> 'refused')")
    try:
        with pytest.raises(DealPulseError):
            await save(store, source, item("b.pdf"), item("refused"), removed=("a.pdf",), cursor="after")
    finally:
        await database.execute("alter table documents drop constraint refused")

    assert [document.name for document in await store.documents.of_deal(deal.id)] == ["a.pdf"]
    assert (await store.sources.get(source.id)).cursor == "before"


async def test_a_page_may_hold_more_items_than_one_answer_has_rows(store: Store, deal: Deal, source: Source) -> None:
    items = [item(f"{n}.pdf", text=str(n)) for n in range(1500)]

    operations = await save(store, source, *items)

    assert len(operations) == 1500
    assert len(await store.sources.versions(source.id, [one.external_id for one in items])) == 1500
    assert len(await store.operations.of_deal(deal.id)) == 1500


async def test_syncs_and_analyses_of_one_deal_at_once_do_not_block_each_other(
    store: Store, deal: Deal, source: Source
) -> None:
    other = await store.sources.create(deal.id, SourceType.folder, "Other", "/srv/other")
    readings = await save(store, source, *(item(f"{n}.pdf", text=str(n)) for n in range(6)))
    shared = [finding(f"f{n}") for n in range(6)]

    async def analyse(document_id: str, turn: int) -> None:
        for _ in range(3):
            await store.documents.save_analysis(document_id, findings(*shared[turn:], *shared[:turn]), LOCAL)

    async def sync(one: Source, sync_id: str) -> None:
        for n in range(6):
            await save(store, one, item(f"{n}.pdf", text=str(n)), sync=sync_id)
        await store.sources.finish_sync(one.id, sync_id=sync_id, complete_listing=True)

    await asyncio.gather(
        sync(source, "s2"),
        sync(other, "s2"),
        *(analyse(reading.subject_id, turn) for turn, reading in enumerate(readings)),
        *(store.operations.touch(readings[::step]) for step in (1, -1)),
        *(store.operations.ask(readings[::step]) for step in (1, -1)),
    )

    found = await store.findings.of_deal(deal.id)
    assert [len(one.citations) for one in found] == [6] * 6


async def test_what_a_disconnected_source_brought_stays(
    store: Store, deal: Deal, source: Source, database: asyncpg.Connection
) -> None:
    other = await store.sources.create(deal.id, SourceType.folder, "Other", "/srv/other")
    await stored_document(store, deal, "a.pdf")
    for one in (source, other):
        await save(store, one, item("a.pdf"), item("1.eml", kind="email"))

    await database.execute("delete from sources")

    assert [document.source_id for document in await store.documents.of_deal(deal.id)] == [None] * 3
    assert len(await store.emails.of_deal(deal.id)) == 2
