"""A real Valkey for the queue's tests, and small stand-ins for handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from arq.connections import ArqRedis

from dealpulse.local.stack import Stack
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.connection import build_pool
from dealpulse.queue.limits import Breakers
from dealpulse.settings import RedisSettings, Settings
from queue_engine.limited import Watched


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


@pytest.fixture
async def watched(settings: Settings) -> AsyncIterator[Watched]:
    opened: Watched = build_pool(settings.redis, Watched)
    # The first run of a script loads it, which is none of what the tests count.
    await Breakers(opened).state(["warm-up"])
    opened.asked = 0
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest.fixture
async def absent() -> AsyncIterator[ArqRedis]:
    """A Redis that is not there."""
    opened: ArqRedis = build_pool(RedisSettings(host="127.0.0.1", port=1))
    yield opened
    await opened.aclose(close_connection_pool=True)
