"""Cron expressions of five fields, read by cronsim, in an IANA zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_FIELDS = 5
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


def parse_cron(text: str) -> str:
    """The expression with single spaces, once it is known to have five good fields and a day that comes.

    Names (``MON``, ``JAN``), ranges, lists and steps are understood; weekday 7 is Sunday. Raises ``ValueError`` with
    a sentence for a person.
    """
    fields = text.upper().split()
    if len(fields) != _FIELDS:
        raise ValueError(f"has {len(fields)} fields instead of five (minute, hour, day of month, month, weekday)")
    expression = " ".join(fields)
    try:
        CronSim(expression, _SOME_DAY)
    except CronSimError as error:
        raise ValueError(f"is not a cron expression: {str(error).lower()}") from error
    return expression


def next_run(cron: str, zone: ZoneInfo, after: datetime) -> datetime:
    """The first run later than ``after`` (aware), in UTC; ``cron`` is what :func:`parse_cron` returned.

    A fixed time that the clock skips in spring runs as soon as the gap is over; one that it repeats in autumn runs
    once. Steps (``*/15``) go by elapsed time through both.
    """
    return next(CronSim(cron, after.astimezone(zone))).astimezone(UTC)
