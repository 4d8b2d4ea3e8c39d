"""One job: ``/api/jobs/{id}``."""

from __future__ import annotations

from typing import Final

from dealpulse.errors import NotFound
from dealpulse.queue import JobView
from dealpulse.web.routing import ApiRequest, Endpoint, get
from dealpulse.web.wire import JobDetails, JobDetailsAnswer, JobFault


async def job(request: ApiRequest) -> JobDetailsAnswer:
    job_id = request.path_params["job_id"]
    found = await request.state["queue"].job(job_id)
    if found is None:
        raise NotFound(f"There is no job {job_id[:100]!r}, or none any more.", code="job_not_found")
    return JobDetailsAnswer(job=_details(found))


def _details(view: JobView) -> JobDetails:
    failed = view.error_class or view.error_code or view.error_message
    fault = JobFault(type=view.error_class, code=view.error_code, message=view.error_message) if failed else None
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
        error=fault,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (get("/jobs/{job_id}", job),)
