"""Many jobs: find them, and do the same to all of them: ``/api/jobs``, ``/api/jobs/bulk``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from dealpulse.errors import Rejected
from dealpulse.job_search import find_jobs, jobs_of_document, jobs_of_email
from dealpulse.jobs import Priority, queue_named
from dealpulse.queue import JobFilter, JobState, JobView, Letters
from dealpulse.web import about
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get_query, post_json
from dealpulse.web.wire import BulkAnswer, BulkRequest, JobFault, JobLine, JobsAnswer, JobsQuery

MOST_AT_ONCE: Final = 1_000
_PAGE: Final = 200
_PLAIN: Final = JobFilter()
Act = Callable[[ApiRequest, JobView, BulkRequest], Awaitable[object]]


async def jobs(request: ApiRequest, asked: JobsQuery) -> JobsAnswer:
    """Jobs that meet all that is asked for; of a deal's the latest asked for first, else by state."""
    page = await find_jobs(
        wanted(asked),
        search=request.state["desk"].search,
        operations=request.state["store"].operations,
        limit=asked.limit,
        after=asked.after,
    )
    return JobsAnswer(jobs=[line(view) for view in page.runs], next=page.next)


async def bulk(request: ApiRequest, asked: BulkRequest) -> BulkAnswer:
    """Do the same to many jobs; what cannot be done to one is counted and keeps none of the others."""
    if asked.action not in _ACTS:
        raise invalid("There is no such action.", code="unknown_action", valid=list(_ACTS))
    if asked.action == "reprioritise" and asked.priority not in tuple(Priority):
        raise invalid("There is no such priority.", code="unknown_priority", valid=list(Priority))
    if bool(asked.ids) == (asked.filter is not None):
        raise invalid("Name either `ids` or a `filter`.", code="invalid_selection", field="ids")
    chosen, more = await _chosen(request, asked)
    refused: Counter[str] = Counter()
    done = 0
    for view in () if asked.dry_run else chosen:
        try:
            await _ACTS[asked.action](request, view, asked)
            done += 1
        except Rejected as error:
            refused[error.code] += 1
    return BulkAnswer(matched=len(chosen), more=more, done=done, refused=dict(refused))


async def _chosen(request: ApiRequest, asked: BulkRequest) -> tuple[list[JobView], bool]:
    if len(asked.ids) > MOST_AT_ONCE:
        raise invalid(f"At most {MOST_AT_ONCE} jobs at once.", code="too_many", field="ids")
    filter_ = JobFilter(ids=asked.ids) if asked.filter is None else wanted(asked.filter)
    if filter_ == _PLAIN:
        raise invalid("A filter that names nothing would be all jobs: name at least a queue.", code="invalid_selection")
    chosen: list[JobView] = []
    after: str | None = None
    while True:
        page = await find_jobs(
            filter_,
            search=request.state["desk"].search,
            operations=request.state["store"].operations,
            limit=_PAGE,
            after=after,
        )
        chosen += page.runs
        after = page.next
        if after is None or len(chosen) >= MOST_AT_ONCE:
            return chosen[:MOST_AT_ONCE], after is not None or len(chosen) > MOST_AT_ONCE


def wanted(asked: JobsQuery) -> JobFilter:
    """The filter that was asked for.

    Raises:
        Invalid: ``unknown_queue``, ``unknown_state``, ``invalid_time``.
    """
    states = _words(asked.state)
    if unknown := [state for state in states if state not in tuple(JobState)]:
        raise invalid(f"There is no state {unknown[0][:60]!r}.", code="unknown_state", valid=list(JobState))
    for moment in (asked.since, asked.until):
        if moment is not None and moment.tzinfo is None:
            raise invalid("Say times with their zone: 2026-11-25T09:00:00Z.", code="invalid_time")
    ids = [
        *([asked.id] if asked.id else []),
        *(jobs_of_document(asked.document_id) if asked.document_id else []),
        *(jobs_of_email(asked.email_id) if asked.email_id else []),
    ]
    queues = tuple(queue_named(name).key for name in _words(asked.queue)) or _PLAIN.queues
    return JobFilter(
        queues=queues,
        states=tuple(JobState(state) for state in states),
        ids=ids or None,
        operation=asked.operation,
        deal_id=asked.deal_id.lower(),
        error_class=asked.error_class,
        fingerprint=asked.fingerprint,
        text=asked.text,
        since=asked.since,
        until=asked.until,
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def line(view: JobView) -> JobLine:
    """A job as lists show it."""
    failed = view.error_class or view.error_code or view.error_message
    return JobLine(
        id=view.job_id,
        run=view.run,
        queue=view.queue,
        function=view.function,
        state=view.state,
        deal_id=view.deal_id,
        priority=view.priority,
        attempts=view.attempts,
        crashes=view.crashes,
        worker=view.worker,
        caller=view.caller,
        enqueued_at=view.enqueued_at,
        due_at=view.due_at,
        started_at=view.started_at,
        finished_at=view.finished_at,
        progress=view.progress,
        message=view.message,
        error=JobFault(type=view.error_class, code=view.error_code, message=view.error_message) if failed else None,
        fingerprint=view.fingerprint,
    )


def lines(views: Sequence[JobView]) -> list[JobLine]:
    return [line(view) for view in views]


async def _cancel(request: ApiRequest, view: JobView, _: BulkRequest) -> object:
    return await request.state["intake"].cancel_job(view.job_id)


async def _retry(request: ApiRequest, view: JobView, _: BulkRequest) -> object:
    return await request.state["intake"].retry_job(view.job_id)


async def _promote(request: ApiRequest, view: JobView, _: BulkRequest) -> None:
    await request.state["queue"].promote(view.job_id)


async def _discard(request: ApiRequest, view: JobView, _: BulkRequest) -> object:
    if view.state != JobState.failed:
        raise invalid("Only dead letters can be thrown away.", code="job_not_failed")
    return await request.state["intake"].discard(queue_named(view.queue).key, Letters(job_id=view.job_id))


async def _reprioritise(request: ApiRequest, view: JobView, asked: BulkRequest) -> None:
    await request.state["queue"].reprioritise(view.job_id, Priority(asked.priority))


_ACTS: Final[dict[str, Act]] = {
    "cancel": _cancel,
    "retry": _retry,
    "promote": _promote,
    "discard": _discard,
    "reprioritise": _reprioritise,
}


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    get_query("/jobs", jobs, asks=JobsQuery, about=about.query),
    post_json("/jobs/bulk", bulk, takes=BulkRequest),
)
