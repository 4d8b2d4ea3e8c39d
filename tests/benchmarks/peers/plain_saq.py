"""saq, another queue on asyncio and Redis."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from saq import Queue, Worker

from benchmarks.peers.contract import PAYLOAD, Tracker, print_finished, serve, start


class Saq:
    """saq with its defaults, but for three attempts a job: with one it gives up what a killed worker held.

    Its own two lines of text a job go to the standard library's logging, unheard; it prints one of JSON.
    """

    def __init__(self, port: int, concurrency: int) -> None:
        self._port, self._concurrency = port, concurrency

    async def open(self) -> None:
        self.queue = Queue.from_url(f"redis://127.0.0.1:{self._port}")

    async def enqueue(self, count: int, seconds: float, bulk: int = 1) -> None:
        for done in range(0, count, bulk):
            many = range(min(bulk, count - done))
            await asyncio.gather(
                *(self.queue.enqueue("noop", payload=PAYLOAD, at=time.time(), seconds=seconds, retries=3) for _ in many)
            )

    async def work(self, tracker: Tracker) -> None:
        async def noop(_ctx: object, *, payload: str, at: float, seconds: float) -> None:
            del payload
            await tracker.job(at, seconds)

        async def after(ctx: dict[str, Any]) -> None:
            print_finished(ctx["job"].id)
            tracker.record()

        worker = Worker(self.queue, functions=[("noop", noop)], concurrency=self._concurrency, after_process=after)
        start(worker.start())

    async def serve(self, *, every_queue: bool) -> None:
        del every_queue
        await serve(self)
