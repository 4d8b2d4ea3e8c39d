"""What every format promises, and what each adds."""

from __future__ import annotations

import io
import shutil
from email.message import EmailMessage
from pathlib import Path

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from reportlab.pdfgen.canvas import Canvas

from dealpulse.errors import Unreadable
from dealpulse.extraction import DocumentContent, Limits, extract_document
from dealpulse.extraction.formats import ppt
from dealpulse.extraction.inner_files import InnerFiles
from dealpulse.extraction.pages import PAGE_SEPARATOR
from dealpulse.extraction.registry import BY_MIME_TYPE, FORMATS, Source
from dealpulse.models import PageKind, TextMethod
from extraction import samples
from extraction.compound_file import compound_file
from extraction.samples import SAMPLES, SENTENCE


async def read(directory: Path, name: str, data: bytes, limits: Limits | None = None) -> DocumentContent:
    path = directory / "file"
    path.write_bytes(data)
    return await extract_document(path, name=name, limits=limits or Limits(), files_dir=directory / "inner")


def text_of(content: DocumentContent) -> str:
    return PAGE_SEPARATOR.join(page.text for page in content.pages)


PRESENTATION_97 = "application/vnd.ms-powerpoint"
"""Read by a converter that may be absent; it has tests of its own."""


def test_every_registered_format_has_a_sample() -> None:
    assert {each.mime_type for each in FORMATS} - {PRESENTATION_97} == set(SAMPLES)


@pytest.mark.parametrize("mime_type", SAMPLES)
async def test_a_minimal_file_becomes_well_formed_pages(mime_type: str, tmp_path: Path) -> None:
    name, make = SAMPLES[mime_type]

    content = await read(tmp_path, name, make())

    joined = text_of(content)
    assert content.mime_type == mime_type
    assert content.format == BY_MIME_TYPE[mime_type].name
    assert all(page.warnings == () for page in content.pages)
    assert [page.number for page in content.pages] == list(range(1, len(content.pages) + 1))
    assert [joined[page.char_start : page.char_end] for page in content.pages] == [page.text for page in content.pages]
    assert "\x00" not in joined
    assert SENTENCE in " ".join(joined.split())


@pytest.mark.parametrize("mime_type", SAMPLES)
async def test_a_file_is_told_by_its_content_when_its_name_says_nothing(mime_type: str, tmp_path: Path) -> None:
    _, make = SAMPLES[mime_type]
    plain = {"text/markdown": "text/plain", "text/csv": "text/plain"}

    content = await read(tmp_path, "Document (final)", make())

    assert content.mime_type == plain.get(mime_type, mime_type)


async def test_pdf_pages_keep_their_numbers_and_lines(tmp_path: Path) -> None:
    content = await read(tmp_path, "a.pdf", samples.pdf("Clause 1\nClause 2", "", "Clause 3"))

    assert [page.text for page in content.pages] == ["Clause 1\nClause 2", "", "Clause 3"]
    assert {page.kind for page in content.pages} == {PageKind.page}


ROWS = [["Customer", "FY23", "FY24"], ["Halbrook\nChemical", "1,200", "1,450"], ["Sorrel Bay", "", "900"]]


def table_pdf(*, by_column: bool = False, joined: bool = False) -> bytes:
    """A ruled table between two lines of text, its cells drawn row by row or column by column."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(72, 750, "Revenue by customer, in thousands:")
    canvas.grid([60, 200, 300, 400], [720, 690, 640, 610])
    cells = [(row, column) for row in range(3) for column in range(3)]
    for row, column in sorted(cells, key=lambda cell: cell[1]) if by_column else cells:
        for line, words in enumerate(ROWS[row][column].split("\n")):
            canvas.drawString((70, 210, 310)[column], (700, 670, 620)[row] - 14 * line, words)
    if joined:
        canvas.drawString(270, 650, "Restatedfigures")
    canvas.drawString(72, 580, "Unaudited.")
    canvas.save()
    return buffer.getvalue()


@pytest.mark.parametrize("by_column", [False, True])
async def test_a_ruled_table_of_a_pdf_is_a_line_a_row_with_its_empty_cells(by_column: bool, tmp_path: Path) -> None:
    content = await read(tmp_path, "a.pdf", table_pdf(by_column=by_column))

    assert [line for line in content.pages[0].text.split("\n") if line] == [
        "Revenue by customer, in thousands:",
        "Customer\tFY23\tFY24",
        "Halbrook Chemical\t1,200\t1,450",
        "Sorrel Bay\t\t900",
        "Unaudited.",
    ]


async def test_words_that_reach_over_a_rule_of_a_table_are_not_cut(tmp_path: Path) -> None:
    content = await read(tmp_path, "a.pdf", table_pdf(joined=True))

    assert "Restatedfigures" in content.pages[0].text
    assert "\t" not in content.pages[0].text


async def test_a_pdf_with_more_pages_than_allowed_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        await read(tmp_path, "a.pdf", samples.pdf("1", "2", "3"), Limits(max_pages=2))

    assert caught.value.code == "too_large"


async def test_word_sections_are_labelled_by_heading_path(tmp_path: Path) -> None:
    def fill(document: docx.document.Document) -> None:
        document.add_heading("Article I", 1)
        document.add_heading("Definitions", 2)
        document.add_paragraph("Closing means the closing.")
        document.add_heading("Article II", 1)
        document.add_paragraph("Sale and purchase.")

    content = await read(tmp_path, "a.docx", samples.word(fill))

    assert [page.label for page in content.pages] == ["Article I > Definitions", "Article II"]
    assert content.pages[1].text == "Article II\nSale and purchase."


async def test_word_tables_headers_and_footers_are_read(tmp_path: Path) -> None:
    def fill(document: docx.document.Document) -> None:
        document.add_paragraph("Before")
        table = document.add_table(rows=2, cols=2)
        for cell, text in zip(table._cells, ("Party", "Share", "Buyer", "60 %"), strict=True):
            cell.text = text
        document.add_paragraph("After")
        document.sections[0].header.paragraphs[0].text = "Draft of 4 March"
        document.sections[0].footer.paragraphs[0].text = "Strictly private"

    content = await read(tmp_path, "a.docx", samples.word(fill))

    assert "Before\n\nParty\tShare\nBuyer\t60 %\n\nAfter" in content.pages[0].text
    assert (content.pages[1].label, content.pages[1].text) == (
        "Headers and footers",
        "Draft of 4 March\nStrictly private",
    )


async def test_tracked_insertions_are_read_deletions_are_not_and_a_warning_says_so(tmp_path: Path) -> None:
    def fill(document: docx.document.Document) -> None:
        paragraph = document.add_paragraph("The cap is ")
        for tag, text_tag, text in (("w:del", "w:delText", "10 %"), ("w:ins", "w:t", "25 %")):
            change, run, words = OxmlElement(tag), OxmlElement("w:r"), OxmlElement(text_tag)
            words.text = text
            run.append(words)
            change.append(run)
            change.set(qn("w:id"), "1")
            paragraph._p.append(change)

    content = await read(tmp_path, "a.docx", samples.word(fill))

    assert content.pages[0].text == "The cap is 25 %"
    assert "tracked changes" in content.pages[0].warnings[0]


async def test_the_picture_of_a_page_in_a_word_file_is_recognised(tmp_path: Path) -> None:
    scan = tmp_path / "scan.png"
    scan.write_bytes(samples.picture_bytes("PNG"))

    content = await read(tmp_path, "a.docx", samples.word(lambda document: document.add_picture(str(scan)) and None))

    assert SENTENCE in " ".join(text_of(content).split())
    assert content.pages[-1].method is TextMethod.ocr


async def test_sheets_are_pages_and_a_hidden_one_is_named(tmp_path: Path) -> None:
    data = samples.excel({"P&L": [["Revenue", 1200.0], ["EBITDA", 0.1 + 0.2]], "Old": [["x"]]}, hidden=("Old",))

    content = await read(tmp_path, "a.xlsx", data)

    assert [(page.kind, page.label, page.text) for page in content.pages] == [
        (PageKind.sheet, "P&L", "Revenue\t1200\nEBITDA\t0.3"),
        (PageKind.sheet, "Old", "x"),
    ]
    assert content.pages[0].warnings == ("The sheet 'Old' is hidden.",)


async def test_slides_are_pages_with_title_and_notes(tmp_path: Path) -> None:
    content = await read(tmp_path, "a.pptx", samples.slides("Synergies", "Timetable", notes="Say it slowly"))

    assert [(page.kind, page.label) for page in content.pages] == [
        (PageKind.slide, "Synergies"),
        (PageKind.slide, "Timetable"),
    ]
    assert content.pages[0].text == "Synergies\n\nNotes:\nSay it slowly"


async def test_an_open_document_keeps_headings_tables_and_empty_cells(tmp_path: Path) -> None:
    body = """<office:text>
    <text:tracked-changes><text:p>gone</text:p></text:tracked-changes>
    <text:h>Article I</text:h><text:p>Between<text:s/>the <text:span>parties</text:span>.</text:p>
    <text:h>Article II</text:h>
    <table:table><table:table-row><table:table-cell><text:p>Buyer</text:p></table:table-cell>
    <table:table-cell table:number-columns-repeated="2"/>
    <table:table-cell><text:p>60 %</text:p></table:table-cell></table:table-row></table:table></office:text>"""

    content = await read(tmp_path, "a.odt", samples.open_document("text", body))

    assert [(page.label, page.text) for page in content.pages] == [
        ("Article I", "Article I\nBetween the parties."),
        ("Article II", "Article II\n\nBuyer\t\t\t60 %"),
    ]


async def test_sheets_of_an_open_document_are_pages_with_repeated_cells(tmp_path: Path) -> None:
    row = "<table:table-row{}><table:table-cell{}><text:p>{}</text:p></table:table-cell></table:table-row>"
    rows = row.format("", ' table:number-columns-repeated="2"', "x") + row.format(
        ' table:number-rows-repeated="2"', "", "y"
    )
    empty = '<table:table-row table:number-rows-repeated="1048570"><table:table-cell/></table:table-row>'
    body = f'<office:spreadsheet><table:table table:name="P&amp;L">{rows}{empty}</table:table></office:spreadsheet>'

    content = await read(tmp_path, "a.ods", samples.open_document("spreadsheet", body))

    assert [(page.kind, page.label, page.text) for page in content.pages] == [(PageKind.sheet, "P&L", "x\tx\ny\ny")]


OLD_SLIDES = compound_file({"PowerPoint Document": b"x" * 5_000, "Current User": b"y" * 100})


@pytest.mark.skipif(shutil.which("catppt") is not None, reason="the converter is installed")
async def test_an_old_presentation_without_a_converter_asks_for_another_format(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        await read(tmp_path, "a.ppt", OLD_SLIDES)

    assert (caught.value.code, caught.value.message) == (
        "unsupported_type",
        "The file is a PowerPoint file of before 2007, for which no converter is installed (catppt, of catdoc);"
        " convert it to .pptx or .pdf.",
    )


def old_presentation(directory: Path, monkeypatch: pytest.MonkeyPatch, *, script: str) -> Source:
    """One whose converter is this shell script."""
    converter = directory / "catppt"
    converter.write_text(f"#!/bin/sh\n{script}\n")
    converter.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))
    limits = Limits()
    inner = InnerFiles(None, limits)
    return Source(path=directory / "a.ppt", name="a.ppt", mime_type=PRESENTATION_97, limits=limits, inner=inner)


def test_an_old_presentation_is_read_by_its_converter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = old_presentation(tmp_path, monkeypatch, script=r"printf 'First\n\fSecond\n\f'")

    assert [(page.kind, page.text) for page in ppt.read(source).pages] == [
        (PageKind.slide, "First"),
        (PageKind.slide, "Second"),
    ]


def test_an_old_presentation_its_converter_refuses_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreadable):
        ppt.read(old_presentation(tmp_path, monkeypatch, script="exit 1"))


async def test_html_tables_become_tab_separated_and_scripts_vanish(tmp_path: Path) -> None:
    page = b"<html><script>steal()</script><table><tr><td>Buyer</td><td>60 %</td></tr></table></html>"

    content = await read(tmp_path, "a.html", page)

    assert text_of(content).strip() == "Buyer\t60 %"


async def test_html_nested_too_deeply_for_layout_still_gives_its_text(tmp_path: Path) -> None:
    page = b"<html><body>" + b"<div>" * 20_000 + SENTENCE.encode() + b"</div>" * 20_000

    content = await read(tmp_path, "a.html", page)

    assert SENTENCE in text_of(content)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("Zürich – 5 €".encode(), "Zürich – 5 €"),
        ("\ufeffZürich".encode(), "Zürich"),
        ("Zürich – 5 €".encode("cp1252"), "Zürich – 5 €"),
        ("Zürich".encode("utf-16"), "Zürich"),
        ("The Closing Date".encode("utf-16-be"), "The Closing Date"),
    ],
)
async def test_texts_in_any_usual_charset_are_read(data: bytes, expected: str, tmp_path: Path) -> None:
    assert text_of(await read(tmp_path, "a.txt", data)) == expected


@pytest.mark.parametrize("mark", ["\f", "\n<PAGE>   2\n"])
async def test_page_marks_in_a_text_make_pages(mark: str, tmp_path: Path) -> None:
    content = await read(tmp_path, "a.txt", f"First page{mark}Second page\n".encode())

    assert [(page.kind, page.text) for page in content.pages] == [
        (PageKind.page, "First page"),
        (PageKind.page, "Second page"),
    ]


async def test_fields_of_a_word_97_file_show_their_result_not_their_code(tmp_path: Path) -> None:
    content = await read(tmp_path, "a.doc", samples.word97("See \x13REF _x \\h\x14Section 5\x15.\rEnd"))

    assert text_of(content) == "See Section 5.\nEnd"


async def test_a_message_read_as_a_document_shows_its_headers(tmp_path: Path) -> None:
    content = await read(tmp_path, "a.eml", samples.MAIL.encode())

    assert content.pages[0].label == "Signing"
    assert content.pages[0].text.startswith("From: Jane Roe <jane@example.com>\nTo: tom@example.com\nDate: 2024-03-04")


async def test_the_attachments_of_a_message_read_as_a_document_are_files_of_their_own(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"] = "Jane <jane@example.com>"
    mail.set_content("See attached.")
    mail.add_attachment(b"one", maintype="application", subtype="octet-stream", filename="lease.bin")
    mail.add_attachment(b"two", maintype="application", subtype="octet-stream")

    content = await read(tmp_path, "a.eml", mail.as_bytes())

    assert [(file.name, file.path.read_bytes()) for file in content.files] == [
        ("lease.bin", b"one"),
        ("attachment-2", b"two"),
    ]
    assert content.holds_files
    assert not content.only_lists
