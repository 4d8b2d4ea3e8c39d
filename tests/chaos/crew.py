"""Worker processes of a chaos test, and what they did: lines, exit codes and rows."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg

from chaos.program import ROWS
from dealpulse.jobs import DocumentOperation, ProcessDocument
from dealpulse.queue.engine import LEASE_LOST
from worker.workers import Line, Worker

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
_TESTS: Final = Path(__file__).parents[1]


class Crew:
    """Starts workers, and remembers those that have ended."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.workers: list[Worker] = []
        self.killed: dict[int, datetime] = {}
        """When each of the killed died, by its process id."""
        self._environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_TESTS), **environment}
        self._folder = folder

    async def start(self, *options: str, **variables: str) -> Worker:
        """One more worker, which has begun to claim."""
        worker = await self.launch(*options, **variables)
        await worker.says("worker_started")
        return worker

    async def launch(self, *options: str, **variables: str) -> Worker:
        """One more process."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chaos.program", *options),
            env=self._environment | variables,
            cwd=self._folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        worker = Worker(process)
        self.workers.append(worker)
        return worker

    @property
    def lines(self) -> list[Line]:
        """All that any of them printed."""
        return [line for worker in self.workers for line in worker.lines]

    def refused(self, while_: str) -> list[str]:
        """Ids of the jobs somebody else had taken over, by what the worker did when it was told."""
        return [str(line["job_id"]) for line in self.lines if line["event"] == LEASE_LOST and line["while_"] == while_]

    def kill(self, worker: Worker) -> None:
        """As the kernel does when memory is short."""
        worker.process.kill()
        self.killed[worker.process.pid] = datetime.now(UTC)

    @property
    def alive(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.process.returncode is None]

    async def stop(self) -> None:
        """Tell everybody to stop; each does so with code 0."""
        alive = self.alive
        for worker in alive:
            # Before it could not heed a signal.
            await worker.says("worker_started")
            worker.process.terminate()
        assert [await worker.ends() for worker in alive] == [0] * len(alive)

    async def end(self) -> None:
        for worker in self.workers:
            if worker.process.returncode is None:
                worker.process.kill()
            await worker.ends()


@asynccontextmanager
async def crew(environment: Mapping[str, str], folder: Path) -> AsyncIterator[Crew]:
    """Whoever still works when the block ends is killed."""
    hired = Crew(environment, folder)
    try:
        yield hired
    finally:
        await hired.end()


@dataclass(frozen=True)
class Row:
    """A job wrote it, in the worker process ``pid``."""

    job_id: str
    pid: int
    what: str
    at: datetime


async def rows(database: Database) -> list[Row]:
    """Everything jobs wrote, in order."""
    found = await database.fetch(f"select job, pid, what, at from {ROWS} order by at")  # noqa: S608
    return [Row(row["job"], row["pid"], row["what"], row["at"]) for row in found]


async def until_started(database: Database, job_id: str) -> None:
    """Wait until this job has begun to run."""
    async with asyncio.timeout(20):
        while not any(row.job_id == job_id for row in await rows(database)):
            await asyncio.sleep(0.02)


def job(number: int, does: float | str) -> ProcessDocument:
    """A job that takes so many seconds, or does what :mod:`chaos.program` says. Forty deals have them in turn."""
    return ProcessDocument(f"{number}@{does}", f"deal-{number % 40}", DocumentOperation.analyze)
