"""The real stack for alerts, and a watch over it with channels the test sees into."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from arq.connections import ArqRedis

from dealpulse.local.stack import Stack
from dealpulse.models import Deal
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.alert_book import AlertBook
from dealpulse.queue.connection import build_pool
from dealpulse.settings import RedisSettings, Settings
from dealpulse.store import Store, open_store


@pytest.fixture
def settings(clean_stack: Stack) -> Settings:
    return Settings.load(environ={**clean_stack.environment(), "ALERT_NO_WORKERS_SECONDS": "0"})


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[ArqRedis]:
    opened = await create_pool(settings.redis)
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest.fixture
def queue(pool: ArqRedis) -> QueueClient:
    return QueueClient(pool)


@pytest.fixture
def book(pool: ArqRedis) -> AlertBook:
    return AlertBook(pool)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings.supabase) as opened:
        yield opened


@pytest.fixture
async def deal(store: Store) -> Deal:
    return await store.deals.create("Project Alder")


@pytest.fixture
async def absent() -> AsyncIterator[ArqRedis]:
    """A Redis that is not there."""
    opened: ArqRedis = build_pool(RedisSettings(host="127.0.0.1", port=1))
    yield opened
    await opened.aclose(close_connection_pool=True)
