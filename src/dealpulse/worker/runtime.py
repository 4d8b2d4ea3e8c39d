"""The workers' composition root: settings in, everything a job uses out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from arq.connections import ArqRedis

from dealpulse.ai import open_engine
from dealpulse.ai.contract import Engine
from dealpulse.delivery.contract import Sender
from dealpulse.delivery.smtp import Mail
from dealpulse.delivery.webhook import open_webhook
from dealpulse.extraction.contract import Limits
from dealpulse.health import Health
from dealpulse.models import Channel
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.limits import Breakers, Buckets
from dealpulse.settings import Settings
from dealpulse.store import Store, open_store
from dealpulse.worker.budgets import BudgetedEngine, Budgets
from dealpulse.worker.guards import GuardedEngine


@dataclass(frozen=True)
class Runtime:
    """What handlers take what they need from. Built once a process, closed in reverse order."""

    settings: Settings
    redis: ArqRedis
    queue: QueueClient
    store: Store
    engine: Engine
    senders: Mapping[Channel, Sender]
    health: Health
    limits: Limits
    breakers: Breakers
    buckets: Buckets


@asynccontextmanager
async def open_runtime(settings: Settings, *, health: Health) -> AsyncIterator[Runtime]:
    """Build the runtime; connects to nothing until something is asked of it."""
    async with AsyncExitStack() as stack:
        redis = await create_pool(settings.redis)
        stack.push_async_callback(redis.aclose, close_connection_pool=True)
        store = await stack.enter_async_context(open_store(settings.supabase, health=health))
        breakers, buckets = Breakers(redis), Buckets(redis)
        budgets = Budgets(store, default_usd=settings.ai.daily_budget_usd, default_zone=settings.time_zone)

        def guard(claude: Engine) -> Engine:
            return BudgetedEngine(GuardedEngine(claude, breakers=breakers, buckets=buckets), budgets=budgets)

        engine = await stack.enter_async_context(
            open_engine(settings.ai, cache=store.answers, health=health, guard=guard)
        )
        agent = f"dealpulse/{settings.version}"
        webhook = await stack.enter_async_context(
            open_webhook(allow_private=settings.delivery.allow_private, agent=agent)
        )
        yield Runtime(
            settings=settings,
            redis=redis,
            queue=QueueClient(redis),
            store=store,
            engine=engine,
            senders={Channel.webhook: webhook, Channel.email: Mail(settings.delivery)},
            health=health,
            limits=Limits(
                seconds=settings.extraction.seconds,
                memory_bytes=settings.extraction.memory_bytes,
                max_file_bytes=settings.extraction.max_file_bytes,
                max_inner_files=settings.extraction.max_inner_files,
                max_inner_bytes=settings.extraction.max_inner_bytes,
                max_depth=settings.extraction.max_depth,
                ocr_language=settings.extraction.ocr_language,
            ),
            breakers=breakers,
            buckets=buckets,
        )
