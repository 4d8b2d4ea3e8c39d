"""What a sync does with the items of one page: store the bytes of those that are new or changed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final

from dealpulse.errors import DealPulseError, NeedsConsent, Permanent, RateLimited, Transient
from dealpulse.models import Source
from dealpulse.processors.scratch import scratch_folder
from dealpulse.sources.contract import Connector, SourceItem
from dealpulse.store import Store
from dealpulse.store.files import storage_key
from dealpulse.store.sources import SyncedItem

TOO_LARGE: Final = "too_large"


@dataclass
class Fetched:
    """What became of some items. ``stopped`` is the fault for which the rest was not even tried."""

    items: list[SyncedItem] = field(default_factory=list)
    taken: list[SourceItem] = field(default_factory=list)
    failed: list[tuple[SourceItem, DealPulseError]] = field(default_factory=list)
    size_bytes: int = 0
    stopped: DealPulseError | None = None


@dataclass(frozen=True)
class _Content:
    sha256: str
    size_bytes: int


class Fetcher:
    """Downloads from one source into storage, a few files at a time, none of them ever whole in memory."""

    def __init__(
        self, source: Source, connector: Connector, *, store: Store, max_file_bytes: int, at_once: int
    ) -> None:
        self._source = source
        self._connector = connector
        self._store = store
        self._max_file_bytes = max_file_bytes
        self._slots = asyncio.Semaphore(at_once)

    async def fetch(self, items: Sequence[SourceItem], *, stored: Mapping[str, str]) -> Fetched:
        """Store the content of ``items``; ``stored`` are the versions there are of them by now.

        One that cannot be had never costs the others. Only when the account as a whole is refused is the rest left for
        later; what was fetched until then is kept.
        """
        fetched = Fetched()
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(self._fetch_one(item, fetched, stored.get(item.external_id)))
        return fetched

    async def _fetch_one(self, item: SourceItem, fetched: Fetched, version: str | None) -> None:
        async with self._slots:
            if fetched.stopped is not None:
                return
            try:
                content = await self._store_content(item)
            except (NeedsConsent, RateLimited) as error:
                fetched.stopped = error
            except (Permanent, Transient) as error:
                fetched.failed.append((item, error))
                # What cannot be had now is still there: listed with its stored version, it is not taken for deleted.
                fetched.items.append(unchanged(replace(item, version=version or item.version)))
            else:
                fetched.taken.append(item)
                fetched.size_bytes += content.size_bytes
                fetched.items.append(_synced(item, content, storage_key(self._source.deal_id, content.sha256)))

    async def _store_content(self, item: SourceItem) -> _Content:
        if item.size_bytes > self._max_file_bytes:
            raise self._too_large()
        async with scratch_folder() as folder:
            path = folder / "content"
            content = await self._download(item, path)
            await self._store.files.upload(
                storage_key(self._source.deal_id, content.sha256),
                path,
                content_type=item.mime_type or "application/octet-stream",
            )
        return content

    async def _download(self, item: SourceItem, path: Path) -> _Content:
        async with self._connector.content(item) as chunks:
            with path.open("wb") as file:
                return await self._receive(item, chunks, file)

    async def _receive(self, item: SourceItem, chunks: AsyncIterator[bytes], file: BinaryIO) -> _Content:
        sha256, size = hashlib.sha256(), 0
        stated = hashlib.new(item.checksum.algorithm, usedforsecurity=False) if item.checksum else None
        async for chunk in chunks:
            size += len(chunk)
            if size > self._max_file_bytes:
                raise self._too_large()
            sha256.update(chunk)
            if stated is not None:
                stated.update(chunk)
            file.write(chunk)
        if stated is not None and item.checksum is not None and stated.hexdigest() != item.checksum.digest:
            raise Transient("The file changed while it was being read.", code="content_changed")
        return _Content(sha256.hexdigest(), size)

    def _too_large(self) -> Permanent:
        return Permanent(f"The file is larger than the limit of {self._max_file_bytes >> 20} MB.", code=TOO_LARGE)


def unchanged(item: SourceItem) -> SyncedItem:
    """An item whose stored content stays as it is."""
    return _synced(item, None, None)


def _synced(item: SourceItem, content: _Content | None, key: str | None) -> SyncedItem:
    return SyncedItem(
        external_id=item.external_id,
        kind=item.kind.value,
        name=item.name,
        path=item.path,
        version=item.version,
        mime_type=item.mime_type,
        size_bytes=content.size_bytes if content else item.size_bytes,
        web_link=item.web_link,
        content_hash=content.sha256 if content else None,
        storage_key=key,
        folder_id=item.folder_id,
    )
