"""What SharePoint alone can do to a sync. The shared promises are in ``test_conformance*.py``."""

from __future__ import annotations

import dataclasses
from urllib.parse import quote

import pytest

from dealpulse.errors import Permanent, Transient
from dealpulse.models import SourceAccess
from dealpulse.sources.contract import SourcePage
from dealpulse.sources.registry import connect
from sources.rooms import Room, sha256
from sources.sites import SharePointSite


async def elsewhere(room: Room, location: str) -> Room:
    source = await room.store.sources.create(room.deal.id, room.site.type, "Elsewhere", location)
    return dataclasses.replace(room, source=source)


async def test_a_site_is_all_its_libraries_each_under_its_name(
    sharepoint_room: Room, sharepoint: SharePointSite
) -> None:
    sharepoint.put("Legal/lease.txt", b"lease")
    fake = sharepoint.fake
    legal = fake.library("Contracts", fake.drives[sharepoint.library].site)
    fake.file("terms.txt", b"terms", fake.drives[legal].root)
    room = await elsewhere(sharepoint_room, "https://contoso.sharepoint.com/sites/Kestrel")
    await room.full()
    assert await room.files() == {
        "Shared Documents/Legal/lease.txt": sha256(b"lease"),
        "Contracts/terms.txt": sha256(b"terms"),
    }
    minutes = fake.library("Minutes", fake.drives[sharepoint.library].site)
    fake.file("may.txt", b"may", fake.drives[minutes].root)
    del fake.drives[legal]
    await room.sync()
    assert set(await room.files()) == {"Shared Documents/Legal/lease.txt", "Minutes/may.txt"}


@pytest.mark.parametrize(
    "location",
    [
        "https://contoso.sharepoint.com/sites/Kestrel/Shared%20Documents/Legal/2026",
        "https://contoso.sharepoint.com/sites/kestrel/shared documents/legal/2026",
        "https://contoso.sharepoint.com/sites/Kestrel/Shared%20Documents/Forms/AllItems.aspx?viewid=1&id="
        + quote("/sites/Kestrel/Shared Documents/Legal/2026", safe=""),
        "https://contoso.sharepoint.com/:f:/s/Kestrel/{folder}?e=x1",
        "{library}/{folder}",
    ],
)
async def test_a_folder_is_found_however_it_is_named(
    sharepoint_room: Room, sharepoint: SharePointSite, location: str
) -> None:
    sharepoint.fake.sites["sites/kestrel"] = sharepoint.fake.sites["sites/Kestrel"]
    sharepoint.put("Legal/2026/lease.txt", b"lease")
    sharepoint.put("Legal/old.txt", b"old")
    named = location.format(library=sharepoint.library, folder=sharepoint.at("Legal/2026"))
    room = await elsewhere(sharepoint_room, named)
    await room.full()
    assert await room.files() == {"lease.txt": sha256(b"lease")}


@pytest.mark.parametrize(
    "location",
    [
        "Legal",
        "http://contoso.sharepoint.com/sites/Kestrel",
        "https://contoso.sharepoint.com/sites/Nowhere",
        "https://contoso.sharepoint.com/sites/Kestrel/Shared%20Documents/Nowhere",
        "https://contoso.sharepoint.com/sites/Kestrel/Shared%20Documents/lease.txt",
        "https://elsewhere.example/sites/Kestrel",
    ],
)
async def test_a_place_that_is_none_is_an_error_that_says_so(
    sharepoint_room: Room, sharepoint: SharePointSite, location: str
) -> None:
    sharepoint.put("lease.txt", b"lease")
    room = await elsewhere(sharepoint_room, location)
    with pytest.raises(Permanent) as wrong:
        await room.full()
    assert wrong.value.code in ("wrong_location", "folder_missing")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (410, "resyncRequired"),
        (410, "resyncChangesApplyDifferences"),
        (410, "resyncChangesUploadDifferences"),
        (404, "syncStateNotFound"),
        (400, "syncStateNotFound"),
    ],
)
async def test_each_way_to_forget_a_position_lists_everything(
    sharepoint_room: Room, sharepoint: SharePointSite, status: int, reason: str
) -> None:
    sharepoint.put("a.txt", b"a")
    await sharepoint_room.full()
    sharepoint.put("b.txt", b"b")
    delta = f"/v1.0/drives/{sharepoint.library}/root/delta"
    sharepoint.faults.fail(delta, status=status, reason=reason)
    assert (await sharepoint_room.sync())["bytes"] == 1
    assert set(await sharepoint_room.files()) == {"a.txt", "b.txt"}


async def test_malware_and_notebooks_are_left_out_and_named_until_they_change(
    sharepoint_room: Room, sharepoint: SharePointSite
) -> None:
    bad = sharepoint.fake.file("bad.txt", b"bad", sharepoint.top, malware={"description": "EICAR"})
    sharepoint.fake.package("Notes", sharepoint.top)
    sharepoint.put("good.txt", b"good")
    await sharepoint_room.full()
    assert set(await sharepoint_room.files()) == {"good.txt"}
    assert await sharepoint_room.skipped() == ["Notes", "bad.txt"]
    asked = sharepoint.downloads
    await sharepoint_room.sync()
    assert sharepoint.downloads == asked, "nobody asks for them again"
    sharepoint.fake.items[bad].facets.clear()
    sharepoint.fake.touch(bad)
    await sharepoint_room.sync()
    assert set(await sharepoint_room.files()) == {"good.txt", "bad.txt"}
    assert await sharepoint_room.skipped() == ["Notes"]


async def test_a_link_that_ended_before_it_was_used_costs_one_file_until_the_next_sync(
    sharepoint_room: Room, sharepoint: SharePointSite
) -> None:
    sharepoint.put("a.txt", b"a")
    sharepoint.fake.link_seconds = 0
    assert (await sharepoint_room.full())["skipped"] == 1
    sharepoint.fake.link_seconds = 60
    await sharepoint_room.sync()
    assert await sharepoint_room.files() == {"a.txt": sha256(b"a")}


async def test_who_may_read_is_recorded(sharepoint_room: Room, sharepoint: SharePointSite) -> None:
    sharepoint.fake.permissions = [
        {"id": "1", "roles": ["write"], "grantedToV2": {"user": {"displayName": "Dana", "email": "dana@example.com"}}},
        {"id": "2", "roles": ["read"], "grantedToV2": {"siteGroup": {"displayName": "Kestrel Visitors"}}},
        {"id": "3", "roles": ["read"], "link": {"scope": "anonymous", "type": "view"}},
        {
            "id": "4",
            "roles": ["read"],
            "link": {"scope": "users", "type": "view"},
            "grantedToIdentitiesV2": [{"user": {"displayName": "Eve", "email": "eve@example.com"}}],
        },
    ]
    await sharepoint_room.full()
    assert (await sharepoint_room.now()).access == (
        SourceAccess(who="anyone", role="read"),
        SourceAccess(who="dana@example.com", role="write"),
        SourceAccess(who="eve@example.com", role="read"),
        SourceAccess(who="Kestrel Visitors", role="read"),
    )


async def test_a_folder_moved_into_the_source_brings_what_is_in_it_and_one_moved_out_takes_it_along(
    sharepoint_room: Room, sharepoint: SharePointSite
) -> None:
    for number in range(20):
        sharepoint.put(f"Deal/{number}.txt", b"x%d" % number)
    sharepoint.put("Elsewhere/deep/old.txt", b"old")
    room = await elsewhere(sharepoint_room, sharepoint.fake.web_url(sharepoint.library, "Deal"))
    await room.full()
    assert len(await room.files()) == 20
    deep = sharepoint.at("Elsewhere/deep")
    sharepoint.fake.move(deep, sharepoint.at("Deal"))
    await room.sync()
    assert (await room.files())["deep/old.txt"] == sha256(b"old")
    sharepoint.fake.move(deep, sharepoint.at("Elsewhere"))
    assert (await room.sync())["removed"] == 1
    assert len(await room.files()) == 20


async def test_a_folder_that_cannot_be_listed_is_no_proof_that_its_files_are_gone(
    sharepoint_room: Room, sharepoint: SharePointSite
) -> None:
    for number in range(30):
        sharepoint.put(f"Deal/{number % 3}/{number}.txt", b"x%d" % number)
    room = await elsewhere(sharepoint_room, sharepoint.fake.web_url(sharepoint.library, "Deal"))
    await room.full()
    sharepoint.fake.unlistable.add(sharepoint.at("Deal/1"))
    await room.full()
    assert len(await room.files()) == 30
    assert await room.skipped() == ["1"]


async def test_an_incremental_sync_of_nothing_new_costs_five_calls(
    sharepoint_room: Room, sharepoint: SharePointSite
) -> None:
    for number in range(150):
        sharepoint.put(f"{number % 5}/{number}.txt", b"x")
    await sharepoint_room.full()
    before = sharepoint.faults.requests.total()
    await sharepoint_room.sync()
    # The site, its libraries, the library's root, who may read it, and the changes.
    assert sharepoint.faults.requests.total() - before == 5


async def test_a_library_goes_on_from_any_page_in_another_process(
    sharepoint_room: Room, sharepoint: SharePointSite
) -> None:
    sharepoint.fake.page_size = 7
    for number in range(60):
        sharepoint.put(f"{number % 9}/{number % 4}/{number}.txt", b"")
    pages: list[SourcePage] = []

    async for page in connect(sharepoint_room.source, settings=sharepoint.settings, reach=sharepoint_room.reach).pages(
        cursor=None
    ):
        pages.append(page)
    everything = {item.external_id for page in pages for item in page.items}
    assert len(everything) == 60
    for done in range(1, len(pages)):
        folders = {one.external_id: one for page in pages[:done] for one in page.folders}
        seen = {item.external_id for page in pages[:done] for item in page.items}
        connector = connect(sharepoint_room.source, settings=sharepoint.settings, reach=sharepoint_room.reach)
        async for page in connector.pages(cursor=pages[done - 1].cursor, folders=list(folders.values())):
            seen |= {item.external_id for item in page.items}
        assert seen == everything, done


async def test_a_position_that_is_none_lists_everything(sharepoint_room: Room, sharepoint: SharePointSite) -> None:
    connector = connect(sharepoint_room.source, settings=sharepoint.settings, reach=sharepoint_room.reach)
    with pytest.raises(Transient) as expired:
        async for _ in connector.pages(cursor="?"):
            pass
    assert expired.value.code == "cursor_expired"
