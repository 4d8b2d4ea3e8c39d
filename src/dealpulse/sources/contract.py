"""What a source is to the rest of the service: something that lists itself page by page and hands out bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from dealpulse.errors import Transient
from dealpulse.models import SourceAccess, SourceFolder


class CursorExpired(Transient):
    """The vendor no longer knows the position; only a complete listing brings the source up to date."""

    code = "cursor_expired"


class ItemKind(StrEnum):
    document = "document"
    email = "email"


@dataclass(frozen=True)
class Checksum:
    """A digest of the content as the vendor states it: ``algorithm`` as ``hashlib`` names it, ``digest`` in hex."""

    algorithm: str
    digest: str


@dataclass(frozen=True)
class SourceItem:
    """One file or message. ``external_id`` is the vendor's own and survives renames and moves.

    ``version`` changes when the content does (a vendor hash, or size and time); equal versions are not downloaded
    again. An item in a ``SourceFolder`` names it, and its path follows from there; ``path`` is then only for people.
    """

    external_id: str
    kind: ItemKind
    name: str
    path: str
    version: str
    size_bytes: int
    """0 where the vendor does not say."""
    mime_type: str | None = None
    modified_at: datetime | None = None
    web_link: str | None = None
    folder_id: str | None = None
    checksum: Checksum | None = None
    content_ref: str = ""
    """What the connector finds its bytes by, if not by ``external_id``."""


@dataclass(frozen=True)
class ItemFailure:
    """One item that could not even be listed properly; the sync goes on without it."""

    path: str
    reason: str
    external_id: str | None = None
    """By which it can be looked up again; None where only another listing can."""
    retry: bool = True
    """Whether that is worth it before it changes."""


@dataclass(frozen=True)
class SourcePage:
    """One step of a sync.

    ``cursor`` is saved in the same transaction as the page's rows; a sync resumed from it repeats nothing. Where a
    connector says None the next sync lists everything again.
    ``removed`` are external ids, of items or folders, known to be gone; what is below a folder goes with it.
    On the last page ``complete_listing`` tells whether the listing that its cursor began with missed nothing. At the
    end of that listing, and only there, what was not seen is taken for deleted.
    """

    items: tuple[SourceItem, ...]
    cursor: str | None
    removed: tuple[str, ...] = ()
    failures: tuple[ItemFailure, ...] = ()
    last: bool = False
    complete_listing: bool = False
    folders: tuple[SourceFolder, ...] = ()
    """New, or with another name, parent or ``listed`` than before."""


@dataclass(frozen=True)
class SourcePlace:
    """The source itself, as its vendor describes it. ``access`` is empty where the vendor does not say."""

    name: str
    access: tuple[SourceAccess, ...] = ()


class Connector(Protocol):
    """One connected source.

    All methods raise ``NeedsConsent``, ``RateLimited``, ``Unavailable``, ``Transient``, ``Permanent``.
    """

    async def describe(self) -> SourcePlace:
        """Proves that the source can be read."""
        ...

    def pages(self, *, cursor: str | None, folders: Sequence[SourceFolder] = ()) -> AsyncIterator[SourcePage]:
        """List what is there (``cursor`` None), or go on from ``cursor``: with a listing, or with what changed.

        The position in the vendor's change log is taken before a listing and followed after it, so that nothing is
        missed in between. ``folders`` are those known by now, of the listing under way or of the whole source.

        Raises also ``CursorExpired``.
        """
        ...

    async def find(self, external_id: str) -> SourceItem | None:
        """The item as it is now, for another try; None if it is not in this source (any more)."""
        ...

    def content(self, item: SourceItem) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The item's bytes, in chunks; a connection that is cut is taken up again where the vendor allows it."""
        ...

    async def aclose(self) -> None: ...


class RateLimits(Protocol):
    """The budgets of vendor accounts, which all workers share."""

    async def take(
        self, name: str, *, rate_per_second: float | None = None, burst: float = 1, tokens: float = 1
    ) -> float:
        """Seconds to wait before asking again; 0.0 when ``tokens`` were granted."""
        ...

    async def close(self, name: str, seconds: float) -> None:
        """Nothing is granted to anybody for ``seconds``."""
        ...


class Locks(Protocol):
    """Mutual exclusion over all workers."""

    def holding(self, name: str) -> AbstractAsyncContextManager[None]:
        """Only one caller at a time is inside, for half a minute at most. Raises ``Transient`` when it never is."""
        ...
