"""Every file format that can be read. Adding one: a module in ``formats/`` and an entry here.

A format's module has one function, ``read`` (:class:`Reader`). It is imported in the child only, and only when a file
of that format is read, so that a child starts fast.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol, cast

from msgspec import Struct

from dealpulse.extraction.contract import Limits
from dealpulse.extraction.inner_files import InnerFiles
from dealpulse.extraction.pages import Reading


class Format(Struct, frozen=True, kw_only=True):
    """One media type: how it is told by its content, and what reads it."""

    name: str
    """What :class:`DocumentContent` calls it; several media types may share a name (``image``)."""
    title: str
    """How a person calls it: ``a PDF``."""
    mime_type: str
    extensions: tuple[str, ...]
    """Lower case, without the dot."""
    reader: str
    """The module in ``formats/``."""
    magic: tuple[bytes, ...] = ()
    """How its files begin."""
    zip_part: str | None = None
    """How the name of a member begins that only this zip-based format has."""
    ole_stream: str | None = None
    """A stream that only this OLE2-based format has."""

    @property
    def is_textual(self) -> bool:
        """Told by heuristics over decoded text, not by a signature."""
        return not (self.magic or self.zip_part or self.ole_stream)


class Source(Struct, frozen=True, kw_only=True):
    """The file a reader is to read."""

    path: Path
    name: str
    """As people call it, for messages only."""
    mime_type: str
    limits: Limits
    inner: InnerFiles
    """Takes the files found inside."""


class Reader(Protocol):
    def __call__(self, source: Source, /) -> Reading:
        """Raises ``Unreadable`` with a reason a person understands; anything else counts as a damaged file."""
        ...


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"

FORMATS: tuple[Format, ...] = (
    Format(
        name="pdf",
        title="a PDF",
        mime_type="application/pdf",
        extensions=("pdf",),
        reader="pdf",
        magic=(b"%PDF-",),
    ),
    Format(
        name="docx",
        title="a Word document",
        mime_type=f"{_OFFICE}.wordprocessingml.document",
        extensions=("docx", "docm", "dotx"),
        reader="docx",
        zip_part="word/",
    ),
    Format(
        name="xlsx",
        title="an Excel workbook",
        mime_type=f"{_OFFICE}.spreadsheetml.sheet",
        extensions=("xlsx", "xlsm", "xltx", "xlsb"),
        reader="sheets",
        zip_part="xl/",
    ),
    Format(
        name="pptx",
        title="a PowerPoint presentation",
        mime_type=f"{_OFFICE}.presentationml.presentation",
        extensions=("pptx", "pptm", "ppsx", "potx"),
        reader="pptx",
        zip_part="ppt/",
    ),
    Format(
        name="odt",
        title="an OpenDocument text",
        mime_type=f"{_OPEN_DOCUMENT}.text",
        extensions=("odt",),
        reader="opendocument",
        zip_part="content.xml",
    ),
    Format(
        name="ods",
        title="an OpenDocument workbook",
        mime_type=f"{_OPEN_DOCUMENT}.spreadsheet",
        extensions=("ods",),
        reader="opendocument",
        zip_part="content.xml",
    ),
    Format(
        name="odp",
        title="an OpenDocument presentation",
        mime_type=f"{_OPEN_DOCUMENT}.presentation",
        extensions=("odp",),
        reader="opendocument",
        zip_part="content.xml",
    ),
    Format(
        name="archive",
        title="a ZIP archive",
        mime_type="application/zip",
        extensions=("zip",),
        reader="archive",
        magic=(b"PK\x03\x04",),
    ),
    Format(
        name="xls",
        title="an Excel 97 workbook",
        mime_type="application/vnd.ms-excel",
        extensions=("xls", "xlt"),
        reader="sheets",
        ole_stream="Workbook",
    ),
    Format(
        name="doc",
        title="a Word 97 document",
        mime_type="application/msword",
        extensions=("doc", "dot"),
        reader="doc",
        ole_stream="WordDocument",
    ),
    Format(
        name="ppt",
        title="a PowerPoint 97 presentation",
        mime_type="application/vnd.ms-powerpoint",
        extensions=("ppt", "pps"),
        reader="ppt",
        ole_stream="PowerPoint Document",
    ),
    Format(
        name="email",
        title="an Outlook message",
        mime_type="application/vnd.ms-outlook",
        extensions=("msg",),
        reader="email",
        ole_stream="__properties_version1.0",
    ),
    Format(
        name="rtf",
        title="an RTF document",
        mime_type="application/rtf",
        extensions=("rtf",),
        reader="rtf",
        magic=(b"{\\rtf",),
    ),
    Format(
        name="image",
        title="a PNG image",
        mime_type="image/png",
        extensions=("png",),
        reader="image",
        magic=(b"\x89PNG\r\n\x1a\n",),
    ),
    Format(
        name="image",
        title="a JPEG image",
        mime_type="image/jpeg",
        extensions=("jpg", "jpeg", "jpe"),
        reader="image",
        magic=(b"\xff\xd8\xff",),
    ),
    Format(
        name="image",
        title="a TIFF image",
        mime_type="image/tiff",
        extensions=("tif", "tiff"),
        reader="image",
        magic=(b"II*\x00", b"MM\x00*"),
    ),
    Format(
        name="email",
        title="an e-mail",
        mime_type="message/rfc822",
        extensions=("eml",),
        reader="email",
    ),
    Format(
        name="email",
        title="an Outlook winmail.dat wrapper",
        mime_type="application/ms-tnef",
        extensions=("tnef",),
        reader="email",
        magic=(b"\x78\x9f\x3e\x22",),
    ),
    Format(
        name="mailbox",
        title="a mailbox",
        mime_type="application/mbox",
        extensions=("mbox",),
        reader="mailbox",
    ),
    Format(
        name="calendar",
        title="a calendar",
        mime_type="text/calendar",
        extensions=("ics",),
        reader="calendar",
    ),
    Format(
        name="html",
        title="a web page",
        mime_type="text/html",
        extensions=("html", "htm", "xhtml"),
        reader="html",
    ),
    Format(
        name="text",
        title="a Markdown text",
        mime_type="text/markdown",
        extensions=("md", "markdown"),
        reader="text",
    ),
    Format(
        name="text",
        title="a comma-separated table",
        mime_type="text/csv",
        extensions=("csv", "tsv"),
        reader="text",
    ),
    Format(
        name="text",
        title="a plain text",
        mime_type="text/plain",
        extensions=("txt", "text", "log", "asc"),
        reader="text",
    ),
)

BY_MIME_TYPE = {each.mime_type: each for each in FORMATS}
BY_EXTENSION = {extension: each for each in FORMATS for extension in each.extensions}


def reader_of(chosen: Format) -> Reader:
    module = importlib.import_module(f"dealpulse.extraction.formats.{chosen.reader}")
    return cast(Reader, module.read)
