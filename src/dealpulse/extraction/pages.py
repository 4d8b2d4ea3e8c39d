"""From text as a reader found it to the numbered pages that are stored and cited.

Offsets count characters in all pages joined by :data:`PAGE_SEPARATOR`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from dealpulse.errors import Unreadable
from dealpulse.models import Page, PageKind, TextMethod

PAGE_SEPARATOR = "\n"
SECTION_CHARACTERS = 3_000

_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\x85]")
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufeff\ufffe\uffff]")
_BLANKS_AT_LINE_END = re.compile(r"[ \t\xa0]+(?=\n|\Z)")


class Draft(Struct, frozen=True, kw_only=True):
    """A page before it has a number and offsets."""

    text: str
    kind: PageKind
    label: str | None = None
    method: TextMethod = TextMethod.text
    confidence: float | None = None
    rotation: int = 0
    warnings: tuple[str, ...] = ()


class Reading(Struct, frozen=True, kw_only=True):
    """What a format's reader found: drafts in reading order, and what a person should know about the whole file."""

    pages: tuple[Draft, ...]
    warnings: tuple[str, ...] = ()
    only_lists: bool = False
    """See :class:`~dealpulse.extraction.contract.DocumentContent`."""


def clean(text: str) -> str:
    """Line ends become ``\\n``; characters that no database stores or no person sees (NUL, lone surrogates) go."""
    text = _LINE_ENDS.sub("\n", text)
    return _BLANKS_AT_LINE_END.sub("", _UNSTORABLE.sub("", text))


def one_line(text: str) -> str:
    """For labels, names and subjects."""
    return " ".join(_UNSTORABLE.sub("", text).split())


def number_pages(drafts: Iterable[Draft], *, max_pages: int, warnings: tuple[str, ...] = ()) -> tuple[Page, ...]:
    """Number and place the drafts; ``warnings`` about the whole file stand first among those of the first page.

    Raises ``Unreadable`` (``too_large``, ``no_text``).
    """
    pages = tuple(_placed(drafts, max_pages=max_pages))
    if not any(page.text.strip() for page in pages):
        raise Unreadable("No text was found in the file; if it is a scan, ask for a sharper one.", code="no_text")
    return (replace(pages[0], warnings=warnings + pages[0].warnings), *pages[1:])


def _placed(drafts: Iterable[Draft], *, max_pages: int) -> Iterator[Page]:
    offset = 0
    for number, draft in enumerate(drafts, start=1):
        if number > max_pages:
            raise too_many_pages(max_pages)
        text = clean(draft.text).replace("\f", "\n").rstrip()
        yield Page(
            number=number,
            kind=draft.kind,
            text=text,
            char_start=offset,
            char_end=offset + len(text),
            label=one_line(draft.label) or None if draft.label else None,
            method=draft.method,
            confidence=draft.confidence,
            rotation=draft.rotation,
            warnings=draft.warnings,
        )
        offset += len(text) + len(PAGE_SEPARATOR)


def too_many_pages(max_pages: int) -> Unreadable:
    return Unreadable(f"The file has more than {max_pages:,} pages; split it into smaller files.", code="too_large")


def sections(text: str, *, size: int = SECTION_CHARACTERS) -> list[str]:
    """Cut running text into parts of at most about ``size`` characters: at paragraph ends where there are any, else
    at line ends, else between words. Only the white space at a cut is lost."""
    parts = []
    rest = text.strip("\n")
    start = 0
    while len(rest) - start > size:
        cut = _cut(rest, start, start + size)
        parts.append(rest[start:cut].rstrip())
        start = cut
        while start < len(rest) and rest[start] == "\n":
            start += 1
    parts.append(rest[start:].rstrip())
    return [part for part in parts if part] or [""]


def _cut(text: str, start: int, end: int) -> int:
    """The best place to cut in ``text[start:end]``, never so early that the part would be tiny."""
    earliest = start + (end - start) // 4
    for separator in ("\n\n", "\n", " "):
        found = text.rfind(separator, earliest, end)
        if found > start:
            return found + (1 if separator == " " else 0)
    return end


def section_drafts(text: str, *, label: str | None = None) -> list[Draft]:
    return [Draft(text=part, kind=PageKind.section, label=label) for part in sections(text)]


def table_text(rows: Iterable[Iterable[str]]) -> str:
    """A table as lines of tab-separated cells; a cell is one line; rows without any text are left out."""
    lines = ("\t".join(one_line(cell) for cell in row).rstrip() for row in rows)
    return "\n".join(line for line in lines if line)
