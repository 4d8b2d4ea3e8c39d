"""Where a long job tells how far it is, and stops if its worker does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from dealpulse.errors import Interrupted, Transient
from dealpulse.queue import QueueClient
from dealpulse.queue.outcomes import Claimed


class Checkpoint:
    """Handed to a processor that works in steps from which another worker can go on."""

    def __init__(self, job: Claimed, *, queue: QueueClient, stopping: Callable[[], bool]) -> None:
        self._job = job
        self._queue = queue
        self._stopping = stopping

    async def __call__(self, message: str, percent: int | None = None) -> None:
        """What is done so far is saved: ``message`` says in a few words what that is, without content.

        It shows as the job's progress and stays in its log.

        Raises:
            Interrupted: the worker is about to stop; the job is handed back and goes on from here.
        """
        # Progress nobody sees is no reason to lose work.
        with contextlib.suppress(Transient):
            await self._queue.note(self._job.job_id, self._job.token, percent=percent, message=message, line=message)
        if self._stopping():
            raise Interrupted("The worker stops; the job goes on from where it is.")
