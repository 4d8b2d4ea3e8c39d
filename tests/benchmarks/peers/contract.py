"""What every queue written in Python is asked for, and the job they all run: it does nothing, or sleeps."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import traceback
from collections.abc import Coroutine
from typing import Any, Final, Protocol

PAYLOAD: Final = "x" * 280

_tasks: Final[set[asyncio.Task[None]]] = set()


class Tracker:
    """Notes how long after its enqueueing each job began, and when all have ended and Redis knows."""

    def __init__(self, expected: int) -> None:
        self.waits: list[float] = []
        self.began = asyncio.Event()
        self.ran = asyncio.Event()
        self.recorded = asyncio.Event()
        self._expected = expected
        self._ran = 0
        self._recorded = 0

    async def job(self, enqueued_at: float, seconds: float) -> None:
        """The work of every peer."""
        self.waits.append(time.time() - enqueued_at)
        self.began.set()
        if seconds:
            await asyncio.sleep(seconds)
        self._ran += 1
        if self._ran == self._expected:
            self.ran.set()

    def record(self) -> None:
        """One more job is recorded as finished."""
        self._recorded += 1
        if self._recorded == self._expected:
            self.recorded.set()


class Peer(Protocol):
    """A queue under measurement, on one Redis."""

    async def open(self) -> None:
        """Connect. What is imported and connected by now is not timed."""
        ...

    async def enqueue(self, count: int, seconds: float, bulk: int = 1) -> None:
        """Enqueue ``count`` jobs that take ``seconds`` each, ``bulk`` at a time."""
        ...

    async def work(self, tracker: Tracker) -> None:
        """Start a worker that prints one JSON line a job and ends with the process."""
        ...

    async def serve(self, *, every_queue: bool) -> None:
        """Be a worker process with nothing to do, until killed."""
        ...


async def serve(peer: Peer) -> None:
    """An idle worker of a peer whose production process has nothing that is not here."""
    await peer.open()
    await peer.work(Tracker(1))
    await asyncio.Event().wait()


def print_finished(job_id: str) -> None:
    """The line a job that every worker prints."""
    sys.stdout.write(json.dumps({"event": "job_finished", "job_id": job_id}) + "\n")
    sys.stdout.flush()


def start(work: Coroutine[Any, Any, None]) -> None:
    """Run in the background, to the end of the process. A fault ends it: nobody waits for the task."""
    task = asyncio.create_task(work)
    _tasks.add(task)
    task.add_done_callback(_end_on_fault)


def _end_on_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        traceback.print_exception(fault)
        os._exit(1)
