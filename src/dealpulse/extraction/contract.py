"""What comes out of a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from dealpulse.models import Address, CalendarEvent, Page


class Limits(Struct, frozen=True, kw_only=True):
    """What one extraction may use. The child process is killed when it goes over."""

    seconds: float = 300.0
    """Wall clock, also the CPU limit."""
    memory_bytes: int = 1 << 30
    max_pages: int = 5_000
    max_unpacked_bytes: int = 300 << 20
    """Of a zip-based file, by its own directory, before anything is unpacked."""
    max_file_bytes: int = 50 << 20
    """Of one file found inside another."""
    max_inner_files: int = 1_000
    """Taken out of one file, with all that is inside those files."""
    max_inner_bytes: int = 1 << 30
    """All of them together."""
    max_depth: int = 3
    """How often a file inside a file is taken out; whoever asks for the extraction counts."""
    ocr_language: str = "eng"


class DocumentContent(Struct, frozen=True, kw_only=True):
    """A document's text, page by page, in reading order; never empty (no text at all is ``Unreadable``).

    What a person should know about the whole file (hidden sheets, tracked changes, a wrong name) stands first among the
    first page's warnings.
    """

    format: str
    """``pdf``, ``docx``, ``xlsx``, ``pptx``, ``html``, ``rtf``, ``text``, ``image``, ``email`` ..., by content."""
    mime_type: str
    pages: tuple[Page, ...]
    files: tuple[Attachment, ...] = ()
    """What was taken out of it; what was left out, the first page's warnings name."""
    holds_files: bool = False
    """There are files inside, taken out or not: the pages are not all there is in it."""
    only_lists: bool = False
    """The pages say what is inside, and nothing that could be analysed."""


class Attachment(Struct, frozen=True, kw_only=True):
    """A file found inside another, written to a path of its own (named by number, never by its own name)."""

    name: str
    """As its container gives it, without directories or control characters."""
    place: str
    """Its path inside the container, ``/``-separated; no two files inside have the same."""
    mime_type: str
    path: Path
    size_bytes: int


class EmailContent(Struct, frozen=True, kw_only=True):
    """A decoded message. ``body_text`` is what it newly says; ``full_text`` everything."""

    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    thread_key: str
    subject: str
    sender: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    sent_at: datetime | None
    body_text: str
    full_text: str
    events: tuple[CalendarEvent, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    warnings: tuple[str, ...] = ()
