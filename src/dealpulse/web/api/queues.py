"""Enqueueing and figures: ``/api/queue/...``."""

from __future__ import annotations

from typing import Final

from dealpulse.queue import QueueStats
from dealpulse.web.routing import ApiRequest, Endpoint, get, post, post_json
from dealpulse.web.wire import (
    BriefsAnswer,
    DailyBriefRequest,
    DealJob,
    DocumentRequest,
    EmailRequest,
    JobAnswer,
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


def _figures(stats: QueueStats) -> QueueFigures:
    return QueueFigures(
        waiting=stats.waiting,
        active=stats.active,
        completed=stats.completed,
        failed=stats.failed,
        delayed=stats.delayed,
        oldest_waiting_ms=stats.oldest_waiting_ms,
        totals=stats.totals,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post("/queue/trigger-daily-briefs", trigger_daily_briefs),
    get("/queue/stats", stats),
    post_json("/queue/daily-brief", daily_brief, takes=DailyBriefRequest),
    post_json("/queue/document", document, takes=DocumentRequest),
    post_json("/queue/email", email, takes=EmailRequest),
    post_json("/queue/source-sync", source_sync, takes=SourceSyncRequest),
)
