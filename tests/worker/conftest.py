"""The session's stack as workers are told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from arq.connections import ArqRedis

from dealpulse.local.stack import Stack
from dealpulse.queue import QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.store import Store, open_store


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
