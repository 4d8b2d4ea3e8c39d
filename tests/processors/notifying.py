"""A vendor that tells of changes, in memory, with a clock of its own: what the keeper of subscriptions deals with."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dealpulse.errors import DealPulseError
from dealpulse.models import Source, SourceFolder, SourceType
from dealpulse.sources.contract import SourceItem, SourcePage, SourcePlace
from dealpulse.sources.notifications import Callback, Subscription, SubscriptionLost

LIVES = {SourceType.gdrive: timedelta(days=7), SourceType.sharepoint: timedelta(minutes=4230)}


@dataclass
class Agreed:
    """One subscription, as the vendor knows it."""

    source_id: str
    callback: Callback
    expires_at: datetime


@dataclass
class Vendor:
    now: datetime = datetime(2026, 11, 2, 9, tzinfo=UTC)
    lives: Mapping[SourceType, timedelta] = field(default_factory=lambda: LIVES)
    """How long a subscription lasts."""
    fault: DealPulseError | None = None
    """What it answers to everything, until it is None again."""
    meanwhile: Callable[[], Awaitable[object]] | None = None
    """What happens once, while it thinks about the next request."""
    live: dict[str, Agreed] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def clock(self) -> datetime:
        return self.now

    def connect(self, source: Source) -> NotifyingConnector:
        return NotifyingConnector(self, source)

    def of(self, source_id: str) -> list[str]:
        return [known for known, agreed in self.live.items() if agreed.source_id == source_id]

    def pass_time(self, span: timedelta) -> list[str]:
        """The sources whose subscription ended by itself meanwhile."""
        self.now += span
        over = {known: agreed for known, agreed in self.live.items() if agreed.expires_at <= self.now}
        for known in over:
            del self.live[known]
        return [agreed.source_id for agreed in over.values()]

    def agree(self, source: Source, callback: Callback) -> Subscription:
        known = f"subscription-{next(self._numbers)}"
        self.live[known] = Agreed(source.id, callback, self.now + self.lives[source.type])
        return Subscription(known, "resource", self.live[known].expires_at)


@dataclass(frozen=True)
class NotifyingConnector:
    """Renews as Drive does, by another channel, or as Graph does, in place."""

    vendor: Vendor
    source: Source

    async def subscribe(self, callback: Callback) -> Subscription:
        await self._asked("subscribe")
        return self.vendor.agree(self.source, callback)

    async def renew(self, subscription: Subscription, callback: Callback) -> Subscription:
        await self._asked("renew")
        if subscription.external_id not in self.vendor.live:
            raise SubscriptionLost("The vendor does not know it.")
        if self.source.type is SourceType.gdrive:
            made = self.vendor.agree(self.source, callback)
            del self.vendor.live[subscription.external_id]
            return made
        agreed = self.vendor.live[subscription.external_id]
        agreed.expires_at = self.vendor.now + self.vendor.lives[self.source.type]
        return Subscription(subscription.external_id, subscription.resource, agreed.expires_at)

    async def unsubscribe(self, subscription: Subscription) -> None:
        await self._asked("unsubscribe")
        self.vendor.live.pop(subscription.external_id, None)

    async def _asked(self, what: str) -> None:
        self.vendor.asked.append(what)
        meanwhile, self.vendor.meanwhile = self.vendor.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        if self.vendor.fault is not None:
            raise self.vendor.fault

    async def describe(self) -> SourcePlace:
        return SourcePlace("Room")

    async def find(self, external_id: str) -> SourceItem | None:
        return None

    async def pages(self, *, cursor: str | None, folders: Sequence[SourceFolder] = ()) -> AsyncIterator[SourcePage]:
        yield SourcePage((), cursor="end", last=True, complete_listing=True)

    @asynccontextmanager
    async def content(self, item: SourceItem) -> AsyncIterator[AsyncIterator[bytes]]:
        async def nothing() -> AsyncIterator[bytes]:
            yield b""

        yield nothing()

    async def aclose(self) -> None: ...
