"""What a deal may spend on models a day, kept to before each question that would cost something."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dealpulse.ai.contract import Answer, Engine, Question, SchemaT
from dealpulse.errors import BudgetExceeded
from dealpulse.store import Store
from dealpulse.store.usage import day_begins

_TAKEN_FOR_GRANTED: Final = timedelta(minutes=1)


def _now() -> datetime:
    return datetime.now(UTC)


class Budgets:
    """Every deal's budget: its own, or ``default_usd``; 0 is any amount. Days are the deal's.

    Questions asked at the same moment may all pass before the first of them is in the ledger, so a day may end a few
    questions over.
    """

    def __init__(
        self, store: Store, *, default_usd: float, default_zone: ZoneInfo, clock: Callable[[], datetime] = _now
    ) -> None:
        self._store = store
        self._default_usd = default_usd
        self._default_zone = default_zone
        self._clock = clock
        self._unlimited: dict[str, datetime] = {}
        """Deals that had no budget, until when that is taken for granted."""

    async def check(self, deal_id: str) -> None:
        """Raises ``BudgetExceeded`` until the deal's next midnight when today's budget is spent.

        A deal that gets its first budget is kept to it within a minute.
        """
        now = self._clock()
        if now < self._unlimited.get(deal_id, now):
            return
        deal = await self._store.deals.get(deal_id)
        zone = deal.zone(self._default_zone)
        spending = await self._store.usage.since(deal_id, day_begins(now, zone))
        budget = self._default_usd if spending.budget_usd is None else spending.budget_usd
        if not budget:
            self._unlimited[deal_id] = now + _TAKEN_FOR_GRANTED
        if budget and spending.spent_usd >= budget:
            raise BudgetExceeded(
                f"The deal has spent its {budget:.2f} USD for Claude today; this goes on tomorrow.",
                until=day_begins(now, zone, days=1),
            )


class BudgetedEngine:
    """Asks ``engine`` as long as whoever pays has money left today; a question without a payer is free to go."""

    def __init__(self, engine: Engine, *, budgets: Budgets) -> None:
        self._engine = engine
        self._budgets = budgets

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        if question.payer:
            await self._budgets.check(question.payer)
        return await self._engine.ask(question)

    async def aclose(self) -> None:
        await self._engine.aclose()
