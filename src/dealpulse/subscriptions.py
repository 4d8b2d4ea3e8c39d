"""Who is sent a deal's briefs and reports, and when those are made: what the API and the command line share.

Every function raises ``Invalid`` or ``NotFound`` when it cannot be done as asked; then nothing was changed.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dealpulse.delivery.webhook import new_secret
from dealpulse.errors import Invalid
from dealpulse.jobs import Deliver, GenerateReport
from dealpulse.models import Channel, Deal, Delivery, DeliveryKind, Recipient, ReportKind, ReportSchedule
from dealpulse.outbox import request
from dealpulse.queue import Enqueued, QueueClient
from dealpulse.settings import parse_cron
from dealpulse.settings.parsers import mail_address
from dealpulse.store import Store

SUBSCRIBABLE: Final = tuple(kind for kind in DeliveryKind if kind is not DeliveryKind.test)

_LONGEST_ADDRESS: Final = 2000
_ONCE_A_DAY: Final = 2
"""The first fields, minute and hour, are one number each."""

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True)
class NewRecipient:
    recipient: Recipient
    secret: str | None
    """What its webhooks are signed with; shown this once."""


@dataclass(frozen=True)
class Sending:
    """A delivery asked for, and its job."""

    delivery: Delivery
    enqueued: Enqueued


async def add_recipient(
    deal_id: str, channel: str, address: str, *, kinds: Sequence[str] = (), store: Store
) -> NewRecipient:
    """Have the deal's briefs and reports, or those of some ``kinds``, sent to an address.

    One that is there already gets these kinds and a new secret, and is active again.

    Raises:
        Invalid: ``unknown_channel``, ``unknown_kind`` or ``invalid_address``.
        NotFound: ``deal_not_found``.
    """
    way = _choose(Channel, channel, code="unknown_channel")
    wanted = [_choose(DeliveryKind, kind, code="unknown_kind", among=SUBSCRIBABLE) for kind in kinds]
    place = _address(way, address.strip())
    deal = await store.deals.get(deal_id)
    secret = new_secret() if way is Channel.webhook else None
    chosen = list(dict.fromkeys(wanted)) or list(SUBSCRIBABLE)
    return NewRecipient(await store.recipients.add(deal.id, way, place, kinds=chosen, secret=secret), secret)


async def send_test(recipient_id: str, *, store: Store, queue: QueueClient) -> Sending:
    """Have a test message sent. Raises NotFound (``recipient_not_found``)."""
    recipient = await store.recipients.get(recipient_id)
    return await _send(await store.deliveries.plan_test(recipient), store=store, queue=queue)


async def send_again(delivery_id: str, *, store: Store, queue: QueueClient) -> Sending:
    """Have something sent to its recipient whatever came of it before. Raises NotFound (``delivery_not_found``)."""
    return await _send(await store.deliveries.reopen(delivery_id), store=store, queue=queue)


async def add_schedule(
    deal_id: str, kind: str, cron: str, *, time_zone: str | None = None, store: Store, default_zone: ZoneInfo
) -> ReportSchedule:
    """Have a report made at set times, at most once a day, in ``time_zone``: by default the deal's.

    Raises:
        Invalid: ``unknown_kind``, ``invalid_schedule`` or ``unknown_time_zone``.
        NotFound: ``deal_not_found``.
    """
    chosen = _choose(ReportKind, kind, code="unknown_kind")
    expression = _daily_at_most(cron)
    zone = None if time_zone is None else _zone(time_zone)
    deal = await store.deals.get(deal_id)
    zone = zone or deal.zone(default_zone)
    return await store.report_schedules.add(deal.id, chosen, cron=expression, time_zone=zone.key)


async def make_report(deal: Deal, kind: str, *, date: datetime.date, store: Store, queue: QueueClient) -> Enqueued:
    """Have a report made now. Raises Invalid (``unknown_kind``, ``deal_not_active``)."""
    chosen = report_kind(kind)
    if not deal.is_active:
        raise Invalid(f"Only active deals get reports; this one is {deal.status!r}.", code="deal_not_active")
    job = GenerateReport(deal.id, chosen, date)
    return (await request([job], operations=store.operations, queue=queue))[0]


def report_kind(word: str) -> ReportKind:
    """Raises Invalid (``unknown_kind``)."""
    return _choose(ReportKind, word, code="unknown_kind")


async def _send(delivery: Delivery, *, store: Store, queue: QueueClient) -> Sending:
    job = Deliver(delivery.id, delivery.deal_id)
    return Sending(delivery, (await request([job], operations=store.operations, queue=queue))[0])


def _address(channel: Channel, address: str) -> str:
    if channel is Channel.email:
        try:
            return mail_address(address)
        except ValueError:
            raise Invalid("That is no e-mail address.", code="invalid_address") from None
    try:
        parts = urlsplit(address)
        right = parts.scheme in ("https", "http") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        right = False
    if not right or len(address) > _LONGEST_ADDRESS or not address.isprintable() or " " in address:
        message = "A webhook goes to an address such as https://example.com/hooks, without user and password."
        raise Invalid(message, code="invalid_address")
    return address


def _daily_at_most(cron: str) -> str:
    """A report is of a day: a second one of the same day would be nothing new to anybody."""
    try:
        expression = parse_cron(cron)
    except ValueError as error:
        raise Invalid(f"The schedule {error}.", code="invalid_schedule") from None
    if not all(field.isdecimal() for field in expression.split()[:_ONCE_A_DAY]):
        message = "A report is made at most once a day: minute and hour are one number each, as in 0 8 * * MON."
        raise Invalid(message, code="invalid_schedule")
    return expression


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = f"There is no time zone {name[:60]!r}; use an IANA name such as America/New_York."
        raise Invalid(message, code="unknown_time_zone") from None


def _choose(kind: type[Choice], word: str, *, code: str, among: Sequence[Choice] = ()) -> Choice:
    valid = {member.value: member for member in among or tuple(kind)}
    if word not in valid:
        message = f"There is no {word[:60]!r}; there is {', '.join(valid)}."
        raise Invalid(message, code=code, details={"valid": [*valid]})
    return valid[word]
