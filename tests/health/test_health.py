"""The board and the line a minute, in a time of their own: nothing here waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from dealpulse.errors import Unavailable
from dealpulse.health import WORKER_STATUS, Health, Probe, log_status


@dataclass
class Time:
    """A clock that stands still until told, and a sleep that tells it.

    ``late`` are further seconds the n-th sleep takes: a loop somebody blocked. After ``until`` seconds, sleeping ends
    the task.
    """

    until: float = 0.0
    late: dict[int, float] = field(default_factory=dict)
    seconds: float = 1_000.0
    slept: int = 0

    def __post_init__(self) -> None:
        self._end = self.seconds + self.until

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, duration: float) -> None:
        await asyncio.sleep(0)
        self.seconds += duration + self.late.get(self.slept, 0.0)
        self.slept += 1
        if self.seconds > self._end:
            raise asyncio.CancelledError


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def health(time: Time) -> Health:
    return Health(clock=time)


# --- the board ------------------------------------------------------------------------------------------------------


def test_a_process_is_unhealthy_until_redis_answers(health: Health) -> None:
    assert health.status().reasons == ("redis has not answered yet",)
    health.succeeded("redis")
    assert health.status().healthy
    assert health.status().reasons == ()


def test_the_last_call_to_each_dependency_counts(health: Health) -> None:
    health.succeeded("redis")
    health.failed("supabase", "HTTP 503")
    health.failed("anthropic", "timed out")
    assert health.status().reasons == ("anthropic: timed out", "supabase: HTTP 503")
    assert health.dependencies == {"anthropic": False, "redis": True, "supabase": False}
    health.succeeded("supabase")
    health.succeeded("anthropic")
    assert health.status().healthy


def test_redis_counts_as_any_other_once_it_failed(health: Health) -> None:
    health.failed("redis", "connection refused")
    assert health.status().reasons == ("redis: connection refused",)


def test_a_loop_that_does_not_turn_for_more_than_ten_seconds_is_stuck(health: Health, time: Time) -> None:
    health.succeeded("redis")
    time.seconds += 10.0
    assert health.status().healthy
    time.seconds += 0.5
    assert health.status().reasons == ("the event loop did not turn for 10.5 s",)


def test_a_loop_that_was_stuck_says_so_until_that_was_reported(health: Health, time: Time) -> None:
    health.succeeded("redis")
    time.seconds += 12.0
    health.turned()
    assert not health.status().healthy
    assert health.take_longest_turn() == 12.0
    assert health.status().healthy


def test_the_state_at_another_time_can_be_asked_for(health: Health, time: Time) -> None:
    health.succeeded("redis")
    assert health.status(time.seconds + 11.0).healthy is False
    assert health.status(time.seconds + 9.0).healthy is True


# --- the line -------------------------------------------------------------------------------------------------------


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    with capture_logs() as captured:
        yield captured


async def logged(time: Time, health: Health, *, every: float = 60.0, probes: Mapping[str, Probe] | None = None) -> None:
    """Let ``log_status`` run until its time is up."""
    with pytest.raises(asyncio.CancelledError):
        await log_status(health, every=every, probes=probes, sleep=time.sleep)


async def test_one_line_at_once_and_one_a_minute(lines: list[EventDict]) -> None:
    time = Time(until=180.0)
    health = Health(clock=time)
    health.succeeded("redis")
    await logged(time, health)
    assert [line["event"] for line in lines] == [WORKER_STATUS] * 4
    assert [line["uptime_seconds"] for line in lines] == [0, 60, 120, 180]
    assert all(line["healthy"] and line["log_level"] == "info" for line in lines)
    assert all(line["reasons"] == () for line in lines)


async def test_a_line_says_why_the_process_is_unhealthy(lines: list[EventDict]) -> None:
    time = Time(until=10.0)
    health = Health(clock=time)
    health.failed("supabase", "HTTP 503")
    await logged(time, health)
    (line,) = lines
    assert (line["healthy"], line["log_level"]) == (False, "warning")
    assert line["reasons"] == ("redis has not answered yet", "supabase: HTTP 503")
    assert line["dependencies"] == {"supabase": False}


async def test_a_blocked_loop_shows_in_the_next_line_and_not_in_the_one_after(lines: list[EventDict]) -> None:
    time = Time(until=200.0, late={5: 14.0})
    health = Health(clock=time)
    health.succeeded("redis")
    await logged(time, health, every=30.0)
    assert [line["healthy"] for line in lines[:4]] == [True, False, True, True]
    assert lines[1]["reasons"] == ("the event loop did not turn for 15.0 s",)
    assert lines[1]["longest_turn_ms"] == 15_000
    assert lines[2]["longest_turn_ms"] == 1_000


async def test_dependencies_are_asked_before_each_line(lines: list[EventDict]) -> None:
    time = Time(until=120.0)
    answers: Iterator[Exception | None] = iter(
        [None, Unavailable("Redis is away.", dependency="redis"), OSError("connect to redis://:canary@cache")]
    )

    async def ping() -> None:
        if error := next(answers):
            raise error

    await logged(time, Health(clock=time), probes={"redis": ping})
    assert [line["reasons"] for line in lines] == [(), ("redis: Redis is away.",), ("redis: OSError",)]


async def test_a_dependency_that_does_not_answer_in_time_has_failed(lines: list[EventDict]) -> None:
    time = Time(until=1.0)

    async def ping() -> None:
        raise TimeoutError

    await logged(time, Health(clock=time), probes={"redis": ping})
    assert lines[0]["reasons"] == ("redis: no answer within 5 s",)


async def test_it_ends_when_cancelled_even_while_it_waits_for_an_answer() -> None:
    asked = asyncio.Event()

    async def never() -> None:
        asked.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(log_status(Health(), probes={"redis": never}))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
