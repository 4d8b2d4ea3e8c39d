"""A local directory as a source: every regular file below it, e-mails by their ending.

A directory has no change log. Every sync lists it completely, an incremental one too; what did not change is not read
again, and what is missing from a complete listing is gone. So there is no cursor either.
"""

from __future__ import annotations

import asyncio
import itertools
import mimetypes
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from dealpulse.errors import Permanent
from dealpulse.models import SourceFolder
from dealpulse.sources.contract import ItemFailure, ItemKind, SourceItem, SourcePage, SourcePlace

_PAGE_SIZE: Final = 100
_CHUNK_BYTES: Final = 1 << 20
_EMAIL_ENDINGS: Final = (".eml", ".msg")


class FolderConnector:
    """Reads below ``root``. Symbolic links and hidden files are left out: they lead elsewhere, or are no documents."""

    def __init__(self, root: Path, *, roots: tuple[Path, ...]) -> None:
        """``roots`` are the directories ``root`` must lie in, links followed."""
        self._root = root
        self._roots = roots

    async def describe(self) -> SourcePlace:
        await self._check()
        return SourcePlace(name=self._root.name)

    async def pages(self, *, cursor: str | None, folders: Sequence[SourceFolder] = ()) -> AsyncIterator[SourcePage]:
        """List everything, a hundred files a page; ``cursor`` changes nothing."""
        await self._check()
        failures: list[ItemFailure] = []
        entries = await asyncio.to_thread(lambda: list(self._entries(failures)))
        batches: list[tuple[SourceItem, ...]] = list(_batches(entries)) or [()]
        for number, batch in enumerate(batches, start=1):
            last = number == len(batches)
            yield SourcePage(
                items=batch,
                cursor=None,
                failures=tuple(failures) if last else (),
                last=last,
                # A folder that could not be listed is no proof that its files are gone.
                complete_listing=last and not failures,
            )

    async def find(self, external_id: str) -> SourceItem | None:
        """None for all: every sync lists everything, so nothing needs another try."""
        return None

    async def _check(self) -> None:
        if not await asyncio.to_thread(self._is_allowed):
            raise Permanent(
                f"The folder {self._root} lies outside FOLDER_SOURCE_ROOTS, below which folders may be read.",
                code="folder_not_allowed",
            )
        if not await asyncio.to_thread(self._root.is_dir):
            raise Permanent(
                f"The folder {self._root} does not exist or cannot be read by this worker.", code="folder_missing"
            )

    @asynccontextmanager
    async def content(self, item: SourceItem) -> AsyncIterator[AsyncIterator[bytes]]:
        """One file's bytes, read in a thread."""
        path = self._root / item.external_id
        try:
            file = await asyncio.to_thread(_open, path)
        except OSError as error:
            raise _unreadable("opened", error) from error
        try:
            yield _chunks(file.read)
        finally:
            await asyncio.to_thread(file.close)

    async def aclose(self) -> None:
        """Nothing to close."""

    def _is_allowed(self) -> bool:
        real = self._root.resolve()
        return any(real.is_relative_to(root.resolve()) for root in self._roots)

    def _entries(self, failures: list[ItemFailure]) -> Iterator[SourceItem]:
        def unlistable(error: OSError) -> None:
            folder = os.path.relpath(error.filename or ".", self._root)
            failures.append(ItemFailure(folder, f"The folder cannot be listed ({error.strerror})."))

        for folder, folders, names in os.walk(self._root, onerror=unlistable):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder) / name
                if name.startswith(".") or path.is_symlink() or not path.is_file():
                    continue
                try:
                    yield _item(self._root, path)
                except OSError as error:
                    failures.append(ItemFailure(str(path.relative_to(self._root)), f"{error.strerror}."))


def _item(root: Path, path: Path) -> SourceItem:
    status = path.stat()
    relative = path.relative_to(root).as_posix()
    return SourceItem(
        external_id=relative,
        kind=ItemKind.email if path.suffix.lower() in _EMAIL_ENDINGS else ItemKind.document,
        name=path.name,
        path=relative,
        version=f"{status.st_size}-{status.st_mtime_ns}",
        size_bytes=status.st_size,
        mime_type=mimetypes.guess_type(path.name)[0],
        modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
        web_link=path.absolute().as_uri(),
    )


def _batches(items: list[SourceItem]) -> Iterator[tuple[SourceItem, ...]]:
    iterator = iter(items)
    while batch := tuple(itertools.islice(iterator, _PAGE_SIZE)):
        yield batch


def _open(path: Path) -> BinaryIO:
    # A link put in the file's place since it was listed is not followed out of the folder.
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW))


async def _chunks(read: Callable[[int], bytes]) -> AsyncIterator[bytes]:
    while True:
        try:
            chunk = await asyncio.to_thread(read, _CHUNK_BYTES)
        except OSError as error:
            raise _unreadable("read", error) from error
        if not chunk:
            return
        yield chunk


def _unreadable(what: str, error: OSError) -> Permanent:
    return Permanent(f"The file cannot be {what} ({error.strerror or 'unknown fault'}).", code="item_unreadable")
