"""What model calls cost: by day, by document, since a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from dealpulse.models import Confidence, Deal, EngineName, Origin, Usage
from dealpulse.store import Store
from dealpulse.store.usage import Spending
from store.samples import LOCAL, NOBODY

SONNET = Origin(engine=EngineName.claude, model="claude-sonnet-5-5", confidence=Confidence.normal)
NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2026, 3, 9)


def usage(operation: str = "document.analyze", *, cost: float = 0.25, origin: Origin = SONNET) -> Usage:
    return Usage(operation=operation, origin=origin, input_tokens=1_000, output_tokens=100, cost_usd=cost)


async def record(store: Store, database: asyncpg.Connection, deal: Deal, at: datetime, told: Usage) -> None:
    await store.usage.record(deal.id, told)
    await database.execute("update ai_usage set created_at = $1 where created_at >= now() - interval '1 minute'", at)


async def test_costs_are_told_by_the_deals_own_day_and_by_operation(
    store: Store, database: asyncpg.Connection, deal: Deal
) -> None:
    late_on_monday = datetime(2026, 3, 10, 3, 59, tzinfo=UTC)  # 23:59 in New York
    early_on_tuesday = late_on_monday + timedelta(minutes=1)
    await record(store, database, deal, late_on_monday, usage())
    await record(store, database, deal, late_on_monday, usage(cost=0.5))
    await record(store, database, deal, late_on_monday, usage("email.analyze", cost=0, origin=LOCAL))
    await record(store, database, deal, early_on_tuesday, usage())

    costs = await store.usage.by_day(deal.id, zone=NEW_YORK, first=MONDAY, last=MONDAY + timedelta(days=1))

    assert [(one.day, one.operation, one.engine, one.calls, one.cost_usd) for one in costs] == [
        (MONDAY, "document.analyze", EngineName.claude, 2, 0.75),
        (MONDAY, "email.analyze", EngineName.local, 1, 0.0),
        (MONDAY + timedelta(days=1), "document.analyze", EngineName.claude, 1, 0.25),
    ]
    assert (costs[0].input_tokens, costs[0].output_tokens) == (2_000, 200)
    only_monday = await store.usage.by_day(deal.id, zone=NEW_YORK, first=MONDAY, last=MONDAY)
    assert only_monday == costs[:2]


async def test_another_deals_costs_are_not_this_ones(store: Store, deal: Deal) -> None:
    other = await store.deals.create("Other")
    await store.usage.record(other.id, usage())
    today = datetime.now(UTC).date()
    days = {"first": today - timedelta(days=1), "last": today + timedelta(days=1)}
    assert await store.usage.by_day(deal.id, zone=NEW_YORK, **days) == []
    assert await store.usage.by_day("not an id", zone=NEW_YORK, **days) == []
    assert len(await store.usage.by_day(other.id, zone=NEW_YORK, **days)) == 1


async def test_a_documents_costs_are_its_own(store: Store, deal: Deal) -> None:
    document = await store.documents.create(
        deal.id, name="a", path="a", mime_type=None, size_bytes=1, content_hash="a" * 64, storage_key="a"
    )
    for told in (usage(), usage(cost=0.5), usage("document.classify")):
        await store.usage.record(deal.id, told, document_id=document.id)
    await store.usage.record(deal.id, usage())

    costs = await store.usage.of_document(document.id)

    assert [(one.day, one.operation, one.calls, one.cost_usd) for one in costs] == [
        (None, "document.analyze", 2, 0.75),
        (None, "document.classify", 1, 0.25),
    ]
    assert await store.usage.of_document("not an id") == []


async def test_spending_counts_from_the_moment_on_and_tells_the_deals_budget(
    store: Store, database: asyncpg.Connection, deal: Deal
) -> None:
    noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    await record(store, database, deal, noon - timedelta(seconds=1), usage(cost=3))
    await record(store, database, deal, noon, usage(cost=0.123456))
    assert await store.usage.since(deal.id, noon) == Spending(spent_usd=0.123456, budget_usd=None)

    await database.execute("update deals set ai_daily_budget_usd = 7.5 where id = $1", deal.id)
    assert await store.usage.since(deal.id, noon) == Spending(spent_usd=0.123456, budget_usd=7.5)
    assert await store.usage.since(NOBODY, noon) == Spending(spent_usd=0)


async def test_a_budget_is_not_negative(store: Store, database: asyncpg.Connection, deal: Deal) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await database.execute("update deals set ai_daily_budget_usd = -1 where id = $1", deal.id)


async def test_what_a_deal_spent_today_is_found_by_an_index(store: Store, database: asyncpg.Connection) -> None:
    async with database.transaction():
        await database.execute("set local enable_seqscan = off")
        plan = await database.fetch(
            "explain select sum(cost_usd) from ai_usage where deal_id = $1 and created_at >= now()", NOBODY
        )
    assert "ai_usage_deal" in " ".join(row[0] for row in plan)
