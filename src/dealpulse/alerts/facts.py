"""What the rules look at: read from Redis at every look, from the database at some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from dealpulse.jobs import QUEUES
from dealpulse.models import Deal, Source, SourceState
from dealpulse.queue import History, Metrics, QueueClient, QueueStats, Unit
from dealpulse.settings import Settings, latest_run
from dealpulse.store import Store
from dealpulse.store.briefs import ExpectedBrief

FAILURE_MINUTES: Final = 10
SAME_FAILURE_HOURS: Final = 1


@dataclass(frozen=True, kw_only=True)
class SameFailure:
    """Dead letters of one queue with the same fingerprint."""

    fingerprint: str
    error_class: str
    count: int


@dataclass(frozen=True, kw_only=True)
class QueueFacts:
    """One queue, by its wire name, at one moment."""

    name: str
    stats: QueueStats
    workers: int
    """Alive, and draining it."""
    completed: int
    failed: int
    """In the last ten minutes."""
    same_failures: Sequence[SameFailure]
    """Of the last hour."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    deal_id: str
    spent_usd: float
    budget_usd: float
    """0 is any amount."""


@dataclass(frozen=True, kw_only=True)
class StoreFacts:
    missed: Mapping[date, Sequence[str]]
    """Active deals without their brief, by the date it is of."""
    unconsented: Sequence[Source]
    spending: Sequence[Spent]


async def read_queues(
    settings: Settings, *, queue: QueueClient, history: History, metrics: Metrics
) -> list[QueueFacts]:
    """Raises ``Unavailable`` when Redis is away."""
    stats = await queue.stats()
    draining = Counter(name for one in await queue.workers() for name in one.about.get("queues", "").split())
    facts = []
    for each in QUEUES:
        lately = (await metrics.series(each.key, Unit.minute, last=FAILURE_MINUTES)).sum
        enough = 0 < settings.alerts.same_failure <= stats[each.name].failed
        facts.append(
            QueueFacts(
                name=each.name,
                stats=stats[each.name],
                workers=draining[each.name],
                completed=lately.completed,
                failed=lately.failed,
                same_failures=await _same_failures(history, each.key) if enough else (),
            )
        )
    return facts


async def _same_failures(history: History, queue: str) -> list[SameFailure]:
    since = datetime.now(UTC) - timedelta(hours=SAME_FAILURE_HOURS)
    letters = [letter for letter in await history.dead_letters(queue) if letter.died_at >= since]
    counts = Counter((letter.fingerprint, letter.error_class) for letter in letters)
    return [SameFailure(fingerprint=mark, error_class=name, count=count) for (mark, name), count in counts.items()]


async def read_store(settings: Settings, *, store: Store, now: datetime) -> StoreFacts:
    """Raises ``Unavailable`` when Supabase is away."""
    deals = await store.deals.active()
    expected = [_expected(deal, settings, now) for deal in deals] if settings.alerts.brief_late_seconds else []
    missing = set(await store.briefs.missing(expected))
    missed: dict[date, list[str]] = {}
    for one in expected:
        if one.deal_id in missing:
            missed.setdefault(one.date, []).append(one.deal_id)
    default = settings.ai.daily_budget_usd
    return StoreFacts(
        missed=missed,
        unconsented=[each for each in await store.sources.all() if each.state is SourceState.needs_consent],
        spending=[
            Spent(
                deal_id=each.deal_id,
                spent_usd=each.spent_usd,
                budget_usd=default if each.budget_usd is None else each.budget_usd,
            )
            for each in await store.usage.today(deals, now=now, zone=settings.time_zone)
        ],
    )


def _expected(deal: Deal, settings: Settings, now: datetime) -> ExpectedBrief:
    """The last brief that should be there by now."""
    zone = deal.zone(settings.time_zone)
    late = timedelta(seconds=settings.alerts.brief_late_seconds)
    due = latest_run(settings.daily_brief_time, zone, now - late)
    return ExpectedBrief(deal.id, due.astimezone(zone).date(), due)
