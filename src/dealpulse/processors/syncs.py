"""What the source-sync queue does: bring one source's files and e-mails up to date."""

from __future__ import annotations

import asyncio
import contextlib
import math
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog
from msgspec.structs import replace as altered

from dealpulse.errors import Interrupted, NeedsConsent, NotFound, Permanent, Transient
from dealpulse.jobs import Priority, SyncSource, SyncType, job_for
from dealpulse.models import SkippedItem, Source, SourceFolder, SourceState
from dealpulse.outbox import enqueue_asked
from dealpulse.processors.fetching import TOO_LARGE, Fetched, Fetcher, unchanged
from dealpulse.queue import QueueClient
from dealpulse.sources.contract import Connector, CursorExpired, SourceItem, SourcePage
from dealpulse.store import Store
from dealpulse.store.sources import Gone, SyncedItem

ITEM_SKIPPED: Final = "sync_item_skipped"
LISTING_RESTARTED: Final = "sync_listing_restarted"
DELETIONS_HELD: Final = "sync_deletions_held"

_log = structlog.get_logger("dealpulse.processors.syncs")

Connect = Callable[[Source], Connector]
"""How a source's connector is built; raises ``Permanent`` for a type that has none."""

Checkpoint = Callable[[str], Awaitable[None]]

_MAX_SKIPPED_REPORTED: Final = 100
_MAX_SKIPPED_KEPT: Final = 1_000
_FEW: Final = 20


@dataclass
class _Tally:
    """What a sync has done so far. ``skipped`` is all that is known to be left out, by id or path, earlier included."""

    source_id: str
    skipped: dict[str, SkippedItem]
    listed: int = 0
    changed: int = 0
    size_bytes: int = 0
    missed: list[SkippedItem] = field(default_factory=list)
    """What this sync left out."""

    def skip(self, item: SkippedItem) -> None:
        self.missed.append(item)
        self.skipped[item.external_id or item.path] = item
        _log.warning(ITEM_SKIPPED, source_id=self.source_id, reason=item.reason)

    def __str__(self) -> str:
        fetched = f", {self.size_bytes / (1 << 20):.1f} MB" if self.size_bytes else ""
        return f"{self.listed} listed, {self.changed} new or changed{fetched}"


@dataclass(frozen=True)
class _Start:
    """Where a sync begins. ``listing``: it lists everything, or goes on with a sync that did and was cut off."""

    cursor: str | None
    sync_id: str
    listing: bool

    @classmethod
    def of(cls, source: Source, sync_type: SyncType) -> _Start:
        if source.listing is not None and source.cursor is not None:
            return cls(source.cursor, source.listing, listing=True)
        if source.cursor is None or sync_type is SyncType.full:
            return cls.anew()
        return cls(source.cursor, str(uuid.uuid4()), listing=False)

    @classmethod
    def anew(cls) -> _Start:
        return cls(None, str(uuid.uuid4()), listing=True)


async def sync_source(
    job: SyncSource,
    *,
    store: Store,
    queue: QueueClient,
    connect: Connect,
    max_file_bytes: int,
    checkpoint: Checkpoint,
    downloads: int = 8,
    seconds: float = math.inf,
) -> dict[str, object]:
    """Sync one source and ask for what is new or changed to be processed; returns what was done, in numbers.

    Rows, cursor and requested operations of a page are saved in one transaction, so a sync that is cut off repeats
    nothing and loses nothing. ``checkpoint`` is told after each page what is done; it may end the sync there.
    ``downloads`` files are fetched at a time. After ``seconds`` the sync hands itself back, and goes on from its last
    page later.

    Raises:
        NotFound: there is no such source in this deal (any more).
        NeedsConsent: a person must connect the source again; it says so.
    """
    source = await store.sources.get(job.source_id)
    if source.deal_id != job.deal_id:
        raise NotFound("The source belongs to another deal.", code="source_not_found")
    if source.state is SourceState.paused:
        return {"skipped": "paused"}
    try:
        connector = connect(source)
        try:
            sync = _Sync(
                source,
                connector,
                store=store,
                queue=queue,
                fetcher=Fetcher(source, connector, store=store, max_file_bytes=max_file_bytes, at_once=downloads),
                checkpoint=checkpoint,
                ends_at=asyncio.get_running_loop().time() + seconds,
            )
            tally, gone = await sync.run(job.sync_type)
        finally:
            await connector.aclose()
    except NeedsConsent as error:
        await store.sources.set_state(source.id, SourceState.needs_consent, error=error.message)
        raise
    except Permanent as error:
        # Read again: it may have been paused meanwhile.
        state = (await store.sources.get(source.id)).state
        await store.sources.set_state(source.id, state, error=error.message)
        raise
    return _result(tally, gone)


def _result(tally: _Tally, gone: Gone) -> dict[str, object]:
    return {
        "listed": tally.listed,
        "changed": tally.changed,
        "removed": gone.deleted,
        "held": gone.held,
        "bytes": tally.size_bytes,
        "skipped": len(tally.missed),
        "skipped_items": [{"path": item.path, "reason": item.reason} for item in tally.missed[:_MAX_SKIPPED_REPORTED]],
    }


class _Sync:
    """One run over one source."""

    def __init__(
        self,
        source: Source,
        connector: Connector,
        *,
        store: Store,
        queue: QueueClient,
        fetcher: Fetcher,
        checkpoint: Checkpoint,
        ends_at: float,
    ) -> None:
        self._source = source
        self._connector = connector
        self._store = store
        self._queue = queue
        self._fetcher = fetcher
        self._checkpoint = checkpoint
        self._ends_at = ends_at
        # Nobody waits for a single paper of a first sync; what changes later is news.
        self._priority = Priority.low if source.last_synced_at is None else Priority.normal

    async def run(self, sync_type: SyncType) -> tuple[_Tally, Gone]:
        await self._note_place()
        start = _Start.of(self._source, sync_type)
        try:
            return await self._walk(start)
        except CursorExpired:
            if start.cursor is None:
                raise
            _log.warning(LISTING_RESTARTED, source_id=self._source.id)
            return await self._walk(_Start.anew())

    async def _note_place(self) -> None:
        place = await self._connector.describe()
        if self._source.state is SourceState.needs_consent:
            await self._store.sources.set_state(self._source.id, SourceState.active)
        if place.access != self._source.access:
            await self._store.sources.note_access(self._source.id, place.access)

    async def _walk(self, start: _Start) -> tuple[_Tally, Gone]:
        source, fresh = self._source, start.cursor is None
        skipped = {} if fresh else {item.external_id or item.path: item for item in source.skipped}
        tally = _Tally(source.id, skipped)
        folders: Sequence[SourceFolder] = ()
        if not fresh:
            folders = await self._store.sources.folders(source.id, listing=start.sync_id if start.listing else None)
            await self._try_again(start, tally)
        cursor, complete = start.cursor, False
        async for page in self._connector.pages(cursor=start.cursor, folders=folders):
            if page.cursor is not None and page.cursor == cursor and not page.last and not page.folders:
                raise Transient("The vendor's listing repeats itself.", code="listing_repeats")
            await self._take(page, start, tally, before=cursor)
            cursor, complete = page.cursor, start.listing and page.last and page.complete_listing
        gone = await self._store.sources.finish_sync(source.id, sync_id=start.sync_id, complete_listing=complete)
        if gone.held:
            _log.warning(DELETIONS_HELD, source_id=source.id, items=gone.held)
        return tally, gone

    async def _try_again(self, start: _Start, tally: _Tally) -> None:
        """What earlier syncs could not have: no change log tells of it again."""
        failed = [item for item in tally.skipped.values() if item.retry and item.external_id]
        found: list[SourceItem] = []
        for item in failed:
            try:
                again = await self._connector.find(item.external_id or "")
            except NeedsConsent:
                raise
            except Permanent:
                continue
            if again is None:
                del tally.skipped[item.external_id or ""]
            else:
                found.append(replace(again, path=item.path))
        if failed:
            page = SourcePage(tuple(found), cursor=start.cursor)
            await self._take(page, start, tally, before=start.cursor, again=True)

    async def _take(
        self, page: SourcePage, start: _Start, tally: _Tally, *, before: str | None, again: bool = False
    ) -> None:
        """Fetch what changed on a page and save it, in portions; the page's cursor is saved with the last of them."""
        stored = await self._store.sources.versions(self._source.id, [item.external_id for item in page.items])
        known = [item for item in page.items if stored.get(item.external_id) == item.version]
        wanted = [item for item in page.items if stored.get(item.external_id) != item.version]
        for external_id in (*page.removed, *(item.external_id for item in known)):
            tally.skipped.pop(external_id, None)
        for failure in page.failures:
            tally.skip(
                SkippedItem(
                    path=failure.path, reason=failure.reason, external_id=failure.external_id, retry=failure.retry
                )
            )
        tally.listed += 0 if again else len(page.items)
        async with contextlib.aclosing(self._fetcher.fetch(wanted, stored=stored)) as portions:
            async for fetched in portions:
                self._note(fetched, tally)
                if fetched.last and fetched.stopped is None:
                    await self._save(page, [*map(unchanged, known), *fetched.items], start, tally)
                    continue
                part = SourcePage((), cursor=before, folders=tuple(_unlisted(page.folders)))
                await self._save(part, fetched.items, start, tally)
                if fetched.stopped is not None:
                    raise fetched.stopped
                await self._pause(tally)
        if not page.last:
            await self._pause(tally)

    def _note(self, fetched: Fetched, tally: _Tally) -> None:
        transient = [error for _, error in fetched.failed if isinstance(error, Transient)]
        if len(transient) >= _FEW and not fetched.taken:
            # Not the files are at fault, and a list of them would say nothing.
            raise transient[-1]
        tally.size_bytes += fetched.size_bytes
        for item in fetched.taken:
            tally.skipped.pop(item.external_id, None)
        for item, error in fetched.failed:
            retry = getattr(error, "code", "") != TOO_LARGE
            tally.skip(SkippedItem(path=item.path, reason=error.message, external_id=item.external_id, retry=retry))

    async def _save(self, page: SourcePage, items: Sequence[SyncedItem], start: _Start, tally: _Tally) -> None:
        skipped = list(tally.skipped.values())[-_MAX_SKIPPED_KEPT:]
        asked = await self._store.sources.save_page(
            self._source.id,
            sync_id=start.sync_id,
            items=items,
            removed=page.removed,
            cursor=page.cursor,
            folders=page.folders,
            listing=start.listing,
            skipped=skipped,
        )
        await enqueue_asked(
            [job_for(one) for one in asked],
            operations=self._store.operations,
            queue=self._queue,
            priority=self._priority,
        )
        tally.changed += len(asked)

    async def _pause(self, tally: _Tally) -> None:
        await self._checkpoint(str(tally))
        if asyncio.get_running_loop().time() > self._ends_at:
            raise Interrupted("The sync goes on from where it is, so that others have their turn.")


def _unlisted(folders: Sequence[SourceFolder]) -> Iterator[SourceFolder]:
    """As they count while some of what is in them is not saved yet."""
    for folder in folders:
        yield altered(folder, listed=False)
