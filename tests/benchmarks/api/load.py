"""A client that costs little: plain sockets, requests made beforehand, answers read no further than needed."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from benchmarks.processes import Failed


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


@dataclass(frozen=True)
class Measured:
    """``seconds`` for all; each answer's time in ms, in the order they came."""

    seconds: float
    times_ms: Sequence[float]

    @property
    def per_second(self) -> float:
        return len(self.times_ms) / self.seconds

    def percentile(self, share: float) -> float:
        return sorted(self.times_ms)[min(len(self.times_ms) - 1, math.ceil(share * len(self.times_ms)) - 1)]


class Connection:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> Answer:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        return Answer(status, await self._reader.readexactly(int(length)))


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


def get(path: str, token: str, **query: str) -> bytes:
    return _request("GET", f"{path}?{urlencode(query)}" if query else path, token, b"")


def post(path: str, token: str, body: Any) -> bytes:
    return _request("POST", path, token, json.dumps(body).encode())


def _request(method: str, path: str, token: str, body: bytes) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(port: int, requests: Sequence[bytes], *, at_once: int) -> Measured:
    """All requests, so many at a time. Raises Failed for an answer that is no success."""
    left: Iterator[bytes] = iter(requests)
    times: list[float] = []

    async def work() -> None:
        async with connected(port) as connection:
            for request in left:
                began = time.perf_counter()
                answer = await connection.ask(request)
                times.append((time.perf_counter() - began) * 1000)
                if answer.status >= 300:
                    raise Failed(f"{request[:200]!r} was answered {answer.status}: {answer.body[:300]!r}")

    began = time.perf_counter()
    async with asyncio.TaskGroup() as together:
        for _ in range(at_once):
            together.create_task(work())
    return Measured(time.perf_counter() - began, times)
