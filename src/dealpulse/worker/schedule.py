"""What happens at set times: the functions, and arq's cron jobs, which say when."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog
from arq.cron import CronJob
from arq.typing import WorkerCoroutine

from dealpulse.jobs import GenerateDailyBrief, GenerateReport, Job, Priority, SyncSource, SyncType
from dealpulse.models import Deal, ReportSchedule
from dealpulse.outbox import ask_due, enqueue_asked, reconcile, request
from dealpulse.processors.subscriptions import Keeper, callbacks
from dealpulse.queue.schedule import (
    DAILY_BRIEF_TICK,
    RECONCILE_TICK,
    REPORTS_TICK,
    RUN_MISSED,
    SUBSCRIPTIONS_TICK,
    SWEEP_TICK,
    Schedule,
    Scheduler,
    moment_of,
    schedules,
)
from dealpulse.settings import Settings, latest_run, next_run, parse_cron
from dealpulse.sources.registry import connect
from dealpulse.store import Store
from dealpulse.worker.root import RootPool
from dealpulse.worker.runtime import Runtime

SCHEDULE_UNREADABLE: Final = "schedule_unreadable"

_TICK_SECONDS: Final = 300.0

_log = structlog.get_logger("dealpulse.worker.schedule")


@dataclass(kw_only=True)
class ScheduledCronJob(CronJob):
    """arq's cron job for a schedule of ours.

    arq's own fields stay unset: its rule knows fixed offsets only, goes silent for an hour in autumn and fires four
    times at once in spring.
    """

    schedule: Schedule

    def calculate_next(self, prev_run: datetime) -> None:
        self.next_run = self.schedule.following(prev_run)


async def daily_brief(ctx: dict[str, Any]) -> int:
    """Ask for the brief of every active deal; returns how many were asked for.

    Deals with a zone of their own get theirs when it is ``DAILY_BRIEF_TIME`` there: the tick comes in the service's
    zone, and each such deal's next local time lies at it or ahead of it.
    """
    runtime: Runtime = ctx["runtime"]
    due = _scheduled(ctx)
    deals = await runtime.store.deals.active()
    together: dict[datetime | None, list[Job]] = {}
    for deal in deals:
        job, run_at = _brief(deal, due, runtime.settings)
        together.setdefault(run_at, []).append(job)
    for run_at, jobs in together.items():
        await request(jobs, operations=runtime.store.operations, queue=runtime.queue, run_at=run_at)
    return len(deals)


def _scheduled(ctx: dict[str, Any]) -> datetime:
    """The moment the tick stands for, which its id tells.

    The score will not do: a tick that came late or is tried again has a later one, and a deal whose zone keeps the
    service's hours under another name would then be given the next day's brief.
    """
    return moment_of(str(ctx["job_id"]))


def _brief(deal: Deal, due: datetime, settings: Settings) -> tuple[GenerateDailyBrief, datetime | None]:
    zone = deal.zone(settings.time_zone)
    if zone == settings.time_zone:
        return GenerateDailyBrief(deal.id, due.astimezone(zone).date()), None
    run_at = next_run(settings.daily_brief_time, zone, due - timedelta(seconds=1))
    return GenerateDailyBrief(deal.id, run_at.astimezone(zone).date()), run_at


def due_of_brief(date: date, asked: datetime, *, now: datetime, cron: str, zone: ZoneInfo) -> datetime:
    """When the brief of ``date`` was due: when it was asked for, or at its time of day where that came later.

    A brief of a deal with a zone of its own is asked for up to a day before its time.
    """
    midnight = datetime.combine(date, time.min, zone)
    scheduled = next_run(cron, zone, midnight - timedelta(seconds=1))
    is_its_own = scheduled.astimezone(zone).date() == date
    return scheduled if is_its_own and asked < scheduled <= now else asked


async def reconcile_queues(ctx: dict[str, Any]) -> int:
    """Enqueue again what the database asks for and Redis does not know; returns how many were missing.

    Also what was put off until now: analyses the offline engine stood in for.
    """
    runtime: Runtime = ctx["runtime"]
    missing = await reconcile(
        operations=runtime.store.operations,
        queue=runtime.queue,
        older_than=runtime.settings.reconcile_seconds,
    )
    await ask_due(operations=runtime.store.operations, queue=runtime.queue)
    return missing


async def reports(ctx: dict[str, Any]) -> int:
    """Ask for the reports that are due by their schedules; returns how many."""
    runtime: Runtime = ctx["runtime"]
    # The clock of the process that enqueued the tick may be ahead of this one's.
    now = max(datetime.now(UTC), _scheduled(ctx))
    late = timedelta(seconds=runtime.settings.schedule_make_up_seconds)
    jobs = await ask_due_reports(runtime.store, now=now, late=late)
    await enqueue_asked(jobs, operations=runtime.store.operations, queue=runtime.queue)
    return len(jobs)


async def ask_due_reports(store: Store, *, now: datetime, late: timedelta) -> list[Job]:
    """Mark every due time up to ``now`` and ask, in the rows, for the latest of each schedule: once, by whoever comes.

    What is due longer than ``late`` is marked and not asked for.
    """
    asked: list[Job] = []
    for schedule in await store.report_schedules.active():
        due = _due(schedule, now)
        if due is None:
            continue
        job = GenerateReport(schedule.deal_id, schedule.kind, due.astimezone(ZoneInfo(schedule.time_zone)).date())
        in_time = now - due <= late
        if not await store.report_schedules.ask(schedule, due, job.operation if in_time else None):
            continue
        if in_time:
            asked.append(job)
        else:
            _log.warning(RUN_MISSED, schedule=job.function, deal_id=schedule.deal_id, due=due.isoformat())
    return asked


def _due(schedule: ReportSchedule, now: datetime) -> datetime | None:
    """The latest due time that nobody has seen to. A row that cannot be read does not stop the others."""
    try:
        cron, zone = parse_cron(schedule.cron), ZoneInfo(schedule.time_zone)
    except (ValueError, KeyError, OSError):
        _log.warning(SCHEDULE_UNREADABLE, schedule_id=schedule.id, deal_id=schedule.deal_id)
        return None
    if next_run(cron, zone, schedule.asked_until) > now:
        return None
    return latest_run(cron, zone, now)


async def source_sweep(ctx: dict[str, Any]) -> int:
    """Ask for a sync of every active source, behind all other syncs; returns how many.

    The net below what vendors tell, and all there is for those that tell nothing.
    """
    runtime: Runtime = ctx["runtime"]
    found = await runtime.store.sources.to_sweep()
    jobs = [SyncSource(source.id, source.deal_id, SyncType.incremental) for source in found]
    await request(jobs, operations=runtime.store.operations, queue=runtime.queue, priority=Priority.low)
    return len(jobs)


async def subscriptions(ctx: dict[str, Any]) -> int:
    """See to the subscriptions that are due; returns how many."""
    runtime: Runtime = ctx["runtime"]
    keeper = Keeper(
        store=runtime.store,
        queue=runtime.queue,
        connect=functools.partial(connect, settings=runtime.settings.sources, reach=runtime.reach),
        addresses=callbacks(runtime.settings),
    )
    return await keeper.see_to_all()


COROUTINES: Final[Mapping[str, WorkerCoroutine]] = {
    DAILY_BRIEF_TICK: daily_brief,
    RECONCILE_TICK: reconcile_queues,
    REPORTS_TICK: reports,
    SWEEP_TICK: source_sweep,
    SUBSCRIPTIONS_TICK: subscriptions,
}
"""What each schedule runs, by its name."""


def cron_jobs(settings: Settings, *, now: datetime | None = None) -> list[CronJob]:
    """A cron job for each schedule. Every class lists them all: whichever worker comes first enqueues a run.

    They count from ``now``, the present if not given: what comes due until the worker is ready it asks for then.
    """
    return [
        cron_job(schedule, COROUTINES[schedule.name], now=now or datetime.now(UTC)) for schedule in schedules(settings)
    ]


def cron_job(schedule: Schedule, coroutine: WorkerCoroutine, *, now: datetime) -> ScheduledCronJob:
    """The cron job that says, from ``now`` on, when ``schedule`` is due."""
    return ScheduledCronJob(
        name=schedule.name,
        coroutine=coroutine,
        month=None,
        day=None,
        weekday=None,
        hour=None,
        minute=None,
        second=0,
        microsecond=0,
        run_at_startup=schedule.at_start,
        unique=True,
        job_id=None,
        timeout_s=_TICK_SECONDS,
        keep_result_s=3600,
        keep_result_forever=False,
        max_tries=3,
        # arq leaves out what comes due between its start and its first look, unless it is told beforehand.
        next_run=None if schedule.at_start else schedule.following(now),
        schedule=schedule,
    )


async def follow_schedules(root: RootPool, settings: Settings, queue: str) -> None:
    """Enqueue, on ``queue``, what was missed while no worker was up, and have ``root`` hand all ticks to Redis."""
    make_up = timedelta(seconds=settings.schedule_make_up_seconds)
    await root.follow(Scheduler(root, schedules(settings), queue=queue, make_up=make_up))
