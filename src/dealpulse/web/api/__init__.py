"""The endpoints below ``/api``, one module a subject. To add one: a handler and a line in its module's table."""

from __future__ import annotations

from typing import Final

from dealpulse.web.api import (
    access,
    alerts,
    briefs,
    connections,
    costs,
    deals,
    deliveries,
    desk,
    documents,
    emails,
    enqueueing,
    events,
    findings,
    job_lists,
    jobs,
    queues,
    sources,
    webhooks,
)
from dealpulse.web.routing import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *queues.ENDPOINTS,
    *enqueueing.ENDPOINTS,
    *job_lists.ENDPOINTS,
    *jobs.ENDPOINTS,
    *desk.ENDPOINTS,
    *events.ENDPOINTS,
    *alerts.ENDPOINTS,
    *documents.ENDPOINTS,
    *emails.ENDPOINTS,
    *deals.ENDPOINTS,
    *sources.ENDPOINTS,
    *connections.ENDPOINTS,
    *briefs.ENDPOINTS,
    *findings.ENDPOINTS,
    *costs.ENDPOINTS,
    *deliveries.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *access.ENDPOINTS,
)
