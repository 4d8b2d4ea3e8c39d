"""What a delivery does: load what is to be sent, send it, and keep how that went."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from msgspec import Struct, ValidationError, convert

from dealpulse.delivery.contract import Addressee, Gone, Message, Sender
from dealpulse.errors import DealPulseError, Invalid, NotFound, Permanent, Rejected, Transient, Unavailable
from dealpulse.jobs import Deliver
from dealpulse.models import (
    Brief,
    BriefStatus,
    Channel,
    Deal,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Recipient,
    RecipientState,
    ReportKind,
)
from dealpulse.outbox import request
from dealpulse.queue import QueueClient
from dealpulse.store import Store

RECIPIENT_PAUSED: Final = "recipient_paused"

_PAUSES: Final = (60.0, 600.0)
"""Seconds between attempts where the other side named none: a receiver that is being deployed is back after that."""

_TEST: Final = "This is a test. Briefs and reports of this deal will arrive here."

_log = structlog.get_logger("dealpulse.processors.deliveries")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Which attempt this is, from 1, and how many there are."""

    number: int = 1
    of: int = 1


class _Opening(Struct, frozen=True):
    headline: str = ""


async def plan(deal_id: str, kind: DeliveryKind, date: datetime.date, *, store: Store, queue: QueueClient) -> int:
    """Have a brief or report sent to whoever wants it and has not been sent it; returns to how many."""
    planned = await store.deliveries.plan(deal_id, kind, date.isoformat())
    await request([Deliver(one, deal_id) for one in planned], operations=store.operations, queue=queue)
    return len(planned)


async def deliver(
    job: Deliver, *, store: Store, senders: Mapping[Channel, Sender], attempt: Attempt = Attempt()
) -> dict[str, object]:
    """Send one brief or report to one recipient; what has arrived is not sent again.

    A worker that dies between the sending and the writing down sends twice: the receiver then knows the id.

    Raises:
        Transient, Unavailable: it may arrive later.
        Permanent: it will not.
        NotFound: the recipient, the deal, or what was to be sent is gone.
    """
    delivery = await store.deliveries.get(job.delivery_id)
    if delivery.state is DeliveryState.delivered:
        return {"skipped": delivery.state.value}
    try:
        recipient = await store.recipients.get(delivery.recipient_id)
        await _send(delivery, recipient, store=store, sender=senders[recipient.channel])
    except DealPulseError as error:
        await _note_failure(delivery, error, attempt, store)
        if type(error) is Transient and error.retry_after is None:
            error.retry_after = _PAUSES[min(attempt.number, len(_PAUSES)) - 1]
        raise
    await store.deliveries.note(delivery.id, DeliveryState.delivered)
    return {"delivered": delivery.kind.value, "channel": recipient.channel.value}


async def _send(delivery: Delivery, recipient: Recipient, *, store: Store, sender: Sender) -> None:
    if recipient.state is RecipientState.paused:
        raise Permanent("The recipient is paused; add it again to send to it.", code="recipient_paused")
    message = await _message(delivery, await store.deals.get(delivery.deal_id), store)
    to = Addressee(address=recipient.address, secret=await store.recipients.secret(recipient.id))
    try:
        await sender.send(message, to)
    except Gone:
        await store.recipients.pause(recipient.id)
        _log.warning(RECIPIENT_PAUSED, recipient_id=recipient.id)
        raise


async def _note_failure(delivery: Delivery, error: DealPulseError, attempt: Attempt, store: Store) -> None:
    waits = isinstance(error, Unavailable)
    over = isinstance(error, Permanent | Rejected) or (not waits and attempt.number >= attempt.of)
    state = DeliveryState.failed if over else DeliveryState.pending
    await store.deliveries.note(delivery.id, state, code=error.code, message=error.message)


async def _message(delivery: Delivery, deal: Deal, store: Store) -> Message:
    written = partial(
        Message,
        id=delivery.id,
        kind=delivery.kind,
        created_at=delivery.created_at,
        deal_id=deal.id,
        deal_name=deal.name,
    )
    if delivery.kind is DeliveryKind.test:
        day = delivery.created_at.date()
        return written(date=day, status=BriefStatus.complete, headline=_TEST, markdown=f"{_TEST}\n")
    date = datetime.date.fromisoformat(delivery.subject)
    if delivery.kind is DeliveryKind.daily_brief:
        brief = await _brief(deal.id, date, store)
        return written(
            date=date,
            status=brief.status,
            headline=_headline(brief),
            markdown=brief.markdown,
            html=brief.html,
            content=brief.content,
        )
    report = await store.reports.get(deal.id, ReportKind(delivery.kind.value), date)
    return written(
        date=date,
        status=report.status,
        headline=report.headline,
        markdown=report.markdown,
        html=report.html,
        csv=report.csv,
        content=report.content,
    )


async def _brief(deal_id: str, date: datetime.date, store: Store) -> Brief:
    brief = await store.briefs.get(deal_id, date)
    if brief is None:
        raise NotFound("The deal has no such brief any more.", code="brief_not_found")
    return brief


def _headline(brief: Brief) -> str:
    try:
        return convert(brief.content, _Opening).headline
    except ValidationError as error:
        raise Invalid("Another version wrote this brief; have it written again.", code="other_version") from error
