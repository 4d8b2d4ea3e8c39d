"""What Drive alone can do to a sync. The shared promises are in ``test_conformance*.py``."""

from __future__ import annotations

from typing import Final

import pytest

from dealpulse.errors import Permanent, RateLimited
from dealpulse.models import SourceAccess, SourceFolder
from dealpulse.sources.contract import SourcePage
from fakes.google import DOCUMENT
from sources.rooms import Room, fill, sha256
from sources.sites import DriveSite

LIST: Final = "/drive/v3/files"
CHANGES: Final = "/drive/v3/changes"


@pytest.mark.parametrize(
    ("status", "reason", "headers", "closed"),
    [
        (429, "rateLimitExceeded", {"retry-after": "77"}, 77),
        (403, "userRateLimitExceeded", None, 30),
        (403, "rateLimitExceeded", None, 30),
    ],
)
async def test_a_rate_limit_closes_the_account_for_all(
    drive_room: Room, drive: DriveSite, status: int, reason: str, headers: dict[str, str] | None, closed: float
) -> None:
    drive.faults.fail(f"{LIST}", status=status, reason=reason, headers=headers)
    with pytest.raises(RateLimited) as limited:
        await drive_room.full()
    assert limited.value.bucket == drive.bucket
    assert closed - 5 < await drive_room.closed_for(drive.bucket) <= closed


async def test_a_file_google_takes_for_malware_says_so(drive_room: Room, drive: DriveSite) -> None:
    fill(drive, "a.txt", "b.txt")
    drive.fake.files[drive.at("a.txt")].abusive = True
    await drive_room.full()
    (skipped,) = (await drive_room.now()).skipped
    assert (skipped.path, "malware" in skipped.reason) == ("a.txt", True)


async def test_a_native_document_is_exported_and_a_shortcut_followed(drive_room: Room, drive: DriveSite) -> None:
    elsewhere = drive.fake.folder("Elsewhere")
    target = drive.fake.file("terms.txt", b"terms", elsewhere)
    drive.fake.shortcut("Terms", target, drive.top)
    plan = drive.fake.file("Plan", b"a docx", drive.top, mime_type=DOCUMENT)
    await drive_room.full()
    assert await drive_room.files() == {"Terms": sha256(b"terms"), "Plan.docx": sha256(b"a docx")}

    drive.fake.edit(target, b"new terms")
    drive.fake.edit(plan, b"a newer docx")
    await drive_room.sync()
    assert await drive_room.files() == {"Terms": sha256(b"new terms"), "Plan.docx": sha256(b"a newer docx")}


async def test_a_shortcut_to_a_folder_brings_what_is_in_it_now_and_later(drive_room: Room, drive: DriveSite) -> None:
    others = fill(drive, *(f"other/{number}.txt" for number in range(20)))
    elsewhere = drive.fake.folder("Elsewhere")
    deep = drive.fake.folder("deep", elsewhere)
    terms = drive.fake.file("terms.txt", b"terms", elsewhere)
    drive.fake.file("note.txt", b"note", deep)
    shortcut = drive.fake.shortcut("Theirs", elsewhere, drive.folder("Legal"))

    async def theirs() -> dict[str, str]:
        return {path: sha for path, sha in (await drive_room.files()).items() if path not in others}

    await drive_room.full()
    assert await theirs() == {"Legal/Theirs/terms.txt": sha256(b"terms"), "Legal/Theirs/deep/note.txt": sha256(b"note")}

    drive.fake.edit(terms, b"new terms")
    drive.fake.file("more.txt", b"more", elsewhere)
    await drive_room.sync()
    assert (await theirs())["Legal/Theirs/terms.txt"] == sha256(b"new terms")
    assert (await theirs())["Legal/Theirs/more.txt"] == sha256(b"more")

    before = await drive_room.ids()
    drive.fake.rename(shortcut, "Of the seller")
    assert (await drive_room.sync())["bytes"] == 0
    after = await drive_room.ids()
    assert after["Legal/Of the seller/deep/note.txt"] == before["Legal/Theirs/deep/note.txt"]
    assert (await drive_room.full())["bytes"] == 0
    assert await drive_room.ids() == after

    drive.fake.trash(shortcut)
    await drive_room.sync()
    assert await theirs() == {}


async def test_shortcuts_to_folders_lead_in_no_circle_and_nothing_is_there_twice(
    drive_room: Room, drive: DriveSite
) -> None:
    there = fill(drive, "a/one.txt", "b/two.txt")
    a, b = drive.at("a"), drive.at("b")
    outside = drive.fake.folder("Outside")
    drive.fake.file("three.txt", b"three", outside)
    drive.fake.shortcut("to b", b, a)
    drive.fake.shortcut("to a", a, b)
    drive.fake.shortcut("to the top", drive.top, a)
    drive.fake.shortcut("out", outside, a)
    drive.fake.shortcut("out again", outside, b)
    drive.fake.shortcut("back", a, outside)
    drive.fake.shortcut("itself", outside, outside)
    for _ in range(2):
        await drive_room.full()
        files = await drive_room.files()
        assert sorted(files.values()) == sorted([*there.values(), sha256(b"three")])
        await drive_room.sync()
        assert await drive_room.files() == files


async def test_a_folder_led_to_that_is_moved_in_is_there_once_and_moved_out_is_led_to_again(
    drive_room: Room, drive: DriveSite
) -> None:
    fill(drive, *(f"other/{number}.txt" for number in range(20)))
    elsewhere = drive.fake.folder("Elsewhere")
    drive.fake.file("terms.txt", b"terms", drive.fake.folder("deep", elsewhere))
    drive.fake.shortcut("Theirs", elsewhere, drive.top)
    await drive_room.full()
    (before,) = [one for path, one in (await drive_room.ids()).items() if "terms" in path]
    drive.fake.move(elsewhere, drive.top)
    await drive_room.sync()
    assert {path: one for path, one in (await drive_room.ids()).items() if "terms" in path} == {
        "Elsewhere/deep/terms.txt": before
    }
    await drive_room.full()
    drive.fake.move(elsewhere, drive.fake.folder("Far away"))
    await drive_room.sync()
    assert {path: one for path, one in (await drive_room.ids()).items() if "terms" in path} == {
        "Theirs/deep/terms.txt": before
    }


async def test_a_shortcut_whose_folder_is_gone_says_so(drive_room: Room, drive: DriveSite) -> None:
    others = fill(drive, *(f"other/{number}.txt" for number in range(20)))
    elsewhere = drive.fake.folder("Elsewhere")
    drive.fake.file("terms.txt", b"terms", elsewhere)
    drive.fake.shortcut("Theirs", elsewhere, drive.top)
    await drive_room.full()
    drive.fake.trash(elsewhere)
    await drive_room.sync()
    assert await drive_room.files() == others
    (skipped,) = (await drive_room.now()).skipped
    assert (skipped.path, "gone" in skipped.reason) == ("Theirs", True)


async def test_a_shortcut_to_another_drive_is_told_and_not_followed(drive_room: Room, drive: DriveSite) -> None:
    fill(drive, "a.txt")
    drive.fake.shortcut("Theirs", drive.fake.folder("Shared drive", drive=True), drive.top)
    await drive_room.full()
    (skipped,) = (await drive_room.now()).skipped
    assert (skipped.path, "another drive" in skipped.reason) == ("Theirs", True)


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_a_position_that_is_forgotten_lists_everything_and_finds_deletions(
    drive_room: Room, drive: DriveSite, status: int
) -> None:
    for number in range(10):
        drive.put(f"{number}.txt", b"x%d" % number)
    await drive_room.full()
    drive.delete("3.txt")
    drive.fake.forget_changes()
    drive.faults.fail(CHANGES, status=status)
    result = await drive_room.sync()
    assert (result["removed"], result["bytes"]) == (1, 0)
    assert "3.txt" not in await drive_room.files()
    listings = drive.faults.requests[f"GET {LIST}"]
    await drive_room.sync()
    assert drive.faults.requests[f"GET {LIST}"] == listings, "the next one is incremental again"


async def test_a_native_document_too_large_to_export_comes_by_its_link(drive_room: Room, drive: DriveSite) -> None:
    drive.fake.export_limit = 10
    drive.fake.file("Plan", b"more than ten bytes", drive.top, mime_type=DOCUMENT)
    drive.fake.file("Form", b"", drive.top, mime_type="application/vnd.google-apps.form")
    await drive_room.full()
    assert await drive_room.files() == {"Plan.docx": sha256(b"more than ten bytes")}
    (skipped,) = (await drive_room.now()).skipped
    assert skipped.reason == "Google cannot export this kind of document."


async def test_a_folder_moved_in_or_taken_out_of_the_trash_brings_what_is_in_it(
    drive_room: Room, drive: DriveSite
) -> None:
    for number in range(20):
        drive.put(f"{number}.txt", b"x")
    drive.put("Legal/deep/lease.txt", b"lease")
    elsewhere = drive.fake.folder("Elsewhere")
    inner = drive.fake.folder("Inner", elsewhere)
    drive.fake.file("old.txt", b"old", inner)
    await drive_room.full()
    legal = drive.at("Legal")
    drive.fake.trash(legal)
    await drive_room.sync()
    assert "Legal/deep/lease.txt" not in await drive_room.files()
    drive.fake.trash(legal, back=True)
    drive.fake.move(elsewhere, legal)
    await drive_room.sync()
    files = await drive_room.files()
    assert files["Legal/deep/lease.txt"] == sha256(b"lease")
    assert files["Legal/Elsewhere/Inner/old.txt"] == sha256(b"old")


async def test_who_may_read_the_folder_is_recorded(drive_room: Room) -> None:
    await drive_room.full()
    assert (await drive_room.now()).access == (
        SourceAccess(who="dana@example.com", role="owner"),
        SourceAccess(who="example.com", role="reader"),
    )


async def test_an_incremental_sync_of_nothing_new_costs_three_calls(drive_room: Room, drive: DriveSite) -> None:
    for number in range(150):
        drive.put(f"{number % 5}/{number}.txt", b"x")
    await drive_room.full()
    before = drive.faults.requests.total()
    await drive_room.sync()
    assert drive.faults.requests.total() - before == 3


async def test_a_listing_goes_on_from_any_page_in_another_process(drive_room: Room, drive: DriveSite) -> None:
    drive.fake.page_size = 7
    for number in range(60):
        drive.fake.file(f"{number}.txt", b"", drive.folder(f"{number % 9}/{number % 4}"))
    pages: list[SourcePage] = []
    async for page in drive_room.connector().pages(cursor=None):
        pages.append(page)
    everything = {item.external_id for page in pages for item in page.items}
    assert len(everything) == 60
    for done in range(1, len(pages)):
        known: dict[str, SourceFolder] = {one.external_id: one for page in pages[:done] for one in page.folders}
        seen = {item.external_id for page in pages[:done] for item in page.items}
        again = drive_room.connector()
        async for page in again.pages(cursor=pages[done - 1].cursor, folders=list(known.values())):
            seen |= {item.external_id for item in page.items}
        assert seen == everything, done


async def test_a_missing_scope_is_an_error_of_its_own(drive_room: Room, drive: DriveSite) -> None:
    drive.faults.fail(LIST, status=403, reason="insufficientPermissions")
    with pytest.raises(Permanent, match="insufficientPermissions"):
        await drive_room.full()


async def test_a_folder_that_cannot_be_listed_is_no_proof_that_its_files_are_gone(
    drive_room: Room, drive: DriveSite
) -> None:
    for number in range(30):
        drive.put(f"{number % 3}/{number}.txt", b"x%d" % number)
    await drive_room.full()
    # Asked for the three folders together, then for each.
    drive.fake.refuse_listing(drive.at("1"))
    await drive_room.full()
    assert len(await drive_room.files()) == 30
    assert [item.path for item in (await drive_room.now()).skipped] == ["1"]
