"""Enqueueing, figures, pausing: ``/api/queue/...``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from dealpulse.errors import Invalid, NotFound
from dealpulse.jobs import Queue, queue_named
from dealpulse.queue import QueueStats
from dealpulse.web import about
from dealpulse.web.access.identity import Scope
from dealpulse.web.codec import Body, parse
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
    triggered = await request.state["intake"].trigger_daily_briefs()
    jobs = [
        DealJob(deal_id=each.deal_id, job_id=each.enqueued.job_id, deduplicated=each.enqueued.deduplicated)
        for each in triggered
    ]
    return BriefsAnswer(queued=len(jobs), jobs=jobs)


async def stats(request: ApiRequest) -> StatsAnswer:
    by_queue = await request.state["intake"].get_queue_stats()
    return StatsAnswer(stats={name: _figures(each) for name, each in by_queue.items()})


async def daily_brief(request: ApiRequest, asked: DailyBriefRequest) -> JobAnswer:
    enqueued = await request.state["intake"].queue_daily_brief(asked.deal_id, asked.date)
    return JobAnswer(job_id=enqueued.job_id, deduplicated=enqueued.deduplicated)


async def document(request: ApiRequest, asked: DocumentRequest) -> JobAnswer:
    enqueued = await request.state["intake"].queue_document_processing(
        asked.document_id, asked.deal_id, asked.operation
    )
    return JobAnswer(job_id=enqueued.job_id, deduplicated=enqueued.deduplicated)


async def email(request: ApiRequest, asked: EmailRequest) -> JobAnswer:
    enqueued = await request.state["intake"].queue_email_processing(asked.email_id, asked.deal_id, asked.operation)
    return JobAnswer(job_id=enqueued.job_id, deduplicated=enqueued.deduplicated)


async def source_sync(request: ApiRequest, asked: SourceSyncRequest) -> SyncsAnswer:
    enqueued = await request.state["intake"].queue_source_sync(asked.deal_id, asked.source_type, asked.sync_type)
    return SyncsAnswer(jobs=[SyncJob(job_id=each.job_id, deduplicated=each.deduplicated) for each in enqueued])


async def pause(request: ApiRequest) -> PauseAnswer:
    """Start no further job of a queue, or of one deal on it; an empty body means the whole queue."""
    return await _set_paused(request, True)


async def resume(request: ApiRequest) -> PauseAnswer:
    """Undo a pause of the same queue, or of the same deal on it."""
    return await _set_paused(request, False)


async def _set_paused(request: ApiRequest, paused: bool) -> PauseAnswer:
    queue = _queue(request.path_params["slug"])
    body = await request.body()
    deal_id = parse(body, PauseRequest).deal_id if body.strip() else None
    intake = request.state["intake"]
    await (intake.pause if paused else intake.resume)(queue, deal_id)
    return PauseAnswer(queue=queue.name, deal_id=deal_id, paused=paused)


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
    post("/queue/{slug}/pause", pause),
    post("/queue/{slug}/resume", resume),
)
