"""The endpoints below ``/api``, one module a subject. To add one: a handler and a line in its module's table."""

from __future__ import annotations

from typing import Final

from dealpulse.web.api import (
    access,
    briefs,
    deals,
    deliveries,
    documents,
    emails,
    findings,
    jobs,
    queues,
    sources,
    webhooks,
)
from dealpulse.web.routing import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *queues.ENDPOINTS,
    *jobs.ENDPOINTS,
    *documents.ENDPOINTS,
    *emails.ENDPOINTS,
    *deals.ENDPOINTS,
    *sources.ENDPOINTS,
    *briefs.ENDPOINTS,
    *findings.ENDPOINTS,
    *deliveries.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *access.ENDPOINTS,
)
