"""What a sync does with the items of one page: store the bytes of those that are new or changed.

Downloads, uploads and the saving of rows overlap, so that the vendor's line is never idle: while one file goes on to
storage the next one comes in, and while a portion's rows are saved the next portion is on its way.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
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

_PORTION: Final = 128
"""Files fetched before their rows are saved, so that little is fetched again after a crash."""


@dataclass
class Fetched:
    """What became of a portion of the items.

    ``stopped`` is the fault for which the rest was not even tried; ``last``: no more of them come.
    """

    items: list[SyncedItem] = field(default_factory=list)
    taken: list[SourceItem] = field(default_factory=list)
    failed: list[tuple[SourceItem, DealPulseError]] = field(default_factory=list)
    size_bytes: int = 0
    stopped: DealPulseError | None = None
    last: bool = False

    @property
    def tried(self) -> int:
        return len(self.taken) + len(self.failed)


@dataclass(frozen=True)
class _Content:
    sha256: str
    size_bytes: int


_Outcome = tuple[SourceItem, _Content | DealPulseError | None]
"""What became of one item; None: it was not tried."""


class Fetcher:
    """Downloads from one source into storage, a few files at a time, none of them ever whole in memory.

    As many again as are downloaded may be on their way from disk to storage.
    """

    def __init__(
        self, source: Source, connector: Connector, *, store: Store, max_file_bytes: int, at_once: int
    ) -> None:
        self._source = source
        self._connector = connector
        self._store = store
        self._max_file_bytes = max_file_bytes
        self._downloads = asyncio.Semaphore(at_once)
        self._under_way = 2 * at_once

    async def fetch(self, items: Sequence[SourceItem], *, stored: Mapping[str, str]) -> AsyncGenerator[Fetched, None]:
        """Store the content of ``items``, portion by portion; ``stored`` are the versions there are of them by now.

        One that cannot be had never costs the others. Only when the account as a whole is refused is the rest left for
        later; what was fetched until then is kept. There is at least one portion, if an empty one. To be closed, or
        downloads go on behind the caller's back.
        """
        async with scratch_folder() as folder, contextlib.aclosing(self._portions(items, folder, stored)) as portions:
            async for fetched in portions:
                yield fetched

    async def _portions(
        self, items: Sequence[SourceItem], folder: Path, stored: Mapping[str, str]
    ) -> AsyncGenerator[Fetched, None]:
        waiting, running, halt = enumerate(items), set[asyncio.Task[_Outcome]](), asyncio.Event()
        fetched = Fetched()
        try:
            while True:
                while len(running) < self._under_way and (entry := next(waiting, None)) is not None:
                    number, item = entry
                    running.add(asyncio.create_task(self._fetch_one(item, folder / str(number), halt)))
                if not running:
                    break
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    self._note(task.result(), fetched, stored)
                if fetched.tried >= _PORTION and not halt.is_set():
                    yield fetched
                    fetched = Fetched()
            fetched.last = True
            yield fetched
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _fetch_one(self, item: SourceItem, path: Path, halt: asyncio.Event) -> _Outcome:
        try:
            return item, await self._store_content(item, path, halt)
        except (NeedsConsent, RateLimited) as error:
            halt.set()
            return item, error
        except (Permanent, Transient) as error:
            return item, error
        finally:
            path.unlink(missing_ok=True)  # noqa: ASYNC240 - a thread would take longer

    def _note(self, outcome: _Outcome, fetched: Fetched, stored: Mapping[str, str]) -> None:
        item, content = outcome
        if isinstance(content, _Content):
            fetched.taken.append(item)
            fetched.size_bytes += content.size_bytes
            fetched.items.append(_synced(item, content, storage_key(self._source.deal_id, content.sha256)))
        elif isinstance(content, (NeedsConsent, RateLimited)):
            fetched.stopped = content
        elif content is not None:
            fetched.failed.append((item, content))
            # What cannot be had now is still there: listed with its stored version, it is not taken for deleted.
            fetched.items.append(unchanged(replace(item, version=stored.get(item.external_id, item.version))))

    async def _store_content(self, item: SourceItem, path: Path, halt: asyncio.Event) -> _Content | None:
        """None when ``halt`` came first."""
        if item.size_bytes > self._max_file_bytes:
            raise self._too_large()
        async with self._downloads:
            if halt.is_set():
                return None
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
