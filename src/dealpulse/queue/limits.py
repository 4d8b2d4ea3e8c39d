"""What all workers hold back together: a token bucket per provider account, a circuit breaker per dependency.

Neither ever waits: both say for how many seconds the caller should come back later, and the caller hands its job back
until then. Every operation is one script on server time, so workers' clocks play no part.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from redis.asyncio.client import Redis

from dealpulse.queue.connection import LOST, heed_cancellation, redis_faults
from dealpulse.queue.scripts import Stored

BUCKET_CLOSED = "bucket_closed"
BUCKET_RELEASED = "bucket_released"
BREAKER_OPENED = "breaker_opened"
BREAKER_CLOSED = "breaker_closed"

LONGEST_CLOSING: Final = 900.0
"""Seconds a bucket stays closed at most, whatever the other side asked for: then it is asked again."""

_SPREAD: Final = 0.1
_JITTER_SECONDS: Final = 0.25

_BUCKET: Final = Stored("bucket")
_BREAKER: Final = Stored("breaker")

_log = structlog.get_logger(__name__)


class Buckets:
    """The rate limits of provider accounts, each known by a name its callers agree on.

    Within any T seconds no more than ``burst + rate * T`` tokens are granted, to all workers together. A closed bucket
    grants nothing, and reopens empty, so that those who waited do not all come at once.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def take(
        self, name: str, *, rate_per_second: float | None = None, burst: float = 1, tokens: float = 1
    ) -> float:
        """Seconds to wait before asking again; 0.0 when ``tokens`` were granted. Not granted, nothing is taken.

        Without a rate the bucket is never empty, only closed at times. While it is closed, the answer is a little
        random, so that callers come back one after another.

        Raises:
            ValueError: more ``tokens`` than ``burst`` (never granted), or a number that is not positive.
            Unavailable: Redis does not answer; Permanent: it refuses us.
        """
        if rate_per_second is not None and not (rate_per_second > 0 and 0 < tokens <= burst):
            raise ValueError(f"cannot take {tokens} tokens of {burst} at {rate_per_second} a second")
        interval = "" if rate_per_second is None else repr(1000 / rate_per_second)
        async with redis_faults():
            wait, closed = await _run(_BUCKET, self._redis, [_bucket(name)], ["take", interval, burst, tokens])
        if not closed:
            return float(wait / 1000)
        return float(wait / 1000 + _late(closed / 1000))

    async def close(self, name: str, seconds: float) -> None:
        """Nothing is granted for ``seconds`` (at most ``LONGEST_CLOSING``), or longer if it is closed for longer.

        A report, made while another error is handled: lost when Redis is away, and then the next 429 repeats it.
        """
        milliseconds = _milliseconds(min(max(seconds, 0.0), LONGEST_CLOSING))
        try:
            closed = await _run(_BUCKET, self._redis, [_bucket(name)], ["close", milliseconds])
        except LOST:
            heed_cancellation()
            return
        if closed:
            _log.warning(BUCKET_CLOSED, bucket=name, seconds=closed / 1000)

    async def release(self, name: str) -> None:
        """Reopen it now, empty as always. Raises ``Unavailable`` or ``Permanent`` as :meth:`take` does."""
        async with redis_faults():
            if await _run(_BUCKET, self._redis, [_bucket(name)], ["release"]):
                _log.info(BUCKET_RELEASED, bucket=name)

    async def state(self, names: Sequence[str]) -> Mapping[str, float]:
        """Seconds for which each is still closed, 0.0 when open. Raises as :meth:`take` does."""
        async with redis_faults():
            left = await _run(_BUCKET, self._redis, [_bucket(name) for name in names], ["state"])
        return {name: milliseconds / 1000 for name, milliseconds in zip(names, left, strict=True)}


@dataclass(frozen=True)
class Admission:
    """Whether a dependency may be called: ``wait`` is 0.0 (go ahead), or the seconds after which to ask again.

    ``probe``: this call, and no other meanwhile, finds out whether the dependency is back. Whoever makes it says how
    it went: ``succeeded`` or ``failed``, as soon as that is known.
    """

    wait: float
    probe: bool = False


@dataclass(frozen=True)
class OpenBreaker:
    """A dependency that is away. ``next_probe`` is in seconds, 0.0 when the next caller is the probe."""

    since: datetime
    next_probe: float


_GO_AHEAD: Final = Admission(0.0)


class Breakers:
    """Which dependencies are away, as all workers found together; one instance a process.

    The first failure opens a breaker. After a pause one call is let through, the probe; each probe that fails doubles
    the pause, and the first that succeeds closes the breaker. Redis trouble is not this class's to report: without
    Redis every call is let through, and reports are lost.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        clock: Callable[[], float] = time.monotonic,
        first_pause: float = 1.0,
        longest_pause: float = 15.0,
        probe_lease: float = 15.0,
        forgotten_after: float = 600.0,
        trusted_for: float = 1.0,
    ) -> None:
        """All times are seconds.

        ``probe_lease``: a probe not heard of for so long is given to another. ``forgotten_after``: a breaker nobody
        asks or reports about for so long is closed. ``trusted_for``: so long a closed breaker is not asked about again,
        by ``clock``.
        """
        self._redis = redis
        self._clock = clock
        self._pauses = [_milliseconds(first_pause), _milliseconds(longest_pause)]
        self._lease = _milliseconds(probe_lease)
        self._forgotten = _milliseconds(forgotten_after)
        self._trusted_for = trusted_for
        self._caller = secrets.token_hex(8)
        self._trusted_until: dict[str, float] = {}
        self._failures: Counter[str] = Counter()
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._probed: dict[str, int] = {}
        """The opening this instance last had a probe of, by dependency."""

    async def admit(self, dependency: str) -> Admission:
        """Whether to call ``dependency`` now. While the breaker is open, one caller in all workers is the probe.

        Add jitter to ``wait``: everybody who asks is told the same moment.
        """
        if self._trusts(dependency):
            return _GO_AHEAD
        async with self._asking[dependency]:  # one asks Redis for all who ask at the same time
            if self._trusts(dependency):
                return _GO_AHEAD
            return await self._ask(dependency)

    async def failed(self, dependency: str) -> None:
        """``dependency`` did not answer, or not as it should: open its breaker, or prolong it if this was the probe."""
        self._distrust(dependency)
        try:
            pause = await _run(
                _BREAKER, self._redis, [_breaker(dependency)], ["failed", self._caller, *self._pauses, self._forgotten]
            )
        except LOST:
            heed_cancellation()
            return
        finally:
            self._distrust(dependency)  # somebody may have asked before the script ran
        if pause:
            _log.warning(BREAKER_OPENED, dependency=dependency, seconds=pause / 1000)

    async def succeeded(self, dependency: str) -> None:
        """``dependency`` answered: close its breaker. Costs nothing unless this instance was given a probe."""
        opening = self._probed.get(dependency)
        if opening is None:
            return
        try:
            closed = await _run(_BREAKER, self._redis, [_breaker(dependency)], ["succeeded", opening])
        except LOST:
            heed_cancellation()
            return
        if self._probed.get(dependency) == opening:
            del self._probed[dependency]
        if closed:
            _log.info(BREAKER_CLOSED, dependency=dependency)

    async def state(self, dependencies: Sequence[str]) -> Mapping[str, OpenBreaker]:
        """Those of ``dependencies`` whose breaker is open.

        Raises:
            Unavailable: Redis does not answer; Permanent: it refuses us.
        """
        async with redis_faults():
            states = await _run(_BREAKER, self._redis, [_breaker(name) for name in dependencies], ["state"])
        return {
            dependency: OpenBreaker(datetime.fromtimestamp(state[0] / 1000, UTC), state[1] / 1000)
            for dependency, state in zip(dependencies, states, strict=True)
            if state
        }

    async def _ask(self, dependency: str) -> Admission:
        failures = self._failures[dependency]
        try:
            wait, *opening = await _run(
                _BREAKER, self._redis, [_breaker(dependency)], ["admit", self._caller, self._lease, self._forgotten]
            )
        except LOST:
            heed_cancellation()
            wait, opening = 0, []
        else:
            if wait:
                return Admission(wait / 1000)
            if opening:
                self._probed[dependency] = opening[0]
                return Admission(0.0, probe=True)
            self._probed.pop(dependency, None)
        if failures == self._failures[dependency]:
            self._trusted_until[dependency] = self._clock() + self._trusted_for
        return _GO_AHEAD

    def _trusts(self, dependency: str) -> bool:
        return self._clock() < self._trusted_until.get(dependency, float("-inf"))

    def _distrust(self, dependency: str) -> None:
        self._failures[dependency] += 1
        self._trusted_until.pop(dependency, None)


def _bucket(name: str) -> str:
    return f"dealpulse:bucket:{name}"


def _breaker(dependency: str) -> str:
    return f"dealpulse:breaker:{dependency}"


def _late(seconds: float) -> float:
    """By how many seconds to come back late from a closing of ``seconds``."""
    return random.uniform(0, seconds * _SPREAD) + random.uniform(0, _JITTER_SECONDS)  # noqa: S311  # only spreads load


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


async def _run(script: Stored, redis: Redis, keys: Sequence[str], arguments: Sequence[str | int | float]) -> Any:
    return await script.run(redis, *keys, *map(str, arguments), keys=len(keys))
