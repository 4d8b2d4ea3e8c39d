"""What a source is to the rest of the service: something that lists itself page by page and hands out bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class ItemKind(StrEnum):
    document = "document"
    email = "email"


@dataclass(frozen=True)
class SourceItem:
    """One file or message. ``external_id`` is the vendor's own and survives renames and moves.

    ``version`` changes when the content does (a vendor hash, or size and time); equal versions are not downloaded
    again.
    """

    external_id: str
    kind: ItemKind
    name: str
    path: str
    version: str
    size_bytes: int
    mime_type: str | None = None
    modified_at: datetime | None = None
    web_link: str | None = None


@dataclass(frozen=True)
class ItemFailure:
    """One item that could not even be listed properly; the sync goes on without it."""

    path: str
    reason: str


@dataclass(frozen=True)
class SourcePage:
    """One step of a sync.

    ``cursor`` is saved in the same transaction as the page's rows; a sync resumed from it repeats nothing.
    ``removed`` are external ids known to be gone. On the last page ``complete_listing`` tells whether everything that
    exists was listed in this sync, the only case in which what was not seen may be taken for deleted.
    """

    items: tuple[SourceItem, ...]
    cursor: str | None
    removed: tuple[str, ...] = ()
    failures: tuple[ItemFailure, ...] = ()
    last: bool = False
    complete_listing: bool = False


class Connector(Protocol):
    """One connected source."""

    def pages(self, *, cursor: str | None) -> AsyncIterator[SourcePage]:
        """List what is there (``cursor`` None) or what changed since ``cursor``.

        Raises: ``NeedsConsent``, ``RateLimited``, ``Unavailable``, ``Transient``, ``Permanent``.
        """
        ...

    def content(self, item: SourceItem) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The item's bytes, in chunks. Raises as ``pages`` does."""
        ...

    async def aclose(self) -> None: ...
