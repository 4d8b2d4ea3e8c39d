"""Waiting for a Redis that is away: with back-off, said once when it is lost and once when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError

from dealpulse.queue.connection import LOST, heed_cancellation, passes

REDIS_LOST: Final = "redis_lost"
REDIS_BACK: Final = "redis_back"
RETRY_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)

_log = structlog.get_logger("dealpulse.queue.engine")

Reply = TypeVar("Reply")


class Patience:
    """Repeats commands until Redis answers them."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._failing: set[str] = set()
        self._lost_at = 0.0
        self.interrupted = True
        """Redis was away, or never there, since somebody last looked and cleared this."""

    async def __call__(
        self, name: str, command: Callable[[], Awaitable[Reply]], *, give_up: asyncio.Event | None = None
    ) -> Reply | None:
        """What the command answers; None when ``give_up`` is set and Redis still does not answer.

        Raises what waiting cannot cure: a wrong password, a command that is refused.
        """
        pauses = itertools.chain(RETRY_SECONDS, itertools.repeat(RETRY_SECONDS[-1]))
        for attempt in itertools.count():
            try:
                reply = await command()
            except LOST as error:
                heed_cancellation()
                if not passes(error):
                    raise
                self.interrupted = True
                if attempt == 0 and isinstance(error, RedisConnectionError | ReadOnlyError):
                    # The connection may have been cut long ago, or lead to what was the primary once: it is closed
                    # now, and only a new one tells whether Redis is there.
                    continue
                self._note_lost(name, error)
            else:
                if self._failing:
                    self._note_answered(name)
                return reply
            pause = next(pauses)
            if give_up is None:
                await asyncio.sleep(pause)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(give_up.wait(), pause)
            if give_up.is_set():
                return None
        raise AssertionError("unreachable")

    def _note_lost(self, name: str, error: BaseException) -> None:
        if not self._failing:
            self._lost_at = time.monotonic()
            _log.warning(REDIS_LOST, queue=self._queue, error_class=type(error).__name__)
        self._failing.add(name)

    def _note_answered(self, name: str) -> None:
        if name not in self._failing:
            return
        self._failing.remove(name)
        if not self._failing:
            seconds = round(time.monotonic() - self._lost_at, 3)
            _log.info(REDIS_BACK, queue=self._queue, away_seconds=seconds)
