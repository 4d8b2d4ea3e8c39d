"""Daily briefs, one a deal and local date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import msgspec
from msgspec import Struct

from dealpulse.models import Brief, BriefStatus
from dealpulse.store.database import SERVER_NOW, Database, is_uuid, storable

_COLUMNS: Final = "deal_id,brief_date,status,markdown,html,content,origin"
_MOST: Final = 1_000


class ExpectedBrief(Struct, frozen=True):
    """The brief of a deal's ``date``, which was due at ``due``."""

    deal_id: str
    date: date
    due: datetime


class WrittenBrief(Struct, frozen=True, kw_only=True):
    """That there is one."""

    deal_id: str
    brief_date: date
    status: BriefStatus


class Briefs:
    """The briefs written so far."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, brief: Brief) -> None:
        """Store the brief in place of any earlier one of that deal and date."""
        row = storable(msgspec.to_builtins(brief)) | {"updated_at": SERVER_NOW}
        table = self._database.client.table("briefs")
        await self._database.write(table.upsert(row, on_conflict="deal_id,brief_date").select("id"))

    async def get(self, deal_id: str, date: date) -> Brief | None:
        """The deal's brief of that date."""
        if not is_uuid(deal_id):
            return None
        table = self._database.client.table("briefs")
        query = table.select(_COLUMNS).eq("deal_id", deal_id).eq("brief_date", date.isoformat()).limit(1)
        return await self._database.first(query, Brief)

    async def latest_before(self, deal_id: str, date: date) -> Brief | None:
        """The deal's last brief of a date before that one."""
        if not is_uuid(deal_id):
            return None
        table = self._database.client.table("briefs")
        query = table.select(_COLUMNS).eq("deal_id", deal_id).lt("brief_date", date.isoformat())
        return await self._database.first(query.order("brief_date", desc=True).limit(1), Brief)

    async def latest(self, deal_id: str) -> Brief | None:
        """The deal's last brief."""
        return await self.latest_before(deal_id, date.max)

    async def between(self, first: date, last: date) -> list[WrittenBrief]:
        """The briefs of all deals of these dates, both included; at most a thousand, the latest first."""
        table = self._database.client.table("briefs")
        query = table.select("deal_id,brief_date,status").gte("brief_date", first.isoformat())
        query = query.lte("brief_date", last.isoformat()).order("brief_date", desc=True).order("deal_id").limit(_MOST)
        return await self._database.rows(query, WrittenBrief)

    async def missing(self, expected: Sequence[ExpectedBrief]) -> list[str]:
        """The deals that have no such brief, though they were there when it was due."""
        if not expected:
            return []
        return await self._database.call("briefs_missing", list[str], expected=list(expected))
