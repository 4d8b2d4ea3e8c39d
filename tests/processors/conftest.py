"""A deal room in a local folder, and workers that work off what is asked about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from arq.worker import create_worker

from dealpulse.jobs import QUEUES, Job, SyncSource, SyncType
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Source, SourceType
from dealpulse.outbox import request
from dealpulse.queue import QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.store import Store, open_store
from dealpulse.worker.entry import build_class

Run = Callable[..., Awaitable[None]]


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """An empty folder that may be a source."""
    folder = tmp_path / "room"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(clean_stack: Stack, room: Path) -> Settings:
    environment = clean_stack.environment() | {"FOLDER_SOURCE_ROOTS": str(room.parent)}
    return Settings.load(environ=environment, directory=clean_stack.data_dir)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings.supabase) as opened:
        yield opened


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[QueueClient]:
    pool = await create_pool(settings.redis)
    yield QueueClient(pool)
    await pool.aclose(close_connection_pool=True)


@pytest.fixture
async def deal(store: Store) -> Deal:
    return await store.deals.create("Kestrel")


@pytest.fixture
async def source(store: Store, deal: Deal, room: Path) -> Source:
    return await store.sources.create(deal.id, SourceType.folder, "Data room", str(room))


@pytest.fixture
def run(settings: Settings, store: Store, queue: QueueClient) -> Run:
    """Ask for jobs and let workers of all queues run until nothing is left to do, follow-up work included."""

    async def until_done(*jobs: Job) -> None:
        await request(jobs, operations=store.operations, queue=queue)
        worker = create_worker(build_class("WorkerSettings", settings, QUEUES), burst=True, handle_signals=False)
        try:
            await worker.async_run()
        finally:
            await worker.close()

    return until_done


@pytest.fixture
def sync(run: Run, source: Source) -> Run:
    """Sync the room, and do all that follows from it."""

    async def synced(sync_type: SyncType = SyncType.incremental) -> None:
        await run(SyncSource(source.id, source.deal_id, sync_type))

    return synced
