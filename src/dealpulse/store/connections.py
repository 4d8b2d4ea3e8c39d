"""Accounts people let us read. What is kept of their tokens is sealed by whoever hands it in."""

from __future__ import annotations

from typing import Final

from dealpulse.errors import NotFound
from dealpulse.models import Connection, Provider, SourceState, SourceType
from dealpulse.store.database import SERVER_NOW, Database, is_uuid, storable

_COLUMNS: Final = "id,deal_id,provider,account,sealed_tokens,state"


class Connections:
    """One row a deal and account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, connection: Connection) -> Connection:
        """Keep a new connection under the id it names; the same account again in the deal keeps its first id.

        Tokens are sealed for an id, so whoever adds an account asks :meth:`find` first.
        """
        row = {
            "id": connection.id,
            "deal_id": connection.deal_id,
            "provider": connection.provider.value,
            "account": connection.account,
            "sealed_tokens": connection.sealed_tokens,
            "state": connection.state.value,
        }
        table = self._database.client.table("connections")
        query = table.upsert(storable(row), on_conflict="id").select(_COLUMNS)
        return _found(await self._database.first(query, Connection))

    async def find(self, deal_id: str, provider: Provider, account: str) -> Connection | None:
        """The deal's connection to this account."""
        if not is_uuid(deal_id):
            return None
        query = self._database.client.table("connections").select(_COLUMNS).eq("deal_id", deal_id)
        query = query.eq("provider", provider.value).eq("account", account).limit(1)
        return await self._database.first(query, Connection)

    async def get(self, connection_id: str) -> Connection:
        """Raises NotFound (``connection_not_found``)."""
        if not is_uuid(connection_id):
            raise _missing()
        query = self._database.client.table("connections").select(_COLUMNS).eq("id", connection_id).limit(1)
        return _found(await self._database.first(query, Connection))

    async def of_deal(self, deal_id: str) -> list[Connection]:
        """The accounts people connected for a deal, by name."""
        if not is_uuid(deal_id):
            return []
        found = await self._database.every(
            "connections", _COLUMNS, Connection, narrow=lambda query: query.eq("deal_id", deal_id)
        )
        return sorted(found, key=lambda one: (one.provider.value, one.account))

    async def settle(self, connection_id: str, type: SourceType, *, source_id: str | None = None) -> list[str]:  # noqa: A002
        """Have the account, connected just now for sources of ``type``, read what waits for it.

        That is the source named, those that had this account and waited for consent, and those of the type that have
        none and wait or were never synced. Returns the ids of all that are not paused.
        """
        return await self._database.call(
            "settle_connection", list[str], connection_id=connection_id, type=type.value, source_id=source_id
        )

    async def remove(self, connection_id: str) -> int:
        """Forget the account and its tokens; returns how many sources it read, which now need consent.

        Raises NotFound (``connection_not_found``).
        """
        if not is_uuid(connection_id):
            raise _missing()
        return await self._database.call("remove_connection", int, connection_id=connection_id)

    async def renew(self, connection_id: str, sealed_tokens: str) -> None:
        """Replace its tokens; it is active again."""
        await self._change(connection_id, sealed_tokens=sealed_tokens, state=SourceState.active.value)

    async def mark_needs_consent(self, connection_id: str) -> None:
        """Its tokens are refused for good."""
        await self._change(connection_id, state=SourceState.needs_consent.value)

    async def _change(self, connection_id: str, **change: str) -> None:
        table = self._database.client.table("connections")
        query = table.update(storable({**change, "updated_at": SERVER_NOW})).eq("id", connection_id).select(_COLUMNS)
        _found(await self._database.first(query, Connection))


def _found(connection: Connection | None) -> Connection:
    if connection is None:
        raise _missing()
    return connection


def _missing() -> NotFound:
    return NotFound("There is no such connection.", code="connection_not_found")
