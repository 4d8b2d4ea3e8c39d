"""The API's composition root: settings become clients, clients are handed to the routes, everything is closed again.

Starting needs neither Redis nor Supabase: while they are away ``/readyz`` says so and requests get 503.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

import httpx
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount, Router

from dealpulse import logs
from dealpulse.alerts import watch_alerts
from dealpulse.connecting.consent import Consents
from dealpulse.connecting.notices import Notices
from dealpulse.health import Health, Probe, log_status
from dealpulse.intake import Intake
from dealpulse.queue import History, QueueClient, create_pool
from dealpulse.queue.alert_book import AlertBook
from dealpulse.queue.desk import Desk
from dealpulse.queue.idempotency import IdempotencyKeys
from dealpulse.queue.tickets import Tickets
from dealpulse.settings import Settings, SettingsError
from dealpulse.sources.http import open_http
from dealpulse.store import Store, open_store
from dealpulse.web import consent, probes, viewer
from dealpulse.web.access.audit import Audit
from dealpulse.web.access.door import Authorise, Door
from dealpulse.web.access.published import PublishedKeys
from dealpulse.web.access.push import PushTokens
from dealpulse.web.access.rates import Rates
from dealpulse.web.access.tokens import ConfiguredTokens, IssuedTokens
from dealpulse.web.access.users import Memberships, UserTokens
from dealpulse.web.api import ENDPOINTS, webhooks
from dealpulse.web.dashboard import site as dashboard
from dealpulse.web.dashboard.gate import Gate
from dealpulse.web.dashboard.sessions import Sessions
from dealpulse.web.errors import HANDLERS
from dealpulse.web.metrics import serving as metrics
from dealpulse.web.middleware import RequestFrame
from dealpulse.web.openapi import serving
from dealpulse.web.readings import Readings
from dealpulse.web.routing import State, routes_of
from dealpulse.web.stopping import told_to_stop

log = structlog.get_logger(__name__)

API_STARTED: Final = "api_started"

_KEYS_SECONDS: Final = 5.0

EXIT_CONFIGURATION: Final = 78
"""sysexits.h's EX_CONFIG."""


def create_app() -> Starlette:
    """The factory for ``uvicorn dealpulse.web.app:create_app --factory``; ends the process if settings are wrong."""
    try:
        settings = Settings.load()
    except SettingsError as error:
        logs.report_fatal(error, "api")
        raise SystemExit(EXIT_CONFIGURATION) from None
    logs.configure(settings.log, service="api")
    # Our own request line says more, and carries the request id.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    return build_app(settings)


def build_app(settings: Settings) -> Starlette:
    """The app for ``settings``; its clients live as long as its lifespan."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            yield await _open(settings, stack)

    guarded = Middleware(Authorise, rates=Rates(settings.api.rate_per_minute))
    sessions = Sessions(settings.supabase.service_role_key)
    gate = Middleware(Gate, sessions=sessions)
    api = Router(routes_of(ENDPOINTS, settings.api), redirect_slashes=False)
    app = Starlette(
        routes=[
            *dashboard.routes(settings.api, sessions),
            *routes_of((*probes.ENDPOINTS, *serving.ENDPOINTS), settings.api),
            *routes_of(metrics.ENDPOINTS, settings.api, guards=[] if settings.api.metrics_open else [guarded]),
            *routes_of(webhooks.VENDORS, settings.api),
            *routes_of(consent.ENDPOINTS, settings.api),
            Mount("/api", app=api, middleware=[guarded]),
            *(
                Mount(place, app=Router(routes_of(pages, settings.api)), middleware=[gate])
                for place, pages in viewer.PAGES.items()
            ),
        ],
        middleware=[Middleware(RequestFrame), *_cors(settings)],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


async def _open(settings: Settings, stack: AsyncExitStack) -> State:
    health = Health()
    pool = await create_pool(settings.redis)
    stack.push_async_callback(pool.aclose)
    store = await stack.enter_async_context(open_store(settings.supabase, health=health))
    queue = QueueClient(pool)
    intake = Intake(store=store, queue=queue, history=History(pool), time_zone=settings.time_zone)
    questions: dict[str, Probe] = {"redis": queue.ping, "supabase": partial(probes.ask_supabase, store)}
    await stack.enter_async_context(_running(log_status(health, probes=questions)))
    log.info(API_STARTED, version=settings.version, trust_loopback=settings.api.trust_loopback)
    desk, book = Desk.over(pool, settings), AlertBook(pool)
    watching = watch_alerts(settings, book=book, queue=queue, history=desk.history, metrics=desk.metrics, store=store)
    await stack.enter_async_context(_running(watching))
    http = await stack.enter_async_context(httpx.AsyncClient(timeout=_KEYS_SECONDS))
    vendors = await stack.enter_async_context(open_http())
    tickets = Tickets(pool)
    return State(
        intake=intake,
        store=store,
        queue=queue,
        version=settings.version,
        door=_door(settings, store, http),
        memberships=Memberships(store.deals.of_member),
        audit=Audit(store.audit),
        desk=desk,
        keys=IdempotencyKeys(pool),
        budget_usd=settings.ai.daily_budget_usd,
        metrics=Readings(
            queue=queue,
            desk=desk,
            store=store,
            version=settings.version,
            alerts=book,
            default_budget_usd=settings.ai.daily_budget_usd,
            zone=settings.time_zone,
        ),
        settings=settings,
        consents=Consents(store=store, intake=intake, tickets=tickets, http=vendors, settings=settings),
        notices=Notices(store=store, queue=queue, tickets=tickets),
        push_tokens=_push_tokens(settings, http),
        vendors=vendors,
        alerts=book,
        stopping=stack.enter_context(told_to_stop()),
    )


def _door(settings: Settings, store: Store, http: httpx.AsyncClient) -> Door:
    return Door(
        configured=ConfiguredTokens(settings.api.tokens),
        trust_loopback=settings.api.trust_loopback,
        issued=IssuedTokens(store.tokens),
        users=UserTokens(
            secret=settings.supabase.jwt_secret,
            keys_url=f"{settings.supabase.url}/auth/v1/.well-known/jwks.json",
            http=http,
        ),
    )


def _push_tokens(settings: Settings, http: httpx.AsyncClient) -> PushTokens:
    google = settings.sources.google
    return PushTokens(
        keys=PublishedKeys(google.keys_url, publisher="google", http=http),
        audience=google.push_audience or f"{settings.public_url}/api/webhooks/gmail",
        account=google.push_account,
    )


def _cors(settings: Settings) -> list[Middleware]:
    """Pages of other origins may ask only where they are named."""
    if not settings.api.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.api.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After", "Idempotency-Replayed"],
            max_age=600,
        )
    ]


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run ``work`` beside the block and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
