"""What happens once in the whole cluster at its time: arq's cron jobs are the ticks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from arq.cron import CronJob

from dealpulse.jobs import GenerateDailyBrief, Job
from dealpulse.models import Deal
from dealpulse.outbox import reconcile, request
from dealpulse.settings import Settings, next_run
from dealpulse.worker.runtime import Runtime

_EVERY_MINUTE: Final = "* * * * *"
_UTC: Final = ZoneInfo("UTC")
_TICK_SECONDS: Final = 300.0


@dataclass
class ZonedCronJob(CronJob):
    """A cron job whose next run cronsim computes from a five-field expression in an IANA zone.

    arq's own fields stay unset: its rule knows fixed offsets only, goes silent for an hour in autumn and fires four
    times at once in spring.
    """

    expression: str = _EVERY_MINUTE
    zone: ZoneInfo = _UTC

    def calculate_next(self, prev_run: datetime) -> None:
        self.next_run = next_run(self.expression, self.zone, prev_run)


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
    """The moment the tick stands for: arq puts it, in ms, at the end of the job's id.

    The score will not do: a tick that came late or is tried again has a later one, and a deal whose zone keeps the
    service's hours under another name would then be given the next day's brief.
    """
    milliseconds = str(ctx["job_id"]).rpartition(":")[2]
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _brief(deal: Deal, due: datetime, settings: Settings) -> tuple[GenerateDailyBrief, datetime | None]:
    zone = deal.zone(settings.time_zone)
    if zone == settings.time_zone:
        return GenerateDailyBrief(deal.id, due.astimezone(zone).date()), None
    run_at = next_run(settings.daily_brief_time, zone, due - timedelta(seconds=1))
    return GenerateDailyBrief(deal.id, run_at.astimezone(zone).date()), run_at


async def reconcile_queues(ctx: dict[str, Any]) -> int:
    """Enqueue again what the database asks for and Redis does not know; returns how many were missing."""
    runtime: Runtime = ctx["runtime"]
    return await reconcile(
        operations=runtime.store.operations,
        queue=runtime.queue,
        older_than=runtime.settings.reconcile_seconds,
    )


def cron_jobs(settings: Settings) -> list[CronJob]:
    """Every class lists them all: whichever worker comes first enqueues the tick, by its id only one does."""
    return [
        _cron("cron:daily_brief", daily_brief, settings.daily_brief_time, settings.time_zone),
        _cron("cron:reconcile", reconcile_queues, _EVERY_MINUTE, _UTC, at_start=True),
    ]


def _cron(name: str, coroutine: Any, expression: str, zone: ZoneInfo, *, at_start: bool = False) -> ZonedCronJob:
    return ZonedCronJob(
        name=name,
        coroutine=coroutine,
        month=None,
        day=None,
        weekday=None,
        hour=None,
        minute=None,
        second=0,
        microsecond=0,
        run_at_startup=at_start,
        unique=True,
        job_id=None,
        timeout_s=_TICK_SECONDS,
        keep_result_s=3600,
        keep_result_forever=False,
        max_tries=3,
        expression=expression,
        zone=zone,
    )
