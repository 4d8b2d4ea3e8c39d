"""Intake over the embedded stack."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest
from arq.connections import ArqRedis

from dealpulse.intake import Intake
from dealpulse.local.stack import Stack
from dealpulse.queue import History, QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.store import Store, open_store

NOON_IN_LONDON = datetime.datetime(2026, 3, 2, 12, 0, tzinfo=datetime.UTC)


@pytest.fixture
async def store(clean_stack: Stack) -> AsyncIterator[Store]:
    async with open_store(Settings.load(environ=clean_stack.environment()).supabase) as store:
        yield store


@pytest.fixture
async def pool(clean_stack: Stack) -> AsyncIterator[ArqRedis]:
    opened = await create_pool(Settings.load(environ=clean_stack.environment()).redis)
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest.fixture
def queue(pool: ArqRedis) -> QueueClient:
    return QueueClient(pool)


@pytest.fixture
def history(pool: ArqRedis) -> History:
    return History(pool)


@pytest.fixture
def intake(store: Store, queue: QueueClient, history: History) -> Intake:
    """At noon UTC of 2026-03-02, for deals in New York unless they say otherwise."""
    zone = ZoneInfo("America/New_York")
    return Intake(store=store, queue=queue, history=history, time_zone=zone, clock=lambda: NOON_IN_LONDON)
