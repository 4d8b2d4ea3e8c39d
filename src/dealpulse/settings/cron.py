"""Cron expressions of five fields, read by cronsim, in an IANA zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_FIELDS = 5
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_LONGEST_CHANGE = timedelta(hours=3)
"""A clock is changed by less than this."""


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
        next(CronSim(expression, _SOME_DAY))
    except CronSimError as error:
        raise ValueError(f"is not a cron expression: {str(error).lower()}") from error
    except StopIteration:
        raise ValueError("names a day that never comes") from None
    return expression


def next_run(cron: str, zone: ZoneInfo, after: datetime) -> datetime:
    """The first run later than ``after`` (aware), in UTC; ``cron`` is what :func:`parse_cron` returned.

    A fixed time that the clock skips in spring runs as soon as the gap is over; one that it repeats in autumn runs
    once. Steps (``*/15``) go by elapsed time through both.
    """
    wall = after.astimezone(zone).replace(tzinfo=None)
    if (after - _LONGEST_CHANGE).astimezone(zone).utcoffset() != (after + _LONGEST_CHANGE).astimezone(zone).utcoffset():
        # The clock may show again what it showed before.
        wall -= _LONGEST_CHANGE
    by_elapsed_time = any(field.startswith("*") for field in cron.split()[:2])
    # cronsim is asked for times of the wall clock only: with a zone it loses some runs where a day begins with a gap.
    repeated: list[datetime] = []
    for due in CronSim(cron, wall):
        moments = _elapsing(due, zone) if by_elapsed_time else _once(due, zone)
        if moments and moments[0] > after:
            return min([moments[0], *repeated])
        repeated += [moment for moment in moments[1:] if moment > after]
    raise AssertionError(f"{cron!r} has been checked to have runs")


def _elapsing(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """The moments, none to two, at which the clock of ``zone`` shows ``wall``."""
    moments = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return [moment for moment in moments[: 1 + (moments[0] < moments[1])] if _shows(moment, zone) == wall]


def _once(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """The first moment at which the clock of ``zone`` shows ``wall``, or has just skipped it."""
    while _shows(moment := wall.replace(tzinfo=zone).astimezone(UTC), zone) != wall:
        wall += _MINUTE
    return [moment]


def _shows(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def latest_run(cron: str, zone: ZoneInfo, until: datetime) -> datetime:
    """The last of the runs that :func:`next_run` tells which is not later than ``until`` (aware), in UTC."""
    # There is no run later than until - near, and one later than until - far.
    near, far = timedelta(0), _MINUTE
    while (run := next_run(cron, zone, until - far)) > until:
        near, far = far, 2 * far
    while far - near > _MINUTE:
        middle = (near + far) / 2
        found = next_run(cron, zone, until - middle)
        if found <= until:
            run, far = found, middle
        else:
            near = middle
    return run
