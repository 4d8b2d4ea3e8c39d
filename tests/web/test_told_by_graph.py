"""From a change at Microsoft to the document here, and nobody asked: handshake, subscription, notice, sync."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest

from dealpulse.jobs import SOURCE_SYNC
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Source, SourceType
from dealpulse.queue import QueueClient
from dealpulse.settings import Settings
from dealpulse.store import Store
from fakes.graph import FakeGraph, fake_graph
from fakes.graph.accounts import CLIENT_ID, CLIENT_SECRET, FILES_WRITE, TENANT
from fakes.graph.mail import DANA
from web.test_told_of_changes import LETTER, Work, reached, working

Make = Callable[[Store, Deal], Awaitable[Source]]


@pytest.fixture
def graph() -> Iterator[FakeGraph]:
    with fake_graph() as opened:
        yield opened


@pytest.fixture
def environment(clean_stack: Stack, graph: FakeGraph) -> dict[str, str]:
    return {
        **clean_stack.environment(),
        "API_TRUST_LOOPBACK": "true",
        "MICROSOFT_GRAPH_URL": f"{graph.url}/v1.0",
        "MICROSOFT_LOGIN_URL": graph.url,
        "MICROSOFT_TENANT_ID": TENANT,
        "MICROSOFT_CLIENT_ID": CLIENT_ID,
        "MICROSOFT_CLIENT_SECRET": CLIENT_SECRET,
        "SOURCE_NOTIFICATIONS": "on",
        "SOURCE_SWEEP_TIME": "0 0 1 1 *",
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return Settings.load(environ=environment)


@pytest.fixture
def work(api: httpx.AsyncClient, environment: dict[str, str]) -> Work:
    return working({**environment, "PUBLIC_URL": reached(api)})


async def told(graph: FakeGraph, queue: QueueClient, source: Source) -> None:
    """All notices are answered as Graph wants, and together they are one sync, which is made due now."""
    assert set(await asyncio.to_thread(graph.posting.statuses)) == {202}
    stats = (await queue.stats())[SOURCE_SYNC.name]
    assert (stats.waiting, stats.delayed) == (0, 1)
    await queue.promote(f"sync:{source.id}")


async def test_a_changed_file_is_here_because_graph_tells_of_it_also_after_it_ended_the_subscription(
    graph: FakeGraph, store: Store, deal: Deal, queue: QueueClient, api: httpx.AsyncClient, work: Work
) -> None:
    library = graph.drives.library("Documents", graph.drives.site("sites/Kestrel"))
    root = graph.drives.drives[library].root
    graph.drives.file("lease.txt", b"The lease ends in March.\n", root)
    source = await store.sources.create(deal.id, SourceType.sharepoint, "Room", graph.drives.web_url(library))
    await api.post(f"/api/deals/{deal.id}/sources/{source.id}/sync", json={})
    await work()
    (first,) = graph.subscriptions.known
    assert graph.subscriptions.validated == [reached(api, "graph")] * 2

    graph.drives.file("note.txt", b"It was renewed.\n", root)
    await told(graph, queue, source)
    await work()
    assert len(await store.documents.of_deal(deal.id)) == 2

    graph.subscriptions.end(first)
    assert set(await asyncio.to_thread(graph.posting.statuses)) == {202}
    graph.drives.file("unheard.txt", b"Nobody told of this.\n", root)
    await work()
    (second,) = graph.subscriptions.known
    assert second != first
    assert len(await store.documents.of_deal(deal.id)) == 3, "what nobody told of is caught up with"

    await api.delete(f"/api/deals/{deal.id}/sources/{source.id}")
    await work()
    assert graph.subscriptions.known == {}


async def test_new_mail_is_here_because_graph_tells_of_it(
    graph: FakeGraph, store: Store, deal: Deal, queue: QueueClient, api: httpx.AsyncClient, work: Work
) -> None:
    inbox = graph.mail.own_names["inbox"]
    graph.mail.receive("Before", LETTER % (b"Before", b"1"), inbox)
    source = await store.sources.create(deal.id, SourceType.outlook, "Mail", f"{DANA}/Inbox")
    await api.post(f"/api/deals/{deal.id}/sources/{source.id}/sync", json={})
    await work()

    graph.mail.receive("After", LETTER % (b"After", b"2"), inbox)
    await told(graph, queue, source)
    await work()

    assert sorted(one.subject for one in await store.emails.of_deal(deal.id)) == ["After", "Before"]


async def test_where_reading_is_all_that_was_granted_a_library_is_synced_all_the_same_and_says_what_it_lacks(
    graph: FakeGraph, store: Store, deal: Deal, api: httpx.AsyncClient, work: Work
) -> None:
    """Graph tells of files only those who may write them."""
    graph.accounts.granted.discard(FILES_WRITE)
    library = graph.drives.library("Documents", graph.drives.site("sites/Kestrel"))
    graph.drives.file("lease.txt", b"The lease ends in March.\n", graph.drives.drives[library].root)
    source = await store.sources.create(deal.id, SourceType.sharepoint, "Room", graph.drives.web_url(library))
    await api.post(f"/api/deals/{deal.id}/sources/{source.id}/sync", json={})
    await work()
    shown = (await api.get(f"/api/deals/{deal.id}/sources/{source.id}")).json()["source"]
    assert len(await store.documents.of_deal(deal.id)) == 1
    assert (shown["state"], shown["lastError"], shown["notifiedUntil"]) == ("active", None, None)
    assert "403" in shown["notificationError"]
