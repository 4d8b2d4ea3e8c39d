"""A real Valkey for the queue's tests, and small stand-ins for handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from arq.connections import ArqRedis

from dealpulse.local.stack import Stack
from dealpulse.queue import QueueClient, create_pool
from dealpulse.settings import Settings


@pytest.fixture
def settings(clean_stack: Stack) -> Settings:
    """Settings that point at the stack of this test session."""
    return Settings.load(environ=clean_stack.environment(), directory=clean_stack.data_dir)


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[ArqRedis]:
    """A pool as other Python programs get it."""
    opened = await create_pool(settings.redis)
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest.fixture
def client(pool: ArqRedis) -> QueueClient:
    return QueueClient(pool)
