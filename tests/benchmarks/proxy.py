"""A proxy before Redis that counts the commands a client sends.

Redis' own counters will not do: they count what scripts call inside the server too.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Counter:
    """What has passed so far, on all connections."""

    def __init__(self, redis_port: int) -> None:
        self.commands = 0
        self.used = asyncio.Event()
        self.connections: set[asyncio.Task[None]] = set()
        self._redis_port = redis_port

    async def serve(self, client: StreamReader, to_client: StreamWriter) -> None:
        """Carry one connection until either side closes it."""
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        redis, to_redis = await asyncio.open_connection("127.0.0.1", self._redis_port)
        commands = asyncio.create_task(self._commands(client, to_redis))
        replies = asyncio.create_task(_replies(redis, to_client))
        await asyncio.wait({commands, replies}, return_when=asyncio.FIRST_COMPLETED)
        commands.cancel()
        replies.cancel()
        await asyncio.gather(commands, replies, return_exceptions=True)
        to_redis.close()
        to_client.close()
        self.connections.remove(task)

    async def _commands(self, client: StreamReader, to_redis: StreamWriter) -> None:
        """Clients send each command as an array of strings: ``*2 $4 PING $2 hi``, a line each."""
        while header := await client.readline():
            parts = [header]
            for _ in range(int(header[1:])):
                size = await client.readline()
                parts += [size, await client.readexactly(int(size[1:]) + 2)]
            self.commands += 1
            self.used.set()
            to_redis.write(b"".join(parts))
            await to_redis.drain()


async def _replies(redis: StreamReader, to_client: StreamWriter) -> None:
    while reply := await redis.read(1 << 16):
        to_client.write(reply)
        await to_client.drain()


@asynccontextmanager
async def counting(redis_port: int) -> AsyncIterator[tuple[int, Counter]]:
    """The port to connect to in place of ``redis_port``, and the count. Ends when its clients have."""
    counter = Counter(redis_port)
    server = await asyncio.start_server(counter.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], counter
    finally:
        server.close()
        await asyncio.gather(*counter.connections)
