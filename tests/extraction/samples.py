"""One minimal real file of each media type, made here, each saying :data:`SENTENCE`."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping

import docx
import pptx
import xlsxwriter
from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfgen.canvas import Canvas

from extraction.compound_file import Tree, compound_file

SENTENCE = "The Purchase Price is payable at Closing"


def pdf(*pages: str, password: str | None = None) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, encrypt=password)
    for page in pages or (SENTENCE,):
        for row, line in enumerate(page.split("\n")):
            canvas.drawString(72, 720 - 14 * row, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def scanned_pdf(*pictures: Image.Image, stamp: str = "") -> bytes:
    """Pages that are nothing but a picture, with a stamp as their only text layer."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    for picture in pictures:
        canvas.setPageSize((picture.width * 72 / 200, picture.height * 72 / 200))
        canvas.drawInlineImage(picture, 0, 0, picture.width * 72 / 200, picture.height * 72 / 200)
        if stamp:
            canvas.drawString(10, 10, stamp)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def picture(text: str = SENTENCE, *, size: tuple[int, int] = (1_400, 900), turned: int = 0) -> Image.Image:
    """A white page with large black lines, turned clockwise by so many degrees."""
    page = Image.new("L", size, 255)
    font = ImageFont.load_default(size=36)
    ImageDraw.Draw(page).multiline_text((80, 80), text, fill=0, font=font, spacing=20)
    return page.rotate(-turned, expand=True, fillcolor=255)


def picture_bytes(format_name: str, *pages: Image.Image) -> bytes:
    buffer = io.BytesIO()
    first, *others = pages or (picture(),)
    first.save(buffer, format_name, **({"save_all": True, "append_images": others} if others else {}))
    return buffer.getvalue()


def word(fill: Callable[[docx.document.Document], None] | None = None) -> bytes:
    document = docx.Document()
    if fill is None:
        document.add_paragraph(SENTENCE)
    else:
        fill(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def excel(sheets: Mapping[str, list[list[object]]] | None = None, *, hidden: tuple[str, ...] = ()) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        for name, rows in (sheets or {"Price": [[SENTENCE]]}).items():
            sheet = workbook.add_worksheet(name)
            for index, row in enumerate(rows):
                sheet.write_row(index, 0, row)
            if name in hidden:
                sheet.hide()
    return buffer.getvalue()


def slides(*texts: str, notes: str = "") -> bytes:
    presentation = pptx.Presentation()
    for text in texts or (SENTENCE,):
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = text
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def _record(number: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", number, len(body)) + body


def excel97() -> bytes:
    beginning = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    name = struct.pack("<BB", 5, 0) + b"Price"
    end = _record(0x000A)
    at = len(beginning) + 4 + 6 + len(name) + len(end)
    sheet = _record(0x0085, struct.pack("<IBB", at, 0, 0) + name)
    label = struct.pack("<HHHHB", 0, 0, 0, len(SENTENCE), 0) + SENTENCE.encode()
    cells = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0)) + _record(0x0204, label) + end
    return compound_file({"Workbook": (beginning + sheet + end + cells).ljust(4_200, b"\x00")})


def word97(text: str = SENTENCE, *, encrypted: bool = False) -> bytes:
    start = 0x600
    flags = 0x0200 | (0x0100 if encrypted else 0)
    table = struct.pack("<II", 0, len(text)) + struct.pack("<HIH", 0, start, 0)
    pieces = b"\x02" + struct.pack("<I", len(table)) + table
    document = bytearray(start)
    struct.pack_into("<H8xH", document, 0, 0xA5EC, flags)
    struct.pack_into("<II", document, 0x01A2, 0, len(pieces))
    document += text.encode("utf-16-le")
    return compound_file({"WordDocument": bytes(document).ljust(5_000, b"\x00"), "1Table": pieces})


def _property_table(header_bytes: int, *fixed: tuple[int, int, bytes]) -> bytes:
    rows = [struct.pack("<HHI8s", kind, number, 6, value) for number, kind, value in fixed]
    return b"".join([b"\x00" * header_bytes, *rows])


def _texts(properties: Mapping[int, str]) -> dict[str, bytes]:
    return {f"__substg1.0_{number:04X}001F": text.encode("utf-16-le") for number, text in properties.items()}


def outlook_tree(storages: Tree, *, subject: str = "Signing", body: str = SENTENCE, header_bytes: int = 32) -> Tree:
    """A message from Jane Roe to Tom Poe, with these further storages."""
    recipient: Tree = {
        "__properties_version1.0": _property_table(8, (0x0C15, 0x0003, struct.pack("<q", 1))),
        **_texts({0x3001: "Tom Poe", 0x39FE: "Tom@Example.com"}),
    }
    sent_at = struct.pack("<Q", 133_000_000_000_000_000)
    return {
        "__properties_version1.0": _property_table(header_bytes, (0x0039, 0x0040, sent_at)),
        "__recip_version1.0_#00000000": recipient,
        **_texts({0x001A: "IPM.Note", 0x0037: subject, 0x1000: body, 0x0C1A: "Jane Roe", 0x5D01: "Jane@Example.com"}),
        **_texts({0x1035: "<signing@example.com>"}),
        **storages,
    }


def outlook(*, with_attachments: bool = False) -> bytes:
    storages: dict[str, Tree] = {}
    if with_attachments:
        storages["__attach_version1.0_#00000000"] = {
            "__properties_version1.0": _property_table(8),
            "__substg1.0_37010102": b"annex",
            **_texts({0x3707: "Annex A.txt", 0x370E: "text/plain"}),
        }
        storages["__attach_version1.0_#00000001"] = {
            "__properties_version1.0": _property_table(8),
            "__substg1.0_3701000D": outlook_tree({}, subject="Inner", body="The inner message", header_bytes=24),
        }
    return compound_file(outlook_tree(storages))


def archive(members: Mapping[str, bytes] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in (members or {f"{SENTENCE}.txt": SENTENCE.encode()}).items():
            packed.writestr(name, content)
    return buffer.getvalue()


def winmail(attachments: Mapping[str, bytes] | None = None) -> bytes:
    """An Outlook wrapper of a text and of these attachments; the first one has its long name as a property."""

    def attribute(level: int, number: int, value: bytes) -> bytes:
        return struct.pack("<BHHI", level, number, 0, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    def long_name(name: str) -> bytes:
        text = name.encode("utf-16-le") + b"\x00\x00"
        named = struct.pack("<HH16sII", 0x0003, 0x8001, b"", 0, 7) + struct.pack("<I", 1)
        padded = text + b"\x00" * (-len(text) % 4)
        return struct.pack("<I", 2) + named + struct.pack("<HHII", 0x001F, 0x3707, 1, len(text)) + padded

    parts = [b"\x78\x9f\x3e\x22\x01\x00", attribute(1, 0x8004, b"Signing\x00"), attribute(1, 0x800C, SENTENCE.encode())]
    for name, content in (attachments or {}).items():
        parts += [attribute(2, 0x9002, bytes(14)), attribute(2, 0x8010, name[:8].encode() + b"\x00")]
        parts += [attribute(2, 0x800F, content), attribute(2, 0x9005, long_name(name))]
    return b"".join(parts)


def open_document(kind: str, body: str) -> bytes:
    names = ("office", "text", "table", "presentation", "drawing")
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    content = f"<office:document-content {spaces}><office:body>{body}</office:body></office:document-content>"
    media_type = f"application/vnd.oasis.opendocument.{kind}"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media_type}"/></manifest:manifest>'
    )
    parts = {"mimetype": media_type, "content.xml": content, "META-INF/manifest.xml": manifest}
    return archive({name: part.encode() for name, part in parts.items()})


SPREADSHEET = f"""<office:spreadsheet><table:table table:name="Price"><table:table-row>
<table:table-cell office:value-type="string"><text:p>{SENTENCE}</text:p></table:table-cell>
</table:table-row></table:table></office:spreadsheet>"""

CALENDAR = f"""BEGIN:VCALENDAR
VERSION:2.0
METHOD:REQUEST
BEGIN:VEVENT
UID:1@example.com
DTSTART:20240304T150000Z
SUMMARY:{SENTENCE}
ATTENDEE;CN=Tom Poe:mailto:tom@example.com
END:VEVENT
END:VCALENDAR
"""

MAIL = f"""From: Jane Roe <jane@example.com>
To: tom@example.com
Subject: Signing
Message-ID: <signing@example.com>
Date: Mon, 04 Mar 2024 09:12:00 -0500

{SENTENCE}.
"""


def mailbox(*messages: str) -> bytes:
    return "\n".join(f"From jane@example.com Mon Mar 04 09:12:00 2024\n{message}" for message in messages).encode()


SAMPLES: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "application/pdf": ("price.pdf", pdf),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("price.docx", word),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("price.xlsx", excel),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("price.pptx", slides),
    "application/vnd.ms-excel": ("price.xls", excel97),
    "application/msword": ("price.doc", word97),
    "application/vnd.ms-outlook": ("signing.msg", outlook),
    "application/rtf": ("price.rtf", lambda: rb"{\rtf1\ansi " + SENTENCE.encode() + rb"\par}"),
    "image/png": ("price.png", lambda: picture_bytes("PNG")),
    "image/jpeg": ("price.jpg", lambda: picture_bytes("JPEG")),
    "image/tiff": ("price.tif", lambda: picture_bytes("TIFF")),
    "application/vnd.oasis.opendocument.text": (
        "price.odt",
        lambda: open_document("text", f"<office:text><text:p>{SENTENCE}</text:p></office:text>"),
    ),
    "application/vnd.oasis.opendocument.spreadsheet": ("price.ods", lambda: open_document("spreadsheet", SPREADSHEET)),
    "application/vnd.oasis.opendocument.presentation": (
        "price.odp",
        lambda: open_document(
            "presentation",
            f'<office:presentation><drawing:page drawing:name="Price"><text:p>{SENTENCE}</text:p>'
            "</drawing:page></office:presentation>",
        ),
    ),
    "application/zip": ("room.zip", archive),
    "application/ms-tnef": ("winmail.dat", winmail),
    "application/mbox": ("mail.mbox", lambda: mailbox(MAIL.replace("Subject: Signing", f"Subject: {SENTENCE}"))),
    "text/calendar": ("closing.ics", CALENDAR.encode),
    "message/rfc822": ("signing.eml", MAIL.encode),
    "text/html": ("price.html", f"<!doctype html><html><body><p>{SENTENCE}</p></body></html>".encode),
    "text/markdown": ("price.md", f"# Price\n\n{SENTENCE}\n".encode),
    "text/csv": ("price.csv", f"clause,text\n2.1,{SENTENCE}\n".encode),
    "text/plain": ("price.txt", SENTENCE.encode),
}
"""By media type: a name and what makes the bytes."""
