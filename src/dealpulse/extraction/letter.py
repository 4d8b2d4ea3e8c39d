"""A message as decoded, whichever program wrote it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from dealpulse.models import Address, CalendarEvent


class Enclosure(Struct, frozen=True, kw_only=True):
    """An attachment as it stands in the message; ``name`` is the sender's, unchecked."""

    name: str
    mime_type: str
    content: bytes


class Letter(Struct, frozen=True, kw_only=True):
    """A decoded message. ``text`` is all of it; ``own_text`` the same without the parts that HTML marks as quoted."""

    message_id: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    subject: str = ""
    sender: Address | None = None
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    sent_at: datetime | None = None
    text: str = ""
    own_text: str = ""
    events: tuple[CalendarEvent, ...] = ()
    attachments: tuple[Enclosure, ...] = ()
    warnings: tuple[str, ...] = ()
