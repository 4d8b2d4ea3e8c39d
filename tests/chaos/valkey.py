"""A Redis of its own for a test that kills, freezes or starves it."""

from __future__ import annotations

import asyncio
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from dealpulse.local.binaries import valkey_server
from dealpulse.settings import RedisSettings

_HOST: Final = "127.0.0.1"
_SOCKET_SECONDS: Final = 1.0


class Valkey:
    """A server on one port and one data folder, however often it is started."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        folder.mkdir()
        self._folder = folder
        self._options = options
        self._process: Process | None = None

    @property
    def settings(self) -> RedisSettings:
        """How to reach it; its silence is noticed after a second."""
        return RedisSettings(host=_HOST, port=self.port, socket_timeout=_SOCKET_SECONDS)

    async def launch(self, *further: str) -> None:
        """Start the process, without waiting for it to answer."""
        self._process = await asyncio.create_subprocess_exec(
            str(valkey_server()),
            *self._options,
            *("--port", str(self.port), "--bind", _HOST, "--save", "", "--dir", str(self._folder)),
            *further,
            cwd=self._folder,
            stdout=DEVNULL,
        )

    async def start(self, *further: str) -> None:
        """Returns when it answers; it may still be loading its data."""
        await self.launch(*further)
        async with asyncio.timeout(20):
            while not await _speaks(self.port):
                await asyncio.sleep(0.01)
        assert self._process is not None
        assert self._process.returncode is None, "somebody else answered on this port"

    async def kill(self) -> None:
        """As a machine that loses power."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@asynccontextmanager
async def running_valkey(folder: Path, *options: str) -> AsyncIterator[Valkey]:
    """A server in ``folder`` that answers; killed when the block ends."""
    server = Valkey(folder, *options)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.create_server((_HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


async def _speaks(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(_HOST, port)
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return bool(await reader.read(1))
    except OSError:
        return False
    finally:
        writer.close()
