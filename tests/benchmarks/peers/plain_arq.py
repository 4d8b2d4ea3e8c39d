"""arq 0.28, on which our worker's process is built."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

from arq import create_pool
from arq.connections import RedisSettings
from arq.typing import WorkerCoroutine
from arq.worker import Worker, func

from benchmarks.peers.contract import PAYLOAD, Tracker, print_finished, serve, start


class Arq:
    """arq as it comes: its poll delay of half a second stays.

    Under its own command it logs two lines of text a job. Here, as everybody, it prints one of JSON.
    """

    def __init__(self, port: int, concurrency: int) -> None:
        self._port, self._concurrency = port, concurrency

    async def open(self) -> None:
        self.pool = await create_pool(RedisSettings(port=self._port))

    async def enqueue(self, count: int, seconds: float, bulk: int = 1) -> None:
        for done in range(0, count, bulk):
            many = range(min(bulk, count - done))
            await asyncio.gather(*(self.pool.enqueue_job("noop", PAYLOAD, time.time(), seconds) for _ in many))

    async def work(self, tracker: Tracker) -> None:
        async def noop(_ctx: dict[Any, Any], _payload: str, enqueued_at: float, seconds: float) -> None:
            await tracker.job(enqueued_at, seconds)

        async def after(ctx: dict[Any, Any]) -> None:
            print_finished(ctx["job_id"])
            tracker.record()

        worker = Worker(
            [func(cast("WorkerCoroutine", noop), name="noop")],
            redis_pool=self.pool,
            max_jobs=self._concurrency,
            handle_signals=False,
            after_job_end=after,
        )
        start(worker.async_run())

    async def serve(self, *, every_queue: bool) -> None:
        del every_queue
        await serve(self)
