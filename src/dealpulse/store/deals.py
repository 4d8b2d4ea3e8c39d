"""Deals and who may read them."""

from __future__ import annotations

import uuid
from typing import Final

from msgspec import Struct

from dealpulse.errors import NotFound
from dealpulse.models import ACTIVE_DEAL, Deal
from dealpulse.store.database import SERVER_NOW, Database, is_uuid, storable

ARCHIVED_DEAL: Final = "archived"

_COLUMNS: Final = "id,name,status,time_zone"


class _Row(Struct, frozen=True):
    """A deal as the app may have left it: columns of its own table can be empty."""

    id: str
    name: str = ""
    status: str = ""
    time_zone: str | None = None

    def deal(self) -> Deal:
        return Deal(id=self.id, name=self.name, status=self.status, time_zone=self.time_zone)


class _Membership(Struct, frozen=True):
    deal_id: str


class Deals:
    """The deals of the app and of this service: one table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, *, time_zone: str | None = None, deal_id: str | None = None) -> Deal:
        """A new active deal; with the id of one that exists, that one as it is."""
        deal_id = deal_id or str(uuid.uuid4())
        _check(deal_id)
        row = {"id": deal_id, "name": name, "status": ACTIVE_DEAL, "time_zone": time_zone}
        table = self._database.client.table("deals")
        await self._database.write(table.upsert(storable(row), on_conflict="id", ignore_duplicates=True).select("id"))
        return await self.get(deal_id)

    async def get(self, deal_id: str) -> Deal:
        """Raises NotFound (``deal_not_found``)."""
        _check(deal_id)
        query = self._database.client.table("deals").select(_COLUMNS).eq("id", deal_id).limit(1)
        return _found(await self._database.first(query, _Row))

    async def all(self, *, status: str | None = None) -> list[Deal]:
        """Every deal, or every one with ``status``, by name."""
        rows = await self._database.every(
            "deals", _COLUMNS, _Row, narrow=lambda query: query if status is None else query.eq("status", status)
        )
        return sorted((row.deal() for row in rows), key=lambda deal: (deal.name, deal.id))

    async def active(self) -> list[Deal]:
        """The deals that get briefs."""
        return await self.all(status=ACTIVE_DEAL)

    async def archive(self, deal_id: str) -> Deal:
        """The deal gets no more briefs; nothing of it is lost."""
        _check(deal_id)
        table = self._database.client.table("deals")
        change = {"status": ARCHIVED_DEAL, "updated_at": SERVER_NOW}
        return _found(await self._database.first(table.update(change).eq("id", deal_id).select(_COLUMNS), _Row))

    async def set_budget(self, deal_id: str, usd: float | None) -> None:
        """What the deal may spend on models a day; 0 is any amount, None what is set for all deals.

        Raises NotFound (``deal_not_found``).
        """
        _check(deal_id)
        change = {"ai_daily_budget_usd": usd, "updated_at": SERVER_NOW}
        table = self._database.client.table("deals")
        _found(await self._database.first(table.update(change).eq("id", deal_id).select(_COLUMNS), _Row))

    async def of_member(self, user_id: str) -> frozenset[str]:
        """Ids of the deals a user of the app is a member of."""
        if not is_uuid(user_id):
            return frozenset()
        rows = await self._database.every(
            "deal_members", "deal_id", _Membership, narrow=lambda query: query.eq("user_id", user_id), key="deal_id"
        )
        return frozenset(row.deal_id for row in rows)

    async def add_member(self, deal_id: str, user_id: str, role: str) -> None:
        """Let a user of the app read the deal, or change the role they have in it."""
        _check(deal_id)
        if not is_uuid(user_id):
            raise NotFound("There is no such user.", code="user_not_found")
        await self._database.perform("add_deal_member", deal_id=deal_id, user_id=user_id, role=role)


def _check(deal_id: str) -> None:
    if not is_uuid(deal_id):
        raise _missing()


def _found(row: _Row | None) -> Deal:
    if row is None:
        raise _missing()
    return row.deal()


def _missing() -> NotFound:
    return NotFound("There is no such deal.", code="deal_not_found")
