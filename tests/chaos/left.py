"""What may be in Redis once every job of a queue has ended and every worker has stopped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from arq.connections import ArqRedis

from dealpulse.queue import keys
from dealpulse.queue.connection import answer

_LASTING: Final = (
    r"{queue}:(totals|completed|failed|cancelled|earlier|times|faults)",
    r"dealpulse:(events|workers|amnesty)",
    r"dealpulse:schedules?(:.+)?",
    r"dealpulse:alerts(:unsent|:notices)?",
)
_EXPIRING: Final = (
    r"{queue}:(minute|hour):[0-9]+",
    r"{queue}:(turn:.+|alone|health-check)",
    r"dealpulse:worker:.+",
    r"dealpulse:alerts:leader",
    r"arq:result:.+",
)


async def left_behind(pool: ArqRedis, queue: str) -> list[str]:
    """Keys that are neither history, counts nor about to expire, each with what is wrong about it."""
    kept = {keys.RECORD + run.partition(":")[2] for run in await _runs(pool, queue)}
    kept |= {keys.EARLIER_RUN + run for run in await _runs(pool, queue)}
    found = []
    async for name in pool.scan_iter(count=1_000):
        key = name.decode()
        if _is(key, _EXPIRING, queue):
            if await answer(pool.pttl(key)) < 0:
                found.append(f"{key} never expires")
        elif key not in kept and not _is(key, _LASTING, queue):
            found.append(f"{key} has no place")
    return found


async def kept_runs(pool: ArqRedis, queue: str) -> int:
    """How many runs history keeps."""
    return len(await _runs(pool, queue))


async def records(pool: ArqRedis) -> int:
    """How many jobs or runs are recorded."""
    counted = 0
    for prefix in (keys.RECORD, keys.EARLIER_RUN):
        counted += len([key async for key in pool.scan_iter(f"{prefix}*", count=1_000)])
    return counted


async def _runs(pool: ArqRedis, queue: str) -> list[str]:
    runs: list[bytes] = []
    for outcome in ("completed", "failed", "cancelled"):
        runs += await answer(pool.zrange(keys.history(queue, outcome), 0, -1))
    return [run.decode() for run in runs]


def _is(key: str, patterns: Sequence[str], queue: str) -> bool:
    return any(re.fullmatch(pattern.format(queue=re.escape(queue)), key) for pattern in patterns)
