"""Our queue. Everything of the benchmark that touches our code is here."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import time
from typing import Any

from benchmarks.peers.contract import PAYLOAD, Tracker, start
from dealpulse import logs
from dealpulse.jobs import DOCUMENTS
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.engine import Engine, EngineSettings
from dealpulse.settings import LogSettings, Settings
from dealpulse.worker.execute import Policy, Runnable, execute


class Ours:
    """Our engine with all it does in production: records, history, events, totals, one log line a job."""

    def __init__(self, port: int, concurrency: int) -> None:
        self._environment = {
            "REDIS_URL": f"redis://127.0.0.1:{port}",
            "SUPABASE_URL": "http://127.0.0.1:9/",
            "SUPABASE_SERVICE_ROLE_KEY": "unused",
        }
        self._concurrency = concurrency

    async def open(self) -> None:
        logs.configure(LogSettings(), service="bench")
        self.pool = await create_pool(Settings.load(environ=self._environment).redis)
        await self.pool.ping()

    async def enqueue(self, count: int, seconds: float, bulk: int = 1) -> None:
        client = QueueClient(self.pool)
        for done in range(0, count, bulk):
            jobs = [_OurJob(f"job-{done + index}", seconds) for index in range(min(bulk, count - done))]
            await client.enqueue_many(jobs)  # type: ignore[arg-type]  # it has what a Job has

    async def work(self, tracker: Tracker) -> None:
        async def noop(_ctx: dict[str, Any], _payload: str, enqueued_at: str, seconds: str) -> None:
            await tracker.job(float(enqueued_at), float(seconds))

        async def watch() -> None:
            """The engine has no hook after a job is recorded, but its queue is empty only then."""
            await tracker.ran.wait()
            while await self.pool.zcard(DOCUMENTS.key):
                await asyncio.sleep(0.001)
            tracker.recorded.set()

        functions = {"noop": Runnable(noop, Policy(3, 5.0, 60.0))}
        handler = functools.partial(execute, functions=functions, context={}, operations=_NoRows(), queue="bench")
        settings = EngineSettings(
            queue=DOCUMENTS.key, concurrency=self._concurrency, keep_completed=100, keep_failed=500
        )
        engine = Engine(settings, redis=self.pool, handler=handler, worker="bench")
        start(engine.run())
        start(watch())

    async def serve(self, *, every_queue: bool) -> None:
        """The production worker takes this process over: with its own settings, and nothing of the benchmark's."""
        name = "WorkerSettings" if every_queue else "DocumentWorkerSettings"
        kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
        command = [sys.executable, "-m", "arq", f"dealpulse.worker.{name}"]
        os.execve(sys.executable, command, kept | self._environment)  # noqa: S606


class _NoRows:
    """No database: jobs of the benchmark have no rows."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the benchmark has no rows to {name}")


class _OurJob:
    function = "noop"
    deal_id = "deal"

    def __init__(self, job_id: str, seconds: float) -> None:
        self.queue = DOCUMENTS
        self.id = job_id
        self.args = (PAYLOAD, str(time.time()), str(seconds))
