"""Subscriptions: there while a source is active, renewed in time, made again when lost, ended with the source."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from dealpulse.errors import NeedsConsent, Permanent, RateLimited, Unavailable
from dealpulse.jobs import SOURCE_SYNC
from dealpulse.local.stack import Stack
from dealpulse.models import Connection, Deal, Provider, Source, SourceState, SourceType
from dealpulse.processors.subscriptions import Keeper, callbacks, secret_digest
from dealpulse.queue import QueueClient
from dealpulse.settings import Settings
from dealpulse.store import Store
from processors.notifying import LIVES, Vendor

ADDRESSES = {
    SourceType.gdrive: "https://dp.example/api/webhooks/gdrive",
    SourceType.sharepoint: "https://dp.example/api/webhooks/graph",
}
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def keeper(store: Store, queue: QueueClient, vendor: Vendor) -> Keeper:
    return Keeper(store=store, queue=queue, connect=vendor.connect, addresses=ADDRESSES, clock=vendor.clock)


@pytest.fixture(params=[SourceType.gdrive, SourceType.sharepoint])
async def watched(request: pytest.FixtureRequest, store: Store, deal: Deal, keeper: Keeper) -> Source:
    """A source with a subscription, synced before."""
    source = await store.sources.create(deal.id, request.param, "Room", "room")
    await store.sources.finish_sync(source.id, sync_id="1", complete_listing=False)
    await keeper.see_to_all()
    return await store.sources.get(source.id)


async def syncs(queue: QueueClient) -> int:
    stats = (await queue.stats())[SOURCE_SYNC.name]
    return stats.waiting + stats.delayed


async def expires(store: Store, source: Source) -> datetime | None:
    return (await store.subscriptions.of_sources([source.id]))[source.id].expires_at


async def test_an_active_source_is_subscribed_and_catches_up_with_what_nobody_told(
    watched: Source, store: Store, queue: QueueClient, vendor: Vendor
) -> None:
    kept = (await store.subscriptions.of_sources([watched.id]))[watched.id]
    assert vendor.of(watched.id) == [kept.external_id]
    agreed = vendor.live[kept.external_id or ""]
    assert agreed.callback.address == ADDRESSES[watched.type]
    assert kept.secret_sha256 == secret_digest(agreed.callback.secret)
    assert kept.expires_at == agreed.expires_at
    assert await syncs(queue) == 1


async def test_a_source_nobody_synced_yet_is_not_synced_by_its_subscription(
    store: Store, queue: QueueClient, deal: Deal, keeper: Keeper, vendor: Vendor
) -> None:
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "room")
    assert await keeper.see_to_all() == 1
    assert len(vendor.of(source.id)) == 1
    assert await syncs(queue) == 0


async def test_what_is_not_due_costs_the_vendor_nothing(watched: Source, keeper: Keeper, vendor: Vendor) -> None:
    vendor.pass_time(LIVES[watched.type] / 2)
    assert await keeper.see_to_all() == 0
    assert vendor.asked == ["subscribe"]


async def test_a_subscription_is_renewed_before_it_ends_and_keeps_a_secret_that_holds(
    watched: Source, store: Store, keeper: Keeper, vendor: Vendor
) -> None:
    vendor.pass_time(LIVES[watched.type] * 3 / 4)
    await keeper.see_to_all()
    (known,) = vendor.of(watched.id)
    kept = (await store.subscriptions.of_sources([watched.id]))[watched.id]
    assert (kept.external_id, kept.expires_at) == (known, vendor.now + LIVES[watched.type])
    assert kept.secret_sha256 == secret_digest(vendor.live[known].callback.secret)
    assert vendor.asked == ["subscribe", "renew"]


async def test_one_the_vendor_says_is_lost_is_made_again_and_the_source_synced(
    watched: Source, store: Store, queue: QueueClient, keeper: Keeper, vendor: Vendor
) -> None:
    await queue.cancel(f"sync:{watched.id}")
    kept = (await store.subscriptions.of_sources([watched.id]))[watched.id]
    assert kept.external_id is not None
    vendor.live.clear()
    await store.subscriptions.lost(kept.id, kept.external_id)
    await keeper.see_to_all()
    (known,) = vendor.of(watched.id)
    assert known != kept.external_id
    assert await syncs(queue) == 1
    await store.subscriptions.lost(kept.id, kept.external_id)
    assert await keeper.see_to_all() == 0, "told twice, it is made again once"


async def test_one_found_lost_when_it_is_renewed_is_made_again(watched: Source, keeper: Keeper, vendor: Vendor) -> None:
    vendor.live.clear()
    vendor.pass_time(LIVES[watched.type] * 3 / 4)
    await keeper.see_to_all()
    assert vendor.asked == ["subscribe", "renew", "subscribe"]
    assert len(vendor.of(watched.id)) == 1


async def test_the_vendor_may_ask_to_have_it_renewed_now(
    watched: Source, store: Store, keeper: Keeper, vendor: Vendor
) -> None:
    vendor.pass_time(HOUR)
    await store.subscriptions.renew_now((await store.subscriptions.of_sources([watched.id]))[watched.id].id)
    await keeper.see_to_all()
    assert await expires(store, watched) == vendor.now + LIVES[watched.type]


@pytest.mark.parametrize("way", ["paused", "removed", "archived"])
async def test_it_ends_with_the_source(
    watched: Source, store: Store, keeper: Keeper, vendor: Vendor, deal: Deal, way: str
) -> None:
    if way == "paused":
        await store.sources.set_state(watched.id, SourceState.paused)
    elif way == "removed":
        await store.sources.remove(watched.id, delete_items=False)
    else:
        await store.deals.archive(deal.id)
    assert await keeper.see_to_all() == 1
    assert vendor.live == {}
    assert await keeper.see_to_all() == 0
    assert await store.subscriptions.of_sources([watched.id]) == {}


async def test_a_paused_source_that_goes_on_is_subscribed_again(
    watched: Source, store: Store, keeper: Keeper, vendor: Vendor
) -> None:
    await store.sources.set_state(watched.id, SourceState.paused)
    await keeper.see_to_all()
    await store.sources.set_state(watched.id, SourceState.active)
    await keeper.see_to_all()
    assert len(vendor.of(watched.id)) == 1


async def test_one_that_cannot_be_ended_any_more_is_forgotten(
    watched: Source, store: Store, keeper: Keeper, vendor: Vendor
) -> None:
    vendor.fault = NeedsConsent("The account is gone.")
    await store.sources.remove(watched.id, delete_items=False)
    assert await keeper.see_to_all() == 1
    assert await store.subscriptions.find([*vendor.live]) == []


async def test_a_source_that_another_account_reads_gets_a_subscription_of_that_account(
    watched: Source, store: Store, deal: Deal, keeper: Keeper, vendor: Vendor
) -> None:
    (first,) = vendor.of(watched.id)
    account = await store.connections.add(
        Connection(
            id=watched.id, deal_id=deal.id, provider=Provider.google, account="dana@example.com", sealed_tokens="v1."
        )
    )
    await store.sources.create(deal.id, watched.type, "Room", "room", connection_id=account.id)
    assert await keeper.see_to_all() == 1
    kept = (await store.subscriptions.of_sources([watched.id]))[watched.id]
    assert vendor.asked == ["subscribe", "subscribe"]
    assert kept.external_id in set(vendor.of(watched.id)) - {first}
    assert await keeper.see_to_all() == 0


async def test_a_mailbox_that_another_source_watches_too_is_not_stopped(
    watched: Source, store: Store, deal: Deal, keeper: Keeper, vendor: Vendor
) -> None:
    other = await store.sources.create(deal.id, watched.type, "Other", "other")
    await keeper.see_to_all()
    (shared,) = vendor.of(watched.id)
    (due,) = await store.subscriptions.find(vendor.of(other.id))
    await store.subscriptions.renew_now(due.id)
    (claimed,) = await store.subscriptions.claim([watched.type], now=vendor.now, lease_seconds=0, limit=1)
    assert await store.subscriptions.save(
        claimed,
        external_id=shared,
        resource="",
        secret_sha256=None,
        expires_at=vendor.now + HOUR,
        due_at=vendor.now + HOUR,
    )
    await store.sources.set_state(other.id, SourceState.paused)
    await keeper.see_to_all()
    assert shared in vendor.live


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (Unavailable("away", dependency="vendor"), MINUTE),
        (Unavailable("away", dependency="vendor", retry_after=600), 10 * MINUTE),
        (RateLimited("slowly", bucket="vendor", retry_after=5), MINUTE),
        (Permanent("The folder cannot be watched."), MINUTE),
        (NeedsConsent("Connect it again."), HOUR),
    ],
)
async def test_what_fails_is_visible_and_tried_again_later(
    store: Store, deal: Deal, keeper: Keeper, vendor: Vendor, fault: Permanent, wait: timedelta
) -> None:
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "room")
    vendor.fault = fault
    await keeper.see_to_all()
    assert (await store.subscriptions.of_sources([source.id]))[source.id].last_error == fault.message
    assert (await store.sources.get(source.id)).state is SourceState.active
    vendor.fault = None
    vendor.pass_time(wait - timedelta(seconds=1))
    assert await keeper.see_to_all() == 0
    vendor.pass_time(timedelta(seconds=1))
    assert await keeper.see_to_all() == 1
    assert (await store.subscriptions.of_sources([source.id]))[source.id].last_error is None


async def test_one_vendor_s_surprise_keeps_no_other_source_from_its_subscription(
    store: Store, deal: Deal, queue: QueueClient, vendor: Vendor
) -> None:
    bad, good = [await store.sources.create(deal.id, SourceType.gdrive, name, name) for name in ("bad", "good")]

    def connect(source: Source) -> object:
        if source.id == bad.id:
            raise RuntimeError("a fault of ours")
        return vendor.connect(source)

    keeper = Keeper(store=store, queue=queue, connect=connect, addresses=ADDRESSES, clock=vendor.clock)  # type: ignore[arg-type]
    await keeper.see_to_all()
    assert len(vendor.of(good.id)) == 1
    assert "unexpectedly" in str((await store.subscriptions.of_sources([bad.id]))[bad.id].last_error)


async def test_two_keepers_are_not_given_the_same(store: Store, deal: Deal, vendor: Vendor) -> None:
    for number in range(5):
        await store.sources.create(deal.id, SourceType.gdrive, "Room", f"room {number}")
    first = await store.subscriptions.claim([SourceType.gdrive], now=vendor.now, lease_seconds=60, limit=3)
    second = await store.subscriptions.claim([SourceType.gdrive], now=vendor.now, lease_seconds=60, limit=3)
    assert (len(first), len(second)) == (3, 2)
    assert not {one.id for one in first} & {one.id for one in second}


@pytest.mark.parametrize("seen_meanwhile", [True, False])
async def test_a_source_paused_while_its_vendor_agrees_is_left_without_a_subscription(
    store: Store, deal: Deal, keeper: Keeper, vendor: Vendor, seen_meanwhile: bool
) -> None:
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "room")

    async def pause() -> None:
        await store.sources.set_state(source.id, SourceState.paused)
        if seen_meanwhile:
            await keeper.see_to_all()

    vendor.meanwhile = pause
    await keeper.see_to_all()
    await keeper.see_to_all()
    assert vendor.of(source.id) == []


PUSHED = {"GOOGLE_PUBSUB_TOPIC": "projects/p/topics/t", "GOOGLE_PUBSUB_ACCOUNT": "push@p.iam.gserviceaccount.com"}


@pytest.mark.parametrize(
    ("variables", "types"),
    [
        ({}, set()),
        ({"PUBLIC_URL": "http://localhost:3000"}, set()),
        ({"PUBLIC_URL": "http://localhost:3000", "SOURCE_NOTIFICATIONS": "on"}, {"gdrive", "sharepoint", "outlook"}),
        ({"PUBLIC_URL": "https://dp.example"}, {"gdrive", "sharepoint", "outlook"}),
        ({"PUBLIC_URL": "https://dp.example", "SOURCE_NOTIFICATIONS": "off"}, set()),
        ({"PUBLIC_URL": "https://dp.example", **PUSHED}, {"gdrive", "sharepoint", "outlook", "gmail"}),
        ({"PUBLIC_URL": "https://dp.example", "GOOGLE_PUBSUB_TOPIC": "t"}, {"gdrive", "sharepoint", "outlook"}),
    ],
)
def test_vendors_are_asked_to_tell_only_what_can_reach_us(
    stack: Stack, variables: dict[str, str], types: set[str]
) -> None:
    settings = Settings.load(environ={**stack.environment(), **variables})
    assert {kind.value for kind in callbacks(settings)} == types
