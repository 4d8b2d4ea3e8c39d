"""What no fault of a vendor's may do to a sync, on every site that has a vendor."""

from __future__ import annotations

import time

import pytest

from dealpulse.errors import NeedsConsent, Permanent, RateLimited, Transient, Unavailable
from dealpulse.jobs import SyncType
from dealpulse.models import SourceState
from sources.rooms import Killed, Room, fill, sha256
from sources.sites import PAGE, Call, Notion, VendorSite

pytestmark = pytest.mark.needs(Notion.account)

EVERY_CALL = pytest.mark.parametrize("call", list(Call))


async def test_a_token_that_is_refused_is_renewed_and_the_sync_goes_on(room: Room, vendor: VendorSite) -> None:
    vendor.put("a.txt", b"a")
    await room.full()
    vendor.expire_tokens()
    vendor.put("b.txt", b"b")
    await room.sync()
    assert set(await room.files()) == {"a.txt", "b.txt"}


@EVERY_CALL
async def test_an_account_refused_for_good_needs_consent_and_loses_nothing(
    room: Room, vendor: VendorSite, call: Call
) -> None:
    there = fill(vendor, "a.txt", "b.txt")
    vendor.faults.fail(vendor.request(call, "a.txt"), status=401, times=2)
    with pytest.raises(NeedsConsent):
        await room.full()
    assert (await room.now()).state is SourceState.needs_consent
    await room.sync()
    assert (await room.now()).state is SourceState.active
    assert await room.files() == there


@EVERY_CALL
async def test_a_rate_limit_closes_the_account_for_all_for_as_long_as_the_vendor_says(
    room: Room, vendor: VendorSite, call: Call
) -> None:
    there = fill(vendor, "a.txt", "b.txt")
    vendor.faults.fail(vendor.request(call, "a.txt"), status=429, headers={"retry-after": "77"})
    with pytest.raises(RateLimited) as limited:
        await room.full()
    assert limited.value.bucket == vendor.bucket
    assert 72 < await room.closed_for(vendor.bucket) <= 77
    asked = vendor.faults.requests.total()
    with pytest.raises(RateLimited):
        await room.full()
    assert vendor.faults.requests.total() == asked, "nobody asks while it is closed"
    await room.buckets.release(vendor.bucket)
    await room.sync()
    assert await room.files() == there


async def test_a_rate_limit_in_the_middle_keeps_what_was_fetched(room: Room, vendor: VendorSite) -> None:
    there = fill(vendor, *(f"{number}.txt" for number in range(40)))
    vendor.faults.fail(vendor.request(Call.content, "20.txt"), status=429, headers={"retry-after": "60"})
    with pytest.raises(RateLimited):
        await room.full()
    kept = len(await room.files())
    assert 0 < kept < 40
    await room.buckets.release(vendor.bucket)
    before = vendor.downloads
    await room.sync()
    assert await room.files() == there
    assert vendor.downloads - before == 40 - kept


@pytest.mark.parametrize(
    ("call", "status"), [(Call.describe, 500), (Call.listing, 502), (Call.changes, 503), (Call.changes, 504)]
)
async def test_a_vendor_that_is_down_costs_nothing_but_time(
    room: Room, vendor: VendorSite, call: Call, status: int
) -> None:
    there = fill(vendor, "a.txt", "b.txt")
    await room.full()
    vendor.put("a.txt", b"another")
    vendor.faults.fail(vendor.request(call), status=status)
    with pytest.raises(Unavailable):
        await room.full()
    await room.sync()
    assert await room.files() == there | {"a.txt": sha256(b"another")}


async def test_a_vendor_that_says_when_it_is_back_is_left_alone_until_then(room: Room, vendor: VendorSite) -> None:
    vendor.faults.fail(vendor.request(Call.listing), status=503, headers={"retry-after": "20"})
    with pytest.raises(Unavailable) as away:
        await room.full()
    assert away.value.retry_after == 20
    assert 15 < await room.closed_for(vendor.bucket) <= 20


@pytest.mark.parametrize("call", [Call.describe, Call.listing])
async def test_a_refusal_for_good_is_told_and_deletes_nothing(room: Room, vendor: VendorSite, call: Call) -> None:
    there = fill(vendor, "a.txt", "b.txt")
    await room.full()
    vendor.faults.fail(vendor.request(call), status=403, reason="accessDenied")
    with pytest.raises(Permanent):
        await room.full()
    assert await room.files() == there
    assert (await room.now()).last_error
    await room.full()
    assert (await room.now()).last_error is None


@pytest.mark.needs(Notion.change_log)
async def test_a_position_that_is_forgotten_lists_everything_and_finds_deletions(
    room: Room, vendor: VendorSite
) -> None:
    there = fill(vendor, *(f"{number}.txt" for number in range(20)))
    await room.full()
    vendor.delete("3.txt")
    vendor.put("new.txt", b"new")
    vendor.forget_changes()
    result = await room.sync()
    assert (result["removed"], result["bytes"]) == (1, len(b"new"))
    del there["3.txt"]
    assert await room.files() == there | {"new.txt": sha256(b"new")}
    listings = vendor.faults.requests[f"GET {vendor.request(Call.listing)}"]
    vendor.put("newer.txt", b"newer")
    await room.sync()
    assert "newer.txt" in await room.files()
    if vendor.request(Call.listing) != vendor.request(Call.changes):
        asked = vendor.faults.requests[f"GET {vendor.request(Call.listing)}"]
        assert asked == listings, "the next one is incremental again: the new position was kept"


@pytest.mark.needs(Notion.change_log)
async def test_a_position_that_is_forgotten_while_everything_is_listed_starts_the_listing_again(
    room: Room, vendor: VendorSite
) -> None:
    there = fill(vendor, *(f"{number:03}.txt" for number in range(PAGE + 30)))
    vendor.faults.fail(vendor.request(Call.changes), status=503)
    with pytest.raises(Unavailable):
        await room.full()
    vendor.forget_changes()
    await room.sync()
    assert await room.files() == there


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_one_item_among_a_hundred_that_is_refused_costs_only_itself_and_is_tried_again(
    room: Room, vendor: VendorSite, status: int
) -> None:
    there = fill(vendor, *(f"Legal/{number}.txt" for number in range(100)))
    vendor.faults.fail(vendor.request(Call.content, "Legal/7.txt"), status=status)
    result = await room.full()
    assert (result["skipped"], len(await room.files())) == (1, 99)
    (skipped,) = (await room.now()).skipped
    assert skipped.reason
    assert await room.skipped() == ["Legal/7.txt"]
    await room.sync()
    assert await room.files() == there
    assert await room.skipped() == []


async def test_a_download_that_is_cut_never_leaves_half_an_item(room: Room, vendor: VendorSite) -> None:
    content = bytes(range(256)) * 2000
    vendor.put("large.bin", content)
    vendor.put("other.txt", b"other")
    for after in (0, 1, 100_000):
        vendor.faults.cut(vendor.request(Call.content, "large.bin"), after)
        await room.full()
        assert (await room.files()).get("large.bin") in (None, sha256(content))
        assert (await room.files())["other.txt"] == sha256(b"other")
    await room.sync()
    assert await room.files() == {"large.bin": sha256(content), "other.txt": sha256(b"other")}
    assert await room.skipped() == []


@pytest.mark.needs(Notion.ranges)
async def test_a_download_that_is_cut_goes_on_where_it_was(room: Room, vendor: VendorSite) -> None:
    content = bytes(range(256)) * 2000
    vendor.put("large.bin", content)
    vendor.faults.cut(vendor.request(Call.content, "large.bin"), 100_000, 150_000)
    await room.full()
    assert await room.files() == {"large.bin": sha256(content)}
    assert vendor.downloads == 3


@pytest.mark.parametrize("call", [Call.describe, Call.listing, Call.changes])
@pytest.mark.parametrize("how", ["cut", "garbled"])
async def test_an_answer_that_is_cut_or_no_answer_of_the_vendors_deletes_nothing(
    room: Room, vendor: VendorSite, call: Call, how: str
) -> None:
    there = fill(vendor, *(f"{number}.txt" for number in range(10)))
    await room.full()
    if how == "cut":
        vendor.faults.cut(vendor.request(call), 5)
    else:
        vendor.faults.garble(vendor.request(call))
    with pytest.raises(Transient):
        await room.full()
    assert await room.files() == there
    await room.sync()
    assert await room.files() == there


@pytest.mark.parametrize("call", [Call.listing, Call.changes])
async def test_a_vendor_that_gives_the_same_page_over_and_over_is_not_followed_for_ever(
    room: Room, vendor: VendorSite, call: Call
) -> None:
    there = fill(vendor, "first.txt")
    await room.full()
    there |= fill(vendor, *(f"{number:03}.txt" for number in range(2 * PAGE + 30)))
    vendor.faults.repeat(vendor.request(call))
    with pytest.raises(Transient, match="repeats"):
        await room.sync(SyncType.full if call is Call.listing else SyncType.incremental)
    await room.sync()
    assert await room.files() == there


@pytest.mark.parametrize("minutes", [-90, -10, 10])
async def test_a_clock_that_is_off_by_minutes_makes_no_difference(room: Room, vendor: VendorSite, minutes: int) -> None:
    room.reach = room.reach_by(lambda: time.time() + 60 * minutes)
    there = fill(vendor, "a.txt", "b.txt")
    await room.full()
    vendor.expire_tokens()
    vendor.put("a.txt", b"another")
    await room.sync()
    assert await room.files() == there | {"a.txt": sha256(b"another")}


async def test_a_fault_at_each_page_in_turn_ends_the_same(room: Room, vendor: VendorSite) -> None:
    there = fill(vendor, *(f"{number % 7}/{number}.txt" for number in range(3 * PAGE + 5)))
    for status in (503, 502, 500):
        vendor.faults.fail(vendor.request(Call.listing), status=status)
        with pytest.raises(Unavailable):
            await room.full()
        room.dies_at = 1
        with pytest.raises(Killed):
            await room.full()
        room.dies_at = 0
    await room.sync()
    assert await room.files() == there
