"""E-mails: ask for their processing."""

from __future__ import annotations

from typing import Final

from dealpulse.web import about
from dealpulse.web.access.identity import Scope
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, post_json
from dealpulse.web.wire import EmailRequest, ProcessingAnswer


async def process(request: ApiRequest, asked: EmailRequest) -> ProcessingAnswer:
    email_id = request.path_params["email_id"]
    if asked.email_id.casefold() != email_id.casefold():
        raise invalid("The address names one e-mail, the body another.", code="contradicting_ids", field="emailId")
    enqueued = await request.state["intake"].queue_email_processing(email_id, asked.deal_id, asked.operation)
    return ProcessingAnswer(job_id=enqueued.job_id)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/emails/{email_id}/process", process, takes=EmailRequest, scope=Scope.enqueue, about=about.email),
)
