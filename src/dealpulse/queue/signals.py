"""What reaches an engine from outside while it waits or works: a marker that there is work, a word to stop a job.

Both only save time. A lost marker is made up for by the engine's own poll, a lost word by its next heartbeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from arq.connections import ArqRedis

from dealpulse.queue import keys
from dealpulse.queue.connection import LOST, Wire, heed_cancellation

_BLOCK_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.5


class Doorbell:
    """Takes wake markers off a queue while the engine is hungry, and rings."""

    def __init__(self, redis: ArqRedis, queue: str, *, ring: Callable[[], bool], longest: float) -> None:
        """``ring`` says whether the engine had room for what the marker stands for; ``longest``: seconds Redis may
        be silent."""
        self._redis = redis
        self._key = keys.wake(queue)
        self._ring = ring
        self._seconds = min(_BLOCK_SECONDS, longest / 2)
        self._hungry = asyncio.Event()

    def hungry(self, yes: bool) -> None:
        """Whether the engine could do more than there was to do. A full one leaves markers to others."""
        if yes:
            self._hungry.set()
        else:
            self._hungry.clear()

    async def watch(self) -> None:
        """Runs until cancelled."""
        wire, key = Wire(self._redis), self._key.encode()
        try:
            while True:
                await self._hungry.wait()
                try:
                    popped = await wire.ask(b"BLPOP", key, b"%.3f" % self._seconds)
                    heed_cancellation()
                    if popped and not self._ring():
                        await wire.ask(b"LPUSH", key, b"1")
                except LOST:
                    heed_cancellation()
                    await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            await wire.aclose()


async def heed_cancellations(redis: ArqRedis, called_off: Callable[[str], None]) -> None:
    """Call ``called_off`` with the id of every job somebody cancels while it runs anywhere; runs until cancelled."""
    while True:
        try:
            async with redis.pubsub(ignore_subscribe_messages=True) as words:
                await words.subscribe(keys.CANCEL_CHANNEL)
                while True:
                    word = await words.get_message(timeout=_BLOCK_SECONDS)
                    heed_cancellation()
                    if word is not None:
                        called_off(word["data"].decode())
        except LOST:
            heed_cancellation()
            await asyncio.sleep(_PAUSE_SECONDS)
