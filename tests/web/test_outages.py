"""Redis or Supabase away: the API starts, says so, promises nothing it does not keep, and recovers by itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import ASGIApp

from dealpulse.local.stack import Stack
from dealpulse.models import Deal, OperationState
from dealpulse.settings import Settings
from dealpulse.store import Store
from dealpulse.web.app import build_app

Serve = Callable[[ASGIApp], AbstractAsyncContextManager[httpx.AsyncClient]]


class Line:
    """A TCP line to one of the stack's parts, which can be cut and mended."""

    def __init__(self, target: str) -> None:
        address = urlsplit(target)
        self._target = (address.hostname, address.port)
        self._address = address
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The target's address with this line's port in it."""
        credentials, at, _ = self._address.netloc.rpartition("@")
        return self._address._replace(netloc=f"{credentials}{at}127.0.0.1:{self.port}").geturl()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, onward_writer}
        await asyncio.gather(_pump(reader, onward_writer), _pump(onward_reader, writer), return_exceptions=True)
        self._writers -= {writer, onward_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def _line(target: str) -> AsyncIterator[Line]:
    line = Line(target)
    yield line
    await line.cut()


@pytest.fixture
async def redis_line(clean_stack: Stack) -> AsyncIterator[Line]:
    """To Redis; cut until mended."""
    async with _line(clean_stack.redis_url) as line:
        yield line


@pytest.fixture
async def supabase_line(clean_stack: Stack) -> AsyncIterator[Line]:
    """To Supabase; cut until mended."""
    async with _line(clean_stack.supabase_url) as line:
        yield line


@pytest.fixture
async def far_api(
    clean_environment: dict[str, str], redis_line: Line, supabase_line: Line, serve: Serve
) -> AsyncIterator[httpx.AsyncClient]:
    """The API, started while nothing it needs can be reached."""
    environ = {
        **clean_environment,
        "API_TRUST_LOOPBACK": "true",
        "REDIS_URL": redis_line.url,
        "SUPABASE_URL": supabase_line.url,
    }
    async with serve(build_app(Settings.load(environ=environ))) as client:
        yield client


async def test_it_starts_without_either_and_recovers_when_they_come(
    far_api: httpx.AsyncClient, redis_line: Line, supabase_line: Line, deal: Deal
) -> None:
    assert (await far_api.get("/healthz")).status_code == 200
    ready = await far_api.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["ready"] is False
    for path in ("/api/queue/stats", "/api/deals"):
        answer = await far_api.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1

    await redis_line.mend()
    await supabase_line.mend()

    assert (await far_api.get("/readyz")).json() == {"ready": True, "checks": {"redis": "ok", "supabase": "ok"}}
    assert (await far_api.post("/api/queue/trigger-daily-briefs")).json()["queued"] == 1


async def test_readiness_names_the_one_that_is_away(
    far_api: httpx.AsyncClient, redis_line: Line, supabase_line: Line
) -> None:
    await redis_line.mend()
    only_redis = (await far_api.get("/readyz")).json()["checks"]
    await redis_line.cut()
    await supabase_line.mend()
    only_supabase = (await far_api.get("/readyz")).json()["checks"]
    assert only_redis["redis"] == only_supabase["supabase"] == "ok"
    assert "ok" not in (only_redis["supabase"], only_supabase["redis"])


async def test_what_is_asked_while_redis_is_away_stays_written_down(
    far_api: httpx.AsyncClient, redis_line: Line, supabase_line: Line, store: Store, deal: Deal
) -> None:
    await redis_line.mend()
    await supabase_line.mend()
    assert (await far_api.get("/api/queue/stats")).status_code == 200
    await redis_line.cut()

    asked = {"dealId": deal.id, "date": "2026-03-02"}
    answer = await far_api.post("/api/queue/daily-brief", json=asked)

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert [row.state for row in await store.operations.of_deal(deal.id)] == [OperationState.pending]

    await redis_line.mend()
    again = await far_api.post("/api/queue/daily-brief", json=asked)
    assert (again.status_code, again.json()["deduplicated"]) == (200, False)
    assert [row.state for row in await store.operations.of_deal(deal.id)] == [OperationState.queued]


async def test_nothing_is_queued_while_supabase_is_away(
    far_api: httpx.AsyncClient,
    redis_line: Line,
    deal: Deal,
    jobs_in_redis: Callable[[], Awaitable[int]],
) -> None:
    await redis_line.mend()
    for path, body in (
        ("/api/queue/daily-brief", {"dealId": deal.id}),
        ("/api/queue/trigger-daily-briefs", None),
        ("/api/webhooks/gdrive", {"changes": [{"dealId": deal.id}]}),
    ):
        assert (await far_api.post(path, json=body)).status_code == 503
    assert await jobs_in_redis() == 0
