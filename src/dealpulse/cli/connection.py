"""Which Redis and Supabase a command means, and clients for them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dealpulse.cli.terminal import say
from dealpulse.connecting.consent import Consents
from dealpulse.intake import Intake
from dealpulse.local.services import ADDRESSES, announced_in
from dealpulse.queue import History, QueueClient, create_pool
from dealpulse.queue.alert_book import AlertBook
from dealpulse.queue.tickets import Tickets
from dealpulse.settings import Settings, read_environment
from dealpulse.sources.http import open_http
from dealpulse.store import Store, open_store

Answer = TypeVar("Answer")


def home() -> Path:
    """Where this folder's stacks keep their data."""
    return Path.cwd() / ".dealpulse"


def up_data_dir() -> Path:
    """Where `dealpulse up` keeps its data."""
    return home() / "data"


def environment() -> dict[str, str]:
    """Everything that is set; the running stack's addresses where no other is named. Raises SettingsError.

    All or nothing: one stack's Redis and another's Supabase would make jobs that nobody can do.
    """
    texts = read_environment(environ=os.environ, directory=Path.cwd())
    return texts if ADDRESSES & texts.keys() else texts | announced_in(up_data_dir())


def settings() -> Settings:
    """The settings a command for people works with. Raises SettingsError."""
    texts = environment()
    named = ADDRESSES & texts.keys()
    local = announced_in(up_data_dir())
    if not named:
        say("No Redis and no Supabase is set, and `dealpulse up` does not run in this folder.")
    elif local and any(texts.get(name) != value for name, value in local.items()):
        say(f"Note: `dealpulse up` runs here, but {', '.join(sorted(named))} is set, so that is used.", style="dim")
    return Settings.load(environ=texts)


@dataclass(frozen=True)
class Clients:
    """What commands use."""

    store: Store
    queue: QueueClient
    history: History
    intake: Intake
    alerts: AlertBook
    consents: Consents
    settings: Settings


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Clients]:
    """Clients until the block ends. Opening them sends nothing."""
    pool = await create_pool(settings.redis)
    try:
        async with open_store(settings.supabase) as store:
            queue, history = QueueClient(pool), History(pool)
            intake = Intake(store=store, queue=queue, history=history, time_zone=settings.time_zone)
            async with open_http() as http:
                consents = Consents(store=store, intake=intake, tickets=Tickets(pool), http=http, settings=settings)
                yield Clients(store, queue, history, intake, AlertBook(pool), consents, settings)
    finally:
        await pool.aclose(close_connection_pool=True)


def answer_to(question: Callable[[Clients], Awaitable[Answer]]) -> Answer:
    """What ``question`` returns, asked of what the settings name."""

    async def ask() -> Answer:
        async with connected(settings()) as clients:
            return await question(clients)

    return asyncio.run(ask())
