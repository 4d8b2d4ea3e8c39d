"""PDF by pdfium: the text layer, and OCR for pages that have none worth the name."""

from __future__ import annotations

from contextlib import ExitStack, closing

import pypdfium2
import pypdfium2.raw as pdfium
from msgspec.structs import replace

from dealpulse.errors import Unreadable
from dealpulse.extraction.hidden import hidden_text_warnings
from dealpulse.extraction.inner_files import DAMAGED
from dealpulse.extraction.ocr import MAX_PIXELS, RENDER_DPI, Ocr
from dealpulse.extraction.pages import Draft, Reading, too_many_pages
from dealpulse.extraction.pdf_page import hidden_passages, is_picture
from dealpulse.extraction.pdf_tables import with_tables
from dealpulse.extraction.registry import Source
from dealpulse.models import PageKind, TextMethod

_POINTS_PER_INCH = 72

_NO_TEXT = 20
"""A text layer with fewer visible characters is none."""

_STAMP = 150
"""One with fewer, over a picture that covers the page, is a stamp or a page number on a scan."""

_MOST_UNMAPPED = 0.2
"""Share of characters without a meaning (fonts without a map) above which the layer is worthless."""


def read(source: Source) -> Reading:
    with ExitStack() as stack:
        document = stack.enter_context(closing(_opened(source)))
        if len(document) > source.limits.max_pages:
            raise too_many_pages(source.limits.max_pages)
        ocr: Ocr | None = None
        drafts = []
        for index in range(len(document)):
            try:
                page = document[index]
            except pypdfium2.PdfiumError:
                drafts.append(Draft(text="", kind=PageKind.page, warnings=("The page is damaged.",)))
                continue
            with closing(page):
                text, warnings = _text_layer(page)
                if _needs_ocr(page, text):
                    ocr = ocr or stack.enter_context(Ocr(source.limits.ocr_language))
                    draft = _recognized(page, text, ocr)
                    drafts.append(replace(draft, warnings=draft.warnings + warnings))
                else:
                    drafts.append(Draft(text=text, kind=PageKind.page, warnings=warnings))
        _take_attachments(document, source)
    return Reading(pages=tuple(drafts), warnings=_summary(drafts))


def _opened(source: Source) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(source.path)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise Unreadable(
                "The file is password-protected; ask for an unprotected copy.", code="encrypted"
            ) from error
        with source.path.open("rb") as file:
            file.seek(max(0, source.path.stat().st_size - 2_048))
            whole = b"%%EOF" in file.read()
        if whole:
            raise Unreadable("The PDF is damaged; ask for it again.", code="corrupt") from error
        raise Unreadable("The PDF is cut off; ask for it again.", code="truncated") from error


def _text_layer(page: pypdfium2.PdfPage) -> tuple[str, tuple[str, ...]]:
    """The page's text, and a warning where some of it is hidden."""
    with closing(page.get_textpage()) as layer:
        text = with_tables(page, layer, layer.get_text_range())
        warnings = hidden_text_warnings(hidden_passages(page, layer))
    # pdfium's marks for a hyphen at the end of a line
    return text.replace("\r\n", "\n").replace("\ufffe", "-").replace("\x02", "-"), warnings


def _take_attachments(document: pypdfium2.PdfDocument, source: Source) -> None:
    for index in range(document.count_attachments()):
        try:
            attachment = document.get_attachment(index)
            name, content = attachment.get_name(), bytes(attachment.get_data())
        except pypdfium2.PdfiumError:
            source.inner.leave_out(f"attachment-{index + 1}", DAMAGED)
        else:
            source.inner.add(name, [content])


def _needs_ocr(page: pypdfium2.PdfPage, text: str) -> bool:
    visible = len("".join(text.split()))
    if visible >= _STAMP:
        return sum(map(_is_unmapped, text)) > visible * _MOST_UNMAPPED
    objects = list(page.get_objects(max_depth=3))
    if visible < _NO_TEXT:
        return any(each.type != pdfium.FPDF_PAGEOBJ_TEXT for each in objects)
    return is_picture(page, objects)


def _is_unmapped(character: str) -> bool:
    return character == "\ufffd" or "\ue000" <= character <= "\uf8ff"


def _recognized(page: pypdfium2.PdfPage, layer: str, ocr: Ocr) -> Draft:
    width, height = page.get_size()
    fitting = (MAX_PIXELS / max(1.0, width * height)) ** 0.5
    with closing(page.render(scale=min(RENDER_DPI / _POINTS_PER_INCH, fitting), grayscale=True)) as bitmap:
        draft = ocr.read(bitmap.to_pil()).draft()
    added = [line for line in layer.splitlines() if line.strip() and line.strip() not in draft.text]
    if not added or any(map(_is_unmapped, layer)):
        return draft
    return Draft(
        text="\n".join([draft.text, *added]),
        kind=draft.kind,
        method=TextMethod.mixed if draft.text else TextMethod.text,
        confidence=draft.confidence if draft.text else None,
        rotation=draft.rotation,
        warnings=draft.warnings,
    )


def _summary(drafts: list[Draft]) -> tuple[str, ...]:
    damaged = sum("The page is damaged." in draft.warnings for draft in drafts)
    return (f"{damaged} of {len(drafts)} pages are damaged and were left empty.",) if damaged else ()
