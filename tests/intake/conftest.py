"""Intake over the embedded stack."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest

from dealpulse.intake import Intake
from dealpulse.local.stack import Stack
from dealpulse.queue import QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.store import Store, open_store

NOON_IN_LONDON = datetime.datetime(2026, 3, 2, 12, 0, tzinfo=datetime.UTC)


@pytest.fixture
async def store(clean_stack: Stack) -> AsyncIterator[Store]:
    async with open_store(Settings.load(environ=clean_stack.environment()).supabase) as store:
        yield store


@pytest.fixture
async def queue(clean_stack: Stack) -> AsyncIterator[QueueClient]:
    pool = await create_pool(Settings.load(environ=clean_stack.environment()).redis)
    yield QueueClient(pool)
    await pool.aclose()


@pytest.fixture
def intake(store: Store, queue: QueueClient) -> Intake:
    """At noon UTC of 2026-03-02, for deals in New York unless they say otherwise."""
    return Intake(store=store, queue=queue, time_zone=ZoneInfo("America/New_York"), clock=lambda: NOON_IN_LONDON)
