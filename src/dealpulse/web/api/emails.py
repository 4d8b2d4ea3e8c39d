"""E-mails: ask for their processing, list, look at one."""

from __future__ import annotations

from typing import Final

from dealpulse.models import Email
from dealpulse.web import about
from dealpulse.web.access.identity import Scope
from dealpulse.web.api.terms import terms_of
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get, post_json
from dealpulse.web.wire import EmailAnswer, EmailRequest, EmailsAnswer, EmailView, ProcessingAnswer


async def process(request: ApiRequest, asked: EmailRequest) -> ProcessingAnswer:
    """Ask for one operation on an e-mail, named by the address and by the body alike."""
    email_id = request.path_params["email_id"]
    if asked.email_id.casefold() != email_id.casefold():
        raise invalid("The address names one e-mail, the body another.", code="contradicting_ids", field="emailId")
    enqueued = await request.state["intake"].queue_email_processing(
        email_id, asked.deal_id, asked.operation, terms=terms_of(asked)
    )
    return ProcessingAnswer(job_id=enqueued.job_id)


async def emails_of_deal(request: ApiRequest) -> EmailsAnswer:
    """The deal's e-mails, oldest first."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    return EmailsAnswer(emails=[_view(each) for each in await request.state["store"].emails.of_deal(deal.id)])


async def email(request: ApiRequest) -> EmailAnswer:
    """One e-mail: what it is, and whether it could be read. Its text is on the page ``/emails/{id}``."""
    return EmailAnswer(email=_view(await request.state["store"].emails.get(request.path_params["email_id"])))


def _view(email: Email) -> EmailView:
    return EmailView(
        id=email.id,
        deal_id=email.deal_id,
        name=email.name,
        subject=email.subject,
        sender=email.sender.address if email.sender else None,
        sent_at=email.sent_at,
        state=email.state.value,
        failure_code=email.failure_code,
        failure_reason=email.failure_reason,
        thread_key=email.thread_key,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/emails/{email_id}/process", process, takes=EmailRequest, scope=Scope.enqueue, about=about.email),
    get("/emails/{email_id}", email, about=about.email),
    get("/deals/{deal_id}/emails", emails_of_deal, about=about.path),
)
