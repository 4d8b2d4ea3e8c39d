"""The files of the sample deal are what its story and its list of plants say they are."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from docx import Document
from docx.table import Table
from icalendar import Calendar
from pptx import Presentation
from pptx.shapes.autoshape import Shape
from pptx.slide import Slide
from python_calamine import CalamineWorkbook
from selectolax.lexbor import LexborHTMLParser
from striprtf.striprtf import rtf_to_text

from dealpulse.local.sample_deal import PATH

from .plants import (
    ARGUABLE,
    PLANTED_BLOCKERS,
    PLANTED_RISKS,
    SCAN,
    SCAN_TURNED_PAGE,
    TURNING_COUNTERPARTY,
    Mention,
    PlantedBlocker,
    PlantedRisk,
)

DOCUMENTS = PATH / "documents"
EMAILS = PATH / "emails"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def flat(text: str) -> str:
    return " ".join(text.split())


def pages_of_pdf(path: Path) -> list[str]:
    pdf = pdfium.PdfDocument(path)
    try:
        return [page.get_textpage().get_text_range() for page in pdf]
    finally:
        pdf.close()


def pages_of_pptx(path: Path) -> list[str]:
    return ["\n".join(texts_of_slide(slide)) for slide in Presentation(str(path)).slides]


def texts_of_slide(slide: Slide) -> Iterator[str]:
    for shape in slide.shapes:
        if isinstance(shape, Shape):
            yield shape.text_frame.text
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    if notes is not None:
        yield notes.text


def pages_of_xlsx(path: Path) -> list[str]:
    book = CalamineWorkbook.from_path(str(path))
    sheets = (book.get_sheet_by_index(index).to_python() for index in range(len(book.sheet_names)))
    return ["\n".join(str(cell) for row in sheet for cell in row) for sheet in sheets]


def text_of_docx(path: Path) -> list[str]:
    return ["\n".join(block.text for block in Document(str(path)).iter_inner_content() if not isinstance(block, Table))]


PAGES: dict[str, Callable[[Path], list[str]]] = {
    ".pdf": pages_of_pdf,
    ".pptx": pages_of_pptx,
    ".xlsx": pages_of_xlsx,
    ".docx": text_of_docx,
    ".html": lambda path: [LexborHTMLParser(path.read_bytes()).text(separator="\n")],
    ".rtf": lambda path: [rtf_to_text(path.read_text("ascii"))],  # type: ignore[no-untyped-call]  # no annotations
    ".txt": lambda path: [path.read_text("utf-8")],
    ".md": lambda path: [path.read_text("utf-8")],
}


def documents() -> list[Path]:
    return sorted(path for path in DOCUMENTS.rglob("*") if path.is_file())


def emails() -> dict[str, EmailMessage]:
    return {
        path.name: message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(EMAILS.iterdir())
    }


def body_of(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    assert body is not None
    return str(body.get_content())


def mentions() -> list[Mention]:
    planted = [Mention(risk.document, risk.page, risk.quote) for risk in PLANTED_RISKS]
    repeated = [mention for risk in PLANTED_RISKS for mention in risk.repeated_in]
    return [*planted, *repeated, *(mention for _, mention in ARGUABLE)]


def test_the_data_room_has_every_format_in_several_folders_and_stays_small() -> None:
    formats = Counter(path.suffix for path in documents())
    assert formats == {
        ".pdf": 6, ".docx": 4, ".xlsx": 2, ".pptx": 1, ".html": 1, ".rtf": 1, ".txt": 2, ".md": 1,
    }  # fmt: skip
    assert len({path.parent for path in documents()}) >= 6
    assert sum(path.stat().st_size for path in (*documents(), *EMAILS.iterdir())) < 2_500_000


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_every_document_but_the_scan_has_text(path: Path) -> None:
    text = flat("\n".join(PAGES[path.suffix](path)))
    if path == DOCUMENTS / SCAN:
        assert text == ""
    else:
        assert len(text) > 1_000 or path.suffix in {".xlsx", ".pptx"}
        assert text


def test_the_scan_is_grey_images_with_one_page_on_its_side() -> None:
    pdf = pdfium.PdfDocument(DOCUMENTS / SCAN)
    try:
        sizes = [pdf[number].get_size() for number in range(len(pdf))]
        darkest = [pdf[number].render(scale=0.5, grayscale=True).to_pil().getextrema()[0] for number in range(len(pdf))]
    finally:
        pdf.close()
    assert len(sizes) == 3
    assert [number for number, (width, height) in enumerate(sizes, 1) if width > height] == [SCAN_TURNED_PAGE]
    assert max(darkest) < 120


def test_the_plants_are_numerous_and_varied() -> None:
    assert len(PLANTED_RISKS) >= 10
    assert len({risk.category for risk in PLANTED_RISKS}) >= 8
    assert {risk.severity for risk in PLANTED_RISKS} <= {"P0", "P1", "P2", "P3"}
    assert all(len(risk.quote) <= 120 for risk in PLANTED_RISKS)
    assert len(PLANTED_BLOCKERS) == 3


@pytest.mark.parametrize(
    "mention", [m for m in mentions() if m.document != SCAN], ids=lambda mention: mention.quote[:50]
)
def test_a_planted_quote_is_on_its_page(mention: Mention) -> None:
    path = DOCUMENTS / mention.document
    pages = PAGES[path.suffix](path)
    assert (mention.page is None) == (path.suffix in {".docx", ".html", ".rtf", ".txt", ".md"})
    assert flat(mention.quote) in flat(pages[(mention.page or 1) - 1])


@pytest.mark.parametrize("risk", [r for r in PLANTED_RISKS if r.document != SCAN], ids=lambda risk: risk.category)
def test_a_planted_quote_occurs_once_in_the_whole_data_room(risk: PlantedRisk) -> None:
    found = [path for path in documents() for page in PAGES[path.suffix](path) if flat(risk.quote) in flat(page)]
    assert found == [DOCUMENTS / risk.document]


def test_there_are_25_readable_emails_between_2_and_20_november() -> None:
    messages = emails()
    assert len(messages) == 25
    for message in messages.values():
        sent = parsedate_to_datetime(message["Date"])
        assert datetime(2026, 11, 2, tzinfo=UTC) <= sent < datetime(2026, 11, 21, tzinfo=UTC)
        assert not message.defects
        assert body_of(message).strip()
        people = [address for header in ("From", "To", "Cc") for address in getattr(message[header], "addresses", ())]
        assert len(people) >= 2
        assert all(address.domain.endswith(".example") for address in people)


def test_every_reply_names_an_earlier_email_and_its_whole_thread() -> None:
    by_id = {message["Message-ID"]: message for message in emails().values()}
    assert len(by_id) == 25
    replies = [message for message in by_id.values() if message["In-Reply-To"]]
    for reply in replies:
        parent = by_id[reply["In-Reply-To"]]
        assert reply["References"].split() == [*(parent["References"] or "").split(), parent["Message-ID"]]
        assert parsedate_to_datetime(parent["Date"]) < parsedate_to_datetime(reply["Date"])
        assert body_of(parent).split("\n")[0] in body_of(reply)
    roots = {(message["References"] or message["Message-ID"]).split()[0] for message in by_id.values()}
    threads_with_replies = {reply["References"].split()[0] for reply in replies}
    assert len(roots) == 8
    assert len(threads_with_replies) == 6


def test_replies_quote_in_several_ways() -> None:
    bodies = [body_of(message) for message in emails().values()]
    assert any("\nwrote:\n\n> " in body for body in bodies)
    assert any("\nFrom: " in body and "\nSent: " in body for body in bodies)
    assert any("-----Original Message-----" in body for body in bodies)


def test_one_email_carries_a_word_document() -> None:
    attached = [part for message in emails().values() for part in message.iter_attachments()]
    assert [part.get_content_type() for part in attached] == [DOCX]
    document = Document(io.BytesIO(attached[0].get_content()))
    assert document.tables[0].cell(9, 1).text == "October trial balance"


def test_one_email_is_a_calendar_invitation() -> None:
    parts = [part for part in emails()["04-invitation.eml"].walk() if part.get_content_type() == "text/calendar"]
    assert parts[0].get_param("method") == "REQUEST"
    event = Calendar.from_ical(parts[0].get_content()).walk("VEVENT")[0]
    assert event.decoded("dtstart").isoformat() == "2026-11-10T10:00:00-05:00"


def test_bodies_come_as_text_as_html_and_as_both_and_in_several_charsets() -> None:
    messages = emails()
    assert messages["25-data-room.eml"].get_content_type() == "text/html"
    assert [part.get_content_type() for part in messages["20-open-items.eml"].iter_parts()] == [
        "text/plain",
        "text/html",
    ]
    german = messages["23-pension.eml"]
    assert german.get_content_charset() == "windows-1252"
    assert "Für Rückfragen stehe ich gerne zur Verfügung." in body_of(german)
    assert german["Subject"] == "Pensionsgutachten – Unterlagen für die Prüfung"
    assert b"=?utf-8?" in (EMAILS / "23-pension.eml").read_bytes()


@pytest.mark.parametrize("blocker", PLANTED_BLOCKERS, ids=lambda blocker: blocker.email)
def test_a_planted_blocker_is_stated_in_its_email_and_only_quoted_elsewhere(blocker: PlantedBlocker) -> None:
    holding = [
        name for name, message in emails().items() if blocker.quote in flat(body_of(message).replace("\n>", "\n"))
    ]
    assert holding == [blocker.email, *blocker.repeated_in]


def test_the_turning_counterparty_wrote_the_warm_emails_before_the_strained_ones() -> None:
    messages = emails()
    order = [*TURNING_COUNTERPARTY.positive, *TURNING_COUNTERPARTY.negative]
    assert len(TURNING_COUNTERPARTY.positive) >= 2
    assert len(TURNING_COUNTERPARTY.negative) >= 2
    assert {messages[name]["From"].addresses[0].addr_spec for name in order} == {TURNING_COUNTERPARTY.address}
    sent = [parsedate_to_datetime(messages[name]["Date"]) for name in order]
    assert sent == sorted(sent)
