"""Notices of alerts as each channel has them: a signed webhook, Slack's incoming-webhook form, an e-mail."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final

import msgspec
from msgspec import Struct

from dealpulse.alerts.rules import Told, told_of
from dealpulse.delivery.contract import Addressee
from dealpulse.delivery.slack import slack_body
from dealpulse.delivery.smtp import Mail, written_note
from dealpulse.delivery.webhook import Webhook, open_webhook
from dealpulse.queue.alert_book import Notice
from dealpulse.settings import Settings

CLEARED: Final = "cleared"
_SIGNS: Final = {"critical": ":rotating_light:", "warning": ":warning:", CLEARED: ":white_check_mark:"}

Channel = Callable[[Notice], Awaitable[None]]
"""Sends one notice. Raises ``Transient`` (also ``Unavailable``) when it may be tried again, ``Permanent`` when not."""


class _Data(Struct, frozen=True, kw_only=True, rename="camel"):
    alert: str
    rule: str
    severity: str
    subject: str
    summary: str
    deal_ids: tuple[str, ...]
    since: datetime


class _Event(Struct, frozen=True, kw_only=True):
    type: str
    timestamp: datetime
    data: _Data


@asynccontextmanager
async def open_channels(settings: Settings) -> AsyncIterator[Mapping[str, Channel]]:
    """The channels that are set, by name, until the block ends. Beside them there is always the log."""
    alerts, link = settings.alerts, settings.public_url or ""
    channels: dict[str, Channel] = {}
    # Whoever sets the addresses runs the service: they may lead anywhere.
    async with open_webhook(allow_private=True, agent=f"dealpulse/{settings.version}") as webhook:
        if alerts.webhook_url is not None and alerts.webhook_secret is not None:
            to = Addressee(address=alerts.webhook_url.reveal(), secret=alerts.webhook_secret.reveal())
            channels["webhook"] = partial(_post, webhook=webhook, to=to)
        if alerts.slack_url is not None:
            channels["slack"] = partial(
                _tell_slack, webhook=webhook, to=Addressee(address=alerts.slack_url.reveal()), link=link
            )
        for address in alerts.emails:
            mail = Mail(settings.delivery)
            channels[f"mailto:{address}"] = partial(
                _write, mail=mail, sender=settings.delivery.sender or "", to=address, link=link
            )
        yield channels


async def _post(notice: Notice, *, webhook: Webhook, to: Addressee) -> None:
    told, alert = told_of(notice.alert), notice.alert
    data = _Data(
        alert=alert.key,
        rule=alert.rule,
        severity=told.severity.value,
        subject=told.subject,
        summary=told.summary,
        deal_ids=told.deal_ids,
        since=alert.since,
    )
    event = _Event(type=f"alert.{notice.what}", timestamp=notice.at, data=data)
    await webhook.post(message_id(notice), msgspec.json.encode(event), to)


async def _tell_slack(notice: Notice, *, webhook: Webhook, to: Addressee, link: str) -> None:
    told = told_of(notice.alert)
    sign = _SIGNS[CLEARED if notice.what == CLEARED else told.severity.value]
    await webhook.post(message_id(notice), slack_body(f"{sign} {_heading(notice)}", told.summary, link=link), to)


async def _write(notice: Notice, *, mail: Mail, sender: str, to: str, link: str) -> None:
    told = told_of(notice.alert)
    written = written_note(
        message_id(notice),
        sender=sender,
        to=to,
        subject=f"DealPulse, {_heading(notice)}: {told.summary}",
        text="\n".join(_lines(notice, told, link)),
        now=datetime.now(UTC),
    )
    await mail.hand_over(written, to=to)


def message_id(notice: Notice) -> str:
    """The same at every attempt, another for each notice: who gets it twice knows it."""
    fired = notice.alert.fired_at or notice.at
    return f"alert-{notice.alert.rule}-{int(fired.timestamp() * 1000)}-{_digest(notice.alert.key)}-{notice.what}"


def _heading(notice: Notice) -> str:
    what = "cleared" if notice.what == CLEARED else told_of(notice.alert).severity.value
    return f"{notice.alert.rule.replace('_', ' ')} {what}"


def _lines(notice: Notice, told: Told, link: str) -> list[str]:
    since = f"Since {notice.alert.since:%Y-%m-%d %H:%M} UTC."
    end = f" Over since {notice.at:%Y-%m-%d %H:%M} UTC." if notice.what == CLEARED else ""
    deals = [f"Deals: {', '.join(told.deal_ids)}"] if told.deal_ids else []
    return [told.summary, "", since + end, *deals, *([link] if link else []), ""]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]
