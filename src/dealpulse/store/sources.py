"""Connected sources, and what a sync finds in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from dealpulse.errors import NotFound
from dealpulse.models import Operation, SkippedItem, Source, SourceState, SourceType
from dealpulse.store.database import SERVER_NOW, Database, is_uuid, storable

_COLUMNS: Final = "id,deal_id,type,name,location,state,cursor,last_synced_at,last_error,skipped"


class SyncedItem(Struct, frozen=True, kw_only=True):
    """One listed file or message. ``content_hash`` and ``storage_key`` are both None when its content is unchanged."""

    external_id: str
    kind: Literal["document", "email"]
    name: str
    path: str
    version: str
    mime_type: str | None
    size_bytes: int
    web_link: str | None
    content_hash: str | None
    storage_key: str | None


class Sources:
    """The places a deal's documents and e-mails come from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, deal_id: str, type: SourceType, name: str, location: str) -> Source:  # noqa: A002
        """Connect a place to a deal; the same place again is the same source, renamed."""
        if not is_uuid(deal_id):
            raise NotFound("There is no such deal.", code="deal_not_found")
        row = {"deal_id": deal_id, "type": type.value, "name": name, "location": location}
        table = self._database.client.table("sources")
        query = table.upsert(storable(row), on_conflict="deal_id,type,location").select(_COLUMNS)
        return _found(await self._database.first(query, Source))

    async def get(self, source_id: str) -> Source:
        """Raises NotFound (``source_not_found``)."""
        _check(source_id)
        query = self._database.client.table("sources").select(_COLUMNS).eq("id", source_id).limit(1)
        return _found(await self._database.first(query, Source))

    async def of_deal(self, deal_id: str, type: SourceType | None = None) -> list[Source]:  # noqa: A002
        """The deal's sources, or those of one type, by name."""
        if not is_uuid(deal_id):
            return []
        found = await self._database.every(
            "sources",
            _COLUMNS,
            Source,
            narrow=lambda query: (
                query.eq("deal_id", deal_id) if type is None else query.eq("deal_id", deal_id).eq("type", type.value)
            ),
        )
        return sorted(found, key=lambda source: (source.name, source.id))

    async def set_state(self, source_id: str, state: SourceState, *, error: str | None = None) -> None:
        """Also replaces the last error, by none if ``error`` is None."""
        _check(source_id)
        change = {"state": state.value, "last_error": error, "updated_at": SERVER_NOW}
        table = self._database.client.table("sources")
        _found(await self._database.first(table.update(storable(change)).eq("id", source_id).select(_COLUMNS), Source))

    async def note_skipped(self, source_id: str, skipped: Sequence[SkippedItem]) -> None:
        """Replace what is known to have been left out. Only the source's one sync calls this."""
        _check(source_id)
        change = {"skipped": msgspec.to_builtins(skipped), "updated_at": SERVER_NOW}
        table = self._database.client.table("sources")
        _found(await self._database.first(table.update(storable(change)).eq("id", source_id).select(_COLUMNS), Source))

    async def versions(self, source_id: str, external_ids: Sequence[str]) -> dict[str, str]:
        """The stored version of each of these items that is stored and not deleted."""
        _check(source_id)
        return await self._database.call(
            "source_versions", dict[str, str], source_id=source_id, external_ids=list(external_ids)
        )

    async def save_page(
        self, source_id: str, *, sync_id: str, items: Sequence[SyncedItem], removed: Sequence[str], cursor: str | None
    ) -> list[Operation]:
        """Save one page of a sync, with its cursor, in one transaction.

        Returns the readings (``ingest``, ``parse``) of the page's new and changed items that wait to be queued;
        saving the page again returns them again. An item with no content that was never stored is left out.
        """
        _check(source_id)
        return await self._database.call(
            "save_source_page",
            list[Operation],
            source_id=source_id,
            sync_id=sync_id,
            items=list(items),
            removed=list(removed),
            cursor=cursor,
        )

    async def finish_sync(self, source_id: str, *, sync_id: str, complete_listing: bool) -> int:
        """Note that the sync is over; after a complete listing, what it did not see is marked deleted.

        Returns how many documents and e-mails were.
        """
        _check(source_id)
        return await self._database.call(
            "finish_source_sync", int, source_id=source_id, sync_id=sync_id, complete_listing=complete_listing
        )


def _check(source_id: str) -> None:
    if not is_uuid(source_id):
        raise _missing()


def _found(source: Source | None) -> Source:
    if source is None:
        raise _missing()
    return source


def _missing() -> NotFound:
    return NotFound("There is no such source.", code="source_not_found")
