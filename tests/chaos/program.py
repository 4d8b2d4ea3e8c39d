"""A worker process as ``arq`` runs it, except that its one function does nothing but write rows.

    python -m chaos.program [--ahead SECONDS]

A job's document id says what it does: ``7@0.25`` takes a quarter of a second, ``7@broken`` breaks the engine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

import asyncpg

ROWS: Final = "chaos.rows"
BROKEN: Final = "broken"
_CONNECTIONS: Final = 4

_Hook = Callable[[dict[str, Any]], Awaitable[None]]


class EngineFault(GeneratorExit):
    """Of the few faults that no handler answers for."""


class Rows:
    """Appends to a table that refuses nothing. Connects when first used."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    async def add(self, job_id: str, what: str) -> None:
        pool = await self._opened()
        await pool.execute(f"insert into {ROWS} values ($1, $2, $3)", job_id, os.getpid(), what)  # noqa: S608

    async def _opened(self) -> asyncpg.Pool[asyncpg.Record]:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(self._url, min_size=1, max_size=_CONNECTIONS)
        return self._pool

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.close()


def main() -> None:
    """Drain the document queue until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m chaos.program")
    parser.add_argument("--ahead", type=float, default=0.0, help="seconds this worker's clock is ahead")
    ahead = parser.parse_args().ahead
    right = time.time
    # Before anything else is imported: some modules keep the function they find.
    with patch.object(time, "time", lambda: right() + ahead):
        _run(Rows(os.environ["DATABASE_URL"]))


def _run(rows: Rows) -> None:
    from arq.worker import run_worker

    from dealpulse.jobs import DOCUMENTS
    from dealpulse.logs import configure
    from dealpulse.settings import LogSettings
    from dealpulse.worker import entry
    from dealpulse.worker.handlers import BINDINGS

    async def process_document(ctx: dict[str, Any], document_id: str, _deal_id: str, _operation: str) -> None:
        job_id, wanted = ctx["job_id"], document_id.rpartition("@")[2]
        await rows.add(job_id, "started")
        if wanted == BROKEN:
            raise EngineFault
        await asyncio.sleep(float(wanted))
        await rows.add(job_id, "finished")

    def closing(stop: _Hook) -> _Hook:
        async def stopped(ctx: dict[str, Any]) -> None:
            try:
                await stop(ctx)
            finally:
                await rows.aclose()

        return stopped

    configure(LogSettings(), service="worker")
    mine = [
        replace(binding, coroutine=process_document, parse=lambda *_: None, needs=())
        for binding in BINDINGS
        if binding.queue is DOCUMENTS
    ]
    with patch.object(entry, "BINDINGS", mine):
        settings = entry.class_for("DocumentWorkerSettings", [DOCUMENTS])
    attributes = vars(settings) | {"on_shutdown": closing(vars(settings)["on_shutdown"])}
    run_worker(type(settings.__name__, (), attributes))


if __name__ == "__main__":
    main()
