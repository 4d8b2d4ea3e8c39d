"""Syncs and listings in a process of their own, which can be killed."""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from dealpulse.jobs import SyncSource, SyncType
from dealpulse.models import Source
from dealpulse.processors.syncs import sync_source
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.limits import Buckets
from dealpulse.queue.locks import Locks
from dealpulse.settings import Settings
from dealpulse.sources.accounts import Accounts
from dealpulse.sources.http import open_http
from dealpulse.sources.registry import Reach, connect
from dealpulse.store import Store, open_store
from sources.rooms import Room

_PROCESSES: Final = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["sources.elsewhere"])
_PATIENCE_SECONDS: Final = 60


@dataclass(frozen=True)
class _Order:
    """All that a process knows when it begins."""

    source: Source
    settings: Settings
    kind: SyncType = SyncType.full

    @classmethod
    def of(cls, room: Room, kind: SyncType = SyncType.full) -> _Order:
        return cls(room.source, replace(room.settings, sources=room.site.settings), kind)


@dataclass(frozen=True)
class Listed:
    """What a listing came to: items, the longest cursor, and by how much the process grew meanwhile."""

    items: int
    longest_cursor: int
    megabytes: float
    seconds: float


@dataclass(frozen=True)
class Read:
    """What reading came to: bytes, and by how much the process grew meanwhile."""

    size_bytes: int
    megabytes: float


class Worker:
    """A sync under way somewhere else; it stops at each page until it is asked for the next."""

    def __init__(self, room: Room, kind: SyncType) -> None:
        self._line, there = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(target=_sync, args=(_Order.of(room, kind), there), daemon=True)
        self._process.start()
        there.close()

    async def page(self) -> bool:
        """Whether another page is saved; False: the sync is over."""
        return bool(await asyncio.to_thread(_receive, self._line))

    def go_on(self) -> None:
        self._line.send(None)

    def kill(self) -> None:
        """With SIGKILL."""
        self._process.kill()

    async def end(self) -> None:
        self._process.kill()
        await asyncio.to_thread(self._process.join)
        self._process.close()
        self._line.close()


@asynccontextmanager
async def syncing(room: Room, kind: SyncType = SyncType.full) -> AsyncIterator[Worker]:
    """A sync of the room's source in another process, killed in the end if it is not over."""
    worker = await asyncio.to_thread(Worker, room, kind)
    try:
        yield worker
    finally:
        await worker.end()


async def listed(room: Room) -> Listed:
    """Lists all of the room's source in another process."""
    found = await _elsewhere(_list, room)
    assert isinstance(found, Listed)
    return found


async def read(room: Room) -> Read:
    """Reads all items of the room's source in another process."""
    found = await _elsewhere(_read, room)
    assert isinstance(found, Read)
    return found


async def _elsewhere(work: Callable[[_Order, Connection], None], room: Room) -> object:
    line, there = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=work, args=(_Order.of(room), there), daemon=True)
    process.start()
    there.close()
    try:
        return await asyncio.to_thread(_receive, line)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
        process.close()
        line.close()


def _receive(line: Connection) -> object:
    if not line.poll(_PATIENCE_SECONDS):
        raise TimeoutError("the other process says nothing")
    return line.recv()


def _sync(order: _Order, line: Connection) -> None:
    async def wait(_: str) -> None:
        line.send(True)
        await asyncio.to_thread(line.recv)

    async def sync() -> None:
        async with _reached(order) as (store, queue, reach):
            await sync_source(
                SyncSource(order.source.id, order.source.deal_id, order.kind),
                store=store,
                queue=queue,
                connect=functools.partial(connect, settings=order.settings.sources, reach=reach),
                max_file_bytes=1 << 20,
                checkpoint=wait,
            )
        line.send(False)

    asyncio.run(sync())


def _list(order: _Order, line: Connection) -> None:
    async def find() -> Listed:
        async with _reached(order) as (_, _, reach):
            connector = connect(order.source, order.settings.sources, reach)
            began, before = time.monotonic(), _resident_megabytes()
            items, longest, most = 0, 0, before
            async for page in connector.pages(cursor=None):
                items += len(page.items)
                longest = max(longest, len(page.cursor or ""))
                most = max(most, _resident_megabytes())
            return Listed(items, longest, most - before, time.monotonic() - began)

    line.send(asyncio.run(find()))


def _read(order: _Order, line: Connection) -> None:
    async def take() -> Read:
        async with _reached(order) as (_, _, reach):
            connector = connect(order.source, order.settings.sources, reach)
            items = [item async for page in connector.pages(cursor=None) for item in page.items]
            size, most = 0, 0.0
            before = _resident_megabytes()
            for item in items:
                async with connector.content(item) as chunks:
                    async for chunk in chunks:
                        size += len(chunk)
                        most = max(most, _resident_megabytes() - before)
            return Read(size, most)

    line.send(asyncio.run(take()))


@asynccontextmanager
async def _reached(order: _Order) -> AsyncIterator[tuple[Store, QueueClient, Reach]]:
    async with open_store(order.settings.supabase) as store, open_http() as http:
        pool = await create_pool(order.settings.redis)
        accounts = Accounts(order.settings.sources, http=http, vault=store.connections, locks=Locks(pool))
        yield store, QueueClient(pool), Reach(http=http, accounts=accounts, limits=Buckets(pool))
        await pool.aclose(close_connection_pool=True)


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)
