"""Plain text, Markdown and CSV: the pages it marks itself, else sections of a few paragraphs."""

from __future__ import annotations

import re

from dealpulse.extraction.charsets import decode
from dealpulse.extraction.pages import Draft, Reading, clean, section_drafts
from dealpulse.extraction.registry import Source
from dealpulse.models import PageKind

_PAGE_BREAK = re.compile(r"\f|^[ \t]*<PAGE>[ \t]*\d*[ \t]*$", re.MULTILINE)
"""A form feed, or the line that marks a page in filings with the SEC."""

_LONGEST_PAGE = 12_000
"""Characters. Where the marks leave longer pages than this they do not mark every page."""


def read(source: Source) -> Reading:
    text = clean(decode(source.path.read_bytes()))
    printed = [page.strip("\n") for page in _PAGE_BREAK.split(text)]
    if len(printed) > 1 and max(map(len, printed)) <= _LONGEST_PAGE:
        return Reading(pages=tuple(Draft(text=page, kind=PageKind.page) for page in _without_blank_ends(printed)))
    return Reading(pages=tuple(section_drafts("\n".join(printed))))


def _without_blank_ends(pages: list[str]) -> list[str]:
    """A mark before the first page or after the last one makes no page."""
    while pages and not pages[0].strip():
        pages = pages[1:]
    while pages and not pages[-1].strip():
        pages = pages[:-1]
    return pages
