"""The API on a real socket over the embedded stack, and its rooms for looking behind it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
import uvicorn
from arq.connections import ArqRedis
from starlette.types import ASGIApp

from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Document, Email
from dealpulse.queue import QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.store import Store, open_store
from dealpulse.web.app import build_app
from web.promises import hold_to_document

Serve = Callable[[ASGIApp], AbstractAsyncContextManager[httpx.AsyncClient]]


@asynccontextmanager
async def _serve(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of ``app`` served by uvicorn; the socket listens before the server runs, so nothing is waited for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        base = f"http://localhost:{listener.getsockname()[1]}"
        try:
            hooks = {"response": [hold_to_document]}
            async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=20, event_hooks=hooks) as client:
                yield client
        finally:
            server.should_exit = True
            await serving


@pytest.fixture
def serve() -> Serve:
    return _serve


@pytest.fixture
def clean_environment(clean_stack: Stack) -> dict[str, str]:
    """The settings of an empty stack and nothing else: no token, no waiver."""
    return clean_stack.environment()


@pytest.fixture
def settings(clean_stack: Stack) -> Settings:
    """The stack's, with the loopback waiver and small limits."""
    own = {"API_TRUST_LOOPBACK": "true", "MAX_BODY_BYTES": "20000", "MAX_UPLOAD_BYTES": "200000"}
    return Settings.load(environ={**clean_stack.environment(), **own})


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole API."""
    async with _serve(build_app(settings)) as client:
        yield client


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings.supabase) as store:
        yield store


@pytest.fixture
async def queue_pool(settings: Settings) -> AsyncIterator[ArqRedis]:
    opened = await create_pool(settings.redis)
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest.fixture
def queue(queue_pool: ArqRedis) -> QueueClient:
    return QueueClient(queue_pool)


@pytest.fixture
async def deal(store: Store) -> Deal:
    return await store.deals.create("Project Alder")


@pytest.fixture
async def document(store: Store, deal: Deal) -> Document:
    return await store.documents.create(
        deal.id,
        name="lease.pdf",
        path="legal/lease.pdf",
        mime_type="application/pdf",
        size_bytes=10,
        content_hash="a" * 64,
        storage_key=f"deals/{deal.id}/{'a' * 64}",
    )


@pytest.fixture
async def email(store: Store, deal: Deal) -> Email:
    return await store.emails.create(
        deal.id,
        name="hello.eml",
        path="mail/hello.eml",
        content_hash="b" * 64,
        storage_key=f"deals/{deal.id}/{'b' * 64}",
    )


@pytest.fixture
def jobs_in_redis(queue: QueueClient) -> Callable[[], Awaitable[int]]:
    """Counts the jobs that wait, run or are kept, over all queues."""

    async def count() -> int:
        figures = (await queue.stats()).values()
        return sum(each.waiting + each.delayed + each.active + each.completed + each.failed for each in figures)

    return count
