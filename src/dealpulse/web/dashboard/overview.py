"""The first page: is everything as it should be, and if not, what is it?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import structlog
from markupsafe import Markup
from starlette.responses import Response

from dealpulse.errors import DealPulseError
from dealpulse.jobs import QUEUES, Queue
from dealpulse.models import Deal, Source, SourceState
from dealpulse.queue import QueueStats, WorkerView
from dealpulse.queue.history import DeadGroup
from dealpulse.queue.metrics import Figures, Series
from dealpulse.store.usage import CostKey
from dealpulse.web.api import alerts as api_alerts
from dealpulse.web.dashboard.charts import gauge, sparkline
from dealpulse.web.dashboard.rendering import render, showing
from dealpulse.web.dashboard.words import count, dollars
from dealpulse.web.routing import ApiRequest, Endpoint

PART_MISSING: Final = "dashboard_part_missing"
_DAYS_OF_COSTS: Final = 14
_FAULTS_SHOWN: Final = 8
_BRIEFS_SHOWN: Final = 12

Part = TypeVar("Part")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Card:
    """One queue at one moment, and its last hour."""

    queue: Queue
    stats: QueueStats
    hour: Figures
    workers: int
    slots: int
    """Jobs that could run at once."""
    gauge: Markup
    spark: Markup
    limited: tuple[str, ...]
    """Why its jobs wait although there is room: accounts and dependencies nobody asks."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What several dead letters died of."""

    queue: Queue
    group: DeadGroup


@dataclass(frozen=True, kw_only=True)
class Briefs:
    """Today's, wherever it is today for a deal."""

    written: Sequence[Deal]
    missing: Sequence[Deal]
    hidden: int


async def overview(request: ApiRequest) -> Response:
    cards, faults, alerts, briefs, consent, costs = await asyncio.gather(
        _part(_cards(request)),
        _part(_faults(request)),
        _part(api_alerts.alerts(request)),
        _part(_briefs(request)),
        _part(_without_consent(request)),
        _part(_costs(request)),
    )
    return render(
        request, "overview.html", cards=cards, faults=faults, alerts=alerts, briefs=briefs, consent=consent, costs=costs
    )


async def _part(reading: Awaitable[Part]) -> Part | None:
    """None where who knows it does not answer: the rest of the page is what somebody needs then."""
    try:
        return await reading
    except DealPulseError as error:
        log.warning(PART_MISSING, error=type(error).__name__, code=error.code)
        return None


async def _cards(request: ApiRequest) -> list[Card]:
    state = request.state
    stats, workers, closed, series = await asyncio.gather(
        state["queue"].stats(),
        state["queue"].workers(),
        state["desk"].closed(),
        asyncio.gather(*(state["desk"].metrics.series(queue.key) for queue in QUEUES)),
    )
    accounts, away = closed
    limited = (*(name for name, seconds in accounts.items() if seconds), *(name for name in away))
    return [
        _card(request, queue, stats[queue.name], workers, each, tuple(dict.fromkeys(limited)))
        for queue, each in zip(QUEUES, series, strict=True)
    ]


def _card(
    request: ApiRequest,
    queue: Queue,
    stats: QueueStats,
    workers: Sequence[WorkerView],
    series: Series,
    limited: tuple[str, ...],
) -> Card:
    mine = sum(queue.name in worker.about.get("queues", "").split() for worker in workers)
    slots = mine * request.state["settings"].queues[queue.name].concurrency
    share = stats.active / slots if slots else 0.0
    ended = [float(each.completed + each.failed) for each in series.intervals]
    failed = [float(each.failed) for each in series.intervals]
    hour = series.sum
    return Card(
        queue=queue,
        stats=stats,
        hour=hour,
        workers=mine,
        slots=slots,
        gauge=gauge(share, f"{stats.active} of {slots} places in use"),
        spark=sparkline(ended, f"Last hour: {count(hour.completed)} done, {count(hour.failed)} failed", bad=failed),
        limited=limited if stats.waiting or stats.delayed else (),
    )


async def _faults(request: ApiRequest) -> list[Fault]:
    """The most frequent first."""
    history = request.state["desk"].history
    groups = await asyncio.gather(*(history.dead_groups(queue.key) for queue in QUEUES))
    found = [Fault(queue=queue, group=one) for queue, several in zip(QUEUES, groups, strict=True) for one in several]
    return sorted(found, key=lambda fault: -fault.group.count)[:_FAULTS_SHOWN]


async def _briefs(request: ApiRequest) -> Briefs:
    intake, today = request.state["intake"], datetime.now(UTC).date()
    deals = await request.state["store"].deals.active()
    near = timedelta(days=1)
    there = {
        (one.deal_id, one.brief_date) for one in await request.state["store"].briefs.between(today - near, today + near)
    }
    written = [deal for deal in deals if (deal.id, intake.local_date(deal)) in there]
    missing = [deal for deal in deals if deal not in written]
    shown = missing[:_BRIEFS_SHOWN]
    room = _BRIEFS_SHOWN - len(shown)
    return Briefs(written=written[:room], missing=shown, hidden=len(deals) - len(shown) - len(written[:room]))


async def _without_consent(request: ApiRequest) -> list[Source]:
    wanting = (SourceState.needs_consent, SourceState.needs_confirmation)
    return [source for source in await request.state["store"].sources.all() if source.state in wanting]


async def _costs(request: ApiRequest) -> Mapping[str, object]:
    intake = request.state["intake"]
    today = intake.clock().astimezone(intake.time_zone).date()
    days = [today - timedelta(days=number) for number in reversed(range(_DAYS_OF_COSTS))]
    found = await request.state["store"].usage.by(CostKey.day, zone=intake.time_zone, first=days[0], last=today)
    by_day = {one.key: one.cost_usd for one in found}
    amounts = [by_day.get(day.isoformat(), 0.0) for day in days]
    total = sum(amounts)
    said = f"Last {_DAYS_OF_COSTS} days: {dollars(total)} together, {dollars(amounts[-1])} today"
    return {
        "today": amounts[-1],
        "total": total,
        "days": _DAYS_OF_COSTS,
        "spark": sparkline(_in_cents(amounts), said),
        "calls": sum(one.calls for one in found),
    }


def _in_cents(amounts: Sequence[float]) -> list[float]:
    return [amount * 100 for amount in amounts]


ENDPOINTS: Final[tuple[Endpoint, ...]] = (showing("/", overview),)
