"""Opening the store: one connection pool, one Supabase client, and an aggregate each on top."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from supabase import AsyncClient, AsyncClientOptions, AsyncSupabaseException, create_async_client

from dealpulse.errors import Permanent
from dealpulse.settings import SupabaseSettings
from dealpulse.store.answers import Answers
from dealpulse.store.audit import AuditRows
from dealpulse.store.blockers import Blockers
from dealpulse.store.briefs import Briefs
from dealpulse.store.connections import Connections
from dealpulse.store.database import Database, HealthBoard
from dealpulse.store.deals import Deals
from dealpulse.store.deliveries import Deliveries, Recipients
from dealpulse.store.documents import Documents
from dealpulse.store.emails import Emails
from dealpulse.store.faults import KEY_ADVICE, URL_ADVICE, refuse
from dealpulse.store.files import Files
from dealpulse.store.findings import Findings
from dealpulse.store.operations import Operations
from dealpulse.store.reports import Reports, ReportSchedules
from dealpulse.store.schema import gaps, wait_for_schema
from dealpulse.store.sources import Sources
from dealpulse.store.subscriptions import Subscriptions
from dealpulse.store.tokens import Tokens
from dealpulse.store.usage import UsageLedger

_CONNECT_SECONDS = 10.0
_CONNECTIONS = httpx.Limits(max_connections=40, max_keepalive_connections=20, keepalive_expiry=30.0)


@dataclass(frozen=True)
class Store:
    """What DealPulse keeps in Supabase, one attribute an aggregate."""

    deals: Deals
    sources: Sources
    subscriptions: Subscriptions
    connections: Connections
    documents: Documents
    emails: Emails
    findings: Findings
    blockers: Blockers
    briefs: Briefs
    reports: Reports
    report_schedules: ReportSchedules
    recipients: Recipients
    deliveries: Deliveries
    operations: Operations
    usage: UsageLedger
    answers: Answers
    files: Files
    tokens: Tokens
    audit: AuditRows
    database: Database

    async def gaps(self) -> list[str]:
        """What this version needs and the database lacks, one sentence each; empty when all is there."""
        return await gaps(self.database)

    async def wait_for_schema(self, *, seconds: float = 15.0) -> list[str]:
        """Wait until PostgREST has noticed migrations applied just now; returns the gaps that remain after that."""
        return await wait_for_schema(self.database, seconds=seconds)


@asynccontextmanager
async def open_store(supabase: SupabaseSettings, *, health: HealthBoard | None = None) -> AsyncIterator[Store]:
    """The store until the block ends. Opening it sends nothing: Supabase may be away.

    Raises:
        Permanent: the address or the key cannot be right.
    """
    timeout = httpx.Timeout(supabase.timeout, connect=min(_CONNECT_SECONDS, supabase.timeout))
    async with httpx.AsyncClient(timeout=timeout, limits=_CONNECTIONS, event_hooks={"response": [refuse]}) as http:
        yield _store(Database(await _client(supabase, http), health=health), http)


async def _client(supabase: SupabaseSettings, http: httpx.AsyncClient) -> AsyncClient:
    options = AsyncClientOptions(
        schema=supabase.schema,
        httpx_client=http,
        postgrest_client_retry=False,  # it retries reads only, sleeping 7 s; retrying belongs to the job
        auto_refresh_token=False,
        persist_session=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of supabase-py's parts about each other
        try:
            client = await create_async_client(supabase.url, supabase.service_role_key.reveal(), options)
            _ = client.postgrest, client.storage  # made on first use otherwise, and then they warn
        except AsyncSupabaseException as error:
            raise Permanent(f"{URL_ADVICE} {KEY_ADVICE}", code="wrong_address") from error
    return client


def _store(database: Database, http: httpx.AsyncClient) -> Store:
    return Store(
        deals=Deals(database),
        sources=Sources(database),
        subscriptions=Subscriptions(database),
        connections=Connections(database),
        documents=Documents(database),
        emails=Emails(database),
        findings=Findings(database),
        blockers=Blockers(database),
        briefs=Briefs(database),
        reports=Reports(database),
        report_schedules=ReportSchedules(database),
        recipients=Recipients(database),
        deliveries=Deliveries(database),
        operations=Operations(database),
        usage=UsageLedger(database),
        answers=Answers(database),
        files=Files(database, http),
        tokens=Tokens(database),
        audit=AuditRows(database),
        database=database,
    )
