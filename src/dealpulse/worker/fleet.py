"""The engines of one process: started and stopped by arq's worker, which is the process's root."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import socket
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from dealpulse import logs
from dealpulse.ai import watch_models
from dealpulse.alerts import watch_alerts
from dealpulse.errors import DealPulseError
from dealpulse.health import Health, log_status
from dealpulse.jobs import QUEUES
from dealpulse.models import OperationState
from dealpulse.queue import History, Metrics
from dealpulse.queue.alert_book import AlertBook
from dealpulse.queue.connection import LOST
from dealpulse.queue.engine import Claimed, Engine, EngineSettings, Outcome, retire
from dealpulse.queue.room import Room
from dealpulse.settings import Settings
from dealpulse.worker.dependencies import Dependencies
from dealpulse.worker.execute import Runnable, execute
from dealpulse.worker.runtime import Runtime, open_runtime
from dealpulse.worker.schedule import follow_schedules

WORKER_STARTED: Final = "worker_started"
WORKER_DRAINING: Final = "worker_draining"
WORKER_STOPPED: Final = "worker_stopped"
ENGINE_DIED: Final = "engine_died"
CANCELLATION_UNRECORDED: Final = "cancellation_unrecorded"
_HAND_BACK_SECONDS: Final = 10.0
"""How long handing jobs back may take once the grace is over; their leases end anyway."""

_log = structlog.get_logger("dealpulse.worker")


@dataclass(frozen=True)
class Lane:
    """One queue this process drains, and the functions it runs there."""

    engine: EngineSettings
    functions: Mapping[str, Runnable]

    @property
    def name(self) -> str:
        """The queue's wire name; arq's own queue has none, and goes by its key."""
        return next((queue.name for queue in QUEUES if queue.key == self.engine.queue), self.engine.queue)


class Fleet:
    """One engine a lane on one loop, and what they share."""

    def __init__(self, settings: Settings, lanes: tuple[Lane, ...]) -> None:
        self._settings = settings
        self._lanes = lanes
        self._resources = AsyncExitStack()
        self._engines: list[Engine] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._background: list[asyncio.Task[None]] = []
        self._fault: BaseException | None = None
        self._root: asyncio.Task[Any] | None = None
        self._worker = ""
        self._stopping = asyncio.Event()
        self._markings: set[asyncio.Task[None]] = set()

    async def start(self, ctx: dict[str, Any]) -> None:
        """arq's ``on_startup``: runs inside the worker's main task, with Redis reached."""
        logs.capture_loop(asyncio.get_running_loop())
        self._root = asyncio.current_task()
        health = Health()
        runtime = await self._resources.enter_async_context(open_runtime(self._settings, health=health))
        ctx["runtime"], ctx["stopping"] = runtime, self._stopping.is_set
        # Also unique where every container has the same name and number: a registration must not outlive its process.
        worker = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._worker = worker
        room, about = Room(), self._about()
        dependencies = Dependencies(breakers=runtime.breakers, buckets=runtime.buckets)
        for lane in self._lanes:
            handler = functools.partial(
                self._execute, lane=lane, context=ctx, runtime=runtime, dependencies=dependencies
            )
            engine = Engine(
                lane.engine,
                redis=runtime.redis,
                handler=handler,
                worker=worker,
                room=room,
                about=about,
                longest_silence=self._settings.redis.socket_timeout,
                cancelled=functools.partial(self._cancelled, runtime),
            )
            self._engines.append(engine)
            task = asyncio.create_task(engine.run(), name=lane.engine.queue)
            task.add_done_callback(self._engine_ended)
            self._tasks.append(task)
        self._background = [
            asyncio.create_task(log_status(health, probes={"redis": runtime.queue.ping})),
            asyncio.create_task(watch_models(self._settings.ai, health=health)),
            asyncio.create_task(
                watch_alerts(
                    self._settings,
                    book=AlertBook(runtime.redis),
                    queue=runtime.queue,
                    history=History(runtime.redis),
                    metrics=Metrics(runtime.redis),
                    store=runtime.store,
                )
            ),
        ]
        queues = [lane.engine.queue for lane in self._lanes]
        await follow_schedules(ctx["redis"], self._settings, queues[-1])
        _log.info(WORKER_STARTED, worker=worker, queues=queues, version=self._settings.version)

    async def stop(self, ctx: dict[str, Any]) -> None:
        """arq's ``on_shutdown``: let running jobs finish within the grace, hand back the others.

        Raises:
            Exception: the fault that ended an engine, so that the process ends with a non-zero code.
        """
        _log.info(WORKER_DRAINING, running=sum(engine.running for engine in self._engines))
        self._stopping.set()
        self._heed_second_signal()
        for engine in self._engines:
            engine.drain()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._settings.shutdown_grace_seconds)
            if late:
                self._hand_back()
                _, stuck = await asyncio.wait(late, timeout=_HAND_BACK_SECONDS)
                for task in stuck:
                    task.cancel()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, *self._tasks, *self._markings, return_exceptions=True)
        await self._retire(ctx)
        await self._resources.aclose()
        _log.info(WORKER_STOPPED)
        if self._fault is not None:
            raise self._fault

    def _cancelled(self, runtime: Runtime, job_id: str) -> None:
        """Redis cancelled a job that no handler will report: its row must say so, or the sweep would bring it back."""
        marking = asyncio.create_task(_mark_cancelled(job_id, runtime))
        self._markings.add(marking)
        marking.add_done_callback(self._markings.discard)

    def _about(self) -> dict[str, str]:
        return {
            "host": socket.gethostname(),
            "pid": str(os.getpid()),
            "version": self._settings.version,
            "started": datetime.now(UTC).isoformat(),
            "queues": " ".join(lane.name for lane in self._lanes),
        }

    async def _retire(self, ctx: dict[str, Any]) -> None:
        runtime: Runtime | None = ctx.get("runtime")
        if runtime is None:
            return
        with contextlib.suppress(*LOST):
            async with asyncio.timeout(_HAND_BACK_SECONDS):
                await retire(runtime.redis, self._worker, [lane.engine.queue for lane in self._lanes])

    async def _execute(
        self, claimed: Claimed, *, lane: Lane, context: dict[str, Any], runtime: Runtime, dependencies: Dependencies
    ) -> Outcome:
        return await execute(
            claimed,
            functions=lane.functions,
            context=context,
            operations=runtime.store.operations,
            queue=lane.name,
            dependencies=dependencies,
        )

    def _heed_second_signal(self) -> None:
        """Whoever asks again, while running jobs are waited for, gets them handed back at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Only the main thread may: elsewhere nobody sends us signals.
            with contextlib.suppress(RuntimeError, ValueError):
                loop.add_signal_handler(number, self._hand_back)

    def _hand_back(self) -> None:
        for engine in self._engines:
            engine.hand_back()

    def _engine_ended(self, task: asyncio.Task[None]) -> None:
        """An engine that dies takes the process with it: half a worker would look alive."""
        if task.cancelled() or task.exception() is None:
            return
        self._fault = task.exception()
        _log.critical(ENGINE_DIED, queue=task.get_name(), error_class=type(self._fault).__name__)
        if self._root is not None:
            self._root.cancel()


async def _mark_cancelled(job_id: str, runtime: Runtime) -> None:
    try:
        view = await runtime.queue.job(job_id)
        if view is None or view.state != "cancelled":
            return
        for job in (await History(runtime.redis).jobs_of([view.run])).values():
            await runtime.store.operations.mark(job.operation, OperationState.cancelled)
    except DealPulseError as error:
        _log.warning(CANCELLATION_UNRECORDED, job_id=job_id, error_code=error.code)
