"""One job: look at it, cancel it, run it again or sooner: ``/api/jobs/{id}``."""

from __future__ import annotations

from typing import Final

from dealpulse.errors import NotFound
from dealpulse.jobs import Priority
from dealpulse.queue import Fault, JobView
from dealpulse.web import about
from dealpulse.web.api.terms import terms_of
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get, post, post_json
from dealpulse.web.wire import (
    JobAnswer,
    JobDetails,
    JobDetailsAnswer,
    JobFault,
    JobLogAnswer,
    JobLogLine,
    JobStateAnswer,
    PriorityRequest,
    RunFault,
    WorkTerms,
)


async def job(request: ApiRequest) -> JobDetailsAnswer:
    """Everything known of a job, or of its last run: where it stands, its result, and what went wrong."""
    return JobDetailsAnswer(job=details(await _found(request)))


async def log(request: ApiRequest) -> JobLogAnswer:
    """What a job told of itself while it ran, or tells."""
    view = await _found(request)
    return JobLogAnswer(job_id=view.job_id, log=_log(view))


async def cancel(request: ApiRequest) -> JobStateAnswer:
    """Cancel a job that has not ended; one that runs is told and cleans up first."""
    job_id = request.path_params["job_id"]
    state = await request.state["intake"].cancel_job(job_id)
    return JobStateAnswer(job_id=job_id, state="cancelling" if state == "active" else "cancelled")


async def retry(request: ApiRequest) -> JobAnswer:
    """Run a job again that failed for good or was cancelled."""
    enqueued = await request.state["intake"].retry_job(request.path_params["job_id"])
    return JobAnswer(job_id=enqueued.job_id, deduplicated=enqueued.deduplicated)


async def duplicate(request: ApiRequest, asked: WorkTerms) -> JobAnswer:
    """Ask once more for what a job did, however it ended; one that waits or runs is that job."""
    enqueued = await request.state["intake"].duplicate_job(request.path_params["job_id"], terms=terms_of(asked))
    return JobAnswer(job_id=enqueued.job_id, deduplicated=enqueued.deduplicated)


async def promote(request: ApiRequest) -> JobStateAnswer:
    """Make a delayed job due now."""
    await request.state["queue"].promote(request.path_params["job_id"])
    view = await _found(request)
    return JobStateAnswer(job_id=view.job_id, state=view.state)


async def reprioritise(request: ApiRequest, asked: PriorityRequest) -> JobStateAnswer:
    """Give a job that has not begun another priority: critical, high, normal or low."""
    if asked.priority not in tuple(Priority):
        raise invalid("There is no such priority.", code="unknown_priority", valid=list(Priority))
    await request.state["queue"].reprioritise(request.path_params["job_id"], Priority(asked.priority))
    view = await _found(request)
    return JobStateAnswer(job_id=view.job_id, state=view.state)


async def _found(request: ApiRequest) -> JobView:
    job_id = request.path_params["job_id"]
    found = await request.state["queue"].job(job_id)
    if found is None:
        raise NotFound(f"There is no job {job_id[:100]!r}, or none any more.", code="job_not_found")
    return found


def details(view: JobView) -> JobDetails:
    """A job as it is answered."""
    failed = view.error_class or view.error_code or view.error_message
    error = JobFault(type=view.error_class, code=view.error_code, message=view.error_message) if failed else None
    return JobDetails(
        id=view.job_id,
        queue=view.queue,
        function=view.function,
        state=view.state,
        deal_id=view.deal_id,
        attempts=view.attempts,
        enqueued_at=view.enqueued_at,
        due_at=view.due_at,
        started_at=view.started_at,
        finished_at=view.finished_at,
        error=error,
        run=view.run,
        priority=view.priority,
        crashes=view.crashes,
        worker=view.worker,
        caller=view.caller,
        progress=view.progress,
        message=view.message,
        batches=view.batches,
        result=view.result,
        faults=[_fault(fault) for fault in view.faults],
        log=_log(view),
    )


def _log(view: JobView) -> list[JobLogLine]:
    return [JobLogLine(at=line.at, text=line.text) for line in view.log]


def _fault(fault: Fault) -> RunFault:
    return RunFault(
        type=fault.error_class,
        code=fault.code or None,
        message=fault.message or None,
        worker=fault.worker,
        attempt=fault.attempt,
        started_at=fault.started_at,
        ended_at=fault.ended_at,
        traceback=fault.traceback,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    get("/jobs/{job_id}", job, about=about.job),
    get("/jobs/{job_id}/log", log, about=about.job),
    post("/jobs/{job_id}/cancel", cancel),
    post("/jobs/{job_id}/retry", retry),
    post_json("/jobs/{job_id}/duplicate", duplicate, takes=WorkTerms, optional=True),
    post("/jobs/{job_id}/promote", promote),
    post_json("/jobs/{job_id}/priority", reprioritise, takes=PriorityRequest),
)
