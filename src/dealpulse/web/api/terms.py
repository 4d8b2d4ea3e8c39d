"""How soon work is wanted, as requests say it."""

from __future__ import annotations

import datetime
from typing import Final

from dealpulse.jobs import Priority
from dealpulse.outbox import Terms
from dealpulse.web.errors import invalid
from dealpulse.web.wire import WorkTerms

_FURTHEST: Final = datetime.timedelta(days=366)


def terms_of(asked: WorkTerms) -> Terms:
    """Raises Invalid: ``unknown_priority`` or ``invalid_time``."""
    if asked.priority not in tuple(Priority):
        raise invalid("There is no such priority.", code="unknown_priority", valid=list(Priority))
    at = asked.run_at
    if at is not None and (at.tzinfo is None or at > datetime.datetime.now(datetime.UTC) + _FURTHEST):
        message = "Say when to run with a zone, at most a year ahead: 2026-11-25T09:00:00Z."
        raise invalid(message, code="invalid_time", field="runAt")
    return Terms(run_at=at, priority=Priority(asked.priority))
