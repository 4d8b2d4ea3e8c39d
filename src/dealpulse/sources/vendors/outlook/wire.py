"""What Graph sends of mail: learn.microsoft.com/graph/api/resources/mailfolder and message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct, field

FOLDER_FIELDS: Final = "id,displayName,parentFolderId,childFolderCount"
MESSAGE_FIELDS: Final = "subject,parentFolderId,internetMessageId,receivedDateTime,lastModifiedDateTime,isDraft,webLink"
LEFT_OUT: Final = ("deleteditems", "junkemail", "drafts", "outbox", "syncissues")
"""Folders by Outlook's own names, whatever they are called in the mailbox's language."""
WELL_KNOWN: Final = frozenset({*LEFT_OUT, "inbox", "sentitems", "archive", "clutter", "conversationhistory"})
_SEARCH: Final = "#microsoft.graph.mailSearchFolder"

REASONS: Final[Mapping[str, str]] = {
    "ErrorItemNotFound": "It is gone.",
    "ErrorAccessDenied": "The account may not read it.",
    "ErrorMimeContentConversionFailed": "Outlook cannot hand it out as a message.",
}
"""Why one message cannot be had."""


class Folder(Struct, frozen=True, rename="camel"):
    id: str
    display_name: str = ""
    parent_folder_id: str = ""
    child_folder_count: int = 0
    type: str = field(default="", name="@odata.type")

    @property
    def is_search(self) -> bool:
        """What it shows is in other folders."""
        return self.type == _SEARCH


class Removed(Struct, frozen=True):
    """From a folder: deleted or moved, and ``reason`` does not tell which."""

    reason: str = ""


class Message(Struct, frozen=True, rename="camel"):
    """``message``, as far as :data:`MESSAGE_FIELDS` go; of a removed one there is the id alone."""

    id: str
    subject: str | None = None
    parent_folder_id: str = ""
    internet_message_id: str | None = None
    received_date_time: datetime | None = None
    last_modified_date_time: datetime | None = None
    is_draft: bool = False
    web_link: str | None = None
    removed: Removed | None = field(default=None, name="@removed")

    @property
    def version(self) -> str:
        """What was sent stays what it is, whether or not it is read, flagged or moved; a draft does not."""
        if self.is_draft:
            return f"draft {self.last_modified_date_time}"
        return self.internet_message_id or f"received {self.received_date_time}"
