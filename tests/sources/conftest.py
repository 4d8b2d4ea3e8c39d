"""A source on a site of its own, and syncs of it that save into the embedded stack."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import cast

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
from sources.sites import LACKING, SITES, DriveSite, GmailSite, OutlookSite, SharePointSite, Site, VendorSite
from sources.sites.google import gmail, my_drive
from sources.sites.microsoft import library, mail_folder


@pytest.fixture
def settings(clean_stack: Stack) -> Settings:
    return Settings.load(environ=clean_stack.environment(), directory=clean_stack.data_dir)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings.supabase) as opened:
        yield opened


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*notions): runs on the sites that know these, see sources/sites")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of a site runs on all that know what it needs; ``LACKING`` says why the others do not."""
    if "site" in metafunc.fixturenames:
        needed = {notion for mark in metafunc.definition.iter_markers("needs") for notion in mark.args}
        metafunc.parametrize("site", [name for name in SITES if not needed & {*LACKING.get(name, ())}], indirect=True)


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with SITES[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def vendor(site: Site) -> VendorSite:
    """The site of a test that needs ``Notion.account``."""
    return cast(VendorSite, site)


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[DriveSite]:
    with my_drive(tmp_path) as opened:
        yield opened


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[GmailSite]:
    with gmail(tmp_path) as opened:
        yield opened


@pytest.fixture
async def room(site: Site, store: Store, settings: Settings) -> AsyncIterator[Room]:
    async for opened in _room(site, store, settings):
        yield opened


@pytest.fixture
async def drive_room(drive: DriveSite, store: Store, settings: Settings) -> AsyncIterator[Room]:
    async for opened in _room(drive, store, settings):
        yield opened


@pytest.fixture
async def mail_room(mailbox: GmailSite, store: Store, settings: Settings) -> AsyncIterator[Room]:
    async for opened in _room(mailbox, store, settings):
        yield opened


@pytest.fixture
def sharepoint(tmp_path: Path) -> Iterator[SharePointSite]:
    with library(tmp_path) as opened:
        yield opened


@pytest.fixture
def outlook(tmp_path: Path) -> Iterator[OutlookSite]:
    with mail_folder(tmp_path) as opened:
        yield opened


@pytest.fixture
async def sharepoint_room(sharepoint: SharePointSite, store: Store, settings: Settings) -> AsyncIterator[Room]:
    async for opened in _room(sharepoint, store, settings):
        yield opened


@pytest.fixture
async def outlook_room(outlook: OutlookSite, store: Store, settings: Settings) -> AsyncIterator[Room]:
    async for opened in _room(outlook, store, settings):
        yield opened


async def _room(site: Site, store: Store, settings: Settings) -> AsyncIterator[Room]:
    deal = await store.deals.create("Kestrel")
    source = await store.sources.create(deal.id, site.type, "Data room", site.location)
    pool = await create_pool(settings.redis)
    async with open_http() as http:
        buckets = Buckets(pool)

        def reach(clock: Callable[[], float]) -> Reach:
            accounts = Accounts(site.settings, http=http, vault=store.connections, locks=Locks(pool), clock=clock)
            return Reach(http=http, accounts=accounts, limits=buckets)

        yield Room(deal, source, store, QueueClient(pool), site, settings, reach, buckets)
    await pool.aclose(close_connection_pool=True)
