"""What runs at set times: once in the whole cluster, and when no worker was up at its time, once as soon as one is.

Every worker process says when, by its own clock, a run is due. ``tick.lua`` decides that each due time of a schedule is
enqueued once, and delays what comes early by the clock of Redis. From there on a run is a job like any other, named
``{schedule}:{due time in ms}``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from redis.asyncio.client import Redis

from dealpulse.queue import keys
from dealpulse.queue.connection import answer, redis_faults
from dealpulse.queue.scripts import ENQUEUE, TICK, EnqueueRequest, Item, TickRequest
from dealpulse.queue.serializer import payload_of
from dealpulse.settings import Settings, latest_run, next_run

DAILY_BRIEF_TICK: Final = "cron:daily_brief"
RECONCILE_TICK: Final = "cron:reconcile"
REPORTS_TICK: Final = "cron:reports"
SWEEP_TICK: Final = "cron:source_sweep"
SUBSCRIPTIONS_TICK: Final = "cron:subscriptions"

RUN_MADE_UP: Final = "run_made_up"
RUN_MISSED: Final = "run_missed"
_ENQUEUED: Final = 1
_TOO_LATE: Final = -1

_EVERY_MINUTE: Final = "* * * * *"
_NEXT_RUNS: Final = 3
# A run fans out into jobs and is over; it must not wait behind a thousand documents.
_PRIORITY: Final = "critical"

_log = structlog.get_logger("dealpulse.queue.schedule")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When one function runs. ``name`` is the function's on the queue as well."""

    name: str
    expression: str
    """Five fields; :func:`dealpulse.settings.parse_cron` returned it."""
    zone: ZoneInfo
    at_start: bool = False
    """It also runs whenever a worker starts, which makes up for what was missed."""

    def following(self, after: datetime) -> datetime:
        """The first due time later than ``after``, in UTC."""
        return next_run(self.expression, self.zone, after)

    def latest(self, until: datetime) -> datetime:
        """The last due time not later than ``until``, in UTC."""
        return latest_run(self.expression, self.zone, until)


@dataclass(frozen=True, kw_only=True)
class ScheduleView:
    """One schedule at one moment. Times are UTC."""

    name: str
    expression: str
    zone: str
    last_run: datetime | None
    """When its last run was due; None when it never ran, or Redis has forgotten."""
    next_runs: tuple[datetime, ...]


def schedules(settings: Settings) -> tuple[Schedule, ...]:
    """Everything that runs at set times."""
    return (
        Schedule(name=DAILY_BRIEF_TICK, expression=settings.daily_brief_time, zone=settings.time_zone),
        Schedule(name=RECONCILE_TICK, expression=_EVERY_MINUTE, zone=ZoneInfo("UTC"), at_start=True),
        Schedule(name=REPORTS_TICK, expression=_EVERY_MINUTE, zone=ZoneInfo("UTC"), at_start=True),
        Schedule(name=SWEEP_TICK, expression=settings.sources.sweep_time, zone=settings.time_zone),
        Schedule(name=SUBSCRIPTIONS_TICK, expression=_EVERY_MINUTE, zone=ZoneInfo("UTC"), at_start=True),
    )


def run_id(schedule: str, moment: datetime) -> str:
    """The id of the job that is the run of ``schedule`` due at ``moment``."""
    return f"{schedule}:{_ms(moment)}"


def moment_of(run: str) -> datetime:
    """The moment a run stands for: the reverse of :func:`run_id`, in UTC."""
    return datetime.fromtimestamp(int(run.rpartition(":")[2]) / 1000, UTC)


async def schedule_views(
    redis: Redis, known: Sequence[Schedule], *, now: datetime, upcoming: int = _NEXT_RUNS
) -> list[ScheduleView]:
    """Each of the ``known`` schedules with its last run and the next ones after ``now``. Raises ``Unavailable``."""
    names = [schedule.name for schedule in known]
    async with redis_faults():
        stored: list[bytes | None] = await answer(redis.hmget(keys.SCHEDULES, names))
    views = []
    for schedule, last in zip(known, stored, strict=True):
        runs = [schedule.following(now)]
        while len(runs) < upcoming:
            runs.append(schedule.following(runs[-1]))
        views.append(
            ScheduleView(
                name=schedule.name,
                expression=schedule.expression,
                zone=schedule.zone.key,
                last_run=datetime.fromtimestamp(int(last) / 1000, UTC) if last else None,
                next_runs=tuple(runs),
            )
        )
    return views


async def run_now(redis: Redis, schedule: Schedule, *, queue: str, now: datetime) -> str:
    """Enqueue a run of ``schedule`` on a queue, named by its key, beside those at its times; returns the job's id.

    Raises ``Unavailable``.
    """
    run = _run(schedule, now, queue=queue, now=now)
    async with redis_faults():
        await ENQUEUE(redis, EnqueueRequest([run]))
    return run.id


def _run(schedule: Schedule, moment: datetime, *, queue: str, now: datetime) -> Item:
    return Item(
        id=run_id(schedule.name, moment),
        queue=queue,
        payload=payload_of(schedule.name, (), now_ms=_ms(now)).decode(),
        fn=schedule.name,
        deal="",
        priority=_PRIORITY,
    )


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Scheduler:
    """One process's part in running schedules.

    Every method may be repeated, and by any number of processes. They raise what redis-py raises.
    """

    def __init__(
        self,
        redis: Redis,
        known: Sequence[Schedule],
        *,
        queue: str,
        make_up: timedelta,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        """``queue`` is the key runs are enqueued on; ``make_up`` is how late a missed run may be."""
        self._redis = redis
        self._known = {schedule.name: schedule for schedule in known}
        self._queue = queue
        self._make_up = make_up
        self._clock = clock
        self._given_up: dict[str, datetime] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._known

    async def tick(self, name: str, moment: datetime) -> None:
        """Run the schedule for ``moment``; one that is no due time of it is a worker's start, and runs now.

        Where a later run is due by now, because this process slept or Redis was away, that one takes its place: of
        several missed runs the latest is made up. The other schedules are looked after as well, should Redis have lost
        what it said it had (a failover does).
        """
        schedule = self._known[name]
        if schedule.latest(moment) == moment:
            await self._ask(schedule, max(moment, schedule.latest(self._clock())), missed=False)
        else:
            await ENQUEUE(self._redis, EnqueueRequest([self._item(schedule, moment)]))
        await self.make_up()

    async def make_up(self) -> None:
        """Run what was due last and did not run, unless it is too late for it or the schedule is younger."""
        now = self._clock()
        for schedule in self._known.values():
            if not schedule.at_start:
                due = schedule.latest(now)
                self._tell(schedule.name, due, now, await self._ask(schedule, due, missed=True))

    def _tell(self, name: str, due: datetime, now: datetime, answered: int) -> None:
        facts = {"schedule": name, "due": due.isoformat(), "late_seconds": round((now - due).total_seconds())}
        if answered == _ENQUEUED:
            _log.info(RUN_MADE_UP, **facts)
        elif answered == _TOO_LATE and self._given_up.get(name) != due:
            # Once: it is found again every minute until the next run.
            self._given_up[name] = due
            _log.warning(RUN_MISSED, **facts)

    async def _ask(self, schedule: Schedule, due: datetime, *, missed: bool) -> int:
        request = TickRequest(
            schedule=schedule.name,
            due=_ms(due),
            missed=missed,
            make_up=int(self._make_up.total_seconds() * 1000),
            item=self._item(schedule, due),
        )
        answered: int = await TICK(self._redis, request)
        return answered

    def _item(self, schedule: Schedule, moment: datetime) -> Item:
        return _run(schedule, moment, queue=self._queue, now=self._clock())


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
