"""One sync of ours in a process of its own: ``python -m benchmarks.sources.ours LOCATION full``."""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
import time

import structlog
import uvloop

from benchmarks.sources.memory import Memory
from dealpulse.jobs import SyncSource, SyncType
from dealpulse.models import Source, SourceType
from dealpulse.processors.syncs import sync_source
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.limits import Buckets
from dealpulse.queue.locks import Locks
from dealpulse.settings import Settings
from dealpulse.sources.accounts import Accounts
from dealpulse.sources.http import open_http
from dealpulse.sources.registry import Reach, connect
from dealpulse.store import Store, open_store


async def measure(location: str, kind: SyncType) -> dict[str, object]:
    """What the sync did, its seconds and its memory; the source is made when there is none at ``location``."""
    settings = Settings.load(environ=os.environ)
    pool = await create_pool(settings.redis)
    try:
        async with open_store(settings.supabase) as store, open_http() as http:
            source = await _source(store, location)
            accounts = Accounts(settings.sources, http=http, vault=store.connections, locks=Locks(pool))
            reach = Reach(http=http, accounts=accounts, limits=Buckets(pool))
            memory, began = Memory(), time.perf_counter()
            done = await sync_source(
                SyncSource(source.id, source.deal_id, kind),
                store=store,
                queue=QueueClient(pool),
                connect=functools.partial(connect, settings=settings.sources, reach=reach),
                max_file_bytes=settings.extraction.max_file_bytes,
                checkpoint=_on,
                downloads=settings.sources.downloads,
            )
            return {**done, "seconds": time.perf_counter() - began, "megabytes": memory.above_start()}
    finally:
        await pool.aclose(close_connection_pool=True)


async def _source(store: Store, location: str) -> Source:
    deals = await store.deals.all()
    deal = deals[0] if deals else await store.deals.create("Measured")
    return await store.sources.create(deal.id, SourceType.gdrive, "Measured", location)


async def _on(_: str) -> None:
    """Nobody ends this sync."""


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    json.dump(uvloop.run(measure(sys.argv[1], SyncType(sys.argv[2]))), sys.stdout)  # as a worker does
