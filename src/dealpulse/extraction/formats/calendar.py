"""Calendars (``.ics``): each appointment a section."""

from __future__ import annotations

from dealpulse.errors import Unreadable
from dealpulse.extraction.invites import parse_invites
from dealpulse.extraction.pages import Draft, Reading
from dealpulse.extraction.registry import Source
from dealpulse.models import Address, CalendarEvent, PageKind


def read(source: Source) -> Reading:
    events = parse_invites(source.path.read_bytes())
    if not events:
        raise Unreadable("The calendar holds no appointment that can be read; ask for it again.", code="no_text")
    return Reading(pages=tuple(map(_appointment, events)))


def _appointment(event: CalendarEvent) -> Draft:
    told = {
        "Appointment": event.summary,
        "From": event.start.isoformat() if event.start else "",
        "Until": event.end.isoformat() if event.end else "",
        "Place": event.location,
        "Kind": event.method.lower(),
        "With": ", ".join(map(_shown, event.attendees)),
        "About": event.description,
    }
    text = "\n".join(f"{what}: {value}" for what, value in told.items() if value)
    return Draft(text=text, kind=PageKind.section, label=event.summary or None)


def _shown(person: Address) -> str:
    return f"{person.name} <{person.address}>" if person.name else person.address
