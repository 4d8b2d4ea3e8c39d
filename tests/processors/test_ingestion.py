"""Archives and attachments become documents of their own, and the same content is read once."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from dealpulse.jobs import DocumentOperation, ProcessDocument, SyncType
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Document, DocumentState, OperationState, TextMethod
from dealpulse.settings import Settings
from dealpulse.store import Store
from extraction import samples
from processors.conftest import Run


@pytest.fixture
def settings(clean_stack: Stack, room: Path) -> Settings:
    environment = clean_stack.environment() | {
        "FOLDER_SOURCE_ROOTS": str(room.parent),
        "ARCHIVE_MAX_DEPTH": "2",
        "ARCHIVE_MAX_FILES": "4",
    }
    return Settings.load(environ=environment, directory=clean_stack.data_dir)


async def by_path(store: Store, deal: Deal) -> dict[str, Document]:
    return {document.path: document for document in await store.documents.of_deal(deal.id)}


async def warnings(store: Store, document: Document) -> str:
    return " ".join((await store.documents.pages(document.id))[0].warnings)


async def test_files_in_an_archive_are_read_and_analysed_and_the_archive_is_listed(
    room: Path, sync: Run, store: Store, deal: Deal
) -> None:
    lease = b"This lease may be terminated upon a change of control of the tenant."
    (room / "room.zip").write_bytes(samples.archive({"Legal/lease.txt": lease, "scan.pdf": samples.pdf()}))

    await sync()

    documents = await by_path(store, deal)
    assert set(documents) == {"room.zip", "room.zip/Legal/lease.txt", "room.zip/scan.pdf"}
    assert {document.state for document in documents.values()} == {DocumentState.ready}
    assert documents["room.zip/Legal/lease.txt"].summary is not None
    assert documents["room.zip/Legal/lease.txt"].parent_id == documents["room.zip"].id
    assert documents["room.zip"].summary is None, "a list of files is not analysed"
    asked = {(one.subject_id, one.name, one.state) for one in await store.operations.of_deal(deal.id)}
    assert (documents["room.zip"].id, "ingest", OperationState.done) in asked
    assert not any(one[:2] == (documents["room.zip"].id, "analyze") for one in asked)


async def test_a_changed_archive_changes_what_is_inside_and_a_deleted_one_takes_it_along(
    room: Path, sync: Run, store: Store, deal: Deal
) -> None:
    archive = room / "room.zip"
    archive.write_bytes(samples.archive({"a.txt": b"The first text.", "b.txt": b"The second text."}))
    await sync()
    before = await by_path(store, deal)

    archive.write_bytes(samples.archive({"b.txt": b"The second text, amended.", "c.txt": b"The third text."}))
    await sync(SyncType.full)

    after = await by_path(store, deal)
    assert set(after) == {"room.zip", "room.zip/b.txt", "room.zip/c.txt"}
    assert after["room.zip/b.txt"].id == before["room.zip/b.txt"].id
    pages = await store.documents.pages(after["room.zip/b.txt"].id)
    assert [page.text for page in pages] == ["The second text, amended."]
    assert len(await store.documents.versions(after["room.zip/b.txt"].id)) == 1

    archive.unlink()
    await sync(SyncType.full)
    assert await by_path(store, deal) == {}


async def test_an_archive_that_can_no_longer_be_read_holds_nothing_any_more(
    room: Path, sync: Run, store: Store, deal: Deal
) -> None:
    (room / "room.zip").write_bytes(samples.archive({"a.txt": b"The first text."}))
    await sync()

    (room / "room.zip").write_bytes(samples.archive()[:-40])
    await sync(SyncType.full)

    (left,) = (await by_path(store, deal)).values()
    assert (left.path, left.state, left.failure_code) == ("room.zip", DocumentState.failed, "truncated")


async def test_what_is_nested_too_deeply_is_listed_and_left_out(
    room: Path, sync: Run, store: Store, deal: Deal
) -> None:
    nested = samples.archive({"deepest.txt": b"Out of reach."})
    for name in ("c.zip", "b.zip"):
        nested = samples.archive({name: nested})
    (room / "a.zip").write_bytes(nested)

    await sync()

    documents = await by_path(store, deal)
    assert set(documents) == {"a.zip", "a.zip/b.zip", "a.zip/b.zip/c.zip"}
    assert "too deep" in await warnings(store, documents["a.zip/b.zip/c.zip"])
    assert "deepest.txt" in await warnings(store, documents["a.zip/b.zip/c.zip"])


async def test_files_in_files_in_files_count_for_the_outermost(room: Path, sync: Run, store: Store, deal: Deal) -> None:
    inner = samples.archive({f"{number}.txt": f"Text {number}.".encode() for number in range(5)})
    (room / "a.zip").write_bytes(samples.archive({"x.txt": b"First.", "inner.zip": inner}))

    await sync()

    documents = await by_path(store, deal)
    assert len(documents) == 1 + 4
    assert "more than 2 files: 2.txt, 3.txt, 4.txt" in await warnings(store, documents["a.zip/inner.zip"])


async def test_attachments_of_messages_in_archives_and_of_attached_messages_are_read(
    room: Path, sync: Run, store: Store, deal: Deal
) -> None:
    inner = EmailMessage()
    inner["Subject"] = "Lease"
    inner["From"] = "jane@example.com"
    inner.set_content("The lease is attached.")
    inner.add_attachment(b"The rent is due.", maintype="text", subtype="plain", filename="lease.txt")
    outer = EmailMessage()
    outer["Subject"] = "Fwd: Lease"
    outer["From"] = "tom@example.com"
    outer["Message-ID"] = "<1@example.com>"
    outer.set_content("See the attached message.")
    outer.add_attachment(inner)
    (room / "mail.eml").write_bytes(outer.as_bytes())
    (room / "room.zip").write_bytes(samples.archive({"lease.eml": inner.as_bytes()}))

    await sync()

    documents = await by_path(store, deal)
    assert set(documents) == {
        "mail.eml/Lease.eml",
        "mail.eml/Lease.eml/lease.txt",
        "room.zip",
        "room.zip/lease.eml",
        "room.zip/lease.eml/lease.txt",
    }
    assert documents["mail.eml/Lease.eml"].summary is not None
    assert {document.state for document in documents.values()} == {DocumentState.ready}


async def test_a_scan_that_came_twice_is_recognised_once(room: Path, sync: Run, store: Store, deal: Deal) -> None:
    scan = samples.picture_bytes("PNG")
    (room / "scan.png").write_bytes(scan)
    await sync()
    (room / "Copies").mkdir()
    (room / "Copies" / "scan again.png").write_bytes(scan)
    await sync()

    documents = await by_path(store, deal)
    original, copy = documents["scan.png"], documents["Copies/scan again.png"]
    assert copy.duplicate_of == original.id
    assert await store.documents.pages(copy.id) == await store.documents.pages(original.id)
    assert (await store.documents.pages(copy.id))[0].method is TextMethod.ocr
    assert copy.summary is not None


async def test_the_copy_of_a_scan_needs_no_reading(room: Path, run: Run, sync: Run, store: Store, deal: Deal) -> None:
    (room / "scan.png").write_bytes(samples.picture_bytes("PNG"))
    await sync()
    (original,) = (await by_path(store, deal)).values()
    copy = await store.documents.create(
        deal.id,
        name="copy.png",
        path="copy.png",
        mime_type="image/png",
        size_bytes=1,
        content_hash=original.content_hash,
        storage_key="deals/nothing-is-stored-here",
    )

    await run(ProcessDocument(copy.id, deal.id, DocumentOperation.ingest))

    assert (await store.documents.get(copy.id)).state is DocumentState.ready
