"""From a change at the vendor to the document here, and nobody asked: subscription, notice, sync."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from arq.worker import create_worker

from dealpulse.jobs import QUEUES, SOURCE_SYNC
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Source, SourceState, SourceType
from dealpulse.queue import QueueClient
from dealpulse.settings import Settings
from dealpulse.store import Store
from dealpulse.web.app import build_app
from dealpulse.worker.entry import build_class
from fakes.google import PERSON, FakeGoogle, fake_google
from fakes.google.gmail import Push
from web.conftest import Serve

TOPIC = "projects/deal/topics/mail"
PUSHES = "gmail-push@deal.iam.gserviceaccount.com"
LETTER = (
    b"From: pat@example.com\r\nTo: dana@example.com\r\nSubject: %s\r\nMessage-ID: <%s@x>\r\n\r\nThe lease ends.\r\n"
)

Work = Callable[[], Awaitable[None]]


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with fake_google() as opened:
        yield opened


@pytest.fixture
def environment(clean_stack: Stack, google: FakeGoogle, tmp_path: Path) -> dict[str, str]:
    return {
        **clean_stack.environment(),
        "GOOGLE_API_URL": google.url,
        "GOOGLE_TOKEN_URL": f"{google.url}/token",
        "GOOGLE_KEYS_URL": f"{google.url}/oauth2/v3/certs",
        "GOOGLE_SERVICE_ACCOUNT_FILE": str(google.accounts.key_file(tmp_path)),
        "GOOGLE_IMPERSONATE": PERSON,
        "GOOGLE_PUBSUB_TOPIC": TOPIC,
        "GOOGLE_PUBSUB_ACCOUNT": PUSHES,
        "GOOGLE_PUBSUB_AUDIENCE": "our-push-subscription",
        "API_TRUST_LOOPBACK": "true",
        "SOURCE_NOTIFICATIONS": "on",
        "SOURCE_SWEEP_TIME": "0 0 1 1 *",
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return Settings.load(environ=environment)


@pytest.fixture
async def api(settings: Settings, serve: Serve, google: FakeGoogle) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(build_app(settings)) as client:
        google.gmail.topics[TOPIC] = Push(_reached(client, "gmail"), "our-push-subscription", PUSHES)
        yield client


@pytest.fixture
def work(api: httpx.AsyncClient, environment: dict[str, str]) -> Work:
    """Workers, which know where the API is reached, see to subscriptions and work until nothing is left to do."""
    settings = Settings.load(environ={**environment, "PUBLIC_URL": _reached(api)})

    async def until_done() -> None:
        worker = create_worker(build_class("WorkerSettings", settings, QUEUES), burst=True, handle_signals=False)
        try:
            await worker.async_run()
        finally:
            await worker.close()

    return until_done


def _reached(api: httpx.AsyncClient, webhook: str = "") -> str:
    """Vendors want addresses, not names."""
    base = str(api.base_url).rstrip("/").replace("localhost", "127.0.0.1")
    return f"{base}/api/webhooks/{webhook}" if webhook else base


async def told(google: FakeGoogle, queue: QueueClient, source: Source) -> int:
    """How many notices were sent; each was answered well, and together they are one sync, which is made due now."""
    statuses = await asyncio.to_thread(google.posting.statuses)
    assert set(statuses) <= {200, 202, 204}
    stats = (await queue.stats())[SOURCE_SYNC.name]
    assert (stats.waiting, stats.delayed) == (0, 1)
    await queue.promote(f"sync:{source.id}")
    return len(statuses)


async def test_new_mail_is_here_because_gmail_tells_of_it(
    google: FakeGoogle, store: Store, deal: Deal, queue: QueueClient, api: httpx.AsyncClient, work: Work
) -> None:
    google.gmail.receive("Before", LETTER % (b"Before", b"1"), "INBOX")
    source = await store.sources.create(deal.id, SourceType.gmail, "Mail", "me")
    await api.post(f"/api/deals/{deal.id}/sources/{source.id}/sync", json={})
    await work()
    assert google.gmail.watched is not None
    assert [one.subject for one in await store.emails.of_deal(deal.id)] == ["Before"]

    for number in range(3):
        google.gmail.receive("After", LETTER % (b"After", b"2%d" % number), "INBOX")
    assert await told(google, queue, source) == 3
    await work()

    assert sorted(one.subject for one in await store.emails.of_deal(deal.id)) == ["After"] * 3 + ["Before"]
    shown = (await api.get(f"/api/deals/{deal.id}/sources/{source.id}")).json()["source"]
    assert shown["notifiedUntil"] is not None
    assert shown["notificationError"] is None

    await store.sources.set_state(source.id, SourceState.paused)
    await work()
    assert google.gmail.watched is None


async def test_a_changed_file_is_here_because_drive_tells_of_it(
    google: FakeGoogle, store: Store, deal: Deal, queue: QueueClient, api: httpx.AsyncClient, work: Work
) -> None:
    room = google.drive.folder("Deal room")
    google.drive.file("lease.txt", b"The lease ends in March.\n", room)
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", room)
    await api.post(f"/api/deals/{deal.id}/sources/{source.id}/sync", json={})
    await work()
    (channel,) = google.drive.channels.values()
    assert channel.address == _reached(api, "gdrive")
    assert [one.name for one in await store.documents.of_deal(deal.id)] == ["lease.txt"]
    assert (await queue.stats())[SOURCE_SYNC.name].delayed == 0, "that the channel works is no change"

    for number in range(20):
        google.drive.file(f"note {number}.txt", b"The lease was renewed.\n", room)
    assert await told(google, queue, source) >= 20
    await work()

    assert len(await store.documents.of_deal(deal.id)) == 21
    assert (await api.delete(f"/api/deals/{deal.id}/sources/{source.id}")).status_code == 200
    await work()
    assert google.drive.channels == {}
