"""What Gmail alone can do to a sync. The shared promises are in ``test_conformance*.py``."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.errors import Permanent, RateLimited, Transient
from dealpulse.models import SourceAccess
from dealpulse.sources.registry import Reach, connect
from dealpulse.sources.vendors.gmail.content import raw_message
from dealpulse.sources.vendors.gmail.location import Location
from fakes.google import PERSON
from sources.rooms import Killed, Room, fill, sha256
from sources.sites import Call, GmailSite


async def reading(room: Room, location: str) -> Room:
    """The room with another source of the same mailbox."""
    source = await room.store.sources.create(room.deal.id, room.source.type, "Mail", location)
    return replace(room, source=source)


async def chunked(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


# What a location says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "meant"),
    [
        ("me", Location("me")),
        (" dana@example.com ", Location("dana@example.com")),
        ("me?label=Deals/Kestrel", Location("me", ("Deals/Kestrel",))),
        ("me?label=INBOX&label=R%26D", Location("me", ("INBOX", "R&D"))),
        ("me?label=a&q=from:(acme.com)+newer_than:1y", Location("me", ("a",), "from:(acme.com) newer_than:1y")),
        ('me?q=subject:"share purchase"', Location("me", (), 'subject:"share purchase"')),
    ],
)
def test_a_location_names_a_mailbox_labels_and_a_search(location: str, meant: Location) -> None:
    assert Location.of(location) == meant


@pytest.mark.parametrize(
    "location",
    [
        "",
        "dana",
        "https://mail.google.com/mail/u/0/#inbox",
        "dana@example.com/../pat@example.com",
        "me?",
        "me?label=",
        "me?label",
        "me?folder=a",
        "me?q=a&q=b",
        "me?q=(a",
        "me?q=a) in:trash (b",
        'me?q="a',
        "me?label=TRASH",
        "me?label=spam",
    ],
)
def test_a_location_that_makes_no_sense_is_refused_with_an_example(location: str) -> None:
    with pytest.raises(Permanent, match="for example") as refused:
        Location.of(location)
    assert refused.value.code == "wrong_location"


async def test_a_label_the_mailbox_does_not_have_is_named_in_the_error(mail_room: Room) -> None:
    with pytest.raises(Permanent, match="'Kestril'"):
        await (await reading(mail_room, "dana@example.com?label=Kestril")).full()


async def test_another_persons_mailbox_is_not_read(mail_room: Room) -> None:
    with pytest.raises(Permanent, match="no such mailbox"):
        await (await reading(mail_room, "pat@example.com")).full()


# What belongs to a source --------------------------------------------------------------------------------------------


async def test_a_whole_mailbox_is_read_without_drafts_chats_spam_and_trash(mail_room: Room, mailbox: GmailSite) -> None:
    room = await reading(mail_room, PERSON)
    for label in ("INBOX", "SENT", "DRAFT", "SPAM", "TRASH", "CHAT"):
        mailbox.fake.receive(label, label.encode(), label)
    mailbox.fake.receive("archived", b"archived")
    there = {"INBOX": sha256(b"INBOX"), "SENT": sha256(b"SENT"), "archived": sha256(b"archived")}
    await room.full()
    assert await room.files() == there
    for label in ("DRAFT", "SPAM", "TRASH", "CHAT"):
        mailbox.fake.receive(f"later {label}", label.encode(), label)
    mailbox.fake.receive("later", b"later", "INBOX")
    await room.sync()
    assert await room.files() == there | {"later": sha256(b"later")}


@pytest.mark.parametrize("tells_labels", [True, False])
async def test_a_message_that_gets_the_label_comes_and_one_that_loses_it_goes(
    mail_room: Room, mailbox: GmailSite, tells_labels: bool
) -> None:
    mailbox.fake.tells_labels = tells_labels
    there = fill(mailbox, *(f"{number}" for number in range(20)))
    outside = mailbox.fake.receive("outside", b"outside", "INBOX")
    await mail_room.full()
    assert await mail_room.files() == there
    mailbox.fake.relabel(outside, add=(mailbox.label,))
    mailbox.fake.relabel(mailbox.at("7"), remove=(mailbox.label,))
    mailbox.fake.trash(mailbox.at("8"))
    mailbox.fake.relabel(mailbox.at("9"), add=("SPAM",))
    back_and_forth = mailbox.at("10")
    mailbox.fake.relabel(back_and_forth, remove=(mailbox.label,))
    mailbox.fake.relabel(back_and_forth, add=(mailbox.label,))
    gone_at_once = mailbox.fake.receive("gone", b"gone", mailbox.label)
    mailbox.fake.delete(gone_at_once)
    result = await mail_room.sync()
    assert (result["removed"], result["held"]) == (3, 0)
    assert set(await mail_room.files()) == {*there} - {"7", "8", "9"} | {"outside"}
    assert result["bytes"] == len(b"outside")


async def test_reading_and_starring_mail_asks_for_nothing(mail_room: Room, mailbox: GmailSite) -> None:
    fill(mailbox, "a", "b")
    await mail_room.full()
    for message_id in list(mailbox.fake.messages):
        mailbox.fake.relabel(message_id, add=("STARRED",), remove=("UNREAD",))
    before = mailbox.faults.requests.total()
    await mail_room.sync()
    assert mailbox.faults.requests.total() - before == 3, "profile, labels, history"


async def test_several_labels_mean_all_of_them(mail_room: Room, mailbox: GmailSite) -> None:
    room = await reading(mail_room, f"{PERSON}?label=kestrel&label=INBOX")
    both = mailbox.fake.receive("both", b"both", mailbox.label, "INBOX")
    mailbox.fake.receive("one", b"one", mailbox.label)
    await room.full()
    assert set(await room.files()) == {"both"}
    mailbox.fake.relabel(both, remove=("INBOX",))
    await room.sync()
    assert await room.files() == {}


async def test_what_a_search_finds_is_asked_of_gmail(mail_room: Room, mailbox: GmailSite) -> None:
    room = await reading(mail_room, f"{PERSON}?q=from:acme.com")
    for number in range(20):
        mailbox.fake.receive(f"{number}", b"%d" % number, sender="jo@acme.com", received_at=1_000_000 + number)
    mailbox.fake.receive("other", b"other", sender="jo@other.com")
    await room.full()
    assert len(await room.files()) == 20
    second = mailbox.fake.receive("new", b"new", sender="jo@acme.com")
    mailbox.fake.receive("new other", b"new", sender="jo@other.com")
    await room.sync()
    assert set(await room.files()) == {*map(str, range(20)), "new"}

    room = await reading(mail_room, f"{PERSON}?q=label:Kestrel")
    await room.full()
    mailbox.fake.relabel(second, add=(mailbox.label,))
    await room.sync()
    assert second in {one.external_id for one in await room.store.emails.of_deal(room.deal.id)}
    (again,) = [one async for one in room.connector().pages(cursor=(await room.now()).cursor)]
    assert again.items == ()


async def test_a_label_that_is_renamed_in_the_mailbox_must_be_named_anew(mail_room: Room, mailbox: GmailSite) -> None:
    there = fill(mailbox, "a", "b")
    await mail_room.full()
    mailbox.fake.rename_label(mailbox.label, "Project K")
    with pytest.raises(Permanent, match="no label 'Kestrel'"):
        await mail_room.sync()
    assert await mail_room.files() == there


# How it is asked -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["userRateLimitExceeded", "rateLimitExceeded"])
async def test_a_403_that_means_slow_down_closes_the_account(mail_room: Room, mailbox: GmailSite, reason: str) -> None:
    mailbox.faults.fail(mailbox.request(Call.listing), status=403, reason=reason)
    with pytest.raises(RateLimited):
        await mail_room.full()
    assert 25 < await mail_room.closed_for(mailbox.bucket) <= 30


@dataclass
class _Counting:
    """Grants everything, and counts it."""

    taken: float = 0

    async def take(
        self, name: str, *, rate_per_second: float | None = None, burst: float = 1, tokens: float = 1
    ) -> float:
        assert rate_per_second is not None
        assert rate_per_second * 60 + burst <= 15_000, "quota units a minute and user"
        self.taken += tokens
        return 0.0

    async def close(self, name: str, seconds: float) -> None:
        raise AssertionError("nothing asks to slow down")


async def test_what_is_taken_from_the_budget_is_what_google_counts(mail_room: Room, mailbox: GmailSite) -> None:
    counting = _Counting()
    reach = Reach(http=mail_room.reach.http, accounts=mail_room.reach.accounts, limits=counting)
    room = await reading(mail_room, f"{PERSON}?label=Kestrel&q=from:example.com")
    connector = connect(room.source, mailbox.settings, reach)
    fill(mailbox, *(f"{number}" for number in range(150)))
    await connector.describe()
    pages = [page async for page in connector.pages(cursor=None)]
    mailbox.put("new", b"new")
    pages += [page async for page in connector.pages(cursor=pages[-1].cursor)]
    (new,) = pages[-1].items
    async with connector.content(new) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == b"new"
    assert await connector.find(new.external_id) == new
    assert counting.taken == mailbox.fake.units


async def test_whose_mailbox_it_is_is_recorded(mail_room: Room) -> None:
    await mail_room.full()
    assert (await mail_room.now()).access == (SourceAccess(who=PERSON, role="owner"),)


async def test_a_listing_whose_page_is_not_known_any_more_begins_again(mail_room: Room, mailbox: GmailSite) -> None:
    there = fill(mailbox, *(f"{number}" for number in range(250)))
    mail_room.dies_at = 1
    with pytest.raises(Killed):
        await mail_room.full()
    mail_room.dies_at = 0
    mailbox.faults.fail(mailbox.request(Call.listing), status=400, reason="invalidArgument")
    await mail_room.sync()
    assert await mail_room.files() == there


# What a message comes in ---------------------------------------------------------------------------------------------


@given(content=st.binary(max_size=500), size=st.integers(1, 50), padded=st.booleans(), escaped=st.booleans())
async def test_a_message_is_the_same_however_its_answer_is_cut_into_chunks(
    content: bytes, size: int, padded: bool, escaped: bool
) -> None:
    encoded = base64.urlsafe_b64encode(content)
    if not padded:
        encoded = encoded.rstrip(b"=")
    if escaped:
        encoded = encoded.replace(b"=", b"\\u003d")
    answer = b'{\n  "snippet": "a \\"raw\\": \\"no\\" b",\n  "raw" : "' + encoded + b'",\n "id": "1"}'
    assert b"".join([part async for part in raw_message(chunked(answer, size))]) == content


@pytest.mark.parametrize("answer", [b"{}", b'{"raw": "QUJD', b'{"raw"', b"", b'{"x": "' + b"y" * 200_000])
async def test_an_answer_without_a_whole_message_is_tried_again(answer: bytes) -> None:
    with pytest.raises(Transient):
        async for _ in raw_message(chunked(answer, 4096)):
            pass


@pytest.mark.parametrize("encoded", [b"QU*J", b"Q", b"QUJD==QUJD", b"Q\\nUJD"])
async def test_what_is_no_base64url_is_no_message(encoded: bytes) -> None:
    with pytest.raises(Permanent):
        async for _ in raw_message(chunked(b'{"raw": "' + encoded + b'"}', 4096)):
            pass
