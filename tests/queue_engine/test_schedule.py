"""Runs at set times: each once, none early, and what was missed made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from arq.connections import ArqRedis
from structlog.testing import capture_logs

from dealpulse.errors import Transient
from dealpulse.jobs import DAILY_BRIEF
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.connection import answer, build_pool
from dealpulse.queue.engine import Claimed, Dead, Done, Outcome
from dealpulse.queue.schedule import (
    RUN_MADE_UP,
    RUN_MISSED,
    Schedule,
    Scheduler,
    ScheduleView,
    moment_of,
    run_id,
    schedule_views,
    schedules,
)
from dealpulse.settings import Settings
from queue_engine.clocks import TimedScripts
from queue_engine.engines import running_engine, turn

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SCHEDULE = Schedule(name="cron:test", expression="0 8 * * *", zone=ZoneInfo("UTC"))
EIGHT = datetime(2026, 6, 1, 8, tzinfo=UTC)
QUEUE = DAILY_BRIEF.key


class Clock:
    """What one process takes for the time: the server's, and by how much it is off."""

    def __init__(self, redis: TimedScripts, ahead: timedelta = timedelta(0)) -> None:
        self._redis = redis
        self._ahead = ahead

    def __call__(self) -> datetime:
        return self._redis.server_now + self._ahead


@pytest.fixture
async def timed(settings: Settings) -> AsyncIterator[TimedScripts]:
    """Redis at half past seven."""
    opened = build_pool(settings.redis, TimedScripts)
    opened.server_now = EIGHT - 30 * MINUTE
    yield opened
    await opened.aclose(close_connection_pool=True)


def scheduler(redis: ArqRedis, *, ahead: timedelta = timedelta(0), make_up: timedelta = 6 * HOUR) -> Scheduler:
    if isinstance(redis, TimedScripts):
        return Scheduler(redis, [SCHEDULE], queue=QUEUE, make_up=make_up, clock=Clock(redis, ahead))
    return Scheduler(redis, [SCHEDULE], queue=QUEUE, make_up=make_up)


async def taken(redis: ArqRedis) -> list[datetime]:
    """The moments whose runs are on the queue, which is then empty: they have run."""
    runs = [run.decode() for run in await answer(redis.zrange(QUEUE, 0, -1))]
    for run in runs:
        await answer(redis.delete(f"dealpulse:job:{run}", f"arq:job:{run}"))
    await answer(redis.delete(QUEUE, f"{QUEUE}:waiting", f"{QUEUE}:delayed"))
    return sorted(map(moment_of, runs))


async def ran_last(redis: ArqRedis, due: datetime) -> None:
    """Redis knows of no later run than this."""
    await answer(redis.hset("dealpulse:schedules", SCHEDULE.name, str(int(due.timestamp() * 1000))))


class Runs:
    """A handler that notes which runs it was given; ``outcome`` is how they end."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.ids: list[str] = []
        self._outcome = outcome or Done(SCHEDULE.name, result=3)

    async def __call__(self, job: Claimed) -> Outcome:
        self.ids.append(job.job_id)
        return self._outcome


async def until_done(redis: ArqRedis) -> None:
    async with asyncio.timeout(20):
        while await answer(redis.zcard(QUEUE)):
            await asyncio.sleep(0.01)


# --- once ------------------------------------------------------------------------------------------------------------


async def test_of_many_schedulers_one_enqueues_the_run(settings: Settings, pool: ArqRedis) -> None:
    pools = [await create_pool(settings.redis) for _ in range(8)]
    due = SCHEDULE.latest(datetime.now(UTC))
    within = datetime.now(UTC) - due + HOUR
    runs = Runs()
    async with running_engine(pool, runs, queue=QUEUE):
        racing = [scheduler(one, make_up=within) for one in pools]
        await asyncio.gather(*(one.tick(SCHEDULE.name, due) for one in racing for _ in range(5)))
        await until_done(pool)
    assert runs.ids == [run_id(SCHEDULE.name, due)]
    for one in pools:
        await one.aclose(close_connection_pool=True)


async def test_a_run_that_has_ended_is_not_repeated_by_a_scheduler_whose_clock_is_behind(timed: TimedScripts) -> None:
    timed.server_now = EIGHT
    await scheduler(timed).tick(SCHEDULE.name, EIGHT)
    assert await taken(timed) == [EIGHT]
    timed.server_now = EIGHT + 2 * MINUTE
    await scheduler(timed, ahead=-2 * MINUTE).tick(SCHEDULE.name, EIGHT)
    assert await taken(timed) == []


async def test_a_run_asked_for_by_a_clock_that_is_ahead_waits_for_its_time(
    timed: TimedScripts, client: QueueClient
) -> None:
    timed.server_now = EIGHT - 2 * MINUTE
    await scheduler(timed, ahead=2 * MINUTE).tick(SCHEDULE.name, EIGHT)
    assert await answer(timed.zrange(f"{QUEUE}:delayed", 0, -1, withscores=True)) == [
        (run_id(SCHEDULE.name, EIGHT).encode(), EIGHT.timestamp() * 1000)
    ]
    assert await taken(timed) == [EIGHT]
    timed.server_now = EIGHT
    await scheduler(timed).tick(SCHEDULE.name, EIGHT)
    assert await taken(timed) == []


async def test_a_clock_that_is_ahead_takes_no_run_from_the_others(timed: TimedScripts) -> None:
    every_minute = Schedule(name="cron:test", expression="* * * * *", zone=ZoneInfo("UTC"))
    right, ahead = (
        Scheduler(timed, [every_minute], queue=QUEUE, make_up=HOUR, clock=Clock(timed, minutes * MINUTE))
        for minutes in (0, 2)
    )
    timed.server_now = EIGHT
    await ahead.tick(every_minute.name, EIGHT + 2 * MINUTE)
    await right.tick(every_minute.name, EIGHT)
    timed.server_now = EIGHT + MINUTE
    await right.tick(every_minute.name, EIGHT + MINUTE)
    assert await taken(timed) == [EIGHT, EIGHT + MINUTE, EIGHT + 2 * MINUTE]


async def test_a_clock_that_is_behind_loses_no_run_to_a_process_that_begins_ahead(timed: TimedScripts) -> None:
    every_minute = Schedule(name="cron:test", expression="* * * * *", zone=ZoneInfo("UTC"))
    behind, ahead = (
        Scheduler(timed, [every_minute], queue=QUEUE, make_up=HOUR, clock=Clock(timed, minutes * MINUTE))
        for minutes in (-2, 2)
    )
    timed.server_now = EIGHT - MINUTE
    await ahead.tick(every_minute.name, EIGHT + MINUTE)
    timed.server_now = EIGHT + 2 * MINUTE
    await behind.tick(every_minute.name, EIGHT)
    timed.server_now = EIGHT + 3 * MINUTE
    await behind.tick(every_minute.name, EIGHT + MINUTE)
    assert await taken(timed) == [EIGHT, EIGHT + MINUTE]


async def test_what_arq_knows_of_an_id_decides_nothing(timed: TimedScripts) -> None:
    timed.server_now = EIGHT
    await answer(timed.set(f"arq:result:{run_id(SCHEDULE.name, EIGHT)}", "{}"))
    await scheduler(timed).tick(SCHEDULE.name, EIGHT)
    assert await taken(timed) == [EIGHT]


async def test_a_run_whose_worker_died_is_taken_up_under_the_same_id(pool: ArqRedis) -> None:
    due = SCHEDULE.latest(datetime.now(UTC))
    await scheduler(pool, make_up=DAY + HOUR).tick(SCHEDULE.name, due)
    first = await turn(pool, "dying", queue=QUEUE, lease=1, registered=1)
    async with asyncio.timeout(20):
        while not (second := (await turn(pool, "other", queue=QUEUE)).claims):
            await asyncio.sleep(0.01)
    assert [claim.id for claim in (*first.claims, *second)] == [run_id(SCHEDULE.name, due)] * 2


async def test_a_run_goes_before_what_has_waited_for_hours(timed: TimedScripts) -> None:
    timed.server_now = EIGHT
    await answer(timed.zadd(QUEUE, {"document": (EIGHT - 5 * HOUR).timestamp() * 1000}))
    await scheduler(timed).tick(SCHEDULE.name, EIGHT)
    assert await answer(timed.zrange(QUEUE, 0, 0)) == [run_id(SCHEDULE.name, EIGHT).encode()]


@pytest.mark.parametrize(
    ("outcome", "kept"), [(Done(SCHEDULE.name, result=3), None), (Dead(SCHEDULE.name, Transient("no")), "failed")]
)
async def test_a_run_is_kept_in_history_only_when_it_failed(
    pool: ArqRedis, client: QueueClient, outcome: Outcome, kept: str | None
) -> None:
    due = SCHEDULE.latest(datetime.now(UTC))
    async with running_engine(pool, Runs(outcome), queue=QUEUE):
        await scheduler(pool, make_up=DAY + HOUR).tick(SCHEDULE.name, due)
        await until_done(pool)
    stats = (await client.stats())[DAILY_BRIEF.name]
    assert (stats.completed, stats.failed) == (0, int(kept is not None))
    view = await client.job(run_id(SCHEDULE.name, due))
    assert (view and view.state) == kept


# --- missed ----------------------------------------------------------------------------------------------------------


async def test_a_schedule_nobody_knew_starts_now(timed: TimedScripts) -> None:
    timed.server_now = EIGHT + HOUR
    await scheduler(timed).make_up()
    assert await taken(timed) == []


async def test_its_first_run_is_made_up_too(timed: TimedScripts) -> None:
    await scheduler(timed).make_up()
    timed.server_now = EIGHT + HOUR
    await scheduler(timed).make_up()
    assert await taken(timed) == [EIGHT]


async def test_of_many_processes_that_start_together_one_makes_up_the_latest_run(timed: TimedScripts) -> None:
    await ran_last(timed, EIGHT - 3 * DAY)
    timed.server_now = EIGHT + HOUR
    with capture_logs() as lines:
        await asyncio.gather(*(scheduler(timed).make_up() for _ in range(10)))
    assert await taken(timed) == [EIGHT]
    assert [(line["event"], line["due"], line["late_seconds"]) for line in lines] == [
        (RUN_MADE_UP, "2026-06-01T08:00:00+00:00", 3600)
    ]
    await scheduler(timed).make_up()
    assert await taken(timed) == []


async def test_what_was_missed_too_long_ago_is_not_made_up_and_that_is_said_once(timed: TimedScripts) -> None:
    await ran_last(timed, EIGHT - DAY)
    timed.server_now = EIGHT + 6 * HOUR + MINUTE
    late = scheduler(timed)
    with capture_logs() as lines:
        await late.make_up()
        await late.make_up()
    assert await taken(timed) == []
    assert [line["event"] for line in lines] == [RUN_MISSED]


async def test_a_process_that_slept_runs_the_latest_alone(timed: TimedScripts) -> None:
    timed.server_now = EIGHT
    slept = scheduler(timed, make_up=7 * DAY)
    await slept.tick(SCHEDULE.name, EIGHT)
    timed.server_now = EIGHT + 3 * DAY + MINUTE
    for days in (1, 2, 3):
        await slept.tick(SCHEDULE.name, EIGHT + days * DAY)
    assert await taken(timed) == [EIGHT, EIGHT + 3 * DAY]


async def test_a_run_that_redis_lost_is_made_up_with_the_next_tick_of_any_schedule(timed: TimedScripts) -> None:
    sweep = Schedule(name="cron:sweep", expression="* * * * *", zone=ZoneInfo("UTC"), at_start=True)
    both = Scheduler(timed, [SCHEDULE, sweep], queue=QUEUE, make_up=HOUR, clock=Clock(timed))
    timed.server_now = EIGHT
    await both.tick(SCHEDULE.name, EIGHT)
    await answer(timed.flushdb())
    await ran_last(timed, EIGHT - DAY)
    timed.server_now = EIGHT + MINUTE
    await both.tick(sweep.name, EIGHT + MINUTE)
    assert await taken(timed) == [EIGHT, EIGHT + MINUTE]


async def test_a_run_at_start_runs_now_and_is_no_run_of_the_schedule(timed: TimedScripts) -> None:
    sweep = Schedule(name="cron:sweep", expression="* * * * *", zone=ZoneInfo("UTC"), at_start=True)
    ahead = Scheduler(timed, [sweep], queue=QUEUE, make_up=HOUR, clock=Clock(timed, 2 * MINUTE))
    timed.server_now = EIGHT + timedelta(seconds=20)
    await ahead.make_up()
    assert await taken(timed) == []
    await ahead.tick(sweep.name, EIGHT + timedelta(minutes=2, seconds=20, milliseconds=123))
    assert await answer(timed.zcard(f"{QUEUE}:waiting")) == 1
    assert await answer(timed.exists("dealpulse:schedules")) == 0


# --- looking ---------------------------------------------------------------------------------------------------------


async def test_schedules_are_told_with_their_last_and_next_runs(timed: TimedScripts, settings: Settings) -> None:
    timed.server_now = EIGHT
    await scheduler(timed).tick(SCHEDULE.name, EIGHT)
    never = Schedule(name="cron:never", expression="0 9 * * MON", zone=ZoneInfo("Europe/Berlin"))
    ran, unknown = await schedule_views(timed, [SCHEDULE, never], now=EIGHT)
    assert ran == ScheduleView(
        name="cron:test",
        expression="0 8 * * *",
        zone="UTC",
        last_run=EIGHT,
        next_runs=(EIGHT + DAY, EIGHT + 2 * DAY, EIGHT + 3 * DAY),
    )
    assert (unknown.last_run, unknown.zone) == (None, "Europe/Berlin")
    assert [one.name for one in schedules(settings)] == [
        "cron:daily_brief",
        "cron:reconcile",
        "cron:reports",
        "cron:source_sweep",
        "cron:subscriptions",
    ]


async def test_a_run_that_waits_for_its_time_is_not_told_as_the_last(timed: TimedScripts) -> None:
    timed.server_now = EIGHT - MINUTE
    fast = scheduler(timed, ahead=MINUTE)
    await fast.tick(SCHEDULE.name, EIGHT)
    (before,) = await schedule_views(timed, [SCHEDULE], now=timed.server_now)
    timed.server_now = EIGHT + MINUTE
    await fast.make_up()
    (after,) = await schedule_views(timed, [SCHEDULE], now=timed.server_now)
    assert (before.last_run, after.last_run) == (None, EIGHT)
