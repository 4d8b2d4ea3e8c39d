"""Web pages, filings among them, as sections of a few paragraphs."""

from __future__ import annotations

import re

from dealpulse.extraction.charsets import decode
from dealpulse.extraction.hidden import hidden_text_warnings, marked
from dealpulse.extraction.markup import html_to_text
from dealpulse.extraction.markup_hidden import hidden_in_markup
from dealpulse.extraction.pages import Reading, clean, section_drafts
from dealpulse.extraction.registry import Source

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)


def read(source: Source) -> Reading:
    markup = _decoded(source.path.read_bytes())
    passages = hidden_in_markup(markup)
    pages = marked(section_drafts(clean(html_to_text(markup))), passages)
    told = any(page.warnings for page in pages)
    return Reading(pages=pages, warnings=() if told else hidden_text_warnings(passages))


def _decoded(data: bytes) -> str:
    """UTF-8 where it is valid, else the charset the page names: pages lie about it, UTF-8 does not."""
    declared = _CHARSET.search(data[:4_096])
    if declared is not None:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            try:
                return data.decode(declared[1].decode("ascii"))
            except (LookupError, UnicodeDecodeError):
                pass
    return decode(data)
