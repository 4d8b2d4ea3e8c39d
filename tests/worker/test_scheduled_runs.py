"""Scheduled runs, from arq's own cron loop on: with clocks that the test sets, and in real processes."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from arq.connections import ArqRedis
from arq.worker import Worker as ArqWorker
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from dealpulse.jobs import DAILY_BRIEF, GenerateDailyBrief
from dealpulse.models import Deal
from dealpulse.queue.connection import answer, build_pool
from dealpulse.queue.schedule import DAILY_BRIEF_TICK, Schedule, Scheduler, moment_of, run_id, schedules
from dealpulse.settings import Settings
from dealpulse.store import Store
from dealpulse.worker.root import RootPool
from dealpulse.worker.schedule import COROUTINES, cron_job, due_of_brief
from queue_engine.clocks import TimedScripts
from settings.expressions import expressions
from worker.workers import Start, Worker

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
QUEUE = DAILY_BRIEF.key
WINDOW = 6 * HOUR
EARLY = timedelta(seconds=0.9)
"""arq says that a run is due up to a second before it is."""
MOST_PROCESSES = 4
NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")

with_redis = examples(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class TimedRoot(TimedScripts, RootPool):  # type: ignore[misc]  # redis-py
    """The pool arq's worker has, in front of a Redis whose time the test tells."""


class Process:
    """A worker process as far as schedules go: arq's cron loop, looked at when the test says."""

    def __init__(self, root: TimedRoot, schedule: Schedule, *, ahead: timedelta, started: datetime) -> None:
        """``started`` by its own clock, which is ``ahead`` of the server's."""
        self.ahead = ahead
        self._now = started
        self._root = root
        self._worker = ArqWorker(
            cron_jobs=[cron_job(schedule, _nothing, now=started)],
            redis_pool=root,
            queue_name=QUEUE,
            handle_signals=False,
            timezone=UTC,
        )
        self._scheduler = Scheduler(root, [schedule], queue=QUEUE, make_up=WINDOW, clock=lambda: self._now)

    async def start(self) -> None:
        self._set_clock(self._now)
        await self._root.follow(self._scheduler)

    async def look(self, now: datetime) -> None:
        """arq's turn at ``now`` by this process's clock."""
        self._set_clock(now)
        await self._worker.run_cron(now, 0.5)

    def _set_clock(self, now: datetime) -> None:
        self._now = now
        self._root.server_now = now - self.ahead


async def _nothing(ctx: dict[Any, Any], *_: Any, **__: Any) -> None: ...


class Ran:
    """Takes runs off the queue, as workers would, and notes the moments they stood for."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self.moments: list[datetime] = []

    async def collect(self) -> None:
        runs = [run.decode() for run in await answer(self._redis.zrange(QUEUE, 0, -1))]
        for run in runs:
            due = await answer(self._redis.hget(f"dealpulse:job:{run}", "due"))
            assert int(due) >= moment_of(run).timestamp() * 1000, "never early"
            self.moments.append(moment_of(run))
            await answer(self._redis.delete(f"dealpulse:job:{run}", f"arq:job:{run}"))
        if runs:
            await answer(self._redis.delete(QUEUE, f"{QUEUE}:waiting", f"{QUEUE}:delayed"))


@pytest.fixture
async def roots(settings: Settings) -> AsyncIterator[list[TimedRoot]]:
    async with AsyncExitStack() as stack:
        opened = [build_pool(settings.redis, TimedRoot) for _ in range(MOST_PROCESSES)]
        for root in opened:
            stack.push_async_callback(root.aclose, close_connection_pool=True)
        yield opened


@st.composite
def _stretches(draw: st.DrawFn) -> tuple[Schedule, list[datetime]]:
    """A schedule and some runs of it in a row: anywhere in a year, and more often around a change of the clock."""
    changes = {
        NEW_YORK: ["2026-03-08T07:00Z", "2026-11-01T06:00Z"],
        BERLIN: ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
        ZoneInfo("Australia/Lord_Howe"): ["2026-04-04T15:00Z", "2026-10-03T15:30Z"],
        ZoneInfo("Asia/Kathmandu"): ["2026-01-01T00:00Z"],
    }
    zone = draw(st.sampled_from(list(changes)))
    if draw(st.booleans()):
        began = datetime.fromisoformat(draw(st.sampled_from(changes[zone]))) - draw(st.integers(0, 180)) * MINUTE
    else:
        began = datetime(2026, 1, 1, tzinfo=UTC) + draw(st.integers(0, 365 * 1440)) * MINUTE
    schedule = Schedule(name="cron:test", expression=draw(expressions()), zone=zone)
    runs = [schedule.following(began)]
    while len(runs) < 25:
        runs.append(schedule.following(runs[-1]))
    return schedule, runs


def _looks(runs: Sequence[datetime], chance: random.Random, *, early: timedelta = EARLY) -> list[datetime]:
    """When one process, by its own clock, comes to look: once for each run, before the next is due."""
    moments = []
    for run, following in pairwise(runs):
        latest = min(following - run, WINDOW - HOUR) - 2 * SECOND
        moments.append(run + chance.uniform(-early / SECOND, latest / SECOND) * SECOND)
    return moments


@with_redis
@given(
    _stretches(),
    st.lists(st.integers(-120, 120), min_size=1, max_size=MOST_PROCESSES),
    st.randoms(use_true_random=False),
)
async def test_every_run_happens_once_however_many_clocks_tell_its_time(
    pool: ArqRedis,
    roots: list[TimedRoot],
    stretch: tuple[Schedule, list[datetime]],
    ahead: list[int],
    chance: random.Random,
) -> None:
    schedule, runs = stretch
    await answer(pool.flushdb())
    ran = Ran(pool)
    began = runs[0] - 30 * SECOND
    processes = [
        Process(root, schedule, ahead=seconds * SECOND, started=began)
        for root, seconds in zip(roots, ahead, strict=False)
    ]
    turns = [(now, process) for process in processes for now in (began, *_looks(runs, chance))]
    for now, process in sorted(turns, key=lambda turn: turn[0] - turn[1].ahead):
        await (process.start() if now == began else process.look(now))
        await ran.collect()
    assert len(ran.moments) == len(set(ran.moments))
    # To a clock that is ahead, what comes next has been missed.
    assert sorted(moment for moment in ran.moments if moment >= runs[0]) == runs[:-1]


@with_redis
@given(
    _stretches(),
    st.integers(1, MOST_PROCESSES),
    st.integers(2, 8),
    st.integers(2, 10),
    st.booleans(),
    st.randoms(use_true_random=False),
)
async def test_of_the_runs_nobody_was_there_for_the_latest_is_made_up_once(
    pool: ArqRedis,
    roots: list[TimedRoot],
    stretch: tuple[Schedule, list[datetime]],
    number: int,
    before: int,
    missed: int,
    restarted: bool,
    chance: random.Random,
) -> None:
    schedule, runs = stretch
    await answer(pool.flushdb())
    ran = Ran(pool)

    def processes(started: datetime) -> list[Process]:
        return [Process(root, schedule, ahead=timedelta(0), started=started) for root in roots[:number]]

    async def go_on(alive: list[Process], due: Sequence[datetime]) -> None:
        looks = [(now, process) for process in alive for now in _looks(due, chance, early=timedelta(0))]
        for now, process in sorted(looks, key=lambda look: look[0]):
            await process.look(now)
            await ran.collect()

    alive = processes(runs[0] - 30 * SECOND)
    for process in alive:
        await process.start()
    await go_on(alive, runs[: before + 1])
    # All are gone, or asleep; they come back between the last run that was missed and the next.
    latest, following = runs[before + missed - 1 : before + missed + 1]
    back = latest + chance.uniform(0, (min(following - latest, WINDOW) - 2 * SECOND) / SECOND) * SECOND
    if restarted:
        alive = processes(back)
    for process in alive:
        await (process.start() if restarted else process.look(back))
        await ran.collect()
    await go_on(alive, runs[before + missed :])
    assert sorted(ran.moments) == runs[:before] + runs[before + missed - 1 : -1]


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-03-06T12:00-05:00", "2026-03-10T12:00-04:00"), ("2026-10-30T12:00-04:00", "2026-11-03T12:00-05:00")],
)
async def test_a_daily_run_at_half_past_two_happens_once_on_the_days_the_clock_changes(
    pool: ArqRedis, roots: list[TimedRoot], first: str, last: str
) -> None:
    schedule = Schedule(name="cron:test", expression="30 2 * * *", zone=NEW_YORK)
    ran = Ran(pool)
    now, end = datetime.fromisoformat(first).astimezone(UTC), datetime.fromisoformat(last)
    processes = [Process(root, schedule, ahead=timedelta(0), started=now) for root in roots]
    for process in processes:
        await process.start()
    while now < end:
        for process in processes:
            await process.look(now)
        await ran.collect()
        now += 10 * MINUTE
    days = [moment.astimezone(NEW_YORK).date() for moment in ran.moments]
    assert len(days) == 4
    assert sorted(set(days)) == days


async def test_what_comes_due_while_a_worker_starts_is_not_left_out(pool: ArqRedis, roots: list[TimedRoot]) -> None:
    schedule = Schedule(name="cron:test", expression="0 8 * * *", zone=ZoneInfo("UTC"))
    eight = datetime(2026, 6, 1, 8, tzinfo=UTC)
    process = Process(roots[0], schedule, ahead=timedelta(0), started=eight - timedelta(milliseconds=1))
    await process.start()
    await process.look(eight + SECOND)
    ran = Ran(pool)
    await ran.collect()
    assert ran.moments == [eight]


class Forgetful(RootPool):
    """Loses the answer to the first scripts, which ran."""

    lost = 0

    async def evalsha(self, *args: Any) -> Any:
        reply = await super().evalsha(*args)  # type: ignore[misc]  # redis-py
        if self.lost < 2:
            self.lost += 1
            raise RedisConnectionError("Connection closed by server.")
        return reply


async def test_a_tick_whose_answer_was_lost_is_one_run(settings: Settings, pool: ArqRedis) -> None:
    root = build_pool(settings.redis, Forgetful)
    schedule = Schedule(name="cron:test", expression="* * * * *", zone=ZoneInfo("UTC"))
    due = schedule.latest(datetime.now(UTC))
    await root.follow(Scheduler(root, [schedule], queue=QUEUE, make_up=HOUR, clock=lambda: due))
    await root.enqueue_job(schedule.name, _job_id=run_id(schedule.name, due), _queue_name=QUEUE, _defer_until=None)
    assert root.lost == 2
    assert await answer(pool.zrange(QUEUE, 0, -1)) == [run_id(schedule.name, due).encode()]
    await root.aclose(close_connection_pool=True)


def test_every_schedule_has_its_function() -> None:
    environ = {"SUPABASE_URL": "https://deal.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "service-key"}
    assert [schedule.name for schedule in schedules(Settings.load(environ=environ))] == list(COROUTINES)


# --- processes -------------------------------------------------------------------------------------------------------


async def _missed(pool: ArqRedis, ago: timedelta) -> tuple[datetime, dict[str, str]]:
    """A daily brief that was due ``ago``, where the last one Redis knows is the day before's; its settings."""
    due = (datetime.now(UTC) - ago).replace(second=0, microsecond=0)
    await answer(pool.hset("dealpulse:schedules", DAILY_BRIEF_TICK, str(int((due - DAY).timestamp() * 1000))))
    return due, {"DAILY_BRIEF_TIME": f"{due.minute} {due.hour} * * *", "TIMEZONE": "UTC"}


def _runs(worker: Worker) -> list[str]:
    finished = [str(line["job_id"]) for line in worker.lines if line["event"] == "job_finished"]
    return [job_id for job_id in finished if job_id.startswith(f"{DAILY_BRIEF_TICK}:")]


async def test_a_brief_missed_while_no_worker_was_up_is_made_up_once_when_two_start_together(
    start: Start, pool: ArqRedis, store: Store, deal: Deal
) -> None:
    due, variables = await _missed(pool, ago=20 * MINUTE)
    brief = GenerateDailyBrief(deal.id, due.date())
    async with (
        start("DailyBriefWorkerSettings", "--burst", **variables) as one,
        start("DailyBriefWorkerSettings", "--burst", **variables) as other,
    ):
        assert await one.ends() == 0
        assert await other.ends() == 0
    assert [*_runs(one), *_runs(other)] == [run_id(DAILY_BRIEF_TICK, due)]
    made_up = [line["due"] for line in one.lines + other.lines if line["event"] == "run_made_up"]
    assert made_up == [due.isoformat()]
    assert await store.briefs.get(deal.id, brief.date) is not None


async def test_a_brief_missed_too_long_ago_is_not_made_up(start: Start, pool: ArqRedis, deal: Deal) -> None:
    due, variables = await _missed(pool, ago=20 * MINUTE)
    async with start("DailyBriefWorkerSettings", "--burst", SCHEDULE_MAKE_UP_SECONDS="600", **variables) as worker:
        assert await worker.ends() == 0
    assert _runs(worker) == []
    assert (await worker.says("run_missed"))["due"] == due.isoformat()
    swept = [line for line in worker.lines if str(line.get("job_id", "")).startswith("cron:reconcile:")]
    assert swept, "the sweep runs at every start"


@pytest.mark.parametrize(
    ("asked", "now", "due", "cron"),
    [
        # Asked for the evening before, for 8:00 in Berlin.
        ("2026-11-19 23:00", "2026-11-20 07:05", "2026-11-20 07:00", "0 8 * * *"),
        # Asked for by hand, later and earlier that day.
        ("2026-11-20 15:00", "2026-11-20 15:05", "2026-11-20 15:00", "0 8 * * *"),
        ("2026-11-20 03:00", "2026-11-20 03:05", "2026-11-20 03:00", "0 8 * * *"),
        # A Friday's, where briefs are written on Mondays.
        ("2026-11-19 23:00", "2026-11-24 12:00", "2026-11-19 23:00", "0 8 * * 1"),
    ],
)
def test_a_brief_is_due_when_it_was_asked_for_or_at_its_time_of_day(asked: str, now: str, due: str, cron: str) -> None:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(f"{text}+00:00")

    day = date(2026, 11, 20)
    assert due_of_brief(day, moment(asked), now=moment(now), cron=cron, zone=BERLIN) == moment(due)
