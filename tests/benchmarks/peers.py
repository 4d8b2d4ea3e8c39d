"""One peer, one scenario, one JSON line of figures: ``python peers.py PEER SCENARIO REDIS_URL NUMBER CONCURRENCY``.

Run by ``bench_queue.py`` as a process of its own, so that each peer has its own event loop, memory and CPU time. All do
the same: a job that does nothing (or sleeps), with a payload of about 300 bytes.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

PAYLOAD = "x" * 280
PICKUP_PAUSE = 0.01


class Tracker:
    """Counts finished jobs and notes how long after its enqueueing each began."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.seen = 0
        self.waits: list[float] = []
        self.finished = asyncio.Event()

    def began(self, enqueued_at: float) -> None:
        self.waits.append(time.time() - enqueued_at)

    def ended(self) -> None:
        self.seen += 1
        if self.seen >= self.expected:
            self.finished.set()


async def job(tracker: Tracker, enqueued_at: float, seconds: float) -> None:
    """The work of every peer."""
    tracker.began(enqueued_at)
    if seconds:
        await asyncio.sleep(seconds)
    tracker.ended()


def spent() -> float:
    """CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Ours:
    """Our engine with all it does in production: records, history, totals, one log line a job."""

    def __init__(self, url: str, concurrency: int) -> None:
        from dealpulse import logs
        from dealpulse.settings import LogSettings, Settings

        logs.configure(LogSettings(), service="bench")
        supabase = {"SUPABASE_URL": "http://localhost:1", "SUPABASE_SERVICE_ROLE_KEY": "unused"}
        self._redis = Settings.load(environ={"REDIS_URL": url, **supabase}).redis
        self._concurrency = concurrency

    async def open(self) -> None:
        from dealpulse.queue import create_pool

        self.pool = await create_pool(self._redis)

    async def enqueue(self, count: int, seconds: float, bulk: int = 1) -> None:
        from dealpulse.jobs import DOCUMENTS
        from dealpulse.queue.client import QueueClient

        client = QueueClient(self.pool)
        for start in range(0, count, bulk):
            jobs = [_OurJob(f"job-{start + index}", seconds) for index in range(min(bulk, count - start))]
            await client.enqueue_many(jobs)  # type: ignore[arg-type]  # it has what a Job has
        assert DOCUMENTS.key

    async def work(self, tracker: Tracker) -> Callable[[], Awaitable[None]]:
        from dealpulse.jobs import DOCUMENTS
        from dealpulse.queue.engine import Engine, EngineSettings
        from dealpulse.worker.execute import Policy, Runnable, execute

        async def noop(_ctx: dict[str, Any], _payload: str, enqueued_at: str, seconds: str) -> None:
            await job(tracker, float(enqueued_at), float(seconds))

        functions = {"noop": Runnable(noop, Policy(3, 5.0, 60.0))}
        handler = functools.partial(execute, functions=functions, context={}, operations=_NoRows(), queue="bench")
        settings = EngineSettings(DOCUMENTS.key, self._concurrency, 100, 500)
        engine = Engine(settings, redis=self.pool, handler=handler, worker="bench")
        running = asyncio.create_task(engine.run())

        async def stop() -> None:
            engine.drain()
            await running

        return stop


class _NoRows:
    """No database: jobs of the benchmark have no rows."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the benchmark has no rows to {name}")


class _OurJob:
    function = "noop"
    deal_id = "deal"

    def __init__(self, job_id: str, seconds: float) -> None:
        from dealpulse.jobs import DOCUMENTS

        self.queue = DOCUMENTS
        self.id = job_id
        self.args = (PAYLOAD, str(time.time()), str(seconds))


class Arq:
    """arq as it comes, but for its poll delay of half a second, which stays."""

    def __init__(self, url: str, concurrency: int) -> None:
        self._url, self._concurrency = url, concurrency

    async def open(self) -> None:
        from arq import create_pool
        from arq.connections import RedisSettings

        self.pool = await create_pool(RedisSettings.from_dsn(self._url))

    async def enqueue(self, count: int, seconds: float, bulk: int = 1) -> None:
        for start in range(0, count, bulk):
            many = range(min(bulk, count - start))
            await asyncio.gather(*(self.pool.enqueue_job("noop", PAYLOAD, time.time(), seconds) for _ in many))

    async def work(self, tracker: Tracker) -> Callable[[], Awaitable[None]]:
        from arq.typing import WorkerCoroutine
        from arq.worker import Worker, func

        async def noop(_ctx: dict[Any, Any], _payload: str, enqueued_at: float, seconds: float) -> None:
            await job(tracker, enqueued_at, seconds)

        worker = Worker(
            [func(cast("WorkerCoroutine", noop), name="noop")],
            redis_pool=self.pool,
            max_jobs=self._concurrency,
            handle_signals=False,
        )
        running = asyncio.create_task(worker.async_run())

        async def stop() -> None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        return stop


class Saq:
    """saq with its defaults."""

    def __init__(self, url: str, concurrency: int) -> None:
        self._url, self._concurrency = url, concurrency

    async def open(self) -> None:
        from saq import Queue

        self.queue = Queue.from_url(self._url)

    async def enqueue(self, count: int, seconds: float, bulk: int = 1) -> None:
        for start in range(0, count, bulk):
            many = range(min(bulk, count - start))
            await asyncio.gather(
                *(self.queue.enqueue("noop", payload=PAYLOAD, at=time.time(), seconds=seconds) for _ in many)
            )

    async def work(self, tracker: Tracker) -> Callable[[], Awaitable[None]]:
        from saq import Worker

        async def noop(_ctx: object, *, payload: str, at: float, seconds: float) -> None:
            del payload
            await job(tracker, at, seconds)

        worker = Worker(self.queue, functions=[("noop", noop)], concurrency=self._concurrency)
        running = asyncio.create_task(worker.start())

        async def stop() -> None:
            await worker.stop()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        return stop


class Peer(Protocol):
    """A queue under measurement, on one Redis."""

    async def open(self) -> None: ...

    async def enqueue(self, count: int, seconds: float, bulk: int = 1) -> None:
        """Enqueue ``count`` jobs that take ``seconds`` each, ``bulk`` at a time."""
        ...

    async def work(self, tracker: Tracker) -> Callable[[], Awaitable[None]]:
        """Start a worker; the answer stops it."""
        ...


PEERS: dict[str, Callable[[str, int], Peer]] = {"ours": Ours, "arq": Arq, "saq": Saq}


async def drain(peer: Peer, count: int, seconds: float = 0.0) -> dict[str, float]:
    """Everything waits already; how long until the last job has ended."""
    await peer.enqueue(count, seconds, bulk=100)
    tracker = Tracker(count)
    started, cpu = time.perf_counter(), spent()
    stop = await peer.work(tracker)
    await tracker.finished.wait()
    elapsed, used = time.perf_counter() - started, spent() - cpu
    await stop()
    return {"seconds": elapsed, "jobs_per_second": count / elapsed, "cpu_us_per_job": used / count * 1e6}


async def pickup(peer: Peer, count: int) -> dict[str, float]:
    """An idle worker; one job at a time; how long until each begins."""
    tracker = Tracker(count)
    stop = await peer.work(tracker)
    for _ in range(count):
        await peer.enqueue(1, 0.0)
        await asyncio.sleep(PICKUP_PAUSE)
    await tracker.finished.wait()
    await stop()
    waits = sorted(tracker.waits)
    return {f"p{share}_ms": waits[min(len(waits) - 1, len(waits) * share // 100)] * 1000 for share in (50, 95, 99)}


async def enqueue(peer: Peer, count: int, bulk: int) -> dict[str, float]:
    """How fast one producer enqueues, one by one or a hundred at once."""
    started = time.perf_counter()
    await peer.enqueue(count, 0.0, bulk=bulk)
    return {"jobs_per_second": count / (time.perf_counter() - started)}


async def main(name: str, scenario: str, url: str, count: int, concurrency: int) -> dict[str, float]:
    """Run one scenario against an empty Redis."""
    peer = PEERS[name](url, concurrency)
    await peer.open()
    if scenario == "drain":
        return await drain(peer, count)
    if scenario == "sleep":
        return await drain(peer, count, seconds=1.0)
    if scenario == "pickup":
        return await pickup(peer, count)
    return await enqueue(peer, count, bulk=100 if scenario == "bulk" else 1)


if __name__ == "__main__":
    if sys.argv[1] == "ours":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    name, scenario, url, count, concurrency = sys.argv[1:6]
    figures = asyncio.run(main(name, scenario, url, int(count), int(concurrency)))
    # Log lines go to standard output, a real pipe; the figures to a file of their own.
    with os.fdopen(int(sys.argv[6]), "w") as report:
        json.dump(figures, report)
    os._exit(0)
