"""A source on a site of its own, and syncs of it that save into the embedded stack."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from dealpulse.local.stack import Stack
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.limits import Buckets
from dealpulse.queue.locks import Locks
from dealpulse.settings import Settings
from dealpulse.sources.accounts import Accounts
from dealpulse.sources.http import open_http
from dealpulse.sources.registry import Reach
from dealpulse.store import Store, open_store
from sources.rooms import Room
from sources.sites import SITES, DriveSite, Site


@pytest.fixture
def settings(clean_stack: Stack) -> Settings:
    return Settings.load(environ=clean_stack.environment(), directory=clean_stack.data_dir)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings.supabase) as opened:
        yield opened


@pytest.fixture(params=sorted(SITES))
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with SITES[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[DriveSite]:
    with SITES["my drive"](tmp_path) as opened:
        assert isinstance(opened, DriveSite)
        yield opened


@pytest.fixture
async def room(site: Site, store: Store, settings: Settings) -> AsyncIterator[Room]:
    async for opened in _room(site, store, settings):
        yield opened


@pytest.fixture
async def drive_room(drive: DriveSite, store: Store, settings: Settings) -> AsyncIterator[Room]:
    async for opened in _room(drive, store, settings):
        yield opened


async def _room(site: Site, store: Store, settings: Settings) -> AsyncIterator[Room]:
    deal = await store.deals.create("Kestrel")
    source = await store.sources.create(deal.id, site.type, "Data room", site.location)
    pool = await create_pool(settings.redis)
    async with open_http() as http:
        accounts = Accounts(site.settings, http=http, vault=store.connections, locks=Locks(pool))
        reach = Reach(http=http, accounts=accounts, limits=Buckets(pool))
        yield Room(deal, source, store, QueueClient(pool), site, reach)
    await pool.aclose(close_connection_pool=True)
