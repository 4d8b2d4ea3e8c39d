"""What every source promises, on every site: ``docs/sources.md`` says it in words."""

from __future__ import annotations

import pytest

from dealpulse.errors import Permanent
from dealpulse.jobs import DOCUMENTS, EMAILS, Priority, SyncType
from dealpulse.models import SourceState
from dealpulse.sources.contract import ItemKind
from dealpulse.sources.registry import CONNECTORS
from sources.rooms import Killed, Room, fill, sha256
from sources.sites import LACKING, PAGE, SITES, Notion, Site


def test_every_connector_has_a_site(tmp_path_factory: pytest.TempPathFactory) -> None:
    types = set()
    for name, opened in SITES.items():
        with opened(tmp_path_factory.mktemp(name.replace(" ", "-"))) as site:
            types.add(site.type)
    assert types == set(CONNECTORS)


def test_whatever_a_site_lacks_is_said_with_a_reason() -> None:
    assert LACKING.keys() <= SITES.keys()
    assert all(reason for reasons in LACKING.values() for reason in reasons.values())


async def test_a_full_sync_brings_every_file_with_its_path_and_bytes(room: Room, site: Site) -> None:
    there = fill(site, "note.txt", "Legal/lease.txt", "Legal/2026/Ä b'c.txt", "Finance/note.txt")
    result = await room.full()
    assert await room.files() == there
    assert (result["listed"], result["changed"], result["skipped"]) == (4, 4, 0)
    assert (await room.now()).last_synced_at is not None
    asked = DOCUMENTS if site.kind is ItemKind.document else EMAILS
    assert (await room.queue.stats())[asked.name].waiting == 4


async def test_an_empty_source_is_synced_too(room: Room) -> None:
    assert (await room.full())["listed"] == 0
    assert (await room.sync())["listed"] == 0
    assert (await room.now()).last_error is None


async def test_no_page_is_missed(room: Room, site: Site) -> None:
    there = fill(site, *(f"Papers/{number:03}.txt" for number in range(2 * PAGE + 5)))
    await room.full()
    assert await room.files() == there


async def test_an_incremental_sync_fetches_only_what_is_new_or_changed(room: Room, site: Site) -> None:
    fill(site, "same.txt", "changed.txt")
    await room.full()
    site.put("changed.txt", b"another")
    site.put("New folder/new.txt", b"brand new")
    result = await room.sync()
    assert result["bytes"] == len(b"another") + len(b"brand new")
    assert await room.files() == {
        "same.txt": sha256(b"same.txt"),
        "changed.txt": sha256(b"another"),
        "New folder/new.txt": sha256(b"brand new"),
    }
    assert (await room.sync())["bytes"] == 0


async def test_a_second_full_sync_fetches_nothing_again(room: Room, site: Site) -> None:
    there = fill(site, "a.txt", "b/c.txt")
    await room.full()
    assert (await room.full())["bytes"] == 0
    assert await room.files() == there


@pytest.mark.parametrize("kind", list(SyncType))
async def test_moves_are_followed(room: Room, site: Site, kind: SyncType) -> None:
    others = fill(site, *(f"other/{number}.txt" for number in range(20)))
    fill(site, "Legal/lease.txt", "Legal/deep/note.txt", "plan.txt")
    await room.full()
    site.move("plan.txt", "Legal/plan.txt")
    site.move("Legal", "Law")
    await room.sync(kind)
    assert set(await room.files()) - set(others) == {"Law/lease.txt", "Law/deep/note.txt", "Law/plan.txt"}


@pytest.mark.needs(Notion.identity)
@pytest.mark.parametrize("kind", list(SyncType))
async def test_what_is_moved_is_still_the_same_and_not_fetched_again(room: Room, site: Site, kind: SyncType) -> None:
    fill(site, "Legal/lease.txt", "Legal/deep/note.txt", "plan.txt")
    await room.full()
    before = await room.ids()
    site.move("plan.txt", "Legal/plan.txt")
    site.move("Legal", "Law")
    assert (await room.sync(kind))["bytes"] == 0
    assert await room.ids() == {
        "Law/lease.txt": before["Legal/lease.txt"],
        "Law/deep/note.txt": before["Legal/deep/note.txt"],
        "Law/plan.txt": before["plan.txt"],
    }


@pytest.mark.needs(Notion.names)
async def test_renames_are_followed(room: Room, site: Site) -> None:
    others = fill(site, *(f"other/{number}.txt" for number in range(20)))
    fill(site, "Legal/plan.txt")
    await room.full()
    site.move("Legal/plan.txt", "Legal/strategy.txt")
    await room.sync()
    assert set(await room.files()) - set(others) == {"Legal/strategy.txt"}


async def test_the_same_name_in_two_folders_is_two_files(room: Room, site: Site) -> None:
    site.put("a/lease.txt", b"one")
    site.put("b/lease.txt", b"two")
    await room.full()
    assert await room.files() == {"a/lease.txt": sha256(b"one"), "b/lease.txt": sha256(b"two")}


@pytest.mark.parametrize("kind", list(SyncType))
async def test_what_is_deleted_goes_and_the_rest_stays(room: Room, site: Site, kind: SyncType) -> None:
    there = fill(site, *(f"kept/{number}.txt" for number in range(20)))
    fill(site, "gone/a.txt", "gone/deep/b.txt", "gone.txt")
    await room.full()
    site.delete("gone")
    site.delete("gone.txt")
    result = await room.sync(kind)
    assert result["removed"] == 3
    assert await room.files() == there


async def test_much_gone_at_once_waits_for_a_person(room: Room, site: Site) -> None:
    there = fill(site, *(f"kept/{number}.txt" for number in range(10)))
    lost = fill(site, *(f"lost/{number}.txt" for number in range(4)))
    await room.full()
    site.delete("lost")
    result = await room.sync()
    assert (result["removed"], result["held"]) == (0, 4)
    assert await room.files() == there | lost
    held = await room.now()
    assert (held.state, held.gone) == (SourceState.needs_confirmation, 4)

    site.put("kept/new.txt", b"new")
    await room.sync()
    assert "kept/new.txt" in await room.files(), "what is new comes in meanwhile"

    assert await room.store.sources.confirm_deletions(held.id, gone=3) == 0
    assert await room.store.sources.confirm_deletions(held.id, gone=4) == 4
    assert await room.files() == there | {"kept/new.txt": sha256(b"new")}
    assert (await room.now()).state is SourceState.active


async def test_what_was_held_and_comes_back_is_not_asked_about_any_more(room: Room, site: Site) -> None:
    there = fill(site, *(f"{number}.txt" for number in range(10)))
    await room.full()
    for number in range(4):
        site.delete(f"{number}.txt")
    await room.sync()
    assert (await room.now()).state is SourceState.needs_confirmation
    for number in range(4):
        site.restore(f"{number}.txt")
    await room.sync()
    assert (await room.now()).state is SourceState.active
    assert await room.files() == there


async def test_a_source_that_is_gone_or_no_longer_shared_is_an_error_and_no_deletion(room: Room, site: Site) -> None:
    there = fill(site, "a.txt", "b.txt", "c.txt", "d.txt")
    await room.full()
    site.lose()
    for kind in SyncType:
        with pytest.raises(Permanent):
            await room.sync(kind)
    assert await room.files() == there
    assert (await room.now()).last_error


async def test_one_oversized_file_among_many_costs_only_itself(room: Room, site: Site) -> None:
    there = fill(site, *(f"{number}.txt" for number in range(20)))
    room.limit = 100
    site.put("film.txt", b"x" * 101)
    result = await room.full()
    assert await room.files() == there
    assert result["skipped"] == 1
    assert await room.skipped() == ["film.txt"]
    await room.sync()
    assert await room.skipped() == ["film.txt"]
    site.put("film.txt", b"short")
    await room.sync()
    assert (await room.files())["film.txt"] == sha256(b"short")
    assert (await room.now()).skipped == ()


async def test_a_listing_that_was_cut_off_deletes_nothing_and_its_end_finds_deletions(room: Room, site: Site) -> None:
    there = fill(site, *(f"{number:03}.txt" for number in range(PAGE + 30)))
    await room.full()
    site.delete("000.txt")
    site.delete("129.txt")
    room.dies_at = 1
    with pytest.raises(Killed):
        await room.full()
    assert await room.files() == there
    room.dies_at = 0
    await room.sync()
    del there["000.txt"], there["129.txt"]
    assert await room.files() == there


@pytest.mark.needs(Notion.change_log)
async def test_what_changes_while_everything_is_listed_is_found_in_the_same_sync(room: Room, site: Site) -> None:
    there = fill(site, *(f"a/{number:03}.txt" for number in range(PAGE + 30)))
    fill(site, "a/gone.txt", "a/moved.txt")

    def meanwhile() -> None:
        site.put("a/new.txt", b"new")
        site.put("b/new.txt", b"new in a new folder")
        site.delete("a/gone.txt")
        site.move("a/moved.txt", "b/moved.txt")
        site.put("a/007.txt", b"another")

    room.meanwhile = meanwhile
    await room.full()
    there["a/007.txt"] = sha256(b"another")
    assert await room.files() == there | {
        "a/new.txt": sha256(b"new"),
        "b/new.txt": sha256(b"new in a new folder"),
        "b/moved.txt": sha256(b"a/moved.txt"),
    }


async def test_a_first_sync_is_read_after_what_changes_later(room: Room, site: Site) -> None:
    fill(site, "old.txt")
    await room.full()
    site.put("new.txt", b"new")
    await room.sync()
    ids = await room.ids()
    asked = "doc:{}:ingest" if site.kind is ItemKind.document else "mail:{}:parse"
    views = {name: await room.queue.job(asked.format(ids[name])) for name in ("old.txt", "new.txt")}
    assert {name: view and view.priority for name, view in views.items()} == {
        "old.txt": Priority.low,
        "new.txt": Priority.normal,
    }
