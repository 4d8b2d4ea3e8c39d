"""Worker processes as an operator starts them, with everything they print."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

Line = dict[str, object]


class Worker:
    """One ``arq`` process. Every line it prints must be a JSON object, on either stream."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[Line] = []
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            line = json.loads(raw)
            assert isinstance(line, dict)
            async with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()

    async def says(self, event: str, where: Callable[[Line], bool] = lambda _: True) -> Line:
        """The first line with this event; fails when the process ends or a minute passes without it."""

        def found() -> Line | None:
            return next((line for line in self.lines if line["event"] == event and where(line)), None)

        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: found() is not None or self._reader.done())
        line = found()
        assert line is not None, f"ended without saying {event}: {self.lines[-5:]}"
        return line

    async def ends(self) -> int:
        """The exit code, once all output is read."""
        async with asyncio.timeout(60):
            await self._reader
            return await self.process.wait()


@asynccontextmanager
async def arq(class_name: str, *options: str, environment: Mapping[str, str], folder: Path) -> AsyncIterator[Worker]:
    """``arq dealpulse.worker.CLASS OPTIONS`` in ``folder``; killed when the block ends, should it still run."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "arq",
        f"dealpulse.worker.{class_name}",
        *options,
        env={"PATH": os.environ["PATH"], **environment},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    worker = Worker(process)
    try:
        yield worker
    finally:
        if process.returncode is None:
            process.kill()
        await worker.ends()


class Start(Protocol):
    """``arq dealpulse.worker.CLASS OPTIONS`` against the running stack; keywords are further variables."""

    def __call__(self, class_name: str, *options: str, **variables: str) -> AbstractAsyncContextManager[Worker]: ...
