"""A source and its syncs, as the tests ask for them."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dealpulse.jobs import SyncSource, SyncType
from dealpulse.models import Deal, Document, Email, Source
from dealpulse.processors.syncs import sync_source
from dealpulse.queue import QueueClient
from dealpulse.queue.limits import Buckets
from dealpulse.settings import Settings
from dealpulse.sources.contract import Connector, ItemKind
from dealpulse.sources.registry import Reach, connect
from dealpulse.store import Store
from sources.sites import Site


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fill(site: Site, *paths: str) -> dict[str, str]:
    """Files whose content is their path."""
    for path in paths:
        site.put(path, path.encode())
    return {path: sha256(path.encode()) for path in paths}


class Killed(BaseException):
    """What ends a sync in the middle, as a kill does: nothing after it runs that might tidy up."""


@dataclass
class Room:
    """One source of one deal, and how it is synced."""

    deal: Deal
    source: Source
    store: Store
    queue: QueueClient
    site: Site
    settings: Settings
    reach_by: Callable[[Callable[[], float]], Reach]
    """What connectors reach their vendors with, by a clock that says what the time is."""
    buckets: Buckets
    limit: int = 1 << 20
    told: list[str] = field(default_factory=list)
    dies_at: int = 0
    """The checkpoint at which the sync is killed; 0 is none."""
    meanwhile: Callable[[], None] | None = None
    """What happens once, at the first checkpoint."""

    def __post_init__(self) -> None:
        self.reach = self.reach_by(time.time)

    def connector(self) -> Connector:
        return connect(self.source, settings=self.site.settings, reach=self.reach)

    async def sync(self, kind: SyncType = SyncType.incremental) -> dict[str, object]:
        self.told = []
        return await sync_source(
            SyncSource(self.source.id, self.deal.id, kind),
            store=self.store,
            queue=self.queue,
            connect=functools.partial(connect, settings=self.site.settings, reach=self.reach),
            max_file_bytes=self.limit,
            checkpoint=self._checkpoint,
        )

    async def full(self) -> dict[str, object]:
        return await self.sync(SyncType.full)

    async def files(self) -> dict[str, str]:
        """The SHA-256 of each document and e-mail, by its path as its site has it."""
        return {self._place(one): one.content_hash for one in await self._stored()}

    async def ids(self) -> dict[str, str]:
        return {self._place(one): one.id for one in await self._stored()}

    async def skipped(self) -> list[str]:
        """The paths of what is left out."""
        return sorted(self.site.place(one.external_id or "", one.path) for one in (await self.now()).skipped)

    async def closed_for(self, bucket: str) -> float:
        """Seconds for which nobody may ask with the account."""
        return (await self.buckets.state([bucket]))[bucket]

    async def _stored(self) -> list[Document | Email]:
        documents = await self.store.documents.of_deal(self.deal.id)
        emails = await self.store.emails.of_deal(self.deal.id)
        assert not (emails if self.site.kind is ItemKind.document else documents)
        return [*documents, *emails]

    def _place(self, stored: Document | Email) -> str:
        return self.site.place(stored.external_id or "", stored.path)

    async def now(self) -> Source:
        return await self.store.sources.get(self.source.id)

    async def _checkpoint(self, message: str) -> None:
        self.told.append(message)
        if self.meanwhile is not None:
            self.meanwhile()
            self.meanwhile = None
        if len(self.told) == self.dies_at:
            raise Killed
