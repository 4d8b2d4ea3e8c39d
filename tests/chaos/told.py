"""What the engine tells of jobs while it works: its stream of events, read once everything has ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import msgspec
from arq.connections import ArqRedis

from dealpulse.queue import keys
from dealpulse.queue.connection import answer

ENDS = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Told:
    """How often what was told of which job: ``kinds[kind, id]``."""

    kinds: Counter[tuple[str, str]]

    def total(self, kind: str) -> int:
        return sum(count for (told, _), count in self.kinds.items() if told == kind)

    def by_job(self, kind: str) -> Counter[str]:
        return Counter({job_id: count for (told, job_id), count in self.kinds.items() if told == kind})

    def of(self, job_id: str, kind: str) -> int:
        return self.kinds[kind, job_id]

    def ends(self, job_id: str) -> int:
        """How many ends of this job were accepted."""
        return sum(self.kinds[kind, job_id] for kind in ENDS)


async def told(pool: ArqRedis) -> Told:
    """Everything since Redis was empty; fails when the stream was trimmed since."""
    entries = await answer(pool.xrange(keys.EVENTS))
    information = await answer(pool.xinfo_stream(keys.EVENTS))
    assert information["entries-added"] == len(entries), "the stream was trimmed"
    kinds: Counter[tuple[str, str]] = Counter()
    for _, fields in entries:
        for kind, _queue, job_id, _deal in msgspec.msgpack.decode(fields[b"e"], type=list[tuple[str, str, str, str]]):
            kinds[kind, job_id] += 1
    return Told(kinds)
