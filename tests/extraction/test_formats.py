"""What every format promises, and what each adds."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from dealpulse.errors import Unreadable
from dealpulse.extraction import DocumentContent, Limits, extract_document
from dealpulse.extraction.pages import PAGE_SEPARATOR
from dealpulse.extraction.registry import BY_MIME_TYPE, FORMATS
from dealpulse.models import PageKind, TextMethod
from extraction import samples
from extraction.samples import SAMPLES, SENTENCE


async def read(directory: Path, name: str, data: bytes, limits: Limits | None = None) -> DocumentContent:
    path = directory / "file"
    path.write_bytes(data)
    return await extract_document(path, name=name, limits=limits or Limits(), files_dir=directory / "inner")


def text_of(content: DocumentContent) -> str:
    return PAGE_SEPARATOR.join(page.text for page in content.pages)


def test_every_registered_format_has_a_sample() -> None:
    assert {each.mime_type for each in FORMATS} == set(SAMPLES)


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
