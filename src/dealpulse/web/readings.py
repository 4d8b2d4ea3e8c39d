"""What a scrape tells, as values: one moment of Redis, and of the database half a minute at most ago."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import structlog

from dealpulse.errors import DealPulseError
from dealpulse.jobs import QUEUES
from dealpulse.models import Source
from dealpulse.queue import QueueClient, QueueStats
from dealpulse.queue.alert_book import AlertBook
from dealpulse.queue.desk import Desk
from dealpulse.queue.metrics import Ever
from dealpulse.store import Store
from dealpulse.store.usage import Cost, DealSpending

READING_FAILED: Final = "metrics_reading_failed"

_FRESH_SECONDS: Final = 30.0
_PATIENCE_SECONDS: Final = 5.0
"""A scrape that takes longer than its scraper waits is worth nothing."""

Part = TypeVar("Part")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class QueuePart:
    """What Redis knows."""

    stats: Mapping[str, QueueStats]
    """By wire name, as everything by queue."""
    ever: Mapping[str, Ever]
    workers: Counter[str]
    """Workers alive that drain a queue."""
    alive: int
    """Workers alive."""
    closed: Mapping[str, float]
    """Seconds for which nobody asks an account."""
    away: Mapping[str, bool]
    """Dependencies, and whether they do not answer."""
    firing: Counter[str]
    """Alerts that fire, by rule."""


@dataclass(frozen=True, kw_only=True)
class StorePart:
    """What the database knows."""

    costs: Sequence[Cost]
    spending: Sequence[DealSpending]
    """Of the active deals, today."""
    sources: Sequence[Source]
    read_at: datetime


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One scrape; a part is None where who knows it does not answer."""

    version: str
    default_budget_usd: float
    queues: QueuePart | None
    store: StorePart | None


class Readings:
    """Reads what scrapes tell. The database is asked every half minute at most, however many scrape."""

    def __init__(
        self,
        *,
        queue: QueueClient,
        desk: Desk,
        store: Store,
        version: str,
        alerts: AlertBook,
        default_budget_usd: float,
        zone: ZoneInfo,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._desk = desk
        self._store = store
        self._version = version
        self._alerts = alerts
        self._default_budget_usd = default_budget_usd
        self._zone = zone
        self._clock = clock
        self._asking = asyncio.Lock()
        self._known: StorePart | None = None
        self._asked_at = float("-inf")

    async def read(self) -> Reading:
        """Never raises for what is away."""
        queues, store = await asyncio.gather(_part("redis", self._queues()), self._fresh_store())
        return Reading(version=self._version, default_budget_usd=self._default_budget_usd, queues=queues, store=store)

    async def _queues(self) -> QueuePart:
        stats = await self._queue.stats()
        ever = await self._desk.metrics.ever([queue.key for queue in QUEUES])
        alive = await self._queue.workers()
        closed, away = await self._desk.closed()
        return QueuePart(
            stats=stats,
            ever={queue.name: each for queue, each in zip(QUEUES, ever, strict=True)},
            workers=Counter(name for worker in alive for name in worker.about.get("queues", "").split()),
            alive=len(alive),
            closed=closed,
            away={name: name in away for name in closed},
            firing=Counter(one.rule for one in await self._alerts.alerts() if one.fired_at is not None),
        )

    async def _fresh_store(self) -> StorePart | None:
        async with self._asking:
            if self._clock() - self._asked_at >= _FRESH_SECONDS:
                self._known = await _part("supabase", self._ask_store())
                self._asked_at = self._clock()
            return self._known

    async def _ask_store(self) -> StorePart:
        now = datetime.now(UTC)
        costs = await self._store.usage.totals()
        spending = await self._store.usage.today(await self._store.deals.active(), now=now, zone=self._zone)
        sources = await self._store.sources.all()
        return StorePart(costs=costs, spending=spending, sources=sources, read_at=now)


async def _part(dependency: str, reading: Awaitable[Part]) -> Part | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await reading
    except (DealPulseError, TimeoutError) as error:
        log.warning(READING_FAILED, dependency=dependency, error=type(error).__name__)
        return None
