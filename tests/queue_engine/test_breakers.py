"""Calls to a dependency that is away: all workers hold back, and one tries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from arq.connections import ArqRedis
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from dealpulse.errors import Unavailable
from dealpulse.queue.limits import (
    BREAKER_CLOSED,
    BREAKER_OPENED,
    Breakers,
)
from queue_engine.limited import (
    FRESH,
    GO_AHEAD,
    MILLISECOND,
    Swallowing,
    Watched,
    against_redis,
    keys,
    server_time,
    until,
)


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
