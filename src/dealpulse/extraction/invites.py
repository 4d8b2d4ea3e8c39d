"""Invites in e-mails: iCalendar to events. A broken calendar costs its events, never the message."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from dealpulse.extraction.pages import one_line
from dealpulse.models import Address, CalendarEvent

_MOST_EVENTS = 100


def parse_invites(calendar: bytes) -> tuple[CalendarEvent, ...]:
    """The events of an ``.ics``; () where it cannot be read."""
    from icalendar import Calendar

    try:
        found = [event for each in Calendar.from_ical(calendar, multiple=True) for event in _events(each)]
    except Exception:  # icalendar raises whatever the broken line led it into
        return ()
    return tuple(found[:_MOST_EVENTS])


def _events(calendar: Any) -> Iterator[CalendarEvent]:
    method = one_line(str(calendar.get("METHOD", ""))).upper()
    for event in calendar.walk("VEVENT"):
        yield CalendarEvent(
            summary=one_line(str(event.get("SUMMARY", ""))),
            start=_moment(event, "DTSTART"),
            end=_moment(event, "DTEND"),
            location=one_line(str(event.get("LOCATION", ""))),
            method=method,
            attendees=tuple(_attendees(event)),
            description=str(event.get("DESCRIPTION", "")).strip(),
        )


def _moment(event: Any, name: str) -> dt.datetime | None:
    """In UTC. A whole day begins at midnight; a floating time is taken as UTC."""
    value = getattr(event.get(name), "dt", None)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    return None


def _attendees(event: Any) -> Iterator[Address]:
    found = event.get("ATTENDEE", [])
    for each in found if isinstance(found, list) else [found]:
        address = one_line(str(each)).lower().removeprefix("mailto:")
        name = one_line(str(getattr(each, "params", {}).get("CN", "")))
        yield Address(address=address, name="" if name.lower() == address else name)
