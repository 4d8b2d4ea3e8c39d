"""One caller at a time, over all workers: what two of them must not do at once, such as spend a refresh token."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio.client import Redis

from dealpulse.errors import Transient
from dealpulse.queue.connection import LOST, answer, redis_faults

LONGEST_HELD: Final = 30.0
"""Seconds after which a lock whose holder died is free again."""
_LOOK_AGAIN_SECONDS: Final = 0.05

_RELEASE: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class Locks:
    """Named locks. Whoever holds one has ``LONGEST_HELD`` seconds, and must not need longer."""

    def __init__(self, redis: Redis, *, patience: float = LONGEST_HELD) -> None:
        """``patience``: seconds to wait for a turn."""
        self._redis = redis
        self._patience = patience

    @asynccontextmanager
    async def holding(self, name: str) -> AsyncIterator[None]:
        """Inside is one caller at a time.

        Raises:
            Transient: others hold it for longer than our patience; Unavailable: Redis does not answer.
        """
        key, mine = f"dealpulse:lock:{name}", secrets.token_hex(16)
        await self._take(key, mine)
        try:
            async with asyncio.timeout(LONGEST_HELD):
                yield
        except TimeoutError as error:
            raise Transient("What is done under a lock took too long.", code="lock_lost") from error
        finally:
            # Lost with Redis away, it ends by itself.
            with contextlib.suppress(*LOST):
                await answer(self._redis.eval(_RELEASE, 1, key, mine))

    async def _take(self, key: str, mine: str) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    async with redis_faults():
                        if await answer(self._redis.set(key, mine, nx=True, px=round(LONGEST_HELD * 1000))):
                            return
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        except TimeoutError as error:
            raise Transient("Others hold the lock for too long.", code="lock_held") from error
