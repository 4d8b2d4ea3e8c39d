"""Watching the real stack: what is wrong there is told, once, by whoever is alive."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from arq.connections import ArqRedis

from alerts.test_book import age
from dealpulse.alerts.rules import told_of
from dealpulse.alerts.watch import Watch
from dealpulse.errors import Permanent, Transient
from dealpulse.jobs import DOCUMENTS, DocumentOperation, ProcessDocument
from dealpulse.local.stack import Stack
from dealpulse.models import Confidence, Deal, EngineName, Origin, SourceState, SourceType, Usage
from dealpulse.queue import History, Metrics, QueueClient, keys
from dealpulse.queue.alert_book import NOTICE_LEASE_SECONDS, AlertBook, Notice
from dealpulse.queue.connection import answer
from dealpulse.settings import Settings
from dealpulse.store import Store, open_store
from queue_engine.endings import die, end
from queue_engine.engines import renewed, turn


@dataclass
class Chat:
    """A channel that keeps what it was sent and fails as the test says."""

    heard: list[str] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)

    async def __call__(self, notice: Notice) -> None:
        if self.fails:
            raise self.fails.pop()
        self.heard.append(f"{notice.what} {notice.alert.key}")


@pytest.fixture
def chat() -> Chat:
    return Chat()


QUEUES = ("dailyBrief", "documentProcessing", "emailProcessing", "sourceSync")
NewWatch = Callable[..., Watch]


@pytest.fixture
def new_watch(settings: Settings, pool: ArqRedis, queue: QueueClient, store: Store, chat: Chat) -> NewWatch:
    """One more process that watches."""

    def make(settings: Settings = settings, store: Store = store) -> Watch:
        return Watch(
            settings,
            book=AlertBook(pool),
            queue=queue,
            history=History(pool),
            metrics=Metrics(pool),
            store=store,
            channels={"chat": chat},
            # An hour passes between two looks.
            clock=iter(range(0, 10**9, 3_600)).__next__,
        )

    return make


@pytest.fixture
async def database(clean_stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(clean_stack.database_url)
    yield connection
    await connection.close()


def documents(deal: Deal, count: int) -> list[ProcessDocument]:
    return [ProcessDocument(str(uuid.UUID(int=n)), deal.id, DocumentOperation.analyze) for n in range(1, count + 1)]


async def test_a_backlog_fires_after_five_minutes_and_clears_when_it_is_gone(
    new_watch: NewWatch, pool: ArqRedis, queue: QueueClient, deal: Deal, chat: Chat
) -> None:
    watch = new_watch()
    await queue.enqueue_many(documents(deal, 101))
    await watch.look()
    assert chat.heard == []
    await age(pool, timedelta(minutes=5))
    await watch.look()
    await watch.look()
    assert chat.heard == ["fired waiting:documentProcessing"]
    await queue.cancel(documents(deal, 1)[0].id)
    await watch.look()
    await watch.look()
    assert chat.heard == ["fired waiting:documentProcessing", "cleared waiting:documentProcessing"]


async def test_only_one_of_many_watches_judges_and_another_goes_on_after_it(
    new_watch: NewWatch, pool: ArqRedis, store: Store, deal: Deal, chat: Chat
) -> None:
    first, second = new_watch(), new_watch()
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "folder-1")
    await store.sources.set_state(source.id, SourceState.needs_consent)
    await first.look()
    await second.look()
    assert chat.heard == [f"fired needs_consent:{source.id}"]
    await store.sources.set_state(source.id, SourceState.active)
    await second.look()
    assert len(chat.heard) == 1, "it does not lead"
    await pool.delete(keys.ALERT_LEADER)  # as when the first is not heard of any more
    await second.look()
    assert chat.heard[1:] == [f"cleared needs_consent:{source.id}"]


async def test_a_queue_nobody_drains_is_told_of_by_who_is_alive(
    clean_stack: Stack, new_watch: NewWatch, pool: ArqRedis, queue: QueueClient, deal: Deal, chat: Chat
) -> None:
    watch = new_watch(Settings.load(environ=clean_stack.environment()))
    await watch.look()
    await age(pool, timedelta(minutes=1))
    await watch.look()
    assert sorted(chat.heard) == [f"fired no_workers:{name}" for name in QUEUES]
    await turn(pool, "host:1:abc")
    await answer(pool.hset(f"{keys.WORKER}host:1:abc", "queues", " ".join(QUEUES)))
    await watch.look()
    assert len(chat.heard) == 8


async def test_the_same_failure_and_their_rate_are_told_of(
    new_watch: NewWatch, pool: ArqRedis, deal: Deal, chat: Chat
) -> None:
    await end(pool, documents(deal, 10), die)
    await new_watch().look()
    mark = (await History(pool).dead_groups(DOCUMENTS.key))[0].fingerprint
    assert sorted(chat.heard) == [
        "fired failure_rate:documentProcessing",
        f"fired same_failure:documentProcessing:{mark}",
    ]


async def test_missed_briefs_and_budgets_are_told_of(
    new_watch: NewWatch,
    clean_stack: Stack,
    store: Store,
    deal: Deal,
    database: asyncpg.Connection,
    book: AlertBook,
    chat: Chat,
) -> None:
    two_days_ago = datetime.now(UTC) - timedelta(days=2)
    await database.execute("update deals set created_at = $1 where id = $2", two_days_ago, uuid.UUID(deal.id))
    await store.deals.create("Too young to have missed one")
    sonnet = Origin(engine=EngineName.claude, model="claude-sonnet-5-5", confidence=Confidence.normal)
    await store.usage.record(
        deal.id, Usage(operation="document.analyze", origin=sonnet, input_tokens=9, output_tokens=5, cost_usd=2.5)
    )
    await store.deals.set_budget(deal.id, 2.5)
    await new_watch().look()
    told = {alert.rule: told_of(alert) for alert in await book.alerts()}
    assert told["missed_brief"].deal_ids == (deal.id,)
    assert told["missed_brief"].summary.startswith("A deal has no brief of ")
    assert told["budget_reached"].deal_ids == (deal.id,)
    assert len(chat.heard) == 2


async def test_what_cannot_be_sent_now_is_sent_later_and_what_never_can_is_dropped(
    new_watch: NewWatch, pool: ArqRedis, store: Store, deal: Deal, chat: Chat
) -> None:
    watch = new_watch()
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "folder-1")
    await store.sources.set_state(source.id, SourceState.needs_consent)
    chat.fails = [Transient("away")]
    await watch.look()
    await watch.look()
    assert chat.heard == []
    await age(pool, timedelta(seconds=NOTICE_LEASE_SECONDS))
    await watch.look()
    assert chat.heard == [f"fired needs_consent:{source.id}"]
    chat.fails = [Permanent("gone")]
    await store.sources.set_state(source.id, SourceState.active)
    await watch.look()
    await age(pool, timedelta(hours=2))
    await watch.look()
    assert len(chat.heard) == 1
    assert await answer(pool.hlen(keys.ALERT_NOTICES)) == 0


async def test_what_supabase_tells_of_does_not_clear_while_it_is_away(
    new_watch: NewWatch, store: Store, deal: Deal, book: AlertBook, pool: ArqRedis, clean_stack: Stack
) -> None:
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "folder-1")
    await store.sources.set_state(source.id, SourceState.needs_consent)
    await new_watch().look()
    await pool.delete(keys.ALERT_LEADER)
    environ = {**clean_stack.environment(), "SUPABASE_URL": "http://127.0.0.1:1", "ALERT_NO_WORKERS_SECONDS": "0"}
    away = Settings.load(environ=environ)
    async with open_store(away.supabase) as nowhere:
        await new_watch(store=nowhere).look()
    assert [alert.rule for alert in await book.alerts()] == ["needs_consent"]


async def test_redis_away_is_survived(absent: ArqRedis, settings: Settings, store: Store, chat: Chat) -> None:
    watch = Watch(
        settings,
        book=AlertBook(absent),
        queue=QueueClient(absent),
        history=History(absent),
        metrics=Metrics(absent),
        store=store,
        channels={"chat": chat},
    )
    await watch.look()
    assert chat.heard == []


async def test_a_worker_that_lives_is_no_alert(
    pool: ArqRedis, new_watch: NewWatch, clean_stack: Stack, chat: Chat
) -> None:
    await turn(pool, "host:1:abc")
    await renewed(pool, "host:1:abc", [])
    await answer(pool.hset(f"{keys.WORKER}host:1:abc", "queues", " ".join(QUEUES)))
    watch = new_watch(Settings.load(environ=clean_stack.environment()))
    await watch.look()
    await age(pool, timedelta(minutes=1))
    await watch.look()
    assert chat.heard == []
