"""Times, sizes and states as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from dealpulse.jobs import QUEUES

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_TITLES: Final = {
    "dailyBrief": "Daily briefs",
    "documentProcessing": "Documents",
    "emailProcessing": "E-mails",
    "sourceSync": "Source syncs",
}
_SCHEDULES: Final = {
    "cron:daily_brief": "Daily briefs of all active deals",
    "cron:reconcile": "Work that was asked for and not queued",
    "cron:reports": "Weekly reports and risk registers",
    "cron:source_sweep": "A sync of every active source",
}


def lasting(milliseconds: float | None) -> str:
    """``1.2 s``, ``3 min 20 s``; a dash for nothing."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    return _parts(milliseconds / 1000)


def _parts(seconds: float) -> str:
    rest = int(seconds)
    told: list[str] = []
    for unit, size in _UNITS:
        if rest >= size and len(told) < 2:
            told.append(f"{rest // size} {unit}")
            rest %= size
        elif told:
            break
    return " ".join(told) or "0 s"


def ago(moment: datetime | None, now: datetime) -> str:
    """``5 min ago``, ``in 2 h``."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    told = _parts(abs(seconds)).partition(" ")
    unit = told[2].split(" ")[0]
    return f"{told[0]} {unit} ago" if seconds > 0 else f"in {told[0]} {unit}"


def stamp(moment: datetime | None, zone: str = "UTC") -> str:
    """``25 Nov 16:04:05``."""
    if moment is None:
        return "–"
    return moment.astimezone(ZoneInfo(zone)).strftime("%d %b %H:%M:%S")


def between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return None if start is None or end is None else end - start


def milliseconds(start: datetime | None, end: datetime | None) -> float | None:
    lasted = between(start, end)
    return None if lasted is None else lasted.total_seconds() * 1000


def count(number: float) -> str:
    return f"{number:,.0f}"


def dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 0.01 or not amount else f"${amount:.4f}"


def cron(expression: str) -> str:
    """In plain English; as it stands where that is not possible."""
    try:
        return CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)).explain()
    except CronSimError:
        return expression


def queue_title(name: str) -> str:
    return _TITLES.get(name, name)


def queue_slug(name: str) -> str:
    return next((queue.slug for queue in QUEUES if queue.name == name), name)


def schedule_title(name: str) -> str:
    return _SCHEDULES.get(name, name)


def words(name: str) -> str:
    """``customer_concentration`` as words."""
    return name.replace("_", " ")
