"""What operators look at: jobs, dead letters, figures, events, schedules and limits, read from Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from arq.connections import ArqRedis

from dealpulse.errors import NotFound
from dealpulse.jobs import DAILY_BRIEF
from dealpulse.queue.broadcast import Broadcast
from dealpulse.queue.events import Events
from dealpulse.queue.history import History
from dealpulse.queue.limits import Breakers, Buckets, OpenBreaker
from dealpulse.queue.metrics import Metrics
from dealpulse.queue.schedule import Schedule, ScheduleView, run_now, schedule_views, schedules
from dealpulse.queue.search import JobSearch
from dealpulse.settings import Settings

DEPENDENCIES: Final = ("supabase", "anthropic")
"""What breakers guard, and accounts that have a bucket."""


@dataclass(frozen=True)
class Desk:
    """Readers over one pool. All raise ``Unavailable`` while Redis is away."""

    search: JobSearch
    history: History
    metrics: Metrics
    events: Broadcast
    buckets: Buckets
    breakers: Breakers
    _pool: ArqRedis
    _known: Sequence[Schedule]

    @classmethod
    def over(cls, pool: ArqRedis, settings: Settings) -> Desk:
        return cls(
            search=JobSearch(pool),
            history=History(pool),
            metrics=Metrics(pool),
            events=Broadcast(Events(pool)),
            buckets=Buckets(pool),
            breakers=Breakers(pool),
            _pool=pool,
            _known=schedules(settings),
        )

    async def schedules(self) -> list[ScheduleView]:
        """What runs at set times, with its last run and its next ones."""
        return await schedule_views(self._pool, self._known, now=datetime.now(UTC))

    async def run_schedule(self, name: str) -> str:
        """Enqueue a run of a schedule now, as its time would; returns the job's id.

        Raises:
            NotFound: ``unknown_schedule``.
        """
        for schedule in self._known:
            if schedule.name == name:
                return await run_now(self._pool, schedule, queue=DAILY_BRIEF.key, now=datetime.now(UTC))
        raise NotFound("There is no such schedule.", code="unknown_schedule")

    async def closed(self) -> tuple[Mapping[str, float], Mapping[str, OpenBreaker]]:
        """Seconds for which each account's bucket is closed; the dependencies that are away."""
        return await self.buckets.state(DEPENDENCIES), await self.breakers.state(DEPENDENCIES)
