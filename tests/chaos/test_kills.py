"""Workers and Redis are killed over and over: every job ends, and ends once."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, pairwise
from typing import Final

from arq.connections import ArqRedis

from chaos.crew import Crew, Database, Row, job, rows, until_started
from chaos.left import kept_runs, left_behind, records
from chaos.told import Told, told
from chaos.valkey import Valkey
from dealpulse.errors import Unavailable
from dealpulse.jobs import DOCUMENTS, ProcessDocument
from dealpulse.queue import QueueClient
from dealpulse.queue.engine import LEASE_LOST

JOBS: Final = 2_000
WORKERS: Final = 3
KILL_SECONDS: Final = 2.0
REDIS_KILLED_AFTER: Final = {JOBS // 4: 0.0, JOBS // 2: 2.0}
"""When so many jobs have ended; and how many seconds it is away."""
SEED: Final = 7


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of the jobs: from what they wrote, what Redis told of them and what the workers printed."""

    ids: frozenset[str]
    started: Counter[str]
    through: Counter[str]
    refused: Counter[str]
    taken_over: Counter[str]
    told: Told
    killed: int
    seconds: float

    @property
    def accepted(self) -> Counter[str]:
        return Counter({job_id: self.told.ends(job_id) for job_id in self.ids})

    def __str__(self) -> str:
        lines = {
            "runs claimed": self._counts(self.told.by_job("started")),
            "runs started": self._counts(self.started),
            "ran to their end": self._counts(self.through),
            "finish accepted": self._counts(self.accepted),
            "finish refused": self._counts(self.refused),
            "cancelled, lease lost": self._counts(self.taken_over),
            "crashes counted": self._counts(self.told.by_job("crashed")),
            "dead": self._counts(self.told.by_job("failed")),
        }
        redis = len(REDIS_KILLED_AFTER)
        title = f"{len(self.ids)} jobs; killed: {self.killed} workers, Redis {redis} times; {self.seconds:.0f} s"
        return "\n".join(["", title, *(f"{name:22}{counts}" for name, counts in lines.items())])

    def _counts(self, runs: Counter[str]) -> str:
        jobs = sorted(Counter(runs[job_id] for job_id in self.ids).items())
        spread = ", ".join(f"{times}x: {number}" for times, number in jobs)
        return f"{sum(runs[job_id] for job_id in self.ids):5}   jobs by how often: {spread}"


async def test_every_job_ends_once_whoever_is_killed(
    redis: Valkey, pool: ArqRedis, client: QueueClient, workers: Crew, database: Database
) -> None:
    chance = random.Random(SEED)  # noqa: S311  # chooses victims
    jobs = [job(number, round(chance.uniform(0.05, 0.25), 3)) for number in range(JOBS)]
    began, over = time.monotonic(), asyncio.Event()
    await client.enqueue_many(jobs)
    for _ in range(WORKERS):
        await workers.start()
    killing = asyncio.create_task(kill_now_and_then(workers, chance, over))
    try:
        for count, seconds in REDIS_KILLED_AFTER.items():
            await ended(client, count)
            await redis.kill()
            await asyncio.sleep(seconds)
            await redis.start()
        await ended(client, JOBS)
    finally:
        over.set()
        killed = await killing
    seconds = time.monotonic() - began
    await workers.stop()
    written = await rows(database)
    report = compiled(jobs, written, await told(pool), workers, killed=killed, seconds=seconds)
    print(report)  # noqa: T201  # the report is what this test is for
    assert_ended_once(report)
    assert_no_run_was_taken_from_the_living(written, workers.killed)
    assert await left_behind(pool, DOCUMENTS.key) == []
    assert await records(pool) == await kept_runs(pool, DOCUMENTS.key)


async def test_who_wakes_after_another_took_his_job_over_is_refused(
    pool: ArqRedis, client: QueueClient, workers: Crew, database: Database
) -> None:
    one = job(1, 1)
    sleeper = await workers.start()
    await client.enqueue(one)
    await until_started(database, one.id)
    sleeper.process.send_signal(signal.SIGSTOP)
    await workers.start()
    await ended(client, 1)
    sleeper.process.send_signal(signal.SIGCONT)
    await sleeper.says(LEASE_LOST)
    await workers.stop()
    events = await told(pool)
    assert (events.of(one.id, "started"), events.of(one.id, "crashed"), events.ends(one.id)) == (2, 1, 1)


def assert_ended_once(report: Report) -> None:
    assert set(report.accepted.values()) == {1}
    for job_id in report.ids:
        dead = report.told.of(job_id, "failed")
        assert report.through[job_id] >= 1 - dead, "what is completed has run to its end"
        assert not dead or report.told.of(job_id, "crashed") == 3, "what is dead took three workers down"
        assert report.started[job_id] <= report.told.of(job_id, "started"), "nobody runs what he has not claimed"


def assert_no_run_was_taken_from_the_living(written: Sequence[Row], killed: Mapping[int, datetime]) -> None:
    runs: dict[str, list[Row]] = defaultdict(list)
    for row in written:
        if row.what == "started":
            runs[row.job_id].append(row)
    for earlier, later in chain.from_iterable(map(pairwise, runs.values())):
        assert earlier.pid in killed, f"{earlier.job_id} ran again, and nobody had died"
        assert killed[earlier.pid] < later.at


async def kill_now_and_then(workers: Crew, chance: random.Random, over: asyncio.Event) -> int:
    """Kill a worker every two seconds, and start another; returns how many died."""
    killed = 0
    while not over.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), KILL_SECONDS)
            continue
        workers.kill(chance.choice(workers.alive))
        killed += 1
        await workers.launch()
    return killed


async def ended(client: QueueClient, count: int) -> None:
    """Wait until so many jobs have ended."""
    async with asyncio.timeout(120):
        while True:
            with suppress(Unavailable):
                totals = (await client.stats())[DOCUMENTS.name].totals
                if totals["completed"] + totals["failed"] >= count:
                    return
            await asyncio.sleep(0.05)


def compiled(
    jobs: Sequence[ProcessDocument], written: Sequence[Row], events: Told, workers: Crew, *, killed: int, seconds: float
) -> Report:
    return Report(
        ids=frozenset(one.id for one in jobs),
        started=Counter(row.job_id for row in written if row.what == "started"),
        through=Counter(row.job_id for row in written if row.what == "finished"),
        refused=Counter(workers.refused("finishing")),
        taken_over=Counter(workers.refused("running")),
        told=events,
        killed=killed,
        seconds=seconds,
    )
