"""What is written reaches who wants it, once, and every failure can be seen and mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from redis import Redis

from dealpulse import subscriptions
from dealpulse.delivery.contract import Addressee, Gone, Message
from dealpulse.errors import DealPulseError, Permanent, Transient, Unavailable
from dealpulse.jobs import Deliver, GenerateDailyBrief, GenerateReport
from dealpulse.local.stack import Stack
from dealpulse.models import (
    Channel,
    Deal,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Operation,
    OperationState,
    Recipient,
    RecipientState,
    ReportKind,
    SubjectType,
)
from dealpulse.outbox import reconcile
from dealpulse.processors.deliveries import Attempt, deliver, plan
from dealpulse.queue import QueueClient
from dealpulse.settings import Settings
from dealpulse.store import Store
from fakes.mailbox import Mailbox, mail_server
from fakes.receiver import Receiver, webhook_receiver
from processors.conftest import Run
from store.samples import brief

TODAY = date(2026, 11, 20)


class Sending:
    """A way to send that keeps what it was given, and fails as told first."""

    def __init__(self, *faults: DealPulseError) -> None:
        self.faults = list(faults)
        self.sent: list[Message] = []

    async def send(self, message: Message, to: Addressee) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append(message)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as running:
        yield running


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as running:
        yield running


@pytest.fixture
def settings(clean_stack: Stack, room: Path, mailbox: Mailbox) -> Settings:
    """Workers that may call this machine, and have a mail server."""
    own = {
        "FOLDER_SOURCE_ROOTS": str(room.parent),
        "DELIVERY_ALLOW_PRIVATE": "true",
        "SMTP_URL": mailbox.url,
        "SMTP_FROM": "briefs@deals.example",
    }
    return Settings.load(environ=clean_stack.environment() | own, directory=clean_stack.data_dir)


@pytest.fixture
async def webhook(store: Store, deal: Deal, receiver: Receiver) -> Recipient:
    return (await subscriptions.add_recipient(deal.id, "webhook", receiver.url, store=store)).recipient


async def _only(store: Store, deal: Deal) -> Delivery:
    (only,) = await store.deliveries.of_deal(deal.id)
    return only


async def _planned(store: Store, queue: QueueClient, deal: Deal) -> Deliver:
    await store.briefs.save(brief(deal.id, TODAY))
    await plan(deal.id, DeliveryKind.daily_brief, TODAY, store=store, queue=queue)
    return Deliver((await _only(store, deal)).id, deal.id)


def _by(sending: Sending) -> Mapping[Channel, Sending]:
    return dict.fromkeys(Channel, sending)


@pytest.mark.usefixtures("webhook")
async def test_a_brief_reaches_its_recipients_by_webhook_and_by_mail(
    run: Run, store: Store, deal: Deal, receiver: Receiver, mailbox: Mailbox
) -> None:
    await subscriptions.add_recipient(deal.id, "email", "partner@fund.example", store=store)
    await run(GenerateDailyBrief(deal.id, TODAY))
    assert [got.path for got in receiver.received] == ["/hooks"]
    (mail,) = mailbox.mails
    assert mail.recipients == ["partner@fund.example"]
    assert mail.message["Subject"].startswith("Kestrel: daily brief, 2026-11-20")
    assert mail.message.get_body(("html",)) is not None
    found = await store.deliveries.of_deal(deal.id)
    assert {one.state for one in found} == {DeliveryState.delivered}
    assert all(one.delivered_at and one.attempts == 1 for one in found)


@pytest.mark.usefixtures("webhook")
async def test_a_brief_that_is_written_again_is_sent_to_nobody_twice(run: Run, deal: Deal, receiver: Receiver) -> None:
    await run(GenerateDailyBrief(deal.id, TODAY))
    await run(GenerateDailyBrief(deal.id, TODAY))
    assert len(receiver.received) == 1


@pytest.mark.usefixtures("webhook")
async def test_what_a_person_asks_for_again_is_sent_again_under_the_same_id(
    run: Run, store: Store, queue: QueueClient, deal: Deal, receiver: Receiver
) -> None:
    await run(GenerateDailyBrief(deal.id, TODAY))
    again = await subscriptions.send_again((await _only(store, deal)).id, store=store, queue=queue)
    await run(Deliver(again.delivery.id, deal.id))
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1
    assert len(receiver.received) == 2


async def test_a_recipient_gets_the_kinds_it_wants(run: Run, store: Store, deal: Deal, receiver: Receiver) -> None:
    await subscriptions.add_recipient(deal.id, "webhook", receiver.url, kinds=["risk_register"], store=store)
    await run(GenerateDailyBrief(deal.id, TODAY), GenerateReport(deal.id, ReportKind.risk_register, TODAY))
    assert [one.kind for one in await store.deliveries.of_deal(deal.id)] == [DeliveryKind.risk_register]


async def test_a_test_message_goes_to_its_recipient_alone(
    run: Run, store: Store, queue: QueueClient, deal: Deal, webhook: Recipient, receiver: Receiver
) -> None:
    sent = await subscriptions.send_test(webhook.id, store=store, queue=queue)
    await run(Deliver(sent.delivery.id, deal.id))
    assert b'"type":"test"' in receiver.received[0].body
    assert (await _only(store, deal)).state is DeliveryState.delivered


async def test_a_recipient_that_is_gone_is_paused_until_it_is_added_again(
    store: Store, queue: QueueClient, deal: Deal, webhook: Recipient
) -> None:
    job = await _planned(store, queue, deal)
    with pytest.raises(Gone):
        await deliver(job, store=store, senders=_by(Sending(Gone("The receiver answered 410."))))
    assert (await store.recipients.get(webhook.id)).state is RecipientState.paused
    assert (await _only(store, deal)).state is DeliveryState.failed
    assert await plan(deal.id, DeliveryKind.daily_brief, date(2026, 11, 21), store=store, queue=queue) == 0
    back = await subscriptions.add_recipient(deal.id, "webhook", webhook.address, store=store)
    assert (back.recipient.id, back.recipient.state) == (webhook.id, RecipientState.active)
    assert await plan(deal.id, DeliveryKind.daily_brief, date(2026, 11, 22), store=store, queue=queue) == 1


@pytest.mark.usefixtures("webhook")
async def test_a_delivery_that_may_still_arrive_is_pending_and_one_that_may_not_has_failed(
    store: Store, queue: QueueClient, deal: Deal
) -> None:
    job = await _planned(store, queue, deal)
    steps: Sequence[tuple[DealPulseError, int, DeliveryState]] = [
        (Transient("The receiver answered 503.", code="webhook_refused"), 1, DeliveryState.pending),
        (Unavailable("The mail server is away.", dependency="smtp"), 3, DeliveryState.pending),
        (Transient("The receiver answered 503.", code="webhook_refused"), 3, DeliveryState.failed),
        (Permanent("The receiver answered 404.", code="webhook_refused"), 1, DeliveryState.failed),
    ]
    for fault, number, state in steps:
        with pytest.raises(type(fault)):
            await deliver(job, store=store, senders=_by(Sending(fault)), attempt=Attempt(number=number, of=3))
        noted = await _only(store, deal)
        assert (noted.state, noted.error_code, noted.error_message) == (state, fault.code, fault.message)
    # A person has its dead letter run again, and it arrives.
    sending = Sending()
    await deliver(job, store=store, senders=_by(sending))
    assert len(sending.sent) == 1
    arrived = await _only(store, deal)
    assert (arrived.state, arrived.error_code, arrived.attempts) == (DeliveryState.delivered, None, 5)


@pytest.mark.usefixtures("webhook")
async def test_a_receiver_gets_time_to_come_back_unless_it_says_how_much(
    store: Store, queue: QueueClient, deal: Deal
) -> None:
    job = await _planned(store, queue, deal)
    waits = []
    for number, asked in [(1, None), (2, None), (3, None), (1, 7.0)]:
        sending = Sending(Transient("The receiver answered 503.", retry_after=asked))
        with pytest.raises(Transient) as later:
            await deliver(job, store=store, senders=_by(sending), attempt=Attempt(number=number, of=4))
        waits.append(later.value.retry_after)
    assert waits == [60, 600, 600, 7]


async def test_what_redis_lost_on_its_way_to_a_recipient_is_sent_all_the_same(
    clean_stack: Stack, run: Run, store: Store, queue: QueueClient, deal: Deal, webhook: Recipient, receiver: Receiver
) -> None:
    job = await _planned(store, queue, deal)
    with Redis.from_url(clean_stack.redis_url) as redis:
        redis.flushdb()
    assert await reconcile(operations=store.operations, queue=queue, older_than=0) == 1
    await run()
    assert len(receiver.received) == 1
    (row,) = [one for one in await store.operations.of_deal(deal.id) if one.subject_type is SubjectType.delivery]
    assert (row.subject_id, row.state) == (job.delivery_id, OperationState.done)


@pytest.mark.usefixtures("webhook")
async def test_a_delivery_under_way_does_not_make_the_next_brief_wait(run: Run, store: Store, deal: Deal) -> None:
    waiting = Operation(
        subject_type=SubjectType.report, subject_id=deal.id, name="weekly_report:2026-01-01", deal_id=deal.id
    )
    await store.operations.mark(waiting, OperationState.queued)
    await run(GenerateDailyBrief(deal.id, TODAY))
    written = await store.briefs.get(deal.id, TODAY)
    assert written is not None
    assert "Still being worked on" not in written.markdown
