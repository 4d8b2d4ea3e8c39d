"""What vendors tell of changes: believed only where it is proved, one sync for many notices, harmless if repeated."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from dealpulse.jobs import SOURCE_SYNC
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Source, SourceState, SourceType
from dealpulse.processors.subscriptions import secret_digest
from dealpulse.queue import QueueClient
from dealpulse.settings import Settings
from dealpulse.store import Store
from dealpulse.web.app import build_app
from fakes.consent import FakeConsent, fake_consent
from web.conftest import Serve
from web.test_access import ADMIN, bearing

SECRET = "the-secret-we-agreed-on"
PUSHES = "push@project.iam.gserviceaccount.com"
AUDIENCE = "https://dp.example/api/webhooks/gmail"
MAILBOX = "dana@example.com"
"""As it is kept; Gmail may write it otherwise."""


@pytest.fixture
def google() -> Iterator[FakeConsent]:
    with fake_consent() as opened:
        yield opened


@pytest.fixture
def settings(clean_stack: Stack, google: FakeConsent) -> Settings:
    own = {
        "API_TOKENS": f"root:admin:{ADMIN}",
        "GOOGLE_KEYS_URL": f"{google.url}/certs",
        "GOOGLE_PUBSUB_ACCOUNT": PUSHES,
        "PUBLIC_URL": "https://dp.example",
        "MAX_BODY_BYTES": "20000",
    }
    return Settings.load(environ={**clean_stack.environment(), **own})


@pytest.fixture
async def api(settings: Settings, serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(build_app(settings)) as client:
        yield client


async def subscribed(store: Store, deal: Deal, kind: SourceType, external_id: str, place: str = "room") -> Source:
    """A source whose vendor agreed to tell of changes."""
    source = await store.sources.create(deal.id, kind, "Room", place)
    now = datetime.now(UTC)
    due = await store.subscriptions.claim([kind], now=now, lease_seconds=60, limit=100)
    mine = next(one for one in due if one.source.id == source.id)
    assert await store.subscriptions.save(
        mine,
        external_id=external_id,
        resource="resource-1",
        secret_sha256=secret_digest(SECRET),
        expires_at=now + timedelta(days=1),
        due_at=now + timedelta(hours=12),
    )
    return source


@pytest.fixture
async def drive(store: Store, deal: Deal) -> Source:
    return await subscribed(store, deal, SourceType.gdrive, "channel-1")


@pytest.fixture
async def site(store: Store, deal: Deal) -> Source:
    return await subscribed(store, deal, SourceType.sharepoint, "5c9d6f1e-0000-4000-8000-000000000001")


@pytest.fixture
def delayed(queue: QueueClient) -> Callable[[], Awaitable[int]]:
    """How many syncs wait for their notices to be gathered; none waits otherwise."""

    async def count() -> int:
        stats = (await queue.stats())[SOURCE_SYNC.name]
        assert stats.waiting == stats.active == 0
        return stats.delayed

    return count


def channel(**other: str) -> dict[str, str]:
    told = {
        "X-Goog-Channel-ID": "channel-1",
        "X-Goog-Channel-Token": SECRET,
        "X-Goog-Resource-ID": "resource-1",
        "X-Goog-Resource-State": "change",
        "X-Goog-Message-Number": "7",
    }
    return {name: value for name, value in (told | {f"X-Goog-{k}": v for k, v in other.items()}).items() if value}


# --- Drive ------------------------------------------------------------------------------------------------------------


async def test_drive_tells_of_a_change_without_a_token_of_ours_and_the_source_is_synced(
    api: httpx.AsyncClient, drive: Source, delayed: Callable[[], Awaitable[int]], queue: QueueClient
) -> None:
    answer = await api.post("/api/webhooks/gdrive", headers=channel())
    assert answer.status_code == 200
    assert await delayed() == 1
    job = await queue.job(f"sync:{drive.id}")
    assert job is not None
    assert job.due_at is not None
    assert 0 < job.due_at.timestamp() - time.time() < 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"Channel-ID": "channel-2"},
        {"Channel-ID": "channel-1' or true"},
        {"Channel-ID": 'a","b'},
        {"Channel-ID": "x" * 65},
        {"Channel-Token": "another"},
        {"Channel-Token": ""},
        {"Channel-Token": secret_digest(SECRET)},
        {"Resource-ID": "resource-2"},
        {"Resource-State": "sync"},
    ],
)
async def test_what_drive_did_not_tell_gets_the_same_answer_and_does_nothing(
    api: httpx.AsyncClient, drive: Source, delayed: Callable[[], Awaitable[int]], wrong: dict[str, str]
) -> None:
    right = await api.post("/api/webhooks/gdrive", headers=channel(**{"Resource-State": "sync"}))
    answer = await api.post("/api/webhooks/gdrive", headers=channel(**wrong))
    assert (answer.status_code, answer.content) == (right.status_code, right.content)
    assert await delayed() == 0


async def test_a_thousand_notices_are_one_sync(api: httpx.AsyncClient, drive: Source, queue: QueueClient) -> None:
    free = asyncio.Semaphore(20)

    async def tell(number: int) -> float:
        async with free:
            began = time.perf_counter()
            answer = await api.post("/api/webhooks/gdrive", headers=channel(**{"Message-Number": str(number)}))
            assert answer.status_code == 200
            return time.perf_counter() - began

    took = await asyncio.gather(*(tell(number) for number in range(1000)))
    stats = (await queue.stats())[SOURCE_SYNC.name]
    assert stats.waiting + stats.delayed == 1
    assert max(took) < 3, "vendors give up on who answers later"


async def test_a_notice_told_again_after_its_sync_does_nothing(
    api: httpx.AsyncClient, drive: Source, delayed: Callable[[], Awaitable[int]], queue: QueueClient
) -> None:
    await api.post("/api/webhooks/gdrive", headers=channel())
    await queue.cancel(f"sync:{drive.id}")
    await api.post("/api/webhooks/gdrive", headers=channel())
    assert await delayed() == 0
    await api.post("/api/webhooks/gdrive", headers=channel(**{"Message-Number": "8"}))
    assert await delayed() == 1


async def test_a_full_sync_that_waits_stays_one_and_is_not_put_off(
    api: httpx.AsyncClient, drive: Source, queue: QueueClient, store: Store
) -> None:
    body = {"dealId": drive.deal_id, "sourceType": "gdrive", "syncType": "full"}
    await api.post("/api/queue/source-sync", json=body, headers=bearing(ADMIN))
    await api.post("/api/webhooks/gdrive", headers=channel())
    stats = (await queue.stats())[SOURCE_SYNC.name]
    assert (stats.waiting, stats.delayed) == (1, 0)
    assert [row.name for row in await store.operations.of_deal(drive.deal_id)] == ["full"]


@pytest.mark.parametrize("state", [SourceState.paused, SourceState.needs_consent])
async def test_a_source_that_is_not_to_be_synced_is_not(
    api: httpx.AsyncClient, store: Store, drive: Source, delayed: Callable[[], Awaitable[int]], state: SourceState
) -> None:
    await store.sources.set_state(drive.id, state)
    assert (await api.post("/api/webhooks/gdrive", headers=channel())).status_code == 200
    assert await delayed() == 0


async def test_a_channel_whose_source_is_gone_is_ignored(
    api: httpx.AsyncClient, store: Store, drive: Source, delayed: Callable[[], Awaitable[int]]
) -> None:
    await store.sources.remove(drive.id, delete_items=False)
    assert (await api.post("/api/webhooks/gdrive", headers=channel())).status_code == 200
    assert await delayed() == 0


async def test_a_channel_s_header_opens_no_door_for_what_our_own_app_tells(
    api: httpx.AsyncClient, store: Store, deal: Deal, delayed: Callable[[], Awaitable[int]]
) -> None:
    await store.sources.create(deal.id, SourceType.gdrive, "Drive", "folder")
    body = {"changes": [{"dealId": deal.id}]}
    assert (await api.post("/api/webhooks/gdrive", json=body)).status_code == 401
    assert (await api.post("/api/webhooks/gdrive", json=body, headers=channel())).status_code == 200
    assert await delayed() == 0
    assert (await api.post("/api/webhooks/gdrive", json=body, headers=bearing(ADMIN))).json() == {"received": True}


@pytest.mark.parametrize("path", ["gdrive", "gmail", "graph"])
async def test_a_webhook_takes_no_more_than_a_body_may_have(api: httpx.AsyncClient, path: str) -> None:
    headers = {**channel(), "authorization": "Bearer x.y.z"}
    answer = await api.post(f"/api/webhooks/{path}", content=b"x" * 20_001, headers=headers)
    assert answer.status_code == 413
    assert (await api.get(f"/api/webhooks/{path}", headers=headers)).status_code in (401, 405)


# --- Gmail ------------------------------------------------------------------------------------------------------------


def pushed(message_id: str = "136969346945", **other: Any) -> dict[str, Any]:
    told = {"emailAddress": MAILBOX.title(), "historyId": 9876543210, **other}
    data = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
    message = {"data": data, "messageId": message_id, "message_id": message_id, "publishTime": "2026-03-03T09:00:00Z"}
    return {"message": message, "subscription": "projects/p/subscriptions/s"}


def signed(google: FakeConsent, *, key: rsa.RSAPrivateKey | None = None, **other: Any) -> dict[str, str]:
    claims = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "email": PUSHES,
        "email_verified": True,
        "sub": "113",
        "iat": int(time.time()),
        "exp": int(time.time()) + 3600,
        **other,
    }
    return bearing(google.sign({name: value for name, value in claims.items() if value is not None}, key=key))


@pytest.fixture
async def mailboxes(store: Store, deal: Deal) -> list[Source]:
    """Two deals read the same mailbox."""
    other = await store.deals.create("Project Birch")
    return [await subscribed(store, owner, SourceType.gmail, MAILBOX, "me") for owner in (deal, other)]


async def test_gmail_tells_and_every_source_of_the_mailbox_is_synced_once(
    api: httpx.AsyncClient,
    google: FakeConsent,
    mailboxes: list[Source],
    delayed: Callable[[], Awaitable[int]],
    queue: QueueClient,
) -> None:
    for _ in range(2):
        answer = await api.post("/api/webhooks/gmail", json=pushed(), headers=signed(google))
        assert answer.status_code == 204
    assert await delayed() == 2
    for source in mailboxes:
        await queue.cancel(f"sync:{source.id}")
    await api.post("/api/webhooks/gmail", json=pushed(), headers=signed(google))
    assert await delayed() == 0, "the same message again"
    await api.post("/api/webhooks/gmail", json=pushed("2"), headers=signed(google))
    assert await delayed() == 2


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://elsewhere.example"},
        {"iss": "https://evil.example"},
        {"email": "other@project.iam.gserviceaccount.com"},
        {"email": None},
        {"email_verified": False},
        {"email_verified": None},
        {"exp": int(time.time()) - 600},
        {"exp": None},
        {"key": rsa.generate_private_key(65537, 2048)},
    ],
)
async def test_what_is_not_signed_as_our_subscription_is_refused(
    api: httpx.AsyncClient,
    google: FakeConsent,
    mailboxes: list[Source],
    delayed: Callable[[], Awaitable[int]],
    claims: dict[str, Any],
) -> None:
    answer = await api.post("/api/webhooks/gmail", json=pushed(), headers=signed(google, **claims))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_our_subscription")
    assert await delayed() == 0


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", f"Bearer {ADMIN}", "Basic eyJ.e30.x"])
async def test_what_is_not_signed_at_all_is_refused(
    api: httpx.AsyncClient, mailboxes: list[Source], header: str
) -> None:
    answer = await api.post("/api/webhooks/gmail", json=pushed(), headers={"authorization": header})
    assert answer.status_code == 401


async def test_a_token_that_names_another_way_of_signing_is_refused(
    api: httpx.AsyncClient, google: FakeConsent, mailboxes: list[Source]
) -> None:
    told = signed(google)["authorization"].removeprefix("Bearer ").split(".")
    for algorithm in ("none", "HS256"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": "key-1"}).encode()).rstrip(b"=").decode()
        answer = await api.post("/api/webhooks/gmail", json=pushed(), headers=bearing(f"{head}.{told[1]}.{told[2]}"))
        assert answer.status_code == 401


async def test_without_an_account_to_believe_nobody_is(
    clean_stack: Stack, google: FakeConsent, serve: Serve, mailboxes: list[Source]
) -> None:
    own = {"GOOGLE_KEYS_URL": f"{google.url}/certs", "PUBLIC_URL": "https://dp.example"}
    async with serve(build_app(Settings.load(environ={**clean_stack.environment(), **own}))) as api:
        answer = await api.post("/api/webhooks/gmail", json=pushed(), headers=signed(google))
    assert answer.status_code == 401


async def test_keys_that_cannot_be_had_have_the_message_sent_again(
    api: httpx.AsyncClient, google: FakeConsent, mailboxes: list[Source], delayed: Callable[[], Awaitable[int]]
) -> None:
    google.away = True
    assert (await api.post("/api/webhooks/gmail", json=pushed(), headers=signed(google))).status_code == 503
    google.away = False
    assert (await api.post("/api/webhooks/gmail", json=pushed(), headers=signed(google))).status_code == 204
    assert await delayed() == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": None},
        {"message": {"messageId": "1"}},
        {"message": {"messageId": "1", "data": "%%%"}},
        {"message": {"messageId": "1", "data": "bm90IGpzb24="}},
        {"message": {"messageId": "1", "data": "e30="}},
        {"message": {"messageId": "x" * 500, "data": "e30="}},
        pushed(emailAddress="somebody@else.example"),
        pushed(emailAddress=7),
        pushed(emailAddress='x","y'),
    ],
)
async def test_what_cannot_be_used_is_not_sent_again_and_again(
    api: httpx.AsyncClient,
    google: FakeConsent,
    mailboxes: list[Source],
    delayed: Callable[[], Awaitable[int]],
    body: dict[str, Any],
) -> None:
    assert (await api.post("/api/webhooks/gmail", json=body, headers=signed(google))).status_code == 204
    assert await delayed() == 0


# --- Graph ------------------------------------------------------------------------------------------------------------


def told(*, subscription: str = "5c9d6f1e-0000-4000-8000-000000000001", **other: Any) -> dict[str, Any]:
    entry = {
        "subscriptionId": subscription,
        "clientState": SECRET,
        "changeType": "updated",
        "resource": "drives/b!1/root",
        "subscriptionExpirationDateTime": "2026-11-20T18:23:45.9356913Z",
        "tenantId": "t",
        **other,
    }
    return {name: value for name, value in entry.items() if value is not None}


@pytest.mark.parametrize(
    "token", ["Validation: Testing client application reachability.", "<script>x</script>", "ü&+ "]
)
async def test_graph_is_answered_with_its_own_word_as_plain_text(api: httpx.AsyncClient, token: str) -> None:
    answer = await api.post("/api/webhooks/graph", params={"validationToken": token})
    assert (answer.status_code, answer.text) == (200, token)
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await api.post("/api/webhooks/graph", params={"validationToken": "x" * 5000})).status_code == 400


async def test_graph_tells_and_each_source_is_synced_once(
    api: httpx.AsyncClient, store: Store, deal: Deal, site: Source, delayed: Callable[[], Awaitable[int]]
) -> None:
    await subscribed(store, deal, SourceType.outlook, "mail-1", "me")
    body = {"value": [told(), told(), "nonsense", {}, told(subscription="mail-1"), told(subscription="unknown")]}
    answer = await api.post("/api/webhooks/graph", json=body)
    assert answer.status_code == 202
    assert await delayed() == 2
    await api.post("/api/webhooks/graph", json=body)
    assert await delayed() == 2


@pytest.mark.parametrize("state", ["another", "", None, secret_digest(SECRET), 7])
async def test_a_wrong_client_state_gets_the_same_answer_and_does_nothing(
    api: httpx.AsyncClient, store: Store, site: Source, delayed: Callable[[], Awaitable[int]], state: str | None
) -> None:
    for lifecycle in (None, "missed", "subscriptionRemoved", "reauthorizationRequired"):
        body = {"value": [told(clientState=state, lifecycleEvent=lifecycle)]}
        answer = await api.post("/api/webhooks/graph", json=body)
        assert (answer.status_code, answer.content) == (202, b"")
    assert await delayed() == 0
    assert (await store.subscriptions.of_sources([site.id]))[site.id].external_id is not None
    assert await store.subscriptions.claim([site.type], now=datetime.now(UTC), lease_seconds=1, limit=9) == []


async def test_graph_may_have_a_subscription_renewed(api: httpx.AsyncClient, store: Store, site: Source) -> None:
    body = {"value": [told(lifecycleEvent="reauthorizationRequired", changeType=None)]}
    assert (await api.post("/api/webhooks/graph", json=body)).status_code == 202
    (due,) = await store.subscriptions.claim([site.type], now=datetime.now(UTC), lease_seconds=1, limit=9)
    assert due.external_id is not None, "renewed, not made again"


async def test_graph_may_have_removed_a_subscription_which_is_made_again(
    api: httpx.AsyncClient, store: Store, site: Source, delayed: Callable[[], Awaitable[int]]
) -> None:
    body = {"value": [told(lifecycleEvent="subscriptionRemoved")]}
    for _ in range(2):
        assert (await api.post("/api/webhooks/graph", json=body)).status_code == 202
    (due,) = await store.subscriptions.claim([site.type], now=datetime.now(UTC), lease_seconds=1, limit=9)
    assert (due.wanted, due.external_id) == (True, None)
    assert await delayed() == 0, "its sync follows the new subscription"


async def test_graph_may_have_missed_to_tell_something(
    api: httpx.AsyncClient, site: Source, delayed: Callable[[], Awaitable[int]]
) -> None:
    await api.post("/api/webhooks/graph", json={"value": [told(lifecycleEvent="missed")]})
    assert await delayed() == 1
    answer = await api.post("/api/webhooks/graph", json={"value": [told(lifecycleEvent="somethingNew")]})
    assert answer.status_code == 202


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"value": 7}'])
async def test_what_graph_would_not_send_is_no_notice(api: httpx.AsyncClient, body: bytes) -> None:
    assert (await api.post("/api/webhooks/graph", content=body)).status_code == 400
