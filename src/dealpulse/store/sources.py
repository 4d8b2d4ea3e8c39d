"""Connected sources, and what a sync finds in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from dealpulse.errors import NotFound
from dealpulse.models import Operation, SkippedItem, Source, SourceAccess, SourceFolder, SourceState, SourceType
from dealpulse.store.database import SERVER_NOW, Database, is_uuid, storable

_COLUMNS: Final = (
    "id,deal_id,type,name,location,state,cursor,last_synced_at,last_error,skipped,connection_id,listing,gone,access"
)

MOST_GONE_PERCENT: Final = 15
"""More of a source is not deleted at once before a person confirms it: a listing may be wrong."""
_FEWEST_ASKED_ABOUT: Final = 3
"""Fewer items are deleted without asking, however small the source."""


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
    folder_id: str | None = None
    """The ``SourceFolder`` it is in, from which its path follows; None: ``path`` is what it is."""


class SourceId(Struct, frozen=True):
    id: str
    deal_id: str


class Gone(Struct, frozen=True):
    """What the end of a sync found to be gone: deleted, or held back for a person to confirm."""

    deleted: int
    held: int


class Sources:
    """The places a deal's documents and e-mails come from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        deal_id: str,
        type: SourceType,  # noqa: A002
        name: str,
        location: str,
        *,
        connection_id: str | None = None,
    ) -> Source:
        """Connect a place to a deal; the same place again is the same source, renamed, and read by ``connection_id``.

        Without one it keeps the account it has.
        """
        if not is_uuid(deal_id):
            raise NotFound("There is no such deal.", code="deal_not_found")
        row = {"deal_id": deal_id, "type": type.value, "name": name, "location": location}
        if connection_id is not None:
            row["connection_id"] = connection_id
        table = self._database.client.table("sources")
        query = table.upsert(storable(row), on_conflict="deal_id,type,location").select(_COLUMNS)
        return _found(await self._database.first(query, Source))

    async def get(self, source_id: str) -> Source:
        """Raises NotFound (``source_not_found``)."""
        _check(source_id)
        query = self._database.client.table("sources").select(_COLUMNS).eq("id", source_id).limit(1)
        return _found(await self._database.first(query, Source))

    async def some(self, source_ids: Sequence[str]) -> list[Source]:
        """Those of the ids that exist."""
        known = [one for one in source_ids if is_uuid(one)]
        if not known:
            return []
        return await self._database.rows(
            self._database.client.table("sources").select(_COLUMNS).in_("id", known), Source
        )

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

    async def all(self) -> list[Source]:
        """The sources of every deal, by name."""
        found = await self._database.every("sources", _COLUMNS, Source, narrow=lambda query: query)
        return sorted(found, key=lambda source: (source.name, source.id))

    async def to_sweep(self) -> list[SourceId]:
        """Every source a sweep syncs: the active ones of active deals, longest not synced first.

        One that failed for good is left out for a day.
        """
        return await self._database.call("sources_to_sweep", list[SourceId])

    async def remove(self, source_id: str, *, delete_items: bool) -> int:
        """Forget the source; returns how many documents and e-mails it had.

        They stay, as if they had been uploaded, unless ``delete_items``. Raises NotFound (``source_not_found``).
        """
        _check(source_id)
        return await self._database.call("remove_source", int, source_id=source_id, delete_items=delete_items)

    async def set_state(self, source_id: str, state: SourceState, *, error: str | None = None) -> None:
        """Also replaces the last error, by none if ``error`` is None."""
        _check(source_id)
        change = {"state": state.value, "last_error": error, "updated_at": SERVER_NOW}
        table = self._database.client.table("sources")
        _found(await self._database.first(table.update(storable(change)).eq("id", source_id).select(_COLUMNS), Source))

    async def versions(self, source_id: str, external_ids: Sequence[str]) -> dict[str, str]:
        """The stored version of each of these items that is stored and not deleted."""
        _check(source_id)
        return await self._database.call(
            "source_versions", dict[str, str], source_id=source_id, external_ids=list(external_ids)
        )

    async def note_access(self, source_id: str, access: Sequence[SourceAccess]) -> None:
        """Replace what is known of who may read it at the vendor."""
        _check(source_id)
        change = {"access": msgspec.to_builtins(access), "updated_at": SERVER_NOW}
        table = self._database.client.table("sources")
        _found(await self._database.first(table.update(storable(change)).eq("id", source_id).select(_COLUMNS), Source))

    async def folders(self, source_id: str, *, listing: str | None = None) -> list[SourceFolder]:
        """The folders known of it; with ``listing``, those that complete listing has seen so far."""
        _check(source_id)

        def narrow(query: Any) -> Any:
            query = query.eq("source_id", source_id)
            return query if listing is None else query.eq("seen_in_sync", listing)

        columns = "external_id,parent_id,name,target_id,listed"
        return await self._database.every("source_folders", columns, SourceFolder, narrow=narrow, key="external_id")

    async def save_page(
        self,
        source_id: str,
        *,
        sync_id: str,
        items: Sequence[SyncedItem],
        removed: Sequence[str],
        cursor: str | None,
        folders: Sequence[SourceFolder] = (),
        listing: bool = False,
        skipped: Sequence[SkippedItem] = (),
    ) -> list[Operation]:
        """Save one page of a sync, with its cursor, in one transaction.

        ``listing``: the sync lists everything, so that another may go on with it under the same ``sync_id``.
        ``removed``, which may name folders, are gone when the sync ends. ``skipped`` is all that is left out by now.

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
            folders=list(folders),
            listing=listing,
            skipped=list(skipped),
        )

    async def finish_sync(self, source_id: str, *, sync_id: str, complete_listing: bool) -> Gone:
        """Note that the sync is over, and delete what is gone; after a complete listing, also what it did not see.

        More than ``MOST_GONE_PERCENT`` of the source are held back: its state is then ``needs_confirmation``.
        """
        _check(source_id)
        return await self._database.call(
            "end_source_sync",
            Gone,
            source_id=source_id,
            sync_id=sync_id,
            complete_listing=complete_listing,
            most_percent=MOST_GONE_PERCENT,
            fewest=_FEWEST_ASKED_ABOUT,
        )

    async def confirm_deletions(self, source_id: str, *, gone: int) -> int:
        """Delete the ``gone`` items that wait for it; returns how many were, none if it is another number by now."""
        _check(source_id)
        return await self._database.call("confirm_source_deletions", int, source_id=source_id, gone=gone)


def _check(source_id: str) -> None:
    if not is_uuid(source_id):
        raise _missing()


def _found(source: Source | None) -> Source:
    if source is None:
        raise _missing()
    return source


def _missing() -> NotFound:
    return NotFound("There is no such source.", code="source_not_found")
