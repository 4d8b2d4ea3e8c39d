"""A local folder as a source."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dealpulse.errors import Permanent
from dealpulse.sources.contract import ItemKind, SourceItem, SourcePage
from dealpulse.sources.vendors.folder import FolderConnector


async def listing(root: Path) -> list[SourcePage]:
    return [page async for page in FolderConnector(root, roots=(root,)).pages(cursor=None)]


def items(pages: list[SourcePage]) -> dict[str, SourceItem]:
    return {item.external_id: item for page in pages for item in page.items}


async def test_every_file_below_the_folder_is_listed_and_mails_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a b" / "c").mkdir(parents=True)
    (tmp_path / "a b" / "c" / "contract.PDF").write_bytes(b"%PDF")
    (tmp_path / "note.EML").write_bytes(b"Subject: x\n\n")
    (tmp_path / "Übersicht.txt").write_text("text")
    found = items(await listing(tmp_path))
    assert {path: item.kind for path, item in found.items()} == {
        "a b/c/contract.PDF": ItemKind.document,
        "note.EML": ItemKind.email,
        "Übersicht.txt": ItemKind.document,
    }
    assert found["a b/c/contract.PDF"].mime_type == "application/pdf"


async def test_hidden_files_and_links_are_left_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    room = tmp_path / "room"
    (room / ".git").mkdir(parents=True)
    (room / ".git" / "config").write_text("x")
    (room / ".DS_Store").write_text("x")
    (room / "link.txt").symlink_to(outside)
    (room / "folder").symlink_to(tmp_path)
    (room / "kept.txt").write_text("x")
    assert set(items(await listing(room))) == {"kept.txt"}


async def test_a_large_folder_comes_in_pages_and_only_the_last_is_complete(tmp_path: Path) -> None:
    for number in range(250):
        (tmp_path / f"{number:03}.txt").write_text("x")
    pages = await listing(tmp_path)
    assert [len(page.items) for page in pages] == [100, 100, 50]
    assert [page.last for page in pages] == [False, False, True]
    assert [page.complete_listing for page in pages] == [False, False, True]
    assert len(items(pages)) == 250


async def test_an_empty_folder_is_a_complete_listing_of_nothing(tmp_path: Path) -> None:
    (page,) = await listing(tmp_path)
    assert (page.items, page.last, page.complete_listing) == ((), True, True)


async def test_a_missing_folder_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="does not exist"):
        await listing(tmp_path / "gone")


async def test_a_folder_outside_the_allowed_ones_is_refused_also_behind_a_link(tmp_path: Path) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "secret"
    allowed.mkdir()
    secret.mkdir()
    (allowed / "link").symlink_to(secret)
    for root in (secret, allowed / "link", allowed / ".." / "secret"):
        with pytest.raises(Permanent, match="FOLDER_SOURCE_ROOTS"):
            async for _ in FolderConnector(root, roots=(allowed,)).pages(cursor=None):
                pass


async def test_a_changed_file_has_another_version_and_an_untouched_one_the_same(tmp_path: Path) -> None:
    kept, changed = tmp_path / "kept.txt", tmp_path / "changed.txt"
    kept.write_text("one")
    changed.write_text("one")
    before = items(await listing(tmp_path))
    changed.write_text("two")
    os.utime(changed, ns=(1, 1))
    after = items(await listing(tmp_path))
    assert before["kept.txt"].version == after["kept.txt"].version
    assert before["changed.txt"].version != after["changed.txt"].version


async def test_content_is_the_files_bytes(tmp_path: Path) -> None:
    data = os.urandom(3 << 20)
    (tmp_path / "large.bin").write_bytes(data)
    connector = FolderConnector(tmp_path, roots=(tmp_path,))
    item = items(await listing(tmp_path))["large.bin"]
    async with connector.content(item) as chunks:
        parts = [chunk async for chunk in chunks]
    assert b"".join(parts) == data
    assert len(parts) > 1


async def test_a_file_gone_between_listing_and_reading_costs_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "brief.txt"
    file.write_text("x")
    item = items(await listing(tmp_path))["brief.txt"]
    file.unlink()
    with pytest.raises(Permanent, match="cannot be opened"):
        async with FolderConnector(tmp_path, roots=(tmp_path,)).content(item):
            pass
