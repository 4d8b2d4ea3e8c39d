"""What workers hold back together: tokens of a provider account, calls to a dependency that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal

import pytest
from arq.connections import ArqRedis
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from dealpulse.errors import Unavailable
from dealpulse.queue.connection import answer, build_pool
from dealpulse.queue.limits import (
    BREAKER_CLOSED,
    BREAKER_OPENED,
    BUCKET_CLOSED,
    LONGEST_CLOSING,
    Admission,
    Breakers,
    Buckets,
)
from dealpulse.settings import RedisSettings, Settings

GO_AHEAD = Admission(0.0)
MILLISECOND = 0.001
FRESH = count()
"""Numbers for names that no earlier example of a property used."""

against_redis = examples(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Watched(ArqRedis):
    """Counts what it asks Redis; breaks before its next request, or holds that or its reply back, where told to."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked = 0
        self.next: Literal["passes", "breaks", "request is held", "reply is held"] = "passes"
        self.held = asyncio.Event()
        self.release = asyncio.Event()

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        self.asked += 1
        this, self.next = self.next, "passes"
        if this == "breaks":
            raise RedisConnectionError("Connection closed by server.")
        if this == "request is held":
            await self._hold()
        reply = await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py
        if this == "reply is held":
            await self._hold()
        return reply

    async def _hold(self) -> None:
        self.held.set()
        await self.release.wait()


class Swallowing(ArqRedis):
    """A connection that breaks at the very moment it is cancelled, and reports only that it broke."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def execute_command(self, *_: Any, **__: Any) -> Any:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RedisConnectionError("Connection closed by server.") from None


@pytest.fixture
async def watched(settings: Settings) -> AsyncIterator[Watched]:
    opened: Watched = build_pool(settings.redis, Watched)
    # The first run of a script loads it, which is none of what the tests count.
    await Breakers(opened).state(["warm-up"])
    opened.asked = 0
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest.fixture
async def absent() -> AsyncIterator[ArqRedis]:
    """A Redis that is not there."""
    opened: ArqRedis = build_pool(RedisSettings(host="127.0.0.1", port=1))
    yield opened
    await opened.aclose(close_connection_pool=True)


async def server_time(pool: ArqRedis) -> float:
    """Seconds on Redis's clock."""
    seconds, microseconds = await answer(pool.time())
    return float(seconds) + float(microseconds) / 1e6


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for server time to bring it about."""
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(MILLISECOND)


async def keys(pool: ArqRedis) -> set[str]:
    return {key.decode() for key in await answer(pool.keys("dealpulse:*"))}


# --- buckets ----------------------------------------------------------------------------------------------------------


async def test_a_burst_is_granted_at_once_and_then_tokens_come_at_the_rate(pool: ArqRedis) -> None:
    buckets, started = Buckets(pool), await server_time(pool)
    assert [await buckets.take("google", rate_per_second=5, burst=3) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert 0 < await buckets.take("google", rate_per_second=5, burst=3) <= 0.2

    async def granted() -> bool:
        return await buckets.take("google", rate_per_second=5, burst=3) == 0.0

    await until(granted)
    assert await server_time(pool) - started >= 0.2


async def test_what_is_not_granted_is_not_taken(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    assert await buckets.take("google", rate_per_second=2, burst=2, tokens=2) == 0.0
    waits = [await buckets.take("google", rate_per_second=2, burst=2, tokens=2) for _ in range(20)]
    assert waits == sorted(waits, reverse=True)
    assert max(waits) <= 1.0


@pytest.mark.parametrize(
    ("rate", "burst", "tokens"), [(10.0, 1.0, 2.0), (0.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (10.0, 1.0, 0.0)]
)
async def test_what_could_never_be_granted_is_a_mistake(
    pool: ArqRedis, rate: float, burst: float, tokens: float
) -> None:
    with pytest.raises(ValueError, match="cannot take"):
        await Buckets(pool).take("google", rate_per_second=rate, burst=burst, tokens=tokens)


@dataclass(frozen=True)
class Grant:
    """``tokens`` that were granted at some moment from ``asked`` to ``told``, in seconds of server time."""

    tokens: int
    asked: float
    told: float


@dataclass(frozen=True)
class Taker:
    """Asks for each of ``wanted``, over and over until granted; a patient one waits as told in between."""

    wanted: tuple[int, ...]
    patient: bool

    async def take(self, pool: ArqRedis, name: str, *, rate: float, burst: int) -> list[Grant]:
        buckets = Buckets(pool)
        grants: list[Grant] = []
        for tokens in (min(tokens, burst) for tokens in self.wanted):
            while True:
                asked = await server_time(pool)
                wait = await buckets.take(name, rate_per_second=rate, burst=burst, tokens=tokens)
                if wait == 0.0:
                    break
                await asyncio.sleep(wait if self.patient else 0)
            grants.append(Grant(tokens, asked, await server_time(pool)))
        return grants


takers = st.lists(
    st.builds(Taker, wanted=st.lists(st.integers(1, 4), max_size=6).map(tuple), patient=st.booleans()),
    min_size=1,
    max_size=5,
)


@against_redis
@given(takers=takers, rate=st.sampled_from([200.0, 333.0, 1000.0]), burst=st.integers(1, 5))
async def test_in_any_time_span_no_more_is_granted_than_a_burst_and_the_rate(
    pool: ArqRedis, takers: list[Taker], rate: float, burst: int
) -> None:
    name = f"account-{next(FRESH)}"
    async with asyncio.timeout(30):
        taken = await asyncio.gather(*(taker.take(pool, name, rate=rate, burst=burst) for taker in takers))
    grants = [grant for grants in taken for grant in grants]
    for first in grants:
        for last in grants:
            span = [grant for grant in grants if grant.asked >= first.asked and grant.told <= last.told]
            allowed = burst + rate * (last.told - first.asked) + 1
            assert not span or sum(grant.tokens for grant in span) <= allowed


@against_redis
@given(wanted=st.lists(st.integers(1, 3), min_size=1, max_size=12), rate=st.sampled_from([150.0, 700.0, 1000.0]))
async def test_who_is_alone_and_waits_as_told_is_granted(pool: ArqRedis, wanted: list[int], rate: float) -> None:
    buckets, name = Buckets(pool), f"account-{next(FRESH)}"
    for tokens in wanted:
        wait = await buckets.take(name, rate_per_second=rate, burst=3, tokens=tokens)
        if wait > 0:
            assert wait <= tokens / rate + MILLISECOND
            due = await server_time(pool) + wait
            await asyncio.sleep(wait)

            async def reached(due: float = due) -> bool:
                return await server_time(pool) >= due

            await until(reached)  # the loop's clock may be a little ahead of the server's
            assert await buckets.take(name, rate_per_second=rate, burst=3, tokens=tokens) == 0.0


async def test_a_rate_that_was_raised_does_not_owe_the_waits_of_the_lower_one(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    assert await buckets.take("google", rate_per_second=0.01, burst=1) == 0.0
    assert await buckets.take("google", rate_per_second=100, burst=1) <= 0.01


async def test_a_closed_bucket_is_closed_to_all_workers_and_reopens_without_a_burst(
    pool: ArqRedis, watched: Watched
) -> None:
    here, there, rate, closing = Buckets(pool), Buckets(watched), 100.0, 0.2
    closed_at = await server_time(pool)
    await here.close("google", closing)
    assert await there.take("google", rate_per_second=rate, burst=5) > 0
    granted: list[float] = []

    async def six_granted() -> bool:
        if await there.take("google", rate_per_second=rate, burst=5) == 0.0:
            granted.append(await server_time(pool) - closed_at)
        return len(granted) == 6

    await until(six_granted)
    for number, after in enumerate(granted, start=1):
        assert after >= closing + number / rate, "it filled at its rate, from empty"


async def test_who_asks_while_it_is_closed_is_told_when_the_tokens_will_have_come(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    await buckets.close("google", 100)
    waits = [await buckets.take("google", rate_per_second=0.1, burst=5, tokens=3) for _ in range(50)]
    assert 99 + 30 < min(waits) < max(waits) <= 110 + 30 + 0.25


async def test_tokens_saved_before_a_closing_are_gone_afterwards(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    assert await buckets.take("google", rate_per_second=10, burst=100) == 0.0
    await buckets.close("google", 0.01)

    async def reopened() -> bool:
        return (await buckets.state(["google"]))["google"] == 0.0

    await until(reopened)
    assert await buckets.take("google", rate_per_second=10, burst=100, tokens=100) > 9


async def test_a_late_caller_finds_a_bucket_that_filled_since_it_reopened(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    await buckets.close("google", 0.005)

    async def filled() -> bool:
        return await buckets.take("google", rate_per_second=200, burst=4, tokens=4) == 0.0

    await until(filled)


@against_redis
@given(closings=st.lists(st.floats(0, 2 * LONGEST_CLOSING), min_size=1, max_size=8))
async def test_closing_again_never_shortens_and_lasts_no_longer_than_allowed(
    pool: ArqRedis, closings: list[float]
) -> None:
    buckets, name = Buckets(pool), f"account-{next(FRESH)}"
    earliest = latest = 0.0
    for seconds in closings:
        lasting = min(seconds, LONGEST_CLOSING)
        earliest = max(earliest, await server_time(pool) + lasting)
        await buckets.close(name, seconds)
        latest = max(latest, await server_time(pool) + lasting)

        asked = await server_time(pool)
        left = (await buckets.state([name]))[name]
        told = await server_time(pool)
        assert left <= LONGEST_CLOSING
        assert told + left >= earliest - MILLISECOND
        if left:
            assert asked + left <= latest + 2 * MILLISECOND


async def test_an_operator_reopens_a_bucket_at_once_and_empty(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    await buckets.close("google", 600)
    await buckets.release("google")
    assert await buckets.state(["google"]) == {"google": 0.0}
    assert await buckets.take("google") == 0.0
    assert 0 < await buckets.take("google", rate_per_second=0.5, burst=5) <= 2.0


async def test_releasing_an_open_bucket_changes_nothing(pool: ArqRedis) -> None:
    await Buckets(pool).release("google")
    assert await keys(pool) == set()


async def test_without_a_rate_a_bucket_is_only_ever_closed(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    assert {await buckets.take("anthropic") for _ in range(50)} == {0.0}
    assert await keys(pool) == set()
    await buckets.close("anthropic", 100)
    waits = [await buckets.take("anthropic") for _ in range(50)]
    assert 99 < min(waits) < max(waits) <= 110 + 0.25
    assert max(waits) - min(waits) > 1, "they come back one after another"


async def test_the_dashboard_sees_what_is_closed_and_for_how_long(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    await buckets.close("google", 60)
    left = await buckets.state(["google", "microsoft"])
    assert 59 < left["google"] <= 60
    assert left["microsoft"] == 0.0
    assert await buckets.state([]) == {}


async def test_an_idle_bucket_leaves_nothing_behind(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    assert await buckets.take("google", rate_per_second=5, burst=2) == 0.0
    assert await keys(pool) == {"dealpulse:bucket:google"}

    async def gone() -> bool:
        return await keys(pool) == set()

    await until(gone)
    await buckets.close("google", 1)
    await buckets.take("google", rate_per_second=100, burst=2)
    assert 0 < await answer(pool.pttl("dealpulse:bucket:google")) <= 3_602_000, (
        "a closing is forgotten an hour after it"
    )


async def test_closing_is_logged_once_however_many_were_refused(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    with capture_logs() as lines:
        await asyncio.gather(*(buckets.close("google", 30) for _ in range(10)))
    assert [(line["event"], line["bucket"], line["seconds"]) for line in lines] == [(BUCKET_CLOSED, "google", 30.0)]


async def test_scripts_that_redis_forgot_are_loaded_again(pool: ArqRedis) -> None:
    buckets = Buckets(pool)
    for _ in range(2):
        await answer(pool.script_flush())
        assert await buckets.take("google") == 0.0


async def test_a_full_redis_still_limits(pool: ArqRedis) -> None:
    buckets, breakers = Buckets(pool), Breakers(pool)
    await answer(pool.config_set("maxmemory", "1"))
    try:
        await buckets.close("google", 60)
        assert await buckets.take("google") > 0
        await breakers.failed("supabase")
        assert (await breakers.admit("supabase")).wait > 0
    finally:
        await answer(pool.config_set("maxmemory", "0"))


async def test_without_redis_a_token_is_unavailable_and_a_closing_is_lost(absent: ArqRedis) -> None:
    buckets = Buckets(absent)
    with pytest.raises(Unavailable):
        await buckets.take("google", rate_per_second=1)
    with pytest.raises(Unavailable):
        await buckets.state(["google"])
    with pytest.raises(Unavailable):
        await buckets.release("google")
    await buckets.close("google", 60)


# --- breakers ---------------------------------------------------------------------------------------------------------


def hasty(
    pool: ArqRedis, *, first_pause: float = 0.02, longest_pause: float = 0.08, probe_lease: float = 15
) -> Breakers:
    """Breakers of one worker, with pauses that tests can wait for, and no memory of its own."""
    return Breakers(
        pool, first_pause=first_pause, longest_pause=longest_pause, probe_lease=probe_lease, trusted_for=0.0
    )


async def probe(*workers: Breakers) -> Breakers:
    """The one of ``workers`` that is given the next probe of Supabase."""
    async with asyncio.timeout(20):
        while True:
            for worker in workers:
                admission = await worker.admit("supabase")
                assert admission != GO_AHEAD, "the breaker closed by itself"
                if admission.probe:
                    assert admission.wait == 0.0
                    return worker
            await asyncio.sleep(MILLISECOND)


async def next_probe(worker: Breakers) -> float:
    return (await worker.state(["supabase"]))["supabase"].next_probe


async def test_a_dependency_nobody_complained_of_is_called_freely(pool: ArqRedis) -> None:
    breakers = hasty(pool)
    assert {await breakers.admit("supabase") for _ in range(10)} == {GO_AHEAD}
    assert await breakers.state(["supabase"]) == {}
    assert await keys(pool) == set()


async def test_one_failure_holds_all_workers_back_for_a_second(pool: ArqRedis, watched: Watched) -> None:
    here, there = Breakers(pool), Breakers(watched)
    await here.failed("supabase")
    for worker in (here, there):
        admission = await worker.admit("supabase")
        assert not admission.probe
        assert 0 < admission.wait <= 1.0
    assert await there.admit("anthropic") == GO_AHEAD, "each dependency has its own"


async def test_many_failures_at_once_are_one_opening(pool: ArqRedis) -> None:
    workers = [hasty(pool, first_pause=0.1, longest_pause=10) for _ in range(3)]
    with capture_logs() as lines:
        await asyncio.gather(*(worker.failed("supabase") for worker in workers for _ in range(10)))
    assert [(line["event"], line["seconds"]) for line in lines] == [(BREAKER_OPENED, 0.1)]
    assert await next_probe(workers[0]) <= 0.1
    prober = await probe(*workers)
    await asyncio.gather(*(worker.failed("supabase") for worker in workers if worker is not prober))
    assert await next_probe(workers[0]) > 10, "only the probe can say how it went"
    await asyncio.gather(*(prober.failed("supabase") for _ in range(10)))
    assert await next_probe(workers[0]) <= 0.2, "it failed once, not ten times"


async def test_each_probe_that_fails_doubles_the_pause_up_to_the_longest(pool: ArqRedis) -> None:
    worker = hasty(pool, first_pause=0.02, longest_pause=0.08)
    before = await server_time(pool)
    await worker.failed("supabase")
    for pause in (0.02, 0.04, 0.08, 0.08):
        assert await next_probe(worker) <= pause
        looked = before
        while not (await worker.admit("supabase")).probe:
            looked = await server_time(pool)
        assert await server_time(pool) - before >= pause - MILLISECOND
        before = looked
        await worker.failed("supabase")
    await probe(worker)
    assert (await worker.admit("supabase")).wait <= 0.08


async def test_a_probe_that_took_long_to_fail_does_not_put_off_the_next(pool: ArqRedis) -> None:
    worker = hasty(pool, first_pause=0.2, longest_pause=0.2)
    await worker.failed("supabase")
    await probe(worker)
    told = await server_time(pool)

    async def took_long() -> bool:
        return await server_time(pool) >= told + 0.15

    await until(took_long)
    await worker.failed("supabase")
    assert await next_probe(worker) <= 0.05 + MILLISECOND


@against_redis
@given(callers=st.integers(1, 30), processes=st.integers(1, 4), failures=st.integers(0, 3))
async def test_of_all_who_ask_at_once_exactly_one_is_the_probe(
    pool: ArqRedis, callers: int, processes: int, failures: int
) -> None:
    dependency = f"dependency-{next(FRESH)}"
    workers = [hasty(pool, first_pause=0.002, longest_pause=0.004) for _ in range(processes)]
    await workers[0].failed(dependency)
    for round_number in range(failures + 1):

        async def due() -> bool:
            return (await workers[0].state([dependency]))[dependency].next_probe == 0.0

        await until(due)
        asking = [workers[number % processes] for number in range(callers)]
        admissions = await asyncio.gather(*(worker.admit(dependency) for worker in asking))
        [prober] = [worker for worker, admission in zip(asking, admissions, strict=True) if admission.probe]
        assert all(admission.wait > 0 for admission in admissions if not admission.probe)
        if round_number < failures:
            await prober.failed(dependency)
        else:
            await prober.succeeded(dependency)
    assert await asyncio.gather(*(worker.admit(dependency) for worker in workers)) == [GO_AHEAD] * processes


async def test_while_a_probe_runs_the_others_look_again_after_a_pause(pool: ArqRedis) -> None:
    workers = [hasty(pool, first_pause=0.03), hasty(pool)]
    await workers[0].failed("supabase")
    await probe(*workers)
    for worker in workers:
        admission = await worker.admit("supabase")
        assert not admission.probe
        assert 0 < admission.wait <= 0.03


async def test_a_probe_whose_worker_died_is_given_to_another(pool: ArqRedis) -> None:
    dead, alive = hasty(pool, probe_lease=0.3), hasty(pool)
    await dead.failed("supabase")
    asked = await server_time(pool)
    await probe(dead)
    assert not (await alive.admit("supabase")).probe
    assert await probe(alive) is alive
    assert await server_time(pool) - asked >= 0.3


async def test_a_probe_that_was_given_to_another_meanwhile_no_longer_counts_as_failed(pool: ArqRedis) -> None:
    slow, quick = hasty(pool, probe_lease=0.02), hasty(pool)
    await slow.failed("supabase")
    await probe(slow)
    await probe(quick)
    await slow.failed("supabase")
    assert await next_probe(quick) > 10, "the other probe still runs"
    await quick.succeeded("supabase")
    assert await slow.admit("supabase") == GO_AHEAD


async def test_a_slow_probe_closes_the_breaker_though_another_was_sent_after_it(pool: ArqRedis) -> None:
    slow, hanging = hasty(pool, probe_lease=0.02), hasty(pool)
    await slow.failed("supabase")
    await probe(slow)
    await probe(hanging)
    await slow.succeeded("supabase")
    assert await hanging.admit("supabase") == GO_AHEAD


async def test_a_late_success_does_not_close_what_opened_after_it(pool: ArqRedis) -> None:
    slow, quick = hasty(pool, probe_lease=0.02), hasty(pool)
    await slow.failed("supabase")
    await probe(slow)
    await probe(quick)
    await quick.succeeded("supabase")
    await quick.failed("supabase")
    await slow.succeeded("supabase")
    assert set(await quick.state(["supabase"])) == {"supabase"}


async def test_a_probe_that_succeeds_closes_the_breaker_for_all_workers(pool: ArqRedis) -> None:
    workers = [hasty(pool), hasty(pool)]
    await workers[0].failed("supabase")
    prober = await probe(*workers)
    with capture_logs() as lines:
        await prober.succeeded("supabase")
        await prober.succeeded("supabase")
    assert [line["event"] for line in lines] == [BREAKER_CLOSED]
    assert [await worker.admit("supabase") for worker in workers] == [GO_AHEAD, GO_AHEAD]
    assert await keys(pool) == set()


async def test_the_next_outage_starts_from_the_first_pause_again(pool: ArqRedis) -> None:
    worker = hasty(pool)
    await worker.failed("supabase")
    for _ in range(3):
        await probe(worker)
        await worker.failed("supabase")
    await probe(worker)
    await worker.succeeded("supabase")
    await worker.failed("supabase")
    assert await next_probe(worker) <= 0.02


async def test_a_closed_breaker_is_asked_about_once_a_second_however_many_ask(watched: Watched) -> None:
    now = 100.0
    breakers = Breakers(watched, clock=lambda: now)
    for moment in (100.0, 100.5, 100.999):
        now = moment
        assert set(await asyncio.gather(*(breakers.admit("supabase") for _ in range(20)))) == {GO_AHEAD}
    assert watched.asked == 1
    now = 101.0
    await asyncio.gather(*(breakers.admit("supabase") for _ in range(20)))
    assert watched.asked == 2


async def test_a_failure_of_this_process_counts_in_it_at_once(watched: Watched) -> None:
    breakers = Breakers(watched)
    assert await breakers.admit("supabase") == GO_AHEAD
    await breakers.failed("supabase")
    assert (await breakers.admit("supabase")).wait > 0


async def test_a_failure_counts_before_its_report_was_acknowledged(watched: Watched) -> None:
    breakers = Breakers(watched)
    assert await breakers.admit("supabase") == GO_AHEAD
    watched.next = "reply is held"
    failing = asyncio.create_task(breakers.failed("supabase"))
    await watched.held.wait()
    assert (await breakers.admit("supabase")).wait > 0
    watched.release.set()
    await failing


async def test_what_redis_said_before_a_failure_reached_it_is_not_remembered(watched: Watched) -> None:
    breakers = Breakers(watched)
    watched.next = "request is held"
    failing = asyncio.create_task(breakers.failed("supabase"))
    await watched.held.wait()
    assert await breakers.admit("supabase") == GO_AHEAD
    watched.release.set()
    await failing
    assert (await breakers.admit("supabase")).wait > 0


async def test_an_answer_older_than_a_failure_is_not_remembered(watched: Watched) -> None:
    breakers = Breakers(watched)
    watched.next = "reply is held"
    asking = asyncio.create_task(breakers.admit("supabase"))
    await watched.held.wait()
    await breakers.failed("supabase")
    watched.release.set()
    assert await asking == GO_AHEAD, "it was closed when it was asked about"
    assert (await breakers.admit("supabase")).wait > 0


async def test_success_costs_nothing_but_after_a_probe(watched: Watched) -> None:
    breakers = hasty(watched)
    await breakers.succeeded("supabase")
    assert watched.asked == 0
    await breakers.failed("supabase")
    await probe(breakers)
    watched.asked = 0
    for _ in range(3):
        await breakers.succeeded("supabase")
    assert watched.asked == 1


async def test_success_costs_nothing_where_another_closed_the_breaker(pool: ArqRedis, watched: Watched) -> None:
    here, there = hasty(watched, probe_lease=0.02), hasty(pool)
    await here.failed("supabase")
    await probe(here)
    await probe(there)
    await there.succeeded("supabase")
    assert await here.admit("supabase") == GO_AHEAD
    watched.asked = 0
    await here.succeeded("supabase")
    assert watched.asked == 0


async def test_a_breaker_nobody_asks_about_any_more_leaves_nothing_behind(pool: ArqRedis) -> None:
    breakers = Breakers(pool, forgotten_after=0.2)
    await breakers.failed("supabase")
    assert await keys(pool) == {"dealpulse:breaker:supabase"}

    async def gone() -> bool:
        return await keys(pool) == set()

    await until(gone)


async def test_the_dashboard_sees_what_is_away_since_when_and_the_next_probe(pool: ArqRedis) -> None:
    breakers, before = Breakers(pool), await server_time(pool)
    await breakers.failed("supabase")
    state = await breakers.state(["supabase", "anthropic"])
    assert set(state) == {"supabase"}
    since = state["supabase"].since
    assert datetime.fromtimestamp(before - MILLISECOND, UTC) <= since
    assert since <= datetime.fromtimestamp(await server_time(pool), UTC)
    assert 0 < state["supabase"].next_probe <= 1.0


async def test_without_redis_every_call_is_let_through_and_reports_are_lost(absent: ArqRedis) -> None:
    breakers = Breakers(absent)
    await breakers.failed("supabase")
    assert await breakers.admit("supabase") == GO_AHEAD
    await breakers.succeeded("supabase")
    with pytest.raises(Unavailable):
        await breakers.state(["supabase"])


async def test_a_success_that_redis_did_not_hear_of_is_told_with_the_next(watched: Watched) -> None:
    breakers = hasty(watched)
    await breakers.failed("supabase")
    await probe(breakers)
    watched.next = "breaks"
    await breakers.succeeded("supabase")
    assert set(await breakers.state(["supabase"])) == {"supabase"}
    await breakers.succeeded("supabase")
    assert await breakers.state(["supabase"]) == {}


async def test_a_call_let_through_without_redis_is_no_probe_and_is_soon_asked_about_again(watched: Watched) -> None:
    now = 100.0
    breakers = Breakers(watched, clock=lambda: now)
    await breakers.failed("supabase")
    watched.next = "breaks"
    assert await breakers.admit("supabase") == GO_AHEAD
    assert await breakers.admit("supabase") == GO_AHEAD
    now = 101.0
    assert await breakers.admit("supabase") != GO_AHEAD


@pytest.mark.parametrize("ask", [Breakers.admit, Breakers.failed])
async def test_who_is_cancelled_ends_even_if_the_cancellation_is_swallowed(
    ask: Callable[[Breakers, str], Awaitable[object]],
) -> None:
    redis = Swallowing()

    async def asking() -> None:
        await ask(Breakers(redis), "supabase")

    task = asyncio.create_task(asking())
    await redis.asked.wait()
    task.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await task
    await redis.aclose()
