"""Who runs in one process: a job that may have taken its worker down before runs alone there."""

from __future__ import annotations

from collections.abc import Callable


class Room:
    """Shared by the engines of one process.

    An engine that meets such a job reserves the room: nobody claims until nothing runs, then that engine claims, and
    nobody else until the job has ended.
    """

    def __init__(self) -> None:
        self._running = 0
        self._asked = 0
        self._reserved_by: object | None = None
        self._bells: list[Callable[[], None]] = []

    @property
    def running(self) -> int:
        """How many jobs run in this process, or may be on their way to it."""
        return self._running + self._asked

    def join(self, bell: Callable[[], None]) -> None:
        """``bell`` is called whenever the room may have become free."""
        self._bells.append(bell)

    def admits(self, engine: object) -> bool:
        """Whether this engine may claim now."""
        if self._reserved_by is None:
            return True
        return self._reserved_by is engine and self.running == 0

    def reserved_by(self, engine: object) -> bool:
        return self._reserved_by is engine

    def reserve(self, engine: object) -> None:
        if self._reserved_by is None:
            self._reserved_by = engine

    def release(self, engine: object) -> None:
        if self._reserved_by is engine:
            self._reserved_by = None
            self._ring()

    def asks(self, jobs: int) -> None:
        """So many jobs were asked for."""
        self._asked += jobs

    def answered(self, jobs: int) -> None:
        """The asking for so many is over; those there were have entered."""
        self._asked -= jobs
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
        for bell in self._bells:
            bell()
