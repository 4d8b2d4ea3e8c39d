"""OpenDocument files: a text is a section for each heading, a workbook a page a sheet, a presentation a page a slide.

Workbooks are read here and not by calamine, which takes an OpenDocument file only by its name.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from dealpulse.errors import Unreadable
from dealpulse.extraction.pages import Draft, Reading, section_drafts, table_text
from dealpulse.extraction.registry import Source
from dealpulse.models import PageKind

_NAMESPACES = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}%s"
_PARAGRAPH, _HEADING, _SPACE, _TAB, _BREAK, _DELETED = (
    _NAMESPACES % ("text", name) for name in ("p", "h", "s", "tab", "line-break", "tracked-changes")
)
_TABLE, _ROW, _CELL, _COVERED = (
    _NAMESPACES % ("table", name) for name in ("table", "table-row", "table-cell", "covered-table-cell")
)
_REPEATED, _ROWS_REPEATED, _TABLE_NAME = (
    _NAMESPACES % ("table", name) for name in ("number-columns-repeated", "number-rows-repeated", "name")
)
_BODY, _WORKBOOK = _NAMESPACES % ("office", "body"), _NAMESPACES % ("office", "spreadsheet")
_SLIDE, _SLIDE_NAME, _NOTES = (
    _NAMESPACES % ("drawing", "page"),
    _NAMESPACES % ("drawing", "name"),
    _NAMESPACES % ("presentation", "notes"),
)
_ANNOTATION = _NAMESPACES % ("office", "annotation")
_MOST_REPEATED = 100


def read(source: Source) -> Reading:
    try:
        with zipfile.ZipFile(source.path) as archive:
            root = ElementTree.fromstring(archive.read("content.xml"))  # noqa: S314 - the sandbox bounds what it does
    except (KeyError, zipfile.BadZipFile, ElementTree.ParseError) as error:
        raise Unreadable("The document is damaged; open it, save it again and resend it.", code="corrupt") from error
    body = root.find(_BODY)
    if body is None:
        raise Unreadable("The document is damaged; open it, save it again and resend it.", code="corrupt")
    workbook = body.find(_WORKBOOK)
    if workbook is not None:
        return Reading(pages=tuple(map(_sheet, workbook.iter(_TABLE))))
    slides = list(body.iter(_SLIDE))
    return Reading(pages=tuple(map(_slide, slides)) if slides else tuple(_sections(body)))


def _sheet(sheet: Element) -> Draft:
    rows = (row for row in sheet.iter(_ROW) for _ in range(min(int(row.get(_ROWS_REPEATED, "1")), _MOST_REPEATED)))
    return Draft(text=table_text(map(_cells, rows)), kind=PageKind.sheet, label=sheet.get(_TABLE_NAME))


def _slide(slide: Element) -> Draft:
    notes = slide.find(_NOTES)
    text = "\n".join(line for _, line in _blocks(slide) if line.strip())
    told = "\n".join(line for _, line in _blocks(notes) if line.strip()) if notes is not None else ""
    return Draft(text=f"{text}\n\nNotes:\n{told}" if told else text, kind=PageKind.slide, label=slide.get(_SLIDE_NAME))


def _sections(body: Element) -> Iterator[Draft]:
    label: str | None = None
    lines: list[str] = []
    for heading, text in _blocks(body):
        if heading and any(line.strip() for line in lines):
            yield from section_drafts("\n".join(lines), label=label)
            lines = []
        label = text if heading else label
        lines.append(text)
    yield from section_drafts("\n".join(lines), label=label)


def _blocks(container: Element) -> Iterator[tuple[bool, str]]:
    """Paragraphs and tables in order, and whether each is a heading."""
    for child in container:
        if child.tag in (_PARAGRAPH, _HEADING):
            yield child.tag == _HEADING, _text(child)
        elif child.tag == _TABLE:
            yield False, "\n" + table_text(map(_cells, child.iter(_ROW))) + "\n"
        elif child.tag not in (_DELETED, _NOTES, _ANNOTATION):
            yield from _blocks(child)


def _cells(row: Element) -> Iterator[str]:
    for cell in row:
        if cell.tag not in (_CELL, _COVERED):
            continue
        text = " ".join(_text(part) for part in cell.iter() if part.tag in (_PARAGRAPH, _HEADING))
        yield from [text] * min(int(cell.get(_REPEATED, "1")), _MOST_REPEATED)


def _text(element: Element) -> str:
    parts = [element.text or ""]
    for child in element:
        if child.tag in (_TAB, _BREAK, _SPACE):
            parts.append({_TAB: "\t", _BREAK: "\n", _SPACE: " "}[child.tag])
        elif child.tag != _ANNOTATION:
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)
