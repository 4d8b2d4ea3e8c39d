"""The stack, and one process each of the API and of the bare route."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks.processes import Failed
from dealpulse.local.stack import Stack, running_stack
from dealpulse.store.migrate import apply_migrations

TOKEN: Final = "a-token-for-measuring"
_START_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]

    @property
    def resident_mb(self) -> float:
        """Its resident memory. Linux only."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def stack() -> Iterator[Stack]:
    """An empty one, migrated."""
    with (
        tempfile.TemporaryDirectory(prefix="dealpulse-bench-") as folder,
        running_stack(Path(folder) / "stack", durable=False, prepare_database=_migrate) as running,
    ):
        yield running


@contextmanager
def server(app: str, environment: Mapping[str, str], *, probe: str) -> Iterator[Server]:
    """``app`` as production serves it; its log goes nowhere."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--factory", "--port", str(port), "--no-access-log"]
    process = subprocess.Popen(
        [*command, "--log-level", "warning"],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    )
    try:
        _await(port, process, probe)
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def api(running: Stack) -> Iterator[Server]:
    own = {"API_TOKENS": f"bench:admin:{TOKEN}", "API_RATE_PER_MINUTE": "0", "ALERT_NO_WORKERS_SECONDS": "0"}
    with server("dealpulse.web.app:create_app", {**running.environment(), **own}, probe="/readyz") as serving:
        yield serving


@contextmanager
def bare(running: Stack) -> Iterator[Server]:
    with server("benchmarks.api.bare:create_app", running.environment(), probe="/") as serving:
        yield serving


def _await(port: int, process: subprocess.Popen[bytes], probe: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}{probe}", trust_env=False).status_code < 500:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise Failed("A server did not start; what it says stands above.")


def _migrate(database_url: str) -> None:
    with ThreadPoolExecutor(1) as aside:  # a loop runs here already
        aside.submit(lambda: asyncio.run(apply_migrations(database_url))).result()
