"""Alerts: what is not as it should be right now."""

from __future__ import annotations

from typing import Final

from dealpulse.alerts import told_of
from dealpulse.queue.alert_book import Alert
from dealpulse.web.routing import ApiRequest, Endpoint, get
from dealpulse.web.wire import AlertsAnswer, AlertView


async def alerts(request: ApiRequest) -> AlertsAnswer:
    """The alerts that fire, and those that will if nothing changes, oldest first."""
    found = await request.state["alerts"].alerts()
    return AlertsAnswer(firing=sum(one.fired_at is not None for one in found), alerts=[_view(one) for one in found])


def _view(alert: Alert) -> AlertView:
    told = told_of(alert)
    return AlertView(
        key=alert.key,
        rule=alert.rule,
        severity=told.severity.value,
        subject=told.subject,
        summary=told.summary,
        deal_ids=told.deal_ids,
        since=alert.since,
        fired_at=alert.fired_at,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (get("/alerts", alerts),)
