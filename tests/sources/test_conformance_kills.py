"""Syncs that are killed (SIGKILL, in a process of their own) lose nothing and repeat nothing, on every site."""

from __future__ import annotations

import asyncio

import pytest

from dealpulse.jobs import SyncType
from sources.elsewhere import syncing
from sources.rooms import Room, fill, sha256
from sources.sites import PAGE, Call, Notion, Site, VendorSite

PORTION = 150
"""So many items at most are fetched again, as docs/sources.md says."""


async def killed_at_every_page(room: Room, kind: SyncType) -> int:
    """Sync, killed at each page once, until it is over; returns how often it was."""
    for kills in range(20):
        # Where nothing tells how far it was, the next begins at the first page again.
        passed = kills if (await room.now()).cursor is None else 0
        async with syncing(room, kind) as worker:
            for _ in range(passed):
                if not await worker.page():
                    return kills
                worker.go_on()
            if not await worker.page():
                return kills
            worker.kill()
    raise AssertionError("the sync does not come to an end")


async def test_a_sync_killed_at_every_page_goes_on_from_there(room: Room, site: Site) -> None:
    there = fill(site, *(f"{number % 7}/{number}.txt" for number in range(PAGE + 30)))
    assert await killed_at_every_page(room, SyncType.full) >= 1
    assert await room.files() == there
    assert (await room.now()).listing is None
    assert (await room.sync())["bytes"] == 0


@pytest.mark.needs(Notion.account)
async def test_a_sync_killed_at_every_page_fetches_nothing_twice(room: Room, vendor: VendorSite) -> None:
    there = fill(vendor, *(f"{number % 7}/{number}.txt" for number in range(PAGE + 30)))
    await killed_at_every_page(room, SyncType.full)
    assert vendor.downloads == len(there)


@pytest.mark.needs(Notion.change_log)
async def test_an_incremental_sync_killed_at_every_page_goes_on_from_there(room: Room, site: Site) -> None:
    there = fill(site, *(f"kept/{number}.txt" for number in range(100)))
    fill(site, *(f"gone/{number}.txt" for number in range(10)))
    await room.full()
    there |= fill(site, *(f"new/{number}.txt" for number in range(PAGE + 30)))
    site.delete("gone")
    site.put("kept/7.txt", b"another")
    there["kept/7.txt"] = sha256(b"another")
    assert await killed_at_every_page(room, SyncType.incremental) >= 1
    assert await room.files() == there


@pytest.mark.needs(Notion.account)
async def test_a_sync_killed_in_the_middle_of_a_page_repeats_little(room: Room, vendor: VendorSite) -> None:
    there = fill(vendor, *(f"{number % 7}/{number}.txt" for number in range(PAGE + 30)))
    asked = vendor.faults.stall(vendor.request(Call.content, "5/40.txt"))
    async with syncing(room) as worker:
        while not asked.is_set():
            page = asyncio.create_task(worker.page())
            stalled = asyncio.create_task(asyncio.to_thread(asked.wait, 60))
            await asyncio.wait((page, stalled), return_when=asyncio.FIRST_COMPLETED)
            if page.done():
                worker.go_on()
            else:
                worker.kill()
                await asyncio.gather(page, return_exceptions=True)
    await room.sync()
    assert await room.files() == there
    assert vendor.downloads - len(there) <= PORTION
