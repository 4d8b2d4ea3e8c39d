"""The jobs an engine holds: so many run, and where jobs are quick a few more stand by.

A job of microseconds is over long before Redis has answered what to do next. So an engine whose jobs have been quick
claims what it will begin within milliseconds, and gives back at once what it could not begin as soon as that.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, Protocol

from dealpulse.queue.outcomes import Again, Cancelled, Claimed, Outcome
from dealpulse.queue.room import Room

Handler = Callable[[Claimed], Coroutine[Any, Any, Outcome]]

_AHEAD_SECONDS: Final = 0.01
"""Jobs stand by that will begin within this, going by how long the last ones took."""
_AHEAD_AT_MOST: Final = 100
_STAND_BY_SECONDS: Final = 0.1
"""What has not begun by then goes back."""
_SLICE: Final = 16
"""Jobs begun in one round of the event loop."""
_SLOW_SECONDS: Final = 1.0
_WEIGHT: Final = 0.1
"""Of one more job in the average."""


class Ended(Protocol):
    """Told of every job that is held no more. ``fault``: the handler raised, which it must not."""

    def __call__(self, job: Claimed, outcome: Outcome, fault: BaseException | None = None) -> None: ...


class Hold:
    """Runs at most ``concurrency`` jobs at once through ``handler``."""

    def __init__(self, concurrency: int, *, handler: Handler, ended: Ended, room: Room) -> None:
        self._concurrency = concurrency
        self._handler = handler
        self._ended = ended
        self._room = room
        self._jobs: dict[str, Claimed] = {}
        self._work: dict[str, asyncio.Task[Outcome]] = {}
        self._running = 0
        self._standing_by: deque[tuple[Claimed, float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._pace = _SLOW_SECONDS
        self._slice = _SLICE
        self._renewing = False

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def jobs(self) -> Sequence[Claimed]:
        return list(self._jobs.values())

    @property
    def tasks(self) -> Sequence[asyncio.Task[Outcome]]:
        return list(self._work.values())

    @property
    def free(self) -> int:
        """How many more it would take."""
        ahead = int(_AHEAD_SECONDS * self._concurrency / self._pace)
        if ahead < self._concurrency / 4:
            ahead = 0
        return self._concurrency + min(ahead, _AHEAD_AT_MOST) - len(self._jobs)

    def take(self, job: Claimed) -> None:
        """Begin a job now, or as soon as another has ended."""
        if job.job_id in self._jobs:
            # Its lease ran out while it ran on: never two at once.
            self.drop(self._jobs[job.job_id])
        self._jobs[job.job_id] = job
        self._room.entered()
        self._standing_by.append((job, time.monotonic()))
        self._begin_some()
        if self._standing_by and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_STAND_BY_SECONDS, self._give_back_late)

    def call_off(self, job_id: str) -> None:
        """Somebody cancelled this job; it may be held here."""
        job = self._jobs.get(job_id)
        if job is None or job.called_off:
            return
        job.called_off = True
        if self._leave_line(job):
            self._end(job, Cancelled(""))
        elif job_id in self._work:
            self._work[job_id].cancel()

    def drop(self, job: Claimed) -> bool:
        """Its lease is another's: what runs is cancelled, what stood by forgotten. False when it has ended already."""
        if self._jobs.get(job.job_id) is not job:
            return False
        if self._leave_line(job):
            self._forget(job)
        elif job.job_id in self._work:
            self._work[job.job_id].cancel()
        return True

    def give_back(self) -> None:
        """Hand back what has not begun."""
        while self._standing_by:
            self._end(self._standing_by.popleft()[0], Again("", delay=0.0, burn=False))

    def cancel(self) -> None:
        """Hand back all of it; what runs is cancelled first."""
        self.give_back()
        for work in self.tasks:
            work.cancel()

    def _begin_some(self) -> None:
        """Begin what may begin, a slice in each round of the loop: between two it hears from Redis, and is heard."""
        while self._standing_by and self._running < self._concurrency and self._slice > 0:
            self._slice -= 1
            self._begin(self._standing_by.popleft()[0])
        if self._slice < _SLICE and not self._renewing:
            self._renewing = True
            asyncio.get_running_loop().call_soon(self._next_slice)

    def _next_slice(self) -> None:
        self._renewing = False
        self._slice = _SLICE
        self._begin_some()

    def _begin(self, job: Claimed) -> None:
        self._running += 1
        work = asyncio.create_task(self._handler(job))
        self._work[job.job_id] = work
        work.add_done_callback(partial(self._done, job, time.monotonic()))

    def _done(self, job: Claimed, began: float, work: asyncio.Task[Outcome]) -> None:
        self._running -= 1
        self._pace += _WEIGHT * (time.monotonic() - began - self._pace)
        if self._work.get(job.job_id) is work:
            del self._work[job.job_id]
        self._begin_some()
        if work.cancelled():
            self._end(job, Cancelled("") if job.called_off else Again("", delay=0.0, burn=False))
        elif (fault := work.exception()) is not None:
            self._end(job, Again("", delay=0.0, burn=False, error=fault), fault)
        else:
            self._end(job, work.result())

    def _end(self, job: Claimed, outcome: Outcome, fault: BaseException | None = None) -> None:
        self._forget(job)
        self._ended(job, outcome, fault)

    def _forget(self, job: Claimed) -> None:
        if self._jobs.get(job.job_id) is job:
            del self._jobs[job.job_id]
        self._room.left()

    def _leave_line(self, job: Claimed) -> bool:
        for entry in self._standing_by:
            if entry[0] is job:
                self._standing_by.remove(entry)
                return True
        return False

    def _give_back_late(self) -> None:
        self._timer = None
        now = time.monotonic()
        while self._standing_by and now - self._standing_by[0][1] >= _STAND_BY_SECONDS:
            # What runs has become slow, and the average does not know it before it ends.
            self._pace = _SLOW_SECONDS
            self._end(self._standing_by.popleft()[0], Again("", delay=0.0, burn=False))
        if self._standing_by:
            due = self._standing_by[0][1] + _STAND_BY_SECONDS - now
            self._timer = asyncio.get_running_loop().call_later(due, self._give_back_late)
