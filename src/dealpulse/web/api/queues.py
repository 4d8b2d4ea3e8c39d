"""Enqueueing, figures, pausing: ``/api/queue/...``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from dealpulse.errors import Invalid, NotFound
from dealpulse.jobs import Queue, queue_named
from dealpulse.queue import QueueStats
from dealpulse.web import about
from dealpulse.web.access.identity import Scope
from dealpulse.web.api.terms import terms_of
from dealpulse.web.codec import Body
from dealpulse.web.routing import Answer, ApiRequest, Endpoint, get, post, post_json
from dealpulse.web.wire import (
    BriefsAnswer,
    DailyBriefRequest,
    DealJob,
    DocumentRequest,
    EmailRequest,
    JobAnswer,
    PauseAnswer,
    PauseRequest,
    QueueFigures,
    SourceSyncRequest,
    StatsAnswer,
    SyncJob,
    SyncsAnswer,
)


async def trigger_daily_briefs(request: ApiRequest) -> BriefsAnswer:
    """Ask for today's brief of every active deal."""
    triggered = await request.state["intake"].trigger_daily_briefs()
    jobs = [
        DealJob(deal_id=each.deal_id, job_id=each.enqueued.job_id, deduplicated=each.enqueued.deduplicated)
        for each in triggered
    ]
    return BriefsAnswer(queued=len(jobs), jobs=jobs)


async def stats(request: ApiRequest) -> StatsAnswer:
    """How many jobs wait, run and ended, by queue, at one moment."""
    by_queue = await request.state["intake"].get_queue_stats()
    return StatsAnswer(stats={name: _figures(each) for name, each in by_queue.items()})


async def daily_brief(request: ApiRequest, asked: DailyBriefRequest) -> JobAnswer:
    """Ask for a deal's brief."""
    intake, terms = request.state["intake"], terms_of(asked)
    enqueued = await intake.queue_daily_brief(asked.deal_id, asked.date, terms=terms)
    return JobAnswer(job_id=enqueued.job_id, deduplicated=enqueued.deduplicated)


async def document(request: ApiRequest, asked: DocumentRequest) -> JobAnswer:
    """Ask for one operation on a document."""
    enqueued = await request.state["intake"].queue_document_processing(
        asked.document_id, asked.deal_id, asked.operation, terms=terms_of(asked)
    )
    return JobAnswer(job_id=enqueued.job_id, deduplicated=enqueued.deduplicated)


async def email(request: ApiRequest, asked: EmailRequest) -> JobAnswer:
    """Ask for one operation on an e-mail."""
    enqueued = await request.state["intake"].queue_email_processing(
        asked.email_id, asked.deal_id, asked.operation, terms=terms_of(asked)
    )
    return JobAnswer(job_id=enqueued.job_id, deduplicated=enqueued.deduplicated)


async def source_sync(request: ApiRequest, asked: SourceSyncRequest) -> SyncsAnswer:
    """Ask for every source of one type in a deal to be synced."""
    enqueued = await request.state["intake"].queue_source_sync(
        asked.deal_id, asked.source_type, asked.sync_type, terms=terms_of(asked)
    )
    return SyncsAnswer(jobs=[SyncJob(job_id=each.job_id, deduplicated=each.deduplicated) for each in enqueued])


async def pause(request: ApiRequest, asked: PauseRequest) -> PauseAnswer:
    """Start no further job of a queue, or of one deal on it; an empty body means the whole queue."""
    queue = _queue(request.path_params["slug"])
    await request.state["intake"].pause(queue, asked.deal_id)
    return PauseAnswer(queue=queue.name, deal_id=asked.deal_id, paused=True)


async def resume(request: ApiRequest, asked: PauseRequest) -> PauseAnswer:
    """Undo a pause of the same queue, or of the same deal on it."""
    queue = _queue(request.path_params["slug"])
    await request.state["intake"].resume(queue, asked.deal_id)
    return PauseAnswer(queue=queue.name, deal_id=asked.deal_id, paused=False)


def _queue(slug: str) -> Queue:
    """Raises NotFound: ``unknown_queue``."""
    try:
        return queue_named(slug)
    except Invalid as error:
        raise NotFound(error.message, code=error.code) from error


def _figures(stats: QueueStats) -> QueueFigures:
    return QueueFigures(
        waiting=stats.waiting,
        active=stats.active,
        completed=stats.completed,
        failed=stats.failed,
        delayed=stats.delayed,
        oldest_waiting_ms=stats.oldest_waiting_ms,
        totals=stats.totals,
        parked=stats.parked,
        cancelled=stats.cancelled,
        paused=stats.paused,
    )


def _asking(path: str, handler: Callable[[ApiRequest, Body], Awaitable[Answer]], takes: type[Body]) -> Endpoint:
    """A body that names a deal asks for work on it."""
    return post_json(path, handler, takes=takes, scope=Scope.enqueue, about=about.body(takes))


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post("/queue/trigger-daily-briefs", trigger_daily_briefs, scope=Scope.enqueue),
    get("/queue/stats", stats),
    _asking("/queue/daily-brief", daily_brief, DailyBriefRequest),
    _asking("/queue/document", document, DocumentRequest),
    _asking("/queue/email", email, EmailRequest),
    _asking("/queue/source-sync", source_sync, SourceSyncRequest),
    post_json("/queue/{slug}/pause", pause, takes=PauseRequest, optional=True),
    post_json("/queue/{slug}/resume", resume, takes=PauseRequest, optional=True),
)
