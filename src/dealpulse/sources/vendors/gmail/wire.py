"""What the Gmail API v1 sends, and what its words mean to us.

Pages of developers.google.com/workspace/gmail/api: reference/rest/v1 for the shapes, reference/quota for what each
request costs, guides/sync for history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

UNITS: Final[Mapping[str, float]] = {
    "profile": 1,
    "labels": 1,
    "messages": 5,
    "message": 5,
    "history": 2,
    "watch": 100,
    "stop": 50,
}

LEFT_OUT: Final = frozenset({"DRAFT", "SPAM", "TRASH", "CHAT"})
"""Messages with one of these are no mail somebody sent to somebody."""

REASONS: Final[Mapping[str, str]] = {
    "notFound": "It is gone.",
    "forbidden": "The account may not read it.",
    "insufficientPermissions": "The account may not read it.",
}
"""Why one message cannot be had."""


class Profile(Struct, frozen=True, rename="camel"):
    email_address: str
    history_id: str


class Label(Struct, frozen=True):
    id: str
    name: str


class LabelList(Struct, frozen=True):
    labels: tuple[Label, ...] = ()


class Message(Struct, frozen=True, rename="camel"):
    """``label_ids`` None: not told, or in an answer about this message alone, that it has none."""

    id: str
    label_ids: tuple[str, ...] | None = None
    internal_date: str = "0"
    """When it was received, in milliseconds since the epoch."""


class MessageList(Struct, frozen=True, rename="camel"):
    messages: tuple[Message, ...] = ()
    next_page_token: str | None = None


class Change(Struct, frozen=True, rename="camel"):
    """``label_ids``: those that were added or removed."""

    message: Message
    label_ids: tuple[str, ...] = ()


class Record(Struct, frozen=True, rename="camel"):
    messages_added: tuple[Change, ...] = ()
    messages_deleted: tuple[Change, ...] = ()
    labels_added: tuple[Change, ...] = ()
    labels_removed: tuple[Change, ...] = ()


class History(Struct, frozen=True, rename="camel"):
    """A page may hold no records although another follows."""

    history: tuple[Record, ...] = ()
    history_id: str = ""
    next_page_token: str | None = None


class Watch(Struct, frozen=True):
    expiration: str
    """Milliseconds since the epoch."""
