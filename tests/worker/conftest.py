"""The session's stack as workers are told of it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from arq.connections import ArqRedis

from dealpulse.local.stack import Stack
from dealpulse.models import Deal
from dealpulse.queue import QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.store import Store, open_store
from worker.workers import Start, Worker, arq


@pytest.fixture
def settings(clean_stack: Stack) -> Settings:
    return Settings.load(environ=clean_stack.environment(), directory=clean_stack.data_dir)


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[ArqRedis]:
    opened = await create_pool(settings.redis)
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest.fixture
def client(pool: ArqRedis) -> QueueClient:
    return QueueClient(pool)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings.supabase) as opened:
        yield opened


@pytest.fixture
def start(clean_stack: Stack, tmp_path: Path) -> Start:
    def run(class_name: str, *options: str, **variables: str) -> AbstractAsyncContextManager[Worker]:
        return arq(class_name, *options, environment=clean_stack.environment() | variables, folder=tmp_path)

    return run


@pytest.fixture
async def deal(store: Store) -> Deal:
    return await store.deals.create("Kestrel")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
