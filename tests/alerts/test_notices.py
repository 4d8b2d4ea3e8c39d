"""What arrives: a signed webhook, Slack's form, an e-mail; and what becomes of what does not arrive."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from dealpulse.alerts.notices import message_id, open_channels
from dealpulse.alerts.rules import Severity, Told
from dealpulse.delivery.slack import slack_body
from dealpulse.errors import Permanent, Transient
from dealpulse.local.stack import Stack
from dealpulse.queue.alert_book import Alert, Notice
from dealpulse.settings import Settings
from fakes.mailbox import Mailbox, mail_server
from fakes.receiver import Receiver, webhook_receiver

SECRET = "whsec_" + base64.b64encode(b"x" * 32).decode()
AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
TOLD = Told(
    summary="A <b>deal</b> has no brief.", subject="2026-11-25", severity=Severity.critical, deal_ids=("deal-1",)
)


def notice(what: str = "fired") -> Notice:
    alert = Alert(
        key="missed_brief:2026-11-25", rule="missed_brief", since=AT, fired_at=AT, told=msgspec.json.encode(TOLD)
    )
    return Notice(id="1 chat", channel="chat", what=what, at=AT, attempt=1, alert=alert)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as running:
        yield running


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as running:
        yield running


@pytest.fixture
def told_everywhere(clean_stack: Stack, receiver: Receiver, mailbox: Mailbox) -> Settings:
    own = {
        "ALERT_WEBHOOK_URL": f"{receiver.url}/ours?to=ops",
        "ALERT_WEBHOOK_SECRET": SECRET,
        "ALERT_SLACK_URL": f"{receiver.url}/services/T0/B0/x",
        "ALERT_EMAILS": "ops@example.com, cto@example.com",
        "SMTP_URL": mailbox.url,
        "SMTP_FROM": "alerts@dealpulse.example",
        "PUBLIC_URL": "https://workers.example.com",
    }
    return Settings.load(environ={**clean_stack.environment(), **own})


async def test_every_channel_gets_it_in_its_own_form(
    told_everywhere: Settings, receiver: Receiver, mailbox: Mailbox
) -> None:
    async with open_channels(told_everywhere) as channels:
        assert list(channels) == ["webhook", "slack", "mailto:ops@example.com", "mailto:cto@example.com"]
        for channel in channels.values():
            await channel(notice())
    hook, chat = receiver.received
    signed = f"{hook.headers['webhook-id']}.{hook.headers['webhook-timestamp']}.".encode() + hook.body
    digest = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert hook.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert hook.headers["webhook-id"] == message_id(notice())
    event = json.loads(hook.body)
    assert event["type"] == "alert.fired"
    assert event["data"] == {
        "alert": "missed_brief:2026-11-25",
        "rule": "missed_brief",
        "severity": "critical",
        "subject": "2026-11-25",
        "summary": "A <b>deal</b> has no brief.",
        "dealIds": ["deal-1"],
        "since": "2026-11-25T09:00:00Z",
    }
    assert "webhook-signature" not in chat.headers
    assert json.loads(chat.body)["text"].splitlines() == [
        "*:rotating_light: missed brief critical*",
        "A &lt;b&gt;deal&lt;/b&gt; has no brief.",
        "<https://workers.example.com>",
    ]
    assert [mail.recipients for mail in mailbox.mails] == [["ops@example.com"], ["cto@example.com"]]
    message = mailbox.mails[0].message
    assert message["Subject"] == "DealPulse, missed brief critical: A <b>deal</b> has no brief."
    assert "Deals: deal-1" in message.get_content()


async def test_that_it_cleared_is_another_message(
    told_everywhere: Settings, receiver: Receiver, mailbox: Mailbox
) -> None:
    async with open_channels(told_everywhere) as channels:
        for channel in channels.values():
            await channel(notice("cleared"))
    assert json.loads(receiver.received[0].body)["type"] == "alert.cleared"
    assert ":white_check_mark: missed brief cleared" in json.loads(receiver.received[1].body)["text"]
    assert "Over since 2026-11-25 09:00 UTC." in mailbox.mails[0].message.get_content()
    assert message_id(notice("cleared")) != message_id(notice())
    other = notice()
    assert message_id(replace(other, alert=replace(other.alert, key="missed_brief:2026-11-26"))) != message_id(other)


@pytest.mark.parametrize(("status", "fault"), [(503, Transient), (429, Transient), (404, Permanent), (410, Permanent)])
async def test_what_the_other_side_answers_says_whether_to_try_again(
    told_everywhere: Settings, receiver: Receiver, status: int, fault: type[Exception]
) -> None:
    async with open_channels(told_everywhere) as channels:
        for name in ("webhook", "slack"):
            receiver.answers.append(status)
            with pytest.raises(fault):
                await channels[name](notice())


async def test_no_channel_is_open_where_none_is_set(clean_stack: Stack) -> None:
    async with open_channels(Settings.load(environ=clean_stack.environment())) as channels:
        assert channels == {}


def test_text_calls_nobody_in_the_chat() -> None:
    text = json.loads(slack_body("x", "<!channel> & <http://evil|ours>"))["text"]
    assert text == "*x*\n&lt;!channel&gt; &amp; &lt;http://evil|ours&gt;"
