"""What arq's worker is given in place of a pool with jobs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from dealpulse.worker.root import RootPool


class Swallowing(RootPool):
    """A connection that breaks at the very moment it is cancelled, and reports only that it broke."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def ping(self, **_: Any) -> bool:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RedisConnectionError("Connection closed by server.") from None
        return True


async def test_waiting_for_redis_ends_when_cancelled_even_if_the_cancellation_is_swallowed() -> None:
    pool = Swallowing()
    waiting = asyncio.create_task(pool.reachable())
    await pool.asked.wait()
    waiting.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await pool.aclose()


async def test_arqs_loop_ends_at_its_next_turn_when_a_cancellation_was_swallowed() -> None:
    pool = Swallowing()

    async def loop() -> None:
        try:
            await pool.ping()
        except RedisConnectionError:
            pool.asked.clear()
        while True:
            await asyncio.sleep(0)
            await pool.zrangebyscore("queue")

    looping = asyncio.create_task(loop())
    await pool.asked.wait()
    looping.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await looping
    await pool.aclose()
