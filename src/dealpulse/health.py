"""Whether this process can do its work, and one ``worker_status`` line a minute that says so.

Healthy means: the event loop turned within ten seconds, Redis answered, and the last call to every dependency
succeeded. Whoever calls a dependency notes how it went on the board; ``log_status`` watches the loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from dealpulse.errors import DealPulseError

WORKER_STATUS = "worker_status"

Clock = Callable[[], float]
Probe = Callable[[], Awaitable[object]]

LONGEST_TURN = 10.0
"""Seconds the event loop may take to come round before the process counts as stuck."""
_BEAT = 1.0
_PROBE_TIMEOUT = 5.0


@dataclass(frozen=True)
class HealthStatus:
    """``reasons`` are sentences without content, one for each thing wrong; empty when healthy."""

    healthy: bool
    reasons: tuple[str, ...] = ()


class Health:
    """The board of one process. Times are seconds of ``clock``, which only ever goes forward."""

    def __init__(self, *, required: tuple[str, ...] = ("redis",), clock: Clock = time.monotonic) -> None:
        """``required`` dependencies must have answered at least once."""
        self._clock = clock
        self._required = required
        self._started = self._turned = clock()
        self._longest_turn = 0.0
        self._failures: dict[str, str | None] = {}

    @property
    def uptime(self) -> float:
        return self._clock() - self._started

    @property
    def dependencies(self) -> Mapping[str, bool]:
        """Whether the last call to each succeeded, in alphabetical order."""
        return {name: self._failures[name] is None for name in sorted(self._failures)}

    def now(self) -> float:
        return self._clock()

    def succeeded(self, dependency: str) -> None:
        """The last call to ``dependency`` went well."""
        self._failures[dependency] = None

    def failed(self, dependency: str, reason: str) -> None:
        """The last call to ``dependency`` failed; ``reason`` is short, for people, without secrets or content."""
        self._failures[dependency] = reason

    def turned(self) -> None:
        """The event loop came round; to be called about once a second."""
        now = self._clock()
        self._longest_turn = max(self._longest_turn, now - self._turned)
        self._turned = now

    def take_longest_turn(self) -> float:
        """The longest the loop took since this was last asked, in seconds."""
        longest, self._longest_turn = self._longest_turn, 0.0
        return longest

    def status(self, now: float | None = None) -> HealthStatus:
        """As of ``now`` (default: the board's clock). May be asked from another thread, while the loop is stuck."""
        now = self._clock() if now is None else now
        reasons = [*self._loop_reasons(now - self._turned), *self._dependency_reasons()]
        return HealthStatus(healthy=not reasons, reasons=tuple(reasons))

    def _loop_reasons(self, turning: float) -> list[str]:
        longest = max(turning, self._longest_turn)
        return [f"the event loop did not turn for {longest:.1f} s"] if longest > LONGEST_TURN else []

    def _dependency_reasons(self) -> list[str]:
        silent = [f"{name} has not answered yet" for name in self._required if name not in self._failures]
        return silent + [f"{name}: {self._failures[name]}" for name, well in self.dependencies.items() if not well]


async def log_status(
    health: Health,
    *,
    every: float = 60.0,
    probes: Mapping[str, Probe] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Log ``worker_status`` at once and then each ``every`` seconds, until cancelled.

    Before each line the ``probes`` (by dependency: ``{"redis": client.ping}``) are called; what they raise goes on
    the board.
    """
    log = structlog.get_logger(__name__)
    health.turned()
    while True:
        await _ask(health, probes or {})
        _log_line(health, log)
        due = health.now() + every
        while (left := due - health.now()) > 0:
            await sleep(min(_BEAT, left))
            health.turned()


def _log_line(health: Health, log: structlog.typing.FilteringBoundLogger) -> None:
    status = health.status()
    (log.info if status.healthy else log.warning)(
        WORKER_STATUS,
        healthy=status.healthy,
        reasons=status.reasons,
        longest_turn_ms=round(health.take_longest_turn() * 1000),
        uptime_seconds=round(health.uptime),
        dependencies=health.dependencies,
    )


async def _ask(health: Health, probes: Mapping[str, Probe]) -> None:
    """Ask every dependency at the same time, and go on watching the loop meanwhile."""
    async with asyncio.TaskGroup() as tasks:
        asking = {tasks.create_task(_ask_one(health, dependency, probe)) for dependency, probe in probes.items()}
        while asking:
            _, asking = await asyncio.wait(asking, timeout=_BEAT)
            health.turned()


async def _ask_one(health: Health, dependency: str, probe: Probe) -> None:
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT):
            await probe()
    except TimeoutError:
        health.failed(dependency, f"no answer within {_PROBE_TIMEOUT:g} s")
    except DealPulseError as error:
        health.failed(dependency, error.message)
    except Exception as error:  # a health check reports, whatever it meets
        health.failed(dependency, type(error).__name__)
    else:
        health.succeeded(dependency)
