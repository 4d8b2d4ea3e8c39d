"""The store on an empty stack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from dealpulse.local.stack import Stack
from dealpulse.models import Deal
from dealpulse.settings import Secret, SupabaseSettings
from dealpulse.store import Store, open_store

_ready: set[str] = set()


def settings_of(stack: Stack) -> SupabaseSettings:
    """How a service reaches the stack."""
    return SupabaseSettings(url=stack.supabase_url, service_role_key=Secret(stack.service_role_key), timeout=20.0)


@pytest.fixture
async def store(clean_stack: Stack) -> AsyncIterator[Store]:
    """Open, and PostgREST knows all our tables."""
    async with open_store(settings_of(clean_stack)) as store:
        if clean_stack.supabase_url not in _ready:
            assert await store.wait_for_schema() == []
            _ready.add(clean_stack.supabase_url)
        yield store


@pytest.fixture
async def deal(store: Store) -> Deal:
    return await store.deals.create("Project Larkspur")


@pytest.fixture
async def database(clean_stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    """A direct connection of the superuser, to look behind the store."""
    connection = await asyncpg.connect(clean_stack.database_url)
    yield connection
    await connection.close()
