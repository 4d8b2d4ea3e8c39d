"""Who is sent a deal's briefs and reports, when reports are made, and how each sending went."""

from __future__ import annotations

import datetime
from typing import Final

from starlette.responses import HTMLResponse, Response

from dealpulse import subscriptions
from dealpulse.errors import NotFound
from dealpulse.models import Delivery, Recipient, Report, ReportSchedule
from dealpulse.web import about
from dealpulse.web.access.identity import Scope
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, delete, get, get_query, post, post_json
from dealpulse.web.wire import (
    DeliveriesAnswer,
    DeliveryView,
    JobAnswer,
    RecipientAddedAnswer,
    RecipientRequest,
    RecipientsAnswer,
    RecipientView,
    ReportAnswer,
    ReportQuery,
    ReportView,
    ScheduleAnswer,
    ScheduleRequest,
    SchedulesAnswer,
    ScheduleView,
    SendingAnswer,
    Success,
)

_FORMS: Final = ("json", "markdown", "html", "csv")

# --- recipients ------------------------------------------------------------------------------------------------------


async def add_recipient(request: ApiRequest, asked: RecipientRequest) -> RecipientAddedAnswer:
    """Its secret is shown this once. Adding one that is there gives it a new secret and makes it active again."""
    added = await subscriptions.add_recipient(
        request.path_params["deal_id"],
        asked.channel,
        asked.address,
        kinds=asked.kinds,
        store=request.state["store"],
    )
    return RecipientAddedAnswer(recipient=_recipient(added.recipient), secret=added.secret)


async def recipients_of_deal(request: ApiRequest) -> RecipientsAnswer:
    """Who is sent a deal's briefs and reports."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    found = await request.state["store"].recipients.of_deal(deal.id)
    return RecipientsAnswer(recipients=[_recipient(one) for one in found])


async def remove_recipient(request: ApiRequest) -> Success:
    """Send a recipient nothing more, and forget it."""
    await request.state["store"].recipients.remove(request.path_params["recipient_id"])
    return Success()


async def send_test(request: ApiRequest) -> SendingAnswer:
    """Send a test message; ``GET /deals/{id}/deliveries`` tells how it went."""
    sent = await subscriptions.send_test(
        request.path_params["recipient_id"], store=request.state["store"], queue=request.state["queue"]
    )
    return _sending(sent)


# --- deliveries ------------------------------------------------------------------------------------------------------


async def deliveries_of_deal(request: ApiRequest) -> DeliveriesAnswer:
    """How each sending went: the latest thousand, newest first."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    found = await request.state["store"].deliveries.of_deal(deal.id)
    return DeliveriesAnswer(deliveries=[_delivery(one) for one in found])


async def send_again(request: ApiRequest) -> SendingAnswer:
    """Send it once more, whatever came of it before."""
    sent = await subscriptions.send_again(
        request.path_params["delivery_id"], store=request.state["store"], queue=request.state["queue"]
    )
    return _sending(sent)


# --- schedules -------------------------------------------------------------------------------------------------------


async def add_schedule(request: ApiRequest, asked: ScheduleRequest) -> ScheduleAnswer:
    """Have a report made at set times."""
    added = await subscriptions.add_schedule(
        request.path_params["deal_id"],
        asked.kind,
        asked.cron,
        time_zone=asked.time_zone,
        store=request.state["store"],
        default_zone=request.state["intake"].time_zone,
    )
    return ScheduleAnswer(schedule=_schedule(added))


async def schedules_of_deal(request: ApiRequest) -> SchedulesAnswer:
    """When a deal's reports are made."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    found = await request.state["store"].report_schedules.of_deal(deal.id)
    return SchedulesAnswer(schedules=[_schedule(one) for one in found])


async def remove_schedule(request: ApiRequest) -> Success:
    """Make a report no more at its set times."""
    await request.state["store"].report_schedules.remove(request.path_params["schedule_id"])
    return Success()


# --- reports ---------------------------------------------------------------------------------------------------------


async def report(request: ApiRequest, asked: ReportQuery) -> ReportAnswer | Response:
    """A deal's report of a date: as JSON, or one form of it alone."""
    store = request.state["store"]
    kind = subscriptions.report_kind(request.path_params["kind"])
    deal = await store.deals.get(request.path_params["deal_id"])
    found = await store.reports.get(deal.id, kind, _date(request.path_params["date"]))
    form = asked.format
    if form not in _FORMS:
        raise invalid("A report comes as json, markdown, html or csv.", code="unknown_format", valid=[*_FORMS])
    return ReportAnswer(report=_report(found)) if form == "json" else _alone(found, form)


async def make_report(request: ApiRequest) -> JobAnswer:
    """Make the report of today, where the deal is; it goes to whoever was not sent today's before."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    enqueued = await subscriptions.make_report(
        deal,
        request.path_params["kind"],
        date=request.state["intake"].local_date(deal),
        store=request.state["store"],
        queue=request.state["queue"],
    )
    return JobAnswer(job_id=enqueued.job_id, deduplicated=enqueued.deduplicated)


def _date(word: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(word)
    except ValueError as error:
        raise invalid("Say the report's date as YYYY-MM-DD.", code="invalid_date", field="date") from error


def _alone(found: Report, form: str) -> Response:
    text = {"markdown": found.markdown, "html": found.html, "csv": found.csv}[form]
    if not text:
        raise NotFound(f"This report does not come as {form}.", code="no_such_form")
    if form == "html":
        # The page's own policy, which this one lets it have, allows its own style alone.
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
        return HTMLResponse(text, headers=headers)
    if form == "csv":
        headers = {"Content-Disposition": f'attachment; filename="{found.kind.value}-{found.report_date}.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
    return Response(text, media_type="text/markdown; charset=utf-8")


# --- as it travels ---------------------------------------------------------------------------------------------------


def _recipient(one: Recipient) -> RecipientView:
    return RecipientView(
        id=one.id,
        deal_id=one.deal_id,
        channel=one.channel.value,
        address=one.address,
        kinds=[kind.value for kind in one.kinds],
        state=one.state.value,
        created_at=one.created_at,
    )


def _sending(sent: subscriptions.Sending) -> SendingAnswer:
    return SendingAnswer(
        delivery_id=sent.delivery.id, job_id=sent.enqueued.job_id, deduplicated=sent.enqueued.deduplicated
    )


def _delivery(one: Delivery) -> DeliveryView:
    return DeliveryView(
        id=one.id,
        recipient_id=one.recipient_id,
        kind=one.kind.value,
        subject=one.subject,
        state=one.state.value,
        attempts=one.attempts,
        error_code=one.error_code,
        error_message=one.error_message,
        created_at=one.created_at,
        delivered_at=one.delivered_at,
    )


def _schedule(one: ReportSchedule) -> ScheduleView:
    return ScheduleView(
        id=one.id,
        deal_id=one.deal_id,
        kind=one.kind.value,
        cron=one.cron,
        time_zone=one.time_zone,
        state=one.state.value,
    )


def _report(one: Report) -> ReportView:
    return ReportView(
        deal_id=one.deal_id,
        kind=one.kind.value,
        date=one.report_date,
        status=one.status.value,
        headline=one.headline,
        markdown=one.markdown,
        content=one.content,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/deals/{deal_id}/recipients", add_recipient, takes=RecipientRequest, status=201, once=True),
    get("/deals/{deal_id}/recipients", recipients_of_deal, about=about.path),
    delete("/recipients/{recipient_id}", remove_recipient),
    post("/recipients/{recipient_id}/test", send_test),
    get("/deals/{deal_id}/deliveries", deliveries_of_deal, about=about.path),
    post("/deliveries/{delivery_id}/again", send_again),
    post_json("/deals/{deal_id}/report-schedules", add_schedule, takes=ScheduleRequest, status=201),
    get("/deals/{deal_id}/report-schedules", schedules_of_deal, about=about.path),
    delete("/report-schedules/{schedule_id}", remove_schedule),
    get_query(
        "/deals/{deal_id}/reports/{kind}/{date}",
        report,
        asks=ReportQuery,
        also=("text/markdown", "text/html", "text/csv"),
        about=about.path,
    ),
    post("/deals/{deal_id}/reports/{kind}", make_report, scope=Scope.enqueue, about=about.path),
)
