"""RTF as sections of a few paragraphs."""

from __future__ import annotations

from dealpulse.errors import Unreadable
from dealpulse.extraction.markup import rtf_to_text
from dealpulse.extraction.pages import Reading, clean, section_drafts
from dealpulse.extraction.registry import Source


def read(source: Source) -> Reading:
    data = source.path.read_bytes()
    if data.rstrip(b"\x00 \t\r\n")[-1:] != b"}":
        raise Unreadable("The RTF file is cut off; ask for it again.", code="truncated")
    text = rtf_to_text(data, charset="cp1252")
    return Reading(pages=tuple(section_drafts(clean(text))))
