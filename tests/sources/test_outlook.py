"""What Outlook alone can do to a sync. The shared promises are in ``test_conformance*.py``."""

from __future__ import annotations

import dataclasses

import pytest

from dealpulse.errors import Permanent, RateLimited
from dealpulse.sources.accounts import Account
from dealpulse.sources.graph import Graph
from dealpulse.sources.http import Budget
from dealpulse.sources.vendors.outlook import OutlookConnector
from dealpulse.sources.vendors.outlook.location import Location
from fakes.graph.accounts import MAIL_READ
from fakes.graph.mail import DANA
from sources.rooms import Room, sha256
from sources.sites import OutlookSite


async def elsewhere(room: Room, location: str) -> Room:
    source = await room.store.sources.create(room.deal.id, room.site.type, "Elsewhere", location)
    return dataclasses.replace(room, source=source)


async def test_a_whole_mailbox_is_all_but_what_is_deleted_junk_or_not_sent(
    outlook_room: Room, outlook: OutlookSite
) -> None:
    fake = outlook.fake
    fake.receive("hello", b"hello", fake.own_names["inbox"])
    fake.receive("sent", b"sent", fake.own_names["sentitems"])
    fake.receive("deep", b"deep", fake.folder("Kestrel Due Diligence", outlook.top))
    for name in ("deleteditems", "junkemail", "drafts", "outbox"):
        fake.receive(name, b"no", fake.own_names[name], draft=name == "drafts")
        fake.receive(name, b"no", fake.folder("Below", fake.own_names[name]))
    fake.folder("Weekly digests", fake.own_names["inbox"], search=True)
    room = await elsewhere(outlook_room, DANA)
    await room.full()
    assert set(await room.files()) == {
        "Inbox/not ours",
        "Inbox/hello",
        "Sent Items/sent",
        "Kestrel Due Diligence/deep",
    }


@pytest.mark.parametrize(
    ("folders", "found"),
    [
        ("deleteditems", {"Deleted Items/gone"}),
        ("Inbox/Kestrel; Sent Items", {"hello", "Sent Items/sent"}),
        ("inbox/kestrel", {"hello"}),
        ("Drafts", {"Drafts/draft"}),
    ],
)
async def test_folders_that_are_named_are_read_whatever_they_are(
    outlook_room: Room, outlook: OutlookSite, folders: str, found: set[str]
) -> None:
    fake = outlook.fake
    fake.receive("gone", b"gone", fake.own_names["deleteditems"])
    fake.receive("draft", b"draft", fake.own_names["drafts"], draft=True)
    fake.receive("sent", b"sent", fake.own_names["sentitems"])
    outlook.put("hello", b"hello")
    room = await elsewhere(outlook_room, f"{DANA}/{folders}")
    await room.full()
    assert set(await room.files()) == found


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("nobody", "wrong_location"),
        ("me", "wrong_location"),
        ("nobody@contoso.example", "mailbox_missing"),
        (f"{DANA}/Inbox/Nowhere", "folder_missing"),
    ],
)
async def test_a_mailbox_or_folder_that_is_none_is_an_error_that_says_so(
    outlook_room: Room, location: str, code: str
) -> None:
    room = await elsewhere(outlook_room, location)
    with pytest.raises(Permanent) as wrong:
        await room.full()
    assert wrong.value.code == code


class _Danas:
    """Tokens of the account she connected."""

    def __init__(self, outlook: OutlookSite) -> None:
        self._accounts = outlook.graph.accounts

    async def current(self) -> str:
        return self._accounts.issue(MAIL_READ, user=DANA)

    async def instead_of(self, refused: str) -> str:
        return await self.current()


async def test_a_connected_account_reads_its_own_mailbox_as_me(outlook_room: Room, outlook: OutlookSite) -> None:
    outlook.put("hello", b"hello")
    reach = outlook_room.reach
    graph = Graph(
        Account("dana", _Danas(outlook)),
        outlook.settings.microsoft,
        http=reach.http,
        budget=Budget("outlook:dana", 100, 100),
        limits=reach.limits,
    )
    connector = OutlookConnector(Location.of("me/inbox/kestrel"), graph=graph)
    found = [item.name async for page in connector.pages(cursor=None) for item in page.items]
    assert found == ["hello"]


async def test_what_is_read_or_flagged_is_not_fetched_again_and_a_draft_that_goes_on_is(
    outlook_room: Room, outlook: OutlookSite
) -> None:
    message = outlook.fake.receive("hello", b"hello", outlook.top)
    draft = outlook.fake.receive("plan", b"plan", outlook.top, draft=True)
    await outlook_room.full()
    outlook.fake.read(message)
    outlook.fake.rewrite(draft, b"a better plan")
    assert (await outlook_room.sync())["bytes"] == len(b"a better plan")
    assert await outlook_room.files() == {"hello": sha256(b"hello"), "plan": sha256(b"a better plan")}


async def test_many_moves_at_once_are_looked_up_together_and_a_429_among_them_is_one(
    outlook_room: Room, outlook: OutlookSite
) -> None:
    messages = [outlook.fake.receive(f"{number}", b"x%d" % number, outlook.top) for number in range(45)]
    other = outlook.folder("Zebra")
    await outlook_room.full()
    before = await outlook_room.ids()
    for message_id in messages:
        outlook.fake.move(message_id, other)
    one = f"/v1.0/users/{DANA}/messages/{messages[30]}"
    outlook.faults.fail(one, status=429, headers={"retry-after": "60"}, times=2)
    batches = outlook.faults.requests["POST /v1.0/$batch"]
    with pytest.raises(RateLimited):
        await outlook_room.sync()
    assert 50 < await outlook_room.closed_for(outlook.bucket) <= 60
    await outlook_room.buckets.release(outlook.bucket)
    result = await outlook_room.sync()
    assert (result["removed"], result["bytes"]) == (0, 0)
    after = await outlook_room.ids()
    assert set(after.values()) == set(before.values())
    assert all(path.startswith("Zebra/") for path in after)
    # Twice the folders' own names; two portions until the 429, then all three.
    assert outlook.faults.requests["POST /v1.0/$batch"] - batches <= 2 + 2 + 3


async def test_a_message_moved_while_the_mailbox_is_listed_is_not_lost(
    outlook_room: Room, outlook: OutlookSite
) -> None:
    first, last = outlook.folder("A"), outlook.folder("Z")
    for number in range(10):
        outlook.fake.receive(f"{number}", b"x%d" % number, first)
    moved = outlook.fake.receive("moved", b"moved", last)
    await outlook_room.full()
    pages = outlook_room.connector().pages(cursor=None)
    seen: set[str] = set()
    done = False
    async for page in pages:
        seen |= {item.external_id for item in page.items}
        if len(seen) == 10 and not done:
            outlook.fake.move(moved, first)
            done = True
    assert done
    assert moved in seen


async def test_a_message_that_is_gone_for_good_and_a_folder_with_all_in_it_go(
    outlook_room: Room, outlook: OutlookSite
) -> None:
    for number in range(20):
        outlook.put(f"kept/{number}", b"x%d" % number)
    destroyed = outlook.fake.receive("destroyed", b"destroyed", outlook.top)
    outlook.put("gone/a", b"a")
    await outlook_room.full()
    outlook.fake.destroy(destroyed)
    outlook.fake.destroy_folder(outlook.folder("gone"))
    assert (await outlook_room.sync())["removed"] == 2
    assert all(path.startswith("kept/") for path in await outlook_room.files())


async def test_the_position_stays_small(outlook_room: Room, outlook: OutlookSite) -> None:
    for number in range(100):
        outlook.put(f"Folder {number}/mail", b"x%d" % number)
    await outlook_room.full()
    cursor = (await outlook_room.now()).cursor
    assert cursor is not None
    assert len(cursor) < 12_000, "a tenth of what the links are long"
