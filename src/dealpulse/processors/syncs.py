"""What the source-sync queue does: bring one source's files and e-mails up to date."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog

from dealpulse.errors import NeedsConsent, NotFound, Permanent
from dealpulse.jobs import SyncSource, SyncType, job_for
from dealpulse.models import SkippedItem, Source, SourceState
from dealpulse.outbox import enqueue_asked
from dealpulse.processors.scratch import scratch_folder
from dealpulse.queue import QueueClient
from dealpulse.sources.contract import Connector, ItemFailure, SourceItem, SourcePage
from dealpulse.store import Store
from dealpulse.store.files import storage_key
from dealpulse.store.sources import SyncedItem

ITEM_SKIPPED: Final = "sync_item_skipped"

_log = structlog.get_logger("dealpulse.processors.syncs")

Connect = Callable[[Source], Connector]
"""How a source's connector is built; raises ``Permanent`` for a type that has none."""


_MAX_SKIPPED_REPORTED: Final = 100
_MAX_SKIPPED_KEPT: Final = 1_000


@dataclass
class _Tally:
    source_id: str
    listed: int = 0
    changed: int = 0
    removed: int = 0
    skipped: list[ItemFailure] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Paths of what was stored anew."""

    def skip(self, path: str, reason: str) -> None:
        self.skipped.append(ItemFailure(path, reason))
        _log.warning(ITEM_SKIPPED, source_id=self.source_id, reason=reason)


async def sync_source(
    job: SyncSource,
    *,
    store: Store,
    queue: QueueClient,
    connect: Connect,
    max_file_bytes: int,
    checkpoint: Callable[[str], Awaitable[None]],
) -> dict[str, object]:
    """Sync one source and ask for what is new or changed to be processed; returns what was done, in numbers.

    Rows, cursor and requested operations of a page are saved in one transaction, so a sync that is cut off repeats
    nothing and loses nothing. ``checkpoint`` is told after each page what is done; it may end the sync there.

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
        tally = await _pull(
            source,
            job.sync_type,
            connect,
            store=store,
            queue=queue,
            max_file_bytes=max_file_bytes,
            checkpoint=checkpoint,
        )
    except NeedsConsent as error:
        await store.sources.set_state(source.id, SourceState.needs_consent, error=error.message)
        raise
    except Permanent as error:
        # Read again: it may have been paused meanwhile.
        state = (await store.sources.get(source.id)).state
        await store.sources.set_state(source.id, state, error=error.message)
        raise
    if source.state is SourceState.needs_consent:
        await store.sources.set_state(source.id, SourceState.active)
    return {
        "listed": tally.listed,
        "changed": tally.changed,
        "removed": tally.removed,
        "skipped": len(tally.skipped),
        "skipped_items": [{"path": item.path, "reason": item.reason} for item in tally.skipped[:_MAX_SKIPPED_REPORTED]],
    }


async def _pull(
    source: Source,
    sync_type: SyncType,
    connect: Connect,
    *,
    store: Store,
    queue: QueueClient,
    max_file_bytes: int,
    checkpoint: Callable[[str], Awaitable[None]],
) -> _Tally:
    connector = connect(source)
    try:
        return await _pull_pages(
            source,
            sync_type,
            connector,
            store=store,
            queue=queue,
            max_file_bytes=max_file_bytes,
            checkpoint=checkpoint,
        )
    finally:
        await connector.aclose()


async def _pull_pages(
    source: Source,
    sync_type: SyncType,
    connector: Connector,
    *,
    store: Store,
    queue: QueueClient,
    max_file_bytes: int,
    checkpoint: Callable[[str], Awaitable[None]],
) -> _Tally:
    tally = _Tally(source.id)
    sync_id = str(uuid.uuid4())
    cursor = source.cursor if sync_type is SyncType.incremental else None
    complete = False
    async for page in connector.pages(cursor=cursor):
        items = await _fetch(source, page, connector, tally, store=store, max_file_bytes=max_file_bytes)
        asked = await store.sources.save_page(
            source.id, sync_id=sync_id, items=items, removed=page.removed, cursor=page.cursor
        )
        await enqueue_asked([job_for(one) for one in asked], operations=store.operations, queue=queue)
        tally.listed += len(page.items)
        tally.changed += len(asked)
        tally.removed += len(page.removed)
        complete = page.last and page.complete_listing
        if not page.last:
            await checkpoint(f"{tally.listed} listed, {tally.changed} new or changed")
    tally.removed += await store.sources.finish_sync(source.id, sync_id=sync_id, complete_listing=complete)
    await store.sources.note_skipped(source.id, _left_out(source, tally, complete_listing=complete))
    return tally


def _left_out(source: Source, tally: _Tally, *, complete_listing: bool) -> list[SkippedItem]:
    """What of the source is not taken in: found now, or earlier where this sync listed only what changed."""
    earlier = () if complete_listing else source.skipped
    known = {item.path: item for item in earlier if item.path not in tally.taken}
    known |= {item.path: SkippedItem(path=item.path, reason=item.reason) for item in tally.skipped}
    return list(known.values())[-_MAX_SKIPPED_KEPT:]


async def _fetch(
    source: Source,
    page: SourcePage,
    connector: Connector,
    tally: _Tally,
    *,
    store: Store,
    max_file_bytes: int,
) -> Sequence[SyncedItem]:
    """Store what changed; one unreadable item never costs the others."""
    stored = await store.sources.versions(source.id, [item.external_id for item in page.items])
    for failure in page.failures:
        tally.skip(failure.path, failure.reason)
    fetched: list[SyncedItem] = []
    for item in page.items:
        version = stored.get(item.external_id)
        if version == item.version:
            fetched.append(_synced(item, None, None))
            continue
        # What cannot be had now is still there: listed with its stored version, it is not taken for deleted and is
        # tried again by the next sync.
        as_stored = _synced(replace(item, version=version or item.version), None, None)
        if item.size_bytes > max_file_bytes:
            tally.skip(item.path, f"The file is larger than the limit of {max_file_bytes >> 20} MB.")
            fetched.append(as_stored)
            continue
        try:
            content_hash = await _store_content(source, item, connector, store=store)
        except NeedsConsent:
            raise
        except Permanent as error:
            tally.skip(item.path, error.message)
            fetched.append(as_stored)
            continue
        tally.taken.add(item.path)
        fetched.append(_synced(item, content_hash, storage_key(source.deal_id, content_hash)))
    return fetched


async def _store_content(source: Source, item: SourceItem, connector: Connector, *, store: Store) -> str:
    async with scratch_folder() as folder:
        path = folder / "content"
        content_hash = await _download(item, connector, path)
        await store.files.upload(
            storage_key(source.deal_id, content_hash), path, content_type=item.mime_type or "application/octet-stream"
        )
    return content_hash


async def _download(item: SourceItem, connector: Connector, path: Path) -> str:
    digest = hashlib.sha256()
    async with connector.content(item) as chunks:
        with path.open("wb") as file:
            async for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
    return digest.hexdigest()


def _synced(item: SourceItem, content_hash: str | None, key: str | None) -> SyncedItem:
    return SyncedItem(
        external_id=item.external_id,
        kind=item.kind.value,
        name=item.name,
        path=item.path,
        version=item.version,
        mime_type=item.mime_type,
        size_bytes=item.size_bytes,
        web_link=item.web_link,
        content_hash=content_hash,
        storage_key=key,
    )
