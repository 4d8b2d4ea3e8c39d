"""A long document in sections, each short enough for one question. Every character is in exactly one of them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dealpulse.models import Page
from dealpulse.processors.operations.contract import DocumentText

LONGEST_SECTION = 1_500_000
"""Characters of one question: about half of a 1M-token context."""
SMALLEST_SECTION = 8_000
"""Characters below which no section is divided further: a text so short is not what is too long."""
RUN_UP = 1_000
"""Characters repeated from what stands before a section."""

_BREAKS = ("\n\n", "\n", ". ", " ")


def sections_of(document: DocumentText, *, longest: int = LONGEST_SECTION) -> list[DocumentText]:
    """The document in runs of whole pages; a page that is too long alone is cut, where it can be between paragraphs.

    A document short enough is its own and only section.
    """
    pieces = [piece for page in document.pages for piece in _cut(page, longest)]
    runs: list[list[Page]] = [[]]
    room = longest
    for piece in pieces:
        if runs[-1] and len(piece.text) > room:
            runs.append([])
            room = longest
        runs[-1].append(piece)
        room -= len(piece.text)
    if len(runs) == 1:
        return [document]
    befores = [document.before, *(run[-1].text[-RUN_UP:] for run in runs[:-1])]
    total = document.section_of or len(document.pages)
    return [
        DocumentText(name=document.name, pages=tuple(run), section_of=total, before=before)
        for run, before in zip(runs, befores, strict=True)
    ]


def smaller(section: DocumentText) -> list[DocumentText]:
    """The section in two, rarely three, of at most six tenths of it; none when it is too short to be divided.

    Not exact halves: those end within a page, and the page then leaves a third section of next to nothing.
    """
    length = sum(len(page.text) for page in section.pages)
    return sections_of(section, longest=length * 6 // 10) if length >= 2 * SMALLEST_SECTION else []


def _cut(page: Page, longest: int) -> Iterator[Page]:
    start, length = 0, len(page.text)
    while length - start > longest:
        end = _break(page.text, start, start + longest)
        yield _piece(page, start, end)
        start = end
    yield page if start == 0 else _piece(page, start, length)


def _break(text: str, start: int, latest: int) -> int:
    """Where to cut: after the last paragraph, line, sentence or word that ends in the last tenth."""
    earliest = latest - (latest - start) // 10
    for mark in _BREAKS:
        at = text.rfind(mark, earliest, latest)
        if at >= 0:
            return at + len(mark)
    return latest


def _piece(page: Page, start: int, end: int) -> Page:
    return msgspec.structs.replace(
        page, text=page.text[start:end], char_start=page.char_start + start, char_end=page.char_start + end
    )
