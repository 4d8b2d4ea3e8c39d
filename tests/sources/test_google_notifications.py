"""How Drive and Gmail are asked to tell of changes, and that they do."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from dealpulse.errors import Permanent, Unavailable
from dealpulse.sources.notifications import Callback, Notifying, Subscription
from fakes.google import PERSON, FakeGoogle
from fakes.google.gmail import Push
from fakes.receiver import Received, Receiver, webhook_receiver
from sources.rooms import Room
from sources.sites import DriveSite, GmailSite

WEEK = timedelta(days=7)
TOPIC = "projects/deal/topics/mail"
AUDIENCE = "https://pulse.example.com/api/webhooks/gmail"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as opened:
        yield opened


async def told(google: FakeGoogle, receiver: Receiver) -> list[Received]:
    """What came since the last time, once all that was sent has."""
    await asyncio.to_thread(google.posting.statuses)
    new, receiver.received = receiver.received, []
    return new


def notifying(room: Room) -> Notifying:
    connector = room.connector()
    assert isinstance(connector, Notifying)
    return connector


async def test_drive_tells_of_changes_on_a_channel_that_lasts_a_week(
    drive_room: Room, drive: DriveSite, receiver: Receiver
) -> None:
    subscription = await notifying(drive_room).subscribe(Callback(receiver.url, "a secret"))
    assert WEEK - timedelta(minutes=1) < subscription.expires_at - datetime.now(UTC) <= WEEK
    drive.put("a.txt", b"a")
    greeting, change = await told(drive.google, receiver)
    assert (greeting.headers["x-goog-resource-state"], change.headers["x-goog-resource-state"]) == ("sync", "change")
    for one in (greeting, change):
        assert one.headers["x-goog-channel-id"] == subscription.external_id
        assert one.headers["x-goog-resource-id"] == subscription.resource
        assert one.headers["x-goog-channel-token"] == "a secret"
        assert one.body == b""


async def test_renewing_a_channel_opens_another_before_it_stops_the_old(
    drive_room: Room, drive: DriveSite, receiver: Receiver
) -> None:
    connector = notifying(drive_room)
    old = await connector.subscribe(Callback(receiver.url, "old"))
    new = await connector.renew(old, Callback(receiver.url, "new"))
    assert new.external_id != old.external_id
    assert [*drive.fake.channels] == [new.external_id]
    drive.put("a.txt", b"a")
    assert [one.headers["x-goog-channel-token"] for one in await told(drive.google, receiver)] == ["old", "new", "new"]


async def test_a_channel_that_cannot_be_renewed_stays_and_one_that_cannot_be_stopped_ends_by_itself(
    drive_room: Room, drive: DriveSite, receiver: Receiver
) -> None:
    connector = notifying(drive_room)
    old = await connector.subscribe(Callback(receiver.url, "old"))
    drive.faults.fail("/drive/v3/changes/watch", status=503)
    with pytest.raises(Unavailable):
        await connector.renew(old, Callback(receiver.url, "new"))
    assert [*drive.fake.channels] == [old.external_id]
    drive.faults.fail("/drive/v3/channels/stop", status=503)
    assert (await connector.renew(old, Callback(receiver.url, "new"))).external_id in drive.fake.channels


async def test_a_channel_is_stopped_and_one_that_is_gone_already_is_fine(
    drive_room: Room, drive: DriveSite, receiver: Receiver
) -> None:
    connector = notifying(drive_room)
    subscription = await connector.subscribe(Callback(receiver.url, "a secret"))
    for _ in range(2):
        await connector.unsubscribe(subscription)
    drive.put("a.txt", b"a")
    assert len(await told(drive.google, receiver)) == 1, "the greeting alone"


async def test_an_address_drive_refuses_is_an_error(drive_room: Room) -> None:
    with pytest.raises(Permanent, match="webhookUrlNotHttps"):
        await notifying(drive_room).subscribe(Callback("http://pulse.example.com/hooks", "a secret"))


async def test_gmail_tells_through_pub_sub_for_a_week_at_a_time(
    mail_room: Room, mailbox: GmailSite, receiver: Receiver
) -> None:
    mailbox.fake.topics[TOPIC] = Push(receiver.url, AUDIENCE)
    connector = notifying(mail_room)
    callback = Callback(TOPIC, "not used")
    first = await connector.subscribe(callback)
    assert (first.external_id, first.resource) == (PERSON, "")
    assert WEEK - timedelta(minutes=1) < first.expires_at - datetime.now(UTC) <= WEEK
    mailbox.put("Legal/offer", b"offer")
    (notice,) = await told(mailbox.google, receiver)
    data = json.loads(base64.b64decode(json.loads(notice.body)["message"]["data"]))
    assert data["emailAddress"] == PERSON
    key = mailbox.google.accounts.key.public_key()
    token = notice.headers["authorization"].removeprefix("Bearer ")
    assert jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE)["email_verified"]

    second = await connector.renew(first, callback)
    assert second.external_id == first.external_id
    assert second.expires_at >= first.expires_at


async def test_gmail_tells_also_of_a_message_that_leaves_the_watched_label(
    mail_room: Room, mailbox: GmailSite, receiver: Receiver
) -> None:
    mailbox.fake.topics[TOPIC] = Push(receiver.url, AUDIENCE)
    mailbox.put("Legal/offer", b"offer")
    await notifying(mail_room).subscribe(Callback(TOPIC, ""))
    mailbox.fake.relabel(mailbox.at("Legal/offer"), remove=(mailbox.label,))
    assert len(await told(mailbox.google, receiver)) == 1


async def test_gmail_is_told_to_stop(mail_room: Room, mailbox: GmailSite, receiver: Receiver) -> None:
    mailbox.fake.topics[TOPIC] = Push(receiver.url, AUDIENCE)
    connector = notifying(mail_room)
    subscription: Subscription = await connector.subscribe(Callback(TOPIC, ""))
    await connector.unsubscribe(subscription)
    mailbox.put("Legal/offer", b"offer")
    assert await told(mailbox.google, receiver) == []


async def test_a_topic_that_does_not_exist_is_an_error(mail_room: Room) -> None:
    with pytest.raises(Permanent, match="invalidArgument"):
        await notifying(mail_room).subscribe(Callback("projects/deal/topics/none", ""))
