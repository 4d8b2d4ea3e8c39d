"""Who runs in one process: a job that may have taken its worker down before runs alone there."""

from __future__ import annotations

from collections.abc import Callable


class Room:
    """Shared by the engines of one process.

    An engine that meets such a job reserves the room: nobody claims until nothing runs, then that engine claims, and
    nobody else until the job has ended. While nothing runs, engines ask one at a time: the answer may be such a job.
    """

    def __init__(self) -> None:
        self._running = 0
        self._asked = 0
        self._reserved_by: object | None = None
        self._first: object | None = None
        """Who asks while nothing runs."""
        self._bells: dict[object, Callable[[], None]] = {}
        self._turned_away: set[object] = set()

    @property
    def running(self) -> int:
        """How many jobs run in this process, or may be on their way to it."""
        return self._running + self._asked

    def join(self, engine: object, bell: Callable[[], None]) -> None:
        """``bell`` is called whenever the room may have become free."""
        self._bells[engine] = bell

    def admits(self, engine: object) -> bool:
        """Whether this engine may claim now."""
        if self._reserved_by is not None:
            return self._reserved_by is engine and self.running == 0
        if self._first is None or self._first is engine:
            return True
        self._turned_away.add(engine)
        return False

    def reserved_by(self, engine: object) -> bool:
        return self._reserved_by is engine

    def reserve(self, engine: object) -> None:
        if self._reserved_by is None:
            self._reserved_by = engine

    def release(self, engine: object) -> None:
        if self._reserved_by is engine:
            self._reserved_by = None
            self._ring()

    def asks(self, engine: object, jobs: int) -> None:
        """So many jobs were asked for."""
        if jobs and self.running == 0:
            self._first = engine
        self._asked += jobs

    def answered(self, engine: object, jobs: int) -> None:
        """The asking for so many is over; those there were have entered."""
        self._asked -= jobs
        if jobs and self._first is engine:
            self._first = None
            for other in self._turned_away:
                self._bells[other]()
            self._turned_away.clear()
        self._ring_if_empty()

    def entered(self) -> None:
        self._running += 1

    def left(self) -> None:
        self._running -= 1
        self._ring_if_empty()

    def _ring_if_empty(self) -> None:
        if self._reserved_by is not None and self.running == 0:
            self._ring()

    def _ring(self) -> None:
        for bell in self._bells.values():
            bell()
