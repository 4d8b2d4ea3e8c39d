"""What the model calls cost."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from dealpulse.models import Deal, EngineName, Usage
from dealpulse.store.database import Database, is_uuid, storable


class Cost(Struct, frozen=True, kw_only=True):
    """What the answers of one kind cost together. ``calls`` of 0 USD are answers from the cache or offline ones."""

    day: date | None = None
    """None where it is not told by day."""
    operation: str
    engine: EngineName
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float


class Spending(Struct, frozen=True, kw_only=True):
    spent_usd: float
    budget_usd: float | None = None
    """The deal's own daily budget, 0 for any amount; None where it has none."""


class CostBy(Struct, frozen=True, kw_only=True):
    """What all answers with one ``key`` cost together: those of a day, a deal, an operation or a model."""

    key: str
    calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float


class CostKey(StrEnum):
    day = "day"
    deal = "deal"
    operation = "operation"
    model = "model"


class DealSpending(Spending, frozen=True, kw_only=True):
    deal_id: str


def day_begins(moment: datetime, zone: ZoneInfo, *, days: int = 0) -> datetime:
    """The first moment, in UTC, of the day in ``zone`` that ``moment`` is in, or of one so many ``days`` later."""
    day = moment.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


class UsageLedger:
    """One row a model call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self, deal_id: str, usage: Usage, *, document_id: str | None = None, email_id: str | None = None
    ) -> None:
        """Note one call, made for a deal and perhaps for one of its documents or e-mails."""
        fields = msgspec.to_builtins(usage)
        row = fields | fields.pop("origin")
        row |= {"id": str(uuid.uuid4()), "deal_id": deal_id, "document_id": document_id, "email_id": email_id}
        table = self._database.client.table("ai_usage")
        await self._database.write(table.upsert(storable(row), on_conflict="id").select("id"))

    async def since(self, deal_id: str, moment: datetime) -> Spending:
        """What the deal has spent since ``moment``, beside its own budget."""
        return await self._database.call("ai_spending", Spending, deal_id=deal_id, since=moment)

    async def by_day(self, deal_id: str, *, zone: ZoneInfo, first: date, last: date) -> list[Cost]:
        """The deal's costs by day in ``zone``, operation and model, earliest first; both days count."""
        if not is_uuid(deal_id):
            return []
        return await self._database.call(
            "ai_cost_by_day", list[Cost], deal_id=deal_id, zone=zone.key, first=first, last=last
        )

    async def by(self, key: CostKey, *, zone: ZoneInfo, first: date, last: date, limit: int = 400) -> list[CostBy]:
        """The costs of all deals, days in their order, all else with the most expensive first; both days count."""
        return await self._database.call(
            "ai_cost_by", list[CostBy], by=key.value, zone=zone.key, first=first, last=last, limit=limit
        )

    async def totals(self) -> list[Cost]:
        """All that was ever spent, by operation, engine and model; deals that are gone are forgotten."""
        return await self._database.call("ai_totals", list[Cost])

    async def today(self, deals: Sequence[Deal], *, now: datetime, zone: ZoneInfo) -> list[DealSpending]:
        """What each deal has spent since its day began, in ``zone`` where it has none, beside its own budget."""
        asked = [{"deal_id": deal.id, "since": day_begins(now, deal.zone(zone))} for deal in deals]
        return await self._database.call("ai_spending_of", list[DealSpending], deals=asked) if asked else []

    async def of_document(self, document_id: str) -> list[Cost]:
        """All a document has cost, by operation and model."""
        if not is_uuid(document_id):
            return []
        return await self._database.call("ai_cost_of_document", list[Cost], document_id=document_id)
