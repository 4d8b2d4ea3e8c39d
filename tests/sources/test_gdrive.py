"""What Drive alone can do to a sync. The shared promises are in ``test_conformance.py``."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest

from dealpulse.errors import NeedsConsent, Permanent, RateLimited, Transient, Unavailable
from dealpulse.models import SourceAccess, SourceFolder, SourceState
from dealpulse.queue.limits import Buckets
from dealpulse.sources.contract import SourcePage
from fakes.google import DOCUMENT, SERVICE_ACCOUNT
from sources.rooms import Room
from sources.sites import DriveSite

BUCKET: Final = f"gdrive:{SERVICE_ACCOUNT}"
LIST: Final = "/drive/v3/files"
CHANGES: Final = "/drive/v3/changes"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def closed_for(room: Room) -> float:
    limits = room.reach.limits
    assert isinstance(limits, Buckets)
    return (await limits.state([BUCKET]))[BUCKET]


async def test_a_token_that_is_refused_is_renewed_once(drive_room: Room, drive: DriveSite) -> None:
    drive.put("a.txt", b"a")
    await drive_room.full()
    drive.expire_tokens()
    drive.put("b.txt", b"b")
    await drive_room.sync()
    assert set(await drive_room.files()) == {"a.txt", "b.txt"}
    assert drive.faults.requests["POST /token"] == 2


async def test_an_account_refused_for_good_needs_consent_and_loses_nothing(drive_room: Room, drive: DriveSite) -> None:
    drive.put("a.txt", b"a")
    await drive_room.full()
    drive.faults.fail(CHANGES, status=401, times=2)
    with pytest.raises(NeedsConsent):
        await drive_room.sync()
    assert (await drive_room.now()).state is SourceState.needs_consent
    assert set(await drive_room.files()) == {"a.txt"}
    await drive_room.sync()
    assert (await drive_room.now()).state is SourceState.active


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
    assert limited.value.bucket == BUCKET
    assert closed - 5 < await closed_for(drive_room) <= closed


async def test_a_rate_limit_in_the_middle_keeps_what_was_fetched(drive_room: Room, drive: DriveSite) -> None:
    for number in range(40):
        drive.put(f"{number}.txt", b"%d" % number)
    drive.faults.fail(f"{LIST}/{drive.at('30.txt')} alt=media", status=429, headers={"retry-after": "60"})
    with pytest.raises(RateLimited):
        await drive_room.full()
    kept = len(await drive_room.files())
    assert 0 < kept < 40
    limits = drive_room.reach.limits
    assert isinstance(limits, Buckets)
    await limits.release(BUCKET)
    before = drive.downloads
    await drive_room.sync()
    assert len(await drive_room.files()) == 40
    assert drive.downloads - before == 40 - kept


async def test_a_vendor_that_is_down_is_waited_for(drive_room: Room, drive: DriveSite) -> None:
    drive.faults.fail(LIST, status=503, headers={"retry-after": "20"})
    with pytest.raises(Unavailable) as away:
        await drive_room.full()
    assert (away.value.dependency, away.value.retry_after) == ("google", 20)
    assert 0 < await closed_for(drive_room) <= 20


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


async def test_one_file_that_is_refused_costs_only_itself_and_is_tried_again(
    drive_room: Room, drive: DriveSite
) -> None:
    for number in range(100):
        drive.put(f"Legal/{number}.txt", b"x%d" % number)
    drive.fake.files[drive.at("Legal/7.txt")].abusive = True
    result = await drive_room.full()
    assert (result["skipped"], len(await drive_room.files())) == (1, 99)
    (skipped,) = (await drive_room.now()).skipped
    assert (skipped.path, "malware" in skipped.reason) == ("Legal/7.txt", True)
    await drive_room.sync()
    assert (await drive_room.now()).skipped == (skipped,)
    drive.fake.files[drive.at("Legal/7.txt")].abusive = False
    await drive_room.sync()
    assert (await drive_room.files())["Legal/7.txt"] == sha256(b"x7")
    assert (await drive_room.now()).skipped == ()


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_file_that_cannot_be_had_never_stops_the_sync(drive_room: Room, drive: DriveSite, status: int) -> None:
    drive.put("good.txt", b"good")
    drive.put("bad.txt", b"bad")
    drive.faults.fail(f"{LIST}/{drive.at('bad.txt')} alt=media", status=status)
    await drive_room.full()
    assert set(await drive_room.files()) == {"good.txt"}
    await drive_room.sync()
    assert set(await drive_room.files()) == {"good.txt", "bad.txt"}


async def test_a_download_that_is_cut_goes_on_where_it_was(drive_room: Room, drive: DriveSite) -> None:
    content = bytes(range(256)) * 2000
    drive.put("large.bin", content)
    drive.faults.cut(f"{LIST}/{drive.at('large.bin')} alt=media", 100_000, 150_000)
    await drive_room.full()
    assert await drive_room.files() == {"large.bin": sha256(content)}
    assert drive.downloads == 3


async def test_a_native_document_is_exported_and_a_shortcut_followed(drive_room: Room, drive: DriveSite) -> None:
    elsewhere = drive.fake.folder("Elsewhere")
    target = drive.fake.file("terms.txt", b"terms", elsewhere)
    drive.fake.shortcut("Terms", target, drive.top)
    drive.fake.shortcut("Their folder", elsewhere, drive.top)
    plan = drive.fake.file("Plan", b"a docx", drive.top, mime_type=DOCUMENT)
    await drive_room.full()
    assert await drive_room.files() == {"Terms": sha256(b"terms"), "Plan.docx": sha256(b"a docx")}
    assert [item.path for item in (await drive_room.now()).skipped] == ["Their folder"]

    drive.fake.edit(target, b"new terms")
    drive.fake.edit(plan, b"a newer docx")
    await drive_room.sync()
    assert await drive_room.files() == {"Terms": sha256(b"new terms"), "Plan.docx": sha256(b"a newer docx")}


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


async def test_a_source_that_is_no_longer_shared_is_an_error_and_no_deletion(
    drive_room: Room, drive: DriveSite
) -> None:
    drive.put("a.txt", b"a")
    await drive_room.full()
    drive.fake.delete(drive.top)
    with pytest.raises(Permanent, match="not shared"):
        await drive_room.sync()
    assert set(await drive_room.files()) == {"a.txt"}
    assert (await drive_room.now()).last_error


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


async def test_twenty_thousand_files_in_a_thousand_folders_are_all_listed(drive_room: Room, drive: DriveSite) -> None:
    drive.fake.page_size = 1000
    for folder in range(1000):
        parent = drive.fake.folder(f"{folder}", drive.top)
        for number in range(20):
            drive.fake.file(f"{number}.txt", b"", parent)
    connector = drive_room.connector()
    seen: set[str] = set()
    longest = 0
    async for page in connector.pages(cursor=None):
        seen.update(item.external_id for item in page.items)
        longest = max(longest, len(page.cursor or ""))
    assert len(seen) == 20_000
    assert longest < 1000, "the position does not grow with the source"


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


async def test_an_answer_that_is_no_json_is_tried_again(drive_room: Room, drive: DriveSite) -> None:
    drive.faults.fail(CHANGES, status=200)
    with pytest.raises(Transient):
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
