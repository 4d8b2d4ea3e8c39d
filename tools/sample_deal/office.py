"""Texts as Word documents, and the slides of the management presentation."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from datetime import datetime

from docx import Document
from docx.document import Document as WordDocument
from docx.shared import Pt
from pptx import Presentation
from pptx.slide import Slide as PptxSlide
from pptx.util import Inches
from pptx.util import Pt as SlidePt

from .markup import Block, Kind, Text

WRITTEN = datetime(2026, 10, 26, 9, 0)  # noqa: DTZ001 - Office properties hold no zone


def word(text: Text) -> bytes:
    """The text as DOCX: real heading styles, tables, header and footer."""
    document = Document()
    document.styles["Normal"].font.name = "Calibri"
    document.styles["Normal"].font.size = Pt(10.5)
    section = document.sections[0]
    section.header.paragraphs[0].text = text.header
    section.footer.paragraphs[0].text = text.footer
    for block in text.blocks:
        _add(document, block)
    properties = document.core_properties
    properties.title, properties.author = text.title, text.header
    properties.created = properties.modified = WRITTEN
    out = io.BytesIO()
    document.save(out)
    return timeless(out.getvalue())


def _add(document: WordDocument, block: Block) -> None:
    if block.kind is Kind.PAGE_BREAK:
        document.add_page_break()
    elif block.kind is Kind.TABLE:
        _add_table(document, block.rows)
    elif block.kind is Kind.SIGNATURES:
        for party, name, capacity in block.rows:
            document.add_paragraph(party)
            document.add_paragraph(f"By: /s/ {name}\nName: {name}\nTitle: {capacity}")
    elif block.kind is Kind.BULLETS:
        for line in block.lines:
            document.add_paragraph(line, style="List Bullet")
    else:
        styles = {Kind.HEADING: "Heading 1", Kind.SUBHEADING: "Heading 2"}
        document.add_paragraph("\n".join(block.lines), style=styles.get(block.kind))


def _add_table(document: WordDocument, rows: tuple[tuple[str, ...], ...]) -> None:
    table = document.add_table(rows=0, cols=len(rows[0]), style="Table Grid")
    for row in rows:
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = value
    document.add_paragraph()


@dataclass(frozen=True)
class Slide:
    title: str
    bullets: tuple[str, ...]
    notes: str = ""
    table: tuple[tuple[str, ...], ...] = ()


def presentation(slides: tuple[Slide, ...], *, title: str, author: str) -> bytes:
    """The slides as PPTX; the first is the title slide, its bullets the subtitle."""
    deck = Presentation()
    for number, slide in enumerate(slides):
        page = deck.slides.add_slide(deck.slide_layouts[0 if number == 0 else 1])
        _fill(page, slide)
    deck.core_properties.title, deck.core_properties.author = title, author
    deck.core_properties.created = deck.core_properties.modified = WRITTEN
    out = io.BytesIO()
    deck.save(out)
    return timeless(out.getvalue())


def _fill(page: PptxSlide, slide: Slide) -> None:
    title, body = page.placeholders[0], page.placeholders[1]
    title.text_frame.text = slide.title
    body.text_frame.text = "\n".join(slide.bullets)
    if slide.table:
        body.left, body.top, body.width, body.height = Inches(0.5), Inches(1.5), Inches(9), Inches(1.9)
        shape = page.shapes.add_table(
            len(slide.table), len(slide.table[0]), Inches(0.6), Inches(3.6), Inches(8.8), Inches(2)
        )
        for down, row in enumerate(slide.table):
            for across, value in enumerate(row):
                shape.table.cell(down, across).text = value
    for paragraph in body.text_frame.paragraphs:
        paragraph.font.size = SlidePt(20)
    notes = page.notes_slide.notes_text_frame if slide.notes else None
    if notes is not None:
        notes.text = slide.notes


def timeless(archive: bytes) -> bytes:
    """The same zip with every entry dated 1980, so that equal content is an equal file."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return out.getvalue()
