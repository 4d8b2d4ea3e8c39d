"""Word documents: running text in order, a section for each heading, cited by heading path.

The document's XML is walked here rather than by python-docx's paragraphs, which leave out what tracked changes
inserted, content controls and text boxes: in a contract under negotiation that is the interesting part.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml

from dealpulse.errors import Unreadable
from dealpulse.extraction.docx_hidden import hidden_runs
from dealpulse.extraction.hidden import marked
from dealpulse.extraction.ocr import Ocr
from dealpulse.extraction.pages import Draft, Reading, section_drafts, table_text
from dealpulse.extraction.registry import Source

_PARAGRAPH, _TABLE, _ROW, _CELL, _BOX = (qn(f"w:{name}") for name in ("p", "tbl", "tr", "tc", "txbxContent"))
_BREAKS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_TEXT = qn("w:t")
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_GONE = {qn("w:del"), qn("w:moveFrom"), qn("w:rPr"), qn("w:pPr"), _FALLBACK}
_INSERTED, _DELETED = qn("w:ins"), qn("w:del")

_HEADING = re.compile(r"(?:heading|überschrift|titre|título|titolo)\s*([1-9])$", re.IGNORECASE)
_DEEPEST_LABEL = 3
_NEARLY_NO_TEXT = 60
"""Visible characters below which the pictures in a document are its text."""

_SMALLEST_PICTURE = 5_000
"""Bytes; smaller ones are logos and bullets."""

Element = Any  # lxml has no types


def read(source: Source) -> Reading:
    try:
        document = docx.Document(str(source.path))
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise Unreadable("The document is damaged; open it, save it again and resend it.", code="corrupt") from error
    drafts = [*_body(document), *_margins(document), *_notes(document)]
    if sum(len("".join(draft.text.split())) for draft in drafts) < _NEARLY_NO_TEXT:
        drafts.extend(_pictures(document, source.limits.ocr_language))
    hidden = list(hidden_runs(document.element.body, document.styles.element))
    return Reading(pages=marked(drafts, hidden), warnings=_warnings(document))


# --- the body -------------------------------------------------------------------------------------------------------


def _body(document: Document) -> list[Draft]:
    """Sections: a new one begins at each heading that follows running text."""
    levels = _heading_levels(document)
    drafts: list[Draft] = []
    path: list[str] = []
    lines: list[str] = []
    has_text = False

    def close() -> None:
        if any(line.strip() for line in lines):
            drafts.extend(section_drafts("\n".join(lines), label=" > ".join(filter(None, path)) or None))

    for level, text in _blocks(document.element.body, levels):
        if level is not None:
            if has_text:
                close()
                lines, has_text = [], False
            path = [*path[: level - 1], *[""] * (level - 1 - len(path)), text]
        else:
            has_text = has_text or bool(text.strip())
        lines.append(text)
    close()
    return drafts


def _blocks(container: Element, levels: dict[str, int]) -> Iterator[tuple[int | None, str]]:
    """Paragraphs and tables in order, as (heading level or None, text), from inside content controls and insertions
    too. An empty paragraph ends a paragraph of text; so does every block."""
    for child in container:
        if child.tag == _PARAGRAPH:
            text = _paragraph(child)
            level = levels.get(child.style or "") if text.strip() else None
            yield level, text
            for box in _boxes(child):
                yield from _blocks(box, levels)
        elif child.tag == _TABLE:
            yield None, "\n" + _table(child) + "\n"
        elif child.tag not in _GONE and len(child):
            yield from _blocks(child, levels)


def _heading_levels(document: Document) -> dict[str, int]:
    """Level by style id, for the headings that make labels."""
    levels = {}
    for style in document.styles:
        found = _HEADING.match(style.name or "")
        if found and int(found[1]) <= _DEEPEST_LABEL:
            levels[style.style_id] = int(found[1])
        elif (style.name or "").lower() == "title":
            levels[style.style_id] = 1
    return levels


def _paragraph(paragraph: Element) -> str:
    return "".join(_runs(paragraph))


def _runs(element: Element) -> Iterator[str]:
    for child in element:
        if child.tag == _TEXT:
            yield child.text or ""
        elif child.tag in _BREAKS:
            yield _BREAKS[child.tag]
        elif child.tag not in _GONE and child.tag not in (_BOX, _PARAGRAPH):
            yield from _runs(child)


def _boxes(paragraph: Element) -> Iterator[Element]:
    for box in paragraph.iter(_BOX):
        if not any(ancestor.tag == _FALLBACK for ancestor in box.iterancestors()):
            yield box


def _table(table: Element) -> str:
    return table_text(
        [_cell(cell) for cell in _own(row, _CELL, within=_ROW)] for row in _own(table, _ROW, within=_TABLE)
    )


def _own(container: Element, tag: str, *, within: str) -> Iterator[Element]:
    """A table's rows or a row's cells, not those of tables inside its cells: they are text of the cell they are in."""
    for element in container.iter(tag):
        if next(element.iterancestors(within)) is container:
            yield element


def _cell(cell: Element) -> str:
    return " ".join(filter(None, map(_paragraph, cell.iter(_PARAGRAPH))))


# --- around the body ------------------------------------------------------------------------------------------------


def _margins(document: Document) -> list[Draft]:
    texts: dict[str, None] = {}
    for section in document.sections:
        for part in (
            section.header,
            section.first_page_header,
            section.even_page_header,
            section.footer,
            section.first_page_footer,
            section.even_page_footer,
        ):
            if not part.is_linked_to_previous:
                text = "\n".join(text for _, text in _blocks(part._element, {}) if text.strip())
                texts[text.strip()] = None
    joined = "\n".join(filter(None, texts))
    return section_drafts(joined, label="Headers and footers") if joined else []


def _notes(document: Document) -> list[Draft]:
    drafts = []
    for kind, label, tag in (
        (RELATIONSHIP_TYPE.FOOTNOTES, "Footnotes", qn("w:footnote")),
        (RELATIONSHIP_TYPE.ENDNOTES, "Endnotes", qn("w:endnote")),
        (RELATIONSHIP_TYPE.COMMENTS, "Comments", qn("w:comment")),
    ):
        notes = []
        for relation in document.part.rels.values():
            if relation.reltype == kind and not relation.is_external:
                root = parse_xml(relation.target_part.blob)
                notes = [_note(note) for note in root.iter(tag)]
        joined = "\n".join(filter(None, notes))
        if joined:
            drafts.extend(section_drafts(joined, label=label))
    return drafts


def _note(note: Element) -> str:
    text = "\n".join(text for _, text in _blocks(note, {}) if text.strip()).strip()
    author = note.get(qn("w:author"))
    return f"{author}: {text}" if author and text else text


def _pictures(document: Document, language: str) -> list[Draft]:
    from PIL import Image, UnidentifiedImageError

    drafts = []
    with Ocr(language) as ocr:
        for part in document.part.package.iter_parts():
            if not part.content_type.startswith("image/") or len(part.blob) < _SMALLEST_PICTURE:
                continue
            try:
                with Image.open(io.BytesIO(part.blob)) as picture:
                    draft = ocr.read(picture).draft(label="Picture")
            except (UnidentifiedImageError, OSError):
                continue  # a drawing in a format of Windows' own
            if draft.text:
                drafts.append(draft)
    return drafts


def _warnings(document: Document) -> tuple[str, ...]:
    body = document.element.body
    if next(body.iter(_INSERTED), None) is None and next(body.iter(_DELETED), None) is None:
        return ()
    return ("The document has tracked changes; it was read as if all were accepted.",)
