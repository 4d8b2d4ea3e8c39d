"""An engine for the length of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from arq.connections import ArqRedis

from dealpulse.jobs import DOCUMENTS
from dealpulse.queue.engine import Claimed, Engine, EngineSettings, Outcome


@asynccontextmanager
async def running_engine(
    pool: ArqRedis,
    handler: Callable[[Claimed], Awaitable[Outcome]],
    *,
    queue: str = DOCUMENTS.key,
    concurrency: int = 5,
    keep_completed: int = 100,
    keep_failed: int = 500,
) -> AsyncIterator[Engine]:
    """An engine draining ``queue`` until the block ends."""
    settings = EngineSettings(queue, concurrency, keep_completed, keep_failed)
    engine = Engine(settings, redis=pool, handler=handler, worker="test")
    task = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        engine.drain()
        await task
