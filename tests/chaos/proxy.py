"""A proxy before Redis: it loses one answer on the way, or leads to another server from some moment on."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """Carries everything, except the first answer that contains ``loses``: with that one the connection breaks."""

    redis_port: int
    """Where connections made from now on lead to."""
    loses: bytes | None
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, client: StreamReader, to_client: StreamWriter) -> None:
        """Carry one connection until either side closes it."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        redis, to_redis = await asyncio.open_connection("127.0.0.1", self.redis_port)
        ways = {
            asyncio.create_task(self._carry(client, to_redis, answers=False)),
            asyncio.create_task(self._carry(redis, to_client, answers=True)),
        }
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        to_redis.close()
        to_client.close()
        self._connections.remove(task)

    async def _carry(self, source: StreamReader, target: StreamWriter, *, answers: bool) -> None:
        while some := await source.read(1 << 20):
            if answers and self.loses is not None and self.loses in some and not self.lost.is_set():
                self.lost.set()
                return
            target.write(some)
            await target.drain()

    async def ended(self) -> None:
        """Returns when every connection has."""
        await asyncio.gather(*self._connections)


@asynccontextmanager
async def proxying(redis_port: int, loses: bytes | None = None) -> AsyncIterator[tuple[int, Proxy]]:
    """The port to connect to in place of ``redis_port``. Ends when its clients have."""
    proxy = Proxy(redis_port, loses)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], proxy
    finally:
        server.close()
        await proxy.ended()
