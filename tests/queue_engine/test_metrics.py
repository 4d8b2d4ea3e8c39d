"""What a queue did, minute by minute and hour by hour, and how long it took."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import pytest
from arq.connections import ArqRedis
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.errors import Invalid
from dealpulse.jobs import DOCUMENTS, EMAILS
from dealpulse.queue import Histogram, Metrics, QueueClient, Series, Unit
from dealpulse.queue.connection import answer
from dealpulse.queue.outcomes import Again, Claimed, Outcome
from dealpulse.queue.scripts import Ending
from queue_engine.endings import die, document, end, now_ms, succeed
from queue_engine.engines import turn

KEY = DOCUMENTS.key
HALF_OCTAVE = math.sqrt(2)


@pytest.fixture
def metrics(pool: ArqRedis) -> Metrics:
    return Metrics(pool)


async def minute(metrics: Metrics) -> Series:
    """The last two minutes: the clock may have struck since the test began."""
    return await metrics.series(KEY, last=2)


async def test_everything_that_happens_is_counted(client: QueueClient, pool: ArqRedis, metrics: Metrics) -> None:
    await end(pool, [document(number) for number in range(7)], succeed)
    await end(pool, [document(number) for number in range(7, 10)], die)

    def retry_once(job: Claimed) -> Outcome:
        return succeed(job) if job.attempt == 2 else Again("process_document", 0, burn=True)

    await end(pool, [document(10)], retry_once)
    await client.enqueue(document(11))
    await client.cancel(document(11).id)
    for unit in Unit:
        done = (await metrics.series(KEY, unit, last=2)).sum
        counts = (done.enqueued, done.completed, done.failed, done.retried, done.cancelled, done.crashed)
        assert counts == (12, 8, 3, 1, 1, 0)
        assert (done.waits.count, done.runs.count) == (12, 12), "a run that is tried again is a run"
    assert (await metrics.series(EMAILS.key)).sum.enqueued == 0


async def test_a_crash_is_counted(client: QueueClient, pool: ArqRedis, metrics: Metrics) -> None:
    await client.enqueue(document())
    await turn(pool, "a worker that died", lease=1, registered=1)
    async with asyncio.timeout(10):
        while not (await turn(pool)).claims:
            await asyncio.sleep(0)
    assert (await minute(metrics)).sum.crashed == 1


@pytest.mark.parametrize("ran_ms", [0, 1, 2, 90, 3_000, 750_000])
async def test_run_times_are_told_to_within_half_an_octave(
    client: QueueClient, pool: ArqRedis, metrics: Metrics, ran_ms: int
) -> None:
    await client.enqueue(document())
    (claim,) = (await turn(pool)).claims
    started = await now_ms(pool) - ran_ms
    finish = Ending(claim.id, "other#1", "completed", claim.run, claim.deal, 1, started, arq="{}")
    await turn(pool, seq=2, wanted=0, finishing=[finish])
    took = await now_ms(pool) - started
    runs = (await minute(metrics)).sum.runs
    assert runs.count == 1
    for percentile in (runs.p50, runs.p95, runs.p99):
        assert percentile is not None
        assert ran_ms / HALF_OCTAVE / HALF_OCTAVE <= percentile <= max(1, took) * HALF_OCTAVE


async def test_times_without_anything_are_zeros_and_none(metrics: Metrics) -> None:
    series = await metrics.series(KEY, Unit.minute, last=1440)
    assert len(series.intervals) == 1440
    assert all(
        later.start - sooner.start == timedelta(minutes=1)
        for sooner, later in zip(series.intervals[:-1], series.intervals[1:], strict=True)
    )
    last = series.intervals[-1]
    assert timedelta() <= series.now - last.start < timedelta(minutes=1)
    assert (last.enqueued, last.completed, last.depth, last.runs.count, last.waits.p50) == (0, 0, None, 0, None)
    assert 1439 * 60 <= series.seconds < 1440 * 60


async def test_an_interval_far_back_stands_in_its_place(pool: ArqRedis, metrics: Metrics) -> None:
    hour = await now_ms(pool) // 3_600_000
    await answer(pool.hset(f"{KEY}:hour:{hour - 300}", mapping={"completed": 5, "r4": 2, "r10": 1, "depth": 9}))
    series = await metrics.series(KEY, Unit.hour, last=336)
    (found,) = [each for each in series.intervals if each.completed]
    assert found.start.timestamp() == (hour - 300) * 3600
    assert (found.completed, found.runs.buckets, found.depth) == (5, {4: 2, 10: 1}, 9)


@pytest.mark.parametrize(("unit", "last"), [(Unit.minute, 0), (Unit.minute, 1441), (Unit.hour, 337)])
async def test_more_than_is_kept_cannot_be_asked_for(metrics: Metrics, unit: Unit, last: int) -> None:
    with pytest.raises(Invalid) as refused:
        await metrics.series(KEY, unit, last=last)
    assert refused.value.code == "invalid_span"


def bucket(ms: int) -> int:
    """As the scripts choose it."""
    return 0 if ms <= 1 else math.ceil(math.log(ms) / (math.log(2) / 2))


@given(st.lists(st.integers(min_value=1, max_value=2_000_000), min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_at_most_half_an_octave_off(times: list[int], share: float) -> None:
    buckets: dict[int, int] = {}
    for time in times:
        buckets[bucket(time)] = buckets.get(bucket(time), 0) + 1
    true = sorted(times)[math.ceil(share * len(times)) - 1]
    told = Histogram(buckets).percentile(share)
    assert told is not None
    assert true / HALF_OCTAVE * 0.999 <= told <= true * HALF_OCTAVE * 1.001


def test_percentiles_lie_evenly_inside_a_bucket_by_their_logarithm() -> None:
    histogram = Histogram({4: 100})
    assert histogram.percentile(1.0) == pytest.approx(4)
    assert histogram.p50 == pytest.approx(2**1.75)
    assert Histogram().p99 is None
