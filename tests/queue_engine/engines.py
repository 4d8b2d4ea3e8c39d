"""An engine for the length of a test, and turns taken by hand, as by a worker the test plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from arq.connections import ArqRedis

from dealpulse.jobs import DOCUMENTS
from dealpulse.queue.connection import Wire
from dealpulse.queue.engine import Engine, EngineSettings, Handler
from dealpulse.queue.scripts import (
    RENEW,
    ClaimedRow,
    Ending,
    RenewReply,
    RenewRequest,
    TurnReply,
    TurnRequest,
    decode_renewed,
    take_turn,
)


@asynccontextmanager
async def running_engine(
    pool: ArqRedis,
    handler: Handler,
    *,
    queue: str = DOCUMENTS.key,
    concurrency: int = 5,
    keep_completed: int = 100,
    keep_failed: int = 500,
    per_deal: int = 0,
    limit: int = 0,
    worker: str = "test",
) -> AsyncIterator[Engine]:
    """An engine draining ``queue`` until the block ends."""
    settings = EngineSettings(
        queue=queue,
        concurrency=concurrency,
        keep_completed=keep_completed,
        keep_failed=keep_failed,
        per_deal=per_deal,
        limit=limit,
    )
    engine = Engine(settings, redis=pool, handler=handler, worker=worker)
    task = asyncio.create_task(engine.run())
    test = asyncio.current_task()
    assert test is not None
    # A test that waits for an engine that died would wait for ever.
    task.add_done_callback(lambda ended: test.cancel() if not ended.cancelled() and ended.exception() else None)
    try:
        yield engine
    finally:
        engine.drain()
        await task


async def turn(
    pool: ArqRedis,
    worker: str = "other",
    *,
    queue: str = DOCUMENTS.key,
    seq: int = 1,
    wanted: int = 1,
    running: int = 0,
    lease: int = 15_000,
    registered: int = 15_000,
    repeated: bool = False,
    per_deal: int = 0,
    limit: int = 0,
    keep_completed: int = 100,
    keep_failed: int = 500,
    finishing: Sequence[Ending] = (),
) -> TurnReply:
    """One turn of a worker that the test plays. Times are ms."""
    request = TurnRequest(
        queue=queue,
        worker=worker,
        registered_ms=registered,
        seq=seq,
        repeated=repeated,
        wanted=wanted,
        running=running,
        lease=lease,
        per_deal=per_deal,
        limit=limit,
        keep_completed=keep_completed,
        keep_failed=keep_failed,
        finishing=finishing,
    )
    wire = Wire(pool)
    try:
        reply, _ = await take_turn(pool, request, wire)
    finally:
        await wire.aclose()
    return reply


async def renewed(
    pool: ArqRedis,
    worker: str,
    held: Sequence[tuple[str, str]],
    *,
    queue: str = DOCUMENTS.key,
    redis_run: str = "",
    cut_off: bool = False,
    lease: int = 15_000,
) -> RenewReply:
    """One heartbeat of a worker that the test plays; ``held`` are ids and tokens."""
    request = RenewRequest(queue, worker, 15_000, ("worker", worker), redis_run, cut_off, lease, held)
    return decode_renewed(await RENEW(pool, request))


def ended(
    claim: ClaimedRow, outcome: str = "completed", *, worker: str = "other", seq: int = 1, delay: int = 0
) -> Ending:
    """How a run claimed by :func:`turn` ended."""
    token, started = f"{worker}#{seq}", claim.due
    return Ending(claim.id, token, outcome, claim.run, claim.deal, claim.attempt, started, delay=delay, arq="{}")
