"""Tokens of a provider account, which all workers share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from arq.connections import ArqRedis
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from dealpulse.errors import Unavailable
from dealpulse.queue.connection import answer
from dealpulse.queue.limits import (
    BUCKET_CLOSED,
    LONGEST_CLOSING,
    Breakers,
    Buckets,
)
from queue_engine.limited import (
    FRESH,
    MILLISECOND,
    Watched,
    against_redis,
    keys,
    server_time,
    until,
)


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
