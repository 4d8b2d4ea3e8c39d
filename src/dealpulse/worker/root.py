"""What arq's own worker is here: the root of the process, with signals, health key and cron, and no queue of its own.

arq's CLI always builds an ``arq.Worker``. Its polling loop loses the process when Redis goes away, cancels running
jobs on SIGTERM and costs six round trips a job, so it is given a pool on which it never finds a job; the engines do the
work on the same loop. Its settings stay truthful: functions, queue, cron jobs and limits are those the engines use.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import structlog
from arq.connections import ArqRedis
from arq.jobs import Job

from dealpulse.queue.connection import LOST, answer, heed_cancellation, passes, redis_faults
from dealpulse.queue.schedule import Scheduler, moment_of

REDIS_AWAITED: Final = "redis_awaited"
REDIS_REACHED: Final = "redis_reached"
_RETRY_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)

_log = structlog.get_logger("dealpulse.worker.root")

Reply = TypeVar("Reply")


class RootPool(ArqRedis):
    """The pool of arq's worker: finds no jobs, waits for a Redis that is away, and in a burst says what is left."""

    queues: tuple[str, ...] = ()
    """The keys of all queues this process drains."""
    _scheduler: Scheduler | None = None

    async def zrangebyscore(self, *_: Any, **__: Any) -> list[bytes]:
        """No job is ever due for arq's own loop, which asks twice a second and must end when told to."""
        heed_cancellation()
        return []

    async def zcard(self, _name: Any) -> int:
        """What is left to do on all queues: arq asks to know whether a burst is over, and for its health line."""
        return sum(await self._when_reached(self._sizes))

    async def _sizes(self) -> list[int]:
        # At one moment: counted one after the other, a job that ends here and asks for one there is seen in neither.
        async with super().pipeline(transaction=True) as together:
            for queue in self.queues:
                together.zcard(queue)
            sizes: list[int] = await together.execute()
        return sizes

    async def psetex(self, *args: Any) -> Any:
        """arq's health key. A beat that is missed because Redis is away is missed."""
        try:
            return await answer(super().psetex(*args))
        except LOST:
            return None

    async def delete(self, *_: Any) -> Any:
        """arq deletes its health key on the way out: not here. Other workers of the class share it, and it expires."""
        return 0

    async def follow(self, scheduler: Scheduler) -> None:
        """Enqueue what ``scheduler`` finds was missed, and hand it all ticks from here on."""
        self._scheduler = scheduler
        await self._when_reached(scheduler.make_up)

    async def enqueue_job(self, function: str, *args: Any, **kwargs: Any) -> Job | None:
        """A cron tick. It waits for Redis: lost, it would cost a brief."""
        scheduler, job_id = self._scheduler, kwargs.get("_job_id")
        # Either may be repeated: a tick carries its id.
        if scheduler is None or job_id is None or function not in scheduler:
            return await self._when_reached(lambda: super(RootPool, self).enqueue_job(function, *args, **kwargs))
        await self._when_reached(lambda: scheduler.tick(function, moment_of(job_id)))
        return None

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:
        """arq's INFO line at start goes through here, before ``on_startup``: it waits for Redis as all else does."""
        return _PatientPipeline(self, super().pipeline(transaction, shard_hint))

    async def reachable(self) -> None:
        """Return when Redis answers; says so once while it does not.

        Raises:
            Permanent: Redis answers that it will not have us; waiting does not help.
        """
        await self._when_reached(lambda: answer(self.ping()))

    async def _when_reached(self, command: Callable[[], Awaitable[Reply]]) -> Reply:
        for attempt in itertools.count():
            try:
                reply = await command()
            except LOST as error:
                heed_cancellation()
                if not passes(error):
                    async with redis_faults():
                        raise
                if attempt == 0:
                    _log.warning(REDIS_AWAITED, error_class=type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
            else:
                if attempt:
                    _log.info(REDIS_REACHED)
                return reply
        raise AssertionError("unreachable")


class _PatientPipeline:
    """A pipeline entered only once Redis answers."""

    def __init__(self, pool: RootPool, pipeline: Any) -> None:
        self._pool = pool
        self._pipeline = pipeline

    async def __aenter__(self) -> Any:
        await self._pool.reachable()
        return await self._pipeline.__aenter__()

    async def __aexit__(self, *exception: object) -> Any:
        return await self._pipeline.__aexit__(*exception)
