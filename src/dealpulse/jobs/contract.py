"""What a job is: a frozen value of ids that knows its queue, its function and its own identity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

from dealpulse.models import Operation


class Priority(StrEnum):
    """What goes first among jobs that wait. An old job overtakes newer ones of higher priority in the end."""

    critical = "critical"
    high = "high"
    normal = "normal"
    low = "low"


@dataclass(frozen=True)
class Queue:
    """One queue. ``name`` is the wire name, ``slug`` the one in addresses and on the command line.

    The numbers are defaults; settings override each (``DOCUMENT_CONCURRENCY`` ...). Seconds throughout.
    """

    name: str
    slug: str
    prefix: str
    """Of the settings that override the defaults: ``DOCUMENT`` for ``DOCUMENT_CONCURRENCY``."""
    concurrency: int
    attempts: int
    time_limit: float
    backoff_base: float = 5.0
    keep_completed: int = 100
    keep_failed: int = 500

    @property
    def key(self) -> str:
        """The Redis sorted set that holds the queue; arq's ``queue_name``."""
        return f"dealpulse:queue:{self.name}"


class Errand(Protocol):
    """A piece of work that can be asked for. One lost with Redis is lost: whoever wants it asks again."""

    queue: ClassVar[Queue]
    function: ClassVar[str]
    """Name of the coroutine that runs it."""

    @property
    def id(self) -> str:
        """Deterministic: the same work asked for twice has the same id."""
        ...

    @property
    def args(self) -> tuple[str, ...]:
        """Positional arguments of ``function``, after its context."""
        ...

    @property
    def deal_id(self) -> str: ...


class Job(Errand, Protocol):
    """Work that is not lost: a row keeps what is asked for and what became of it."""

    @property
    def operation(self) -> Operation:
        """The row that keeps the state of this work."""
        ...
