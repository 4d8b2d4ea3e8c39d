"""A deal that has spent its day's budget waits for its next midnight; what costs nothing does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from dealpulse.errors import BudgetExceeded, NotFound
from dealpulse.local.stack import Stack
from dealpulse.models import Confidence, Deal, EngineName, Origin, Usage
from dealpulse.store import Store
from dealpulse.worker.budgets import BudgetedEngine, Budgets
from worker.test_dependencies import QUESTION, Claude

ORIGIN = Origin(engine=EngineName.claude, model="claude-sonnet-5-5", confidence=Confidence.normal)
BERLIN = ZoneInfo("Europe/Berlin")


def budgets(store: Store, default_usd: float, now: datetime | None = None) -> Budgets:
    clock = (lambda: datetime.now(UTC)) if now is None else (lambda: now)
    return Budgets(store, default_usd=default_usd, default_zone=BERLIN, clock=clock)


async def spend(store: Store, deal: Deal, amount: float) -> None:
    await store.usage.record(deal.id, Usage(operation="document.analyze", origin=ORIGIN, cost_usd=amount))


async def give_budget(stack: Stack, deal: Deal, amount: float) -> None:
    connection = await asyncpg.connect(stack.database_url)
    await connection.execute("update deals set ai_daily_budget_usd = $1 where id = $2", amount, deal.id)
    await connection.close()


async def test_a_deal_asks_until_its_budget_is_spent(store: Store, deal: Deal) -> None:
    claude = Claude()
    engine = BudgetedEngine(claude, budgets=budgets(store, 1.0))
    question = replace(QUESTION, payer=deal.id)
    await spend(store, deal, 0.99)
    await engine.ask(question)
    await spend(store, deal, 0.01)
    with pytest.raises(BudgetExceeded):
        await engine.ask(question)
    assert claude.asked == 1


async def test_a_question_nobody_pays_for_is_free_to_go(store: Store, deal: Deal) -> None:
    claude = Claude()
    await spend(store, deal, 5)
    await BudgetedEngine(claude, budgets=budgets(store, 0.01)).ask(QUESTION)
    assert claude.asked == 1


async def test_the_deals_own_budget_wins_and_0_is_any_amount(clean_stack: Stack, store: Store, deal: Deal) -> None:
    await spend(store, deal, 5)
    await budgets(store, 0).check(deal.id)
    await give_budget(clean_stack, deal, 4)
    with pytest.raises(BudgetExceeded, match=r"4\.00 USD"):
        await budgets(store, 100).check(deal.id)
    await give_budget(clean_stack, deal, 0)
    await budgets(store, 0.01).check(deal.id)


async def test_one_deal_does_not_spend_anothers_budget(store: Store, deal: Deal) -> None:
    other = await store.deals.create("Other")
    await spend(store, other, 5)
    await budgets(store, 1).check(deal.id)


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("America/New_York", datetime(2026, 3, 8, 5, 30, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 8, 4, 30, tzinfo=UTC), datetime(2026, 3, 8, 5, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(2026, 3, 8, 15, 0, tzinfo=UTC), datetime(2026, 3, 9, 15, tzinfo=UTC)),
        (None, datetime(2026, 3, 8, 12, 0, tzinfo=UTC), datetime(2026, 3, 8, 23, tzinfo=UTC)),
    ],
)
async def test_it_waits_for_the_deals_own_midnight(
    clean_stack: Stack, store: Store, zone: str | None, now: datetime, until: datetime
) -> None:
    deal = await store.deals.create("Abroad", time_zone=zone)
    await spend(store, deal, 5)
    connection = await asyncpg.connect(clean_stack.database_url)
    await connection.execute("update ai_usage set created_at = $1", now)
    await connection.close()
    with pytest.raises(BudgetExceeded) as raised:
        await budgets(store, 1, now).check(deal.id)
    assert raised.value.until == until
    await budgets(store, 1, until).check(deal.id)
    assert until - now <= timedelta(days=1)


async def test_a_deal_that_is_gone_has_no_budget(store: Store) -> None:
    with pytest.raises(NotFound):
        await budgets(store, 1).check("00000000-0000-4000-8000-000000000000")
