"""The servers and processes of the benchmark. None outlives it: each is killed at the end of its block, however that
comes, and on Linux by the kernel should even we be killed.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import distributions, version
from pathlib import Path
from typing import IO, Any, Final

from dealpulse.local.binaries import valkey_server

ROOT: Final = Path(__file__).parents[2]
HOME: Final = ROOT / ".dealpulse/bench"
"""Where bullmq and saq are installed: beside the project and not in it."""

_HERE: Final = Path(__file__).parent
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None

Figures = dict[str, float]


class Failed(Exception):
    """A peer did not do what it was asked for."""


def install() -> None:
    """bullmq from npm and saq from PyPI, unless they are there."""
    HOME.mkdir(parents=True, exist_ok=True)
    if not (HOME / "node_modules/bullmq").exists():
        _run("npm", "install", "--silent", "--prefix", str(HOME), "bullmq@^6", "ioredis@^5")
    if not (HOME / "python/saq").exists():
        uv = ROOT / ".tools/bin/uv"
        target = ["--python", sys.executable, "--target", str(HOME / "python"), "--no-deps", "saq", "croniter"]
        _run(str(uv) if uv.exists() else "uv", "pip", "install", "--quiet", *target)


def versions() -> dict[str, str]:
    """Of everything that has a part in the figures."""
    packages = {name: version(name) for name in ("dealpulse", "arq", "redis", "hiredis", "uvloop")}
    (saq,) = distributions(name="saq", path=[str(HOME / "python")])
    modules = {
        name: str(json.loads((HOME / "node_modules" / name / "package.json").read_text())["version"])
        for name in ("bullmq", "ioredis")
    }
    return {
        **packages,
        "saq": saq.version,
        **modules,
        "python": platform.python_version(),
        "node": _run("node", "--version").lstrip("v"),
        "valkey": _run(str(valkey_server()), "--version").partition("v=")[2].split()[0],
    }


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, stdout=PIPE, text=True).stdout.strip()
    except FileNotFoundError as error:
        raise Failed(f"{command[0]} is not on PATH.") from error
    except subprocess.CalledProcessError as error:
        raise Failed(f"{' '.join(command[:3])} failed; what it says stands above.") from error


@asynccontextmanager
async def redis() -> AsyncIterator[int]:
    """The port of an empty Redis without persistence."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder)
        async with _process(str(valkey_server()), *options, stdout=subprocess.DEVNULL):
            async with asyncio.timeout(10):
                while not _listening(port):
                    await asyncio.sleep(0.01)
            yield port


@dataclass(frozen=True)
class PeerProcess:
    """A process of a peer, which reports figures on a pipe of its own and prints its log to another."""

    peer: str
    process: Process
    _reports: asyncio.StreamReader
    _collector: Process

    async def report(self) -> Figures:
        """The next figures it reports."""
        line = await self._reports.readline()
        if not line:
            raise Failed(f"{self.peer} ended without a report.")
        figures: Figures = json.loads(line)
        return figures

    async def lines(self) -> int:
        """How many lines it printed, once it has ended."""
        await self.process.wait()
        assert self._collector.stdout is not None
        return int(await self._collector.stdout.read())

    @property
    def resident_mb(self) -> float:
        """Its resident memory. Linux only."""
        if self.process.returncode is not None:
            raise Failed(f"{self.peer} ended while it was to be idle.")
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@asynccontextmanager
async def started(
    peer: str, scenario: str, port: int, *, count: int = 1, at_once: int = 1
) -> AsyncIterator[PeerProcess]:
    """A process of ``peer`` that plays ``scenario`` against the Redis on ``port``.

    Its log is read by a process that only counts lines: a real pipe, as under a log collector, and next to no CPU time.
    """
    program = ["node", str(_HERE / "bullmq.mjs")]
    if peer != "bullmq":
        program = [sys.executable, "-m", "benchmarks.scenarios", peer]
    paths = (str(_HERE.parent), str(HOME / "python"), os.environ.get("PYTHONPATH", ""))
    environment = os.environ | {"BULLMQ_HOME": str(HOME), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with ExitStack() as pipes:
        reading, report = pipes.enter_context(_pipe())
        printed, output = pipes.enter_context(_pipe())
        arguments = [scenario, str(port), str(count), str(at_once), str(report.fileno())]
        async with (
            _process("wc", "-l", stdin=printed, stdout=PIPE) as collector,
            _process(
                *program, *arguments, stdout=output, pass_fds=[report.fileno()], env=environment, cwd=HOME
            ) as process,
            _stream(reading) as reports,
        ):
            for ours in (printed, output, report):
                ours.close()
            yield PeerProcess(peer, process, reports, collector)


@asynccontextmanager
async def _process(*command: str, **options: Any) -> AsyncIterator[Process]:
    """A child in a group of its own: Ctrl-C reaches us only, and whatever the child started ends with it."""
    process = await asyncio.create_subprocess_exec(
        *command, start_new_session=True, preexec_fn=_end_with_parent, **options
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _end_with_parent() -> None:
    """Runs in the child before its program does."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def _pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as reader, os.fdopen(writing, "wb", 0) as writer:
        yield reader, writer


@asynccontextmanager
async def _stream(pipe: IO[bytes]) -> AsyncIterator[asyncio.StreamReader]:
    stream = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(stream)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
    try:
        yield stream
    finally:
        transport.close()


def _listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
