"""What the tests of buckets and breakers share: Redis watched at work, and its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Literal

from arq.connections import ArqRedis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from redis.exceptions import ConnectionError as RedisConnectionError

from dealpulse.queue.connection import answer
from dealpulse.queue.limits import (
    Admission,
)

GO_AHEAD = Admission(0.0)
MILLISECOND = 0.001
FRESH = count()
"""Numbers for names that no earlier example of a property used."""

against_redis = examples(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Watched(ArqRedis):
    """Counts what it asks Redis; breaks before its next request, or holds that or its reply back, where told to."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked = 0
        self.next: Literal["passes", "breaks", "request is held", "reply is held"] = "passes"
        self.held = asyncio.Event()
        self.release = asyncio.Event()

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        self.asked += 1
        this, self.next = self.next, "passes"
        if this == "breaks":
            raise RedisConnectionError("Connection closed by server.")
        if this == "request is held":
            await self._hold()
        reply = await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py
        if this == "reply is held":
            await self._hold()
        return reply

    async def _hold(self) -> None:
        self.held.set()
        await self.release.wait()


class Swallowing(ArqRedis):
    """A connection that breaks at the very moment it is cancelled, and reports only that it broke."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def execute_command(self, *_: Any, **__: Any) -> Any:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RedisConnectionError("Connection closed by server.") from None


async def server_time(pool: ArqRedis) -> float:
    """Seconds on Redis's clock."""
    seconds, microseconds = await answer(pool.time())
    return float(seconds) + float(microseconds) / 1e6


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for server time to bring it about."""
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(MILLISECOND)


async def keys(pool: ArqRedis) -> set[str]:
    return {key.decode() for key in await answer(pool.keys("dealpulse:*"))}
