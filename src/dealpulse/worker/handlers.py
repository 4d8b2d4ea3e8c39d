"""The arq coroutines: each hands its processor what that uses, and nothing else.

To add a queue, add its coroutine and a line in :data:`BINDINGS`.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from dealpulse.jobs import (
    DAILY_BRIEF,
    DOCUMENTS,
    EMAILS,
    SOURCE_SYNC,
    CheckSource,
    Deliver,
    DocumentOperation,
    EmailOperation,
    GenerateDailyBrief,
    GenerateReport,
    Job,
    ProcessDocument,
    ProcessEmail,
    Queue,
    SyncSource,
    SyncType,
)
from dealpulse.models import EngineName
from dealpulse.processors import briefs, checks, deliveries, documents, emails, reports, syncs
from dealpulse.queue import QueueClient
from dealpulse.queue.outcomes import Claimed
from dealpulse.sources.registry import connect
from dealpulse.worker.checkpoint import Checkpoint
from dealpulse.worker.runtime import Runtime
from dealpulse.worker.schedule import due_of_brief

_PART_OF_TIME_LIMIT: Final = 0.8
"""After which a long sync hands itself back at its next page, before it would be cut off in the middle of one."""

Context = dict[str, Any]
"""arq's: ours holds ``runtime``, ``claimed`` (the job) and ``stopping`` (whether the worker is about to stop)."""


def _queue(ctx: Context) -> QueueClient:
    """What a job enqueues belongs to its own batches."""
    runtime: Runtime = ctx["runtime"]
    claimed: Claimed = ctx["claimed"]
    return runtime.queue.within(claimed.batches)


async def generate_daily_brief(ctx: Context, deal_id: str, date: str | None = None) -> dict[str, object]:
    """Write a deal's brief for ``date`` (ISO), by default today where the deal is."""
    runtime: Runtime = ctx["runtime"]
    if date is None:
        deal = await runtime.store.deals.get(deal_id)
        date = datetime.datetime.now(deal.zone(runtime.settings.time_zone)).date().isoformat()
    job = GenerateDailyBrief.called(deal_id, date)
    return await briefs.generate_daily_brief(
        job,
        store=runtime.store,
        queue=_queue(ctx),
        engine=runtime.engine,
        patience=await _patience(ctx, job),
        presentation=_presentation(runtime),
    )


async def _patience(ctx: Context, job: GenerateDailyBrief) -> briefs.Patience:
    runtime: Runtime = ctx["runtime"]
    settings, now = runtime.settings, datetime.datetime.now(datetime.UTC)
    zone = (await runtime.store.deals.get(job.deal_id)).zone(settings.time_zone)
    due = due_of_brief(job.date, ctx["enqueue_time"], now=now, cron=settings.daily_brief_time, zone=zone)
    return briefs.Patience(due=due, now=now, seconds=settings.brief_wait_seconds)


async def generate_report(ctx: Context, deal_id: str, kind: str, date: str) -> dict[str, object]:
    """Make one report of a deal as of ``date`` (ISO)."""
    runtime: Runtime = ctx["runtime"]
    return await reports.generate_report(
        GenerateReport.called(deal_id, kind, date),
        store=runtime.store,
        queue=_queue(ctx),
        time_zone=runtime.settings.time_zone,
        presentation=_presentation(runtime),
    )


async def deliver(ctx: Context, delivery_id: str, deal_id: str) -> dict[str, object]:
    """Send one brief or report to one recipient."""
    runtime: Runtime = ctx["runtime"]
    attempts = runtime.settings.queues[DAILY_BRIEF.name].attempts
    return await deliveries.deliver(
        Deliver.called(delivery_id, deal_id),
        store=runtime.store,
        senders=runtime.senders,
        attempt=deliveries.Attempt(number=ctx["job_try"], of=attempts),
    )


def _presentation(runtime: Runtime) -> briefs.Presentation:
    return briefs.Presentation(
        expected=EngineName.local if runtime.settings.ai.api_key is None else EngineName.claude,
        public_url=runtime.settings.public_url,
    )


async def process_document(
    ctx: Context, document_id: str, deal_id: str, operation: str = DocumentOperation.summarize
) -> dict[str, object]:
    """Do one operation on one document."""
    runtime: Runtime = ctx["runtime"]
    return await documents.process_document(
        ProcessDocument.called(document_id, deal_id, operation),
        store=runtime.store,
        queue=_queue(ctx),
        engine=runtime.engine,
        limits=runtime.limits,
    )


async def process_email(
    ctx: Context, email_id: str, deal_id: str, operation: str = EmailOperation.analyze
) -> dict[str, object]:
    """Do one operation on one e-mail."""
    runtime: Runtime = ctx["runtime"]
    return await emails.process_email(
        ProcessEmail.called(email_id, deal_id, operation),
        store=runtime.store,
        queue=_queue(ctx),
        engine=runtime.engine,
        limits=runtime.limits,
        time_zone=runtime.settings.time_zone,
    )


async def sync_source(
    ctx: Context, source_id: str, deal_id: str, sync_type: str = SyncType.incremental
) -> dict[str, object]:
    """Bring one source up to date."""
    runtime: Runtime = ctx["runtime"]
    return await syncs.sync_source(
        SyncSource.called(source_id, deal_id, sync_type),
        store=runtime.store,
        queue=_queue(ctx),
        connect=functools.partial(connect, settings=runtime.settings.sources, reach=runtime.reach),
        max_file_bytes=runtime.settings.extraction.max_file_bytes,
        checkpoint=Checkpoint(ctx["claimed"], queue=runtime.queue, stopping=ctx["stopping"]),
        downloads=runtime.settings.sources.downloads,
        seconds=runtime.settings.queues[SOURCE_SYNC.name].time_limit * _PART_OF_TIME_LIMIT,
    )


async def check_source(ctx: Context, source_id: str, deal_id: str) -> dict[str, object]:
    """Find out whether one source can be read."""
    runtime: Runtime = ctx["runtime"]
    return await checks.check_source(
        CheckSource(source_id, deal_id),
        store=runtime.store,
        connect=functools.partial(connect, settings=runtime.settings.sources, reach=runtime.reach),
    )


def _no_row(source_id: str, deal_id: str) -> Job | None:
    """Whoever wants to know asks again."""
    return None


def _brief(deal_id: str, date: str | None = None) -> Job | None:
    """Without a date it is today's where the deal is, which nobody knows before the job runs."""
    return None if date is None else GenerateDailyBrief.called(deal_id, date)


@dataclass(frozen=True)
class Binding:
    """Which coroutine serves which queue, and how its arguments become the job that keeps state."""

    queue: Queue
    coroutine: Callable[..., Awaitable[object]]
    parse: Callable[..., Job | None]
    """Raises ``TypeError`` or ``ValueError`` for arguments that are no job; None where no row keeps state."""
    needs: tuple[str, ...] = ("supabase",)
    """Dependencies without which its jobs need not begin."""


BINDINGS: Final[tuple[Binding, ...]] = (
    Binding(DAILY_BRIEF, generate_daily_brief, _brief),
    Binding(DAILY_BRIEF, generate_report, GenerateReport.called),
    Binding(DAILY_BRIEF, deliver, Deliver.called),
    Binding(DOCUMENTS, process_document, ProcessDocument.called),
    Binding(EMAILS, process_email, ProcessEmail.called),
    Binding(SOURCE_SYNC, sync_source, SyncSource.called),
    Binding(SOURCE_SYNC, check_source, _no_row),
)
