"""What a PDF page's objects say beyond its text layer: which text nobody sees, and where its tables are ruled."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence

import pypdfium2
import pypdfium2.raw as pdfium
from msgspec import Struct

_INVISIBLE_MODES = (pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP)
_NEARLY_WHITE = 250
_TINY = 1.0
"""Points that a line of text is high, or wide where it is turned."""

_COVERS = 0.5


class Box(Struct, frozen=True):
    left: float
    bottom: float
    right: float
    top: float

    @property
    def area(self) -> float:
        return max(0.0, self.right - self.left) * max(0.0, self.top - self.bottom)

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.bottom <= y <= self.top

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )


def box_of(each: pypdfium2.PdfObject) -> Box | None:
    try:
        return Box(*map(float, each.get_bounds()))
    except pypdfium2.PdfiumError:
        return None


def is_picture(page: pypdfium2.PdfPage, objects: Sequence[pypdfium2.PdfObject]) -> bool:
    """Whether pictures cover most of the page: a scan."""
    width, height = page.get_size()
    boxes = (box_of(each) for each in objects if each.type == pdfium.FPDF_PAGEOBJ_IMAGE)
    return bool(sum(box.area for box in boxes if box) > width * height * _COVERS)


def hidden_passages(page: pypdfium2.PdfPage, layer: pypdfium2.PdfTextPage) -> Iterator[str]:
    """Text drawn invisibly, white on white, too small to read or beside the page.

    Invisible text on a scan is what a machine read there: that is not hidden.
    """
    objects = list(page.get_objects(max_depth=1))
    visible = Box(*map(float, page.get_bbox()))
    scan: bool | None = None
    for place, each in enumerate(objects):
        if each.type != pdfium.FPDF_PAGEOBJ_TEXT:
            continue
        if pdfium.FPDFTextObj_GetTextRenderMode(each) in _INVISIBLE_MODES:
            scan = is_picture(page, objects) if scan is None else scan
            hidden = not scan
        else:
            hidden = _is_unseen(each, visible, objects[:place])
        # Only now: asking pdfium for an object's text takes longer than all the rest.
        if hidden and any(map(str.isalnum, text := _text(each, layer))):
            yield text


def _is_unseen(each: pypdfium2.PdfObject, visible: Box, below: Sequence[pypdfium2.PdfObject]) -> bool:
    box = box_of(each)
    if box is None or box.area == 0.0:
        return False
    if not box.meets(visible) or min(box.top - box.bottom, box.right - box.left) < _TINY:
        return True
    red, green, blue, alpha = _fill(each)
    if alpha == 0:
        return True
    if min(red, green, blue) < _NEARLY_WHITE:
        return False
    return not any(_is_dark_at(other, box) for other in reversed(below))


def _is_dark_at(other: pypdfium2.PdfObject, text: Box) -> bool:
    """Whether the middle of the text lies on something that white stands out against."""
    if other.type == pdfium.FPDF_PAGEOBJ_TEXT:
        return False
    box = box_of(other)
    if box is None or not box.holds((text.left + text.right) / 2, (text.bottom + text.top) / 2):
        return False
    if other.type != pdfium.FPDF_PAGEOBJ_PATH:
        return True
    mode, stroked = ctypes.c_int(), pdfium.FPDF_BOOL()
    pdfium.FPDFPath_GetDrawMode(other, mode, stroked)
    return mode.value != pdfium.FPDF_FILLMODE_NONE and min(_fill(other)[:3]) < _NEARLY_WHITE


def _fill(each: pypdfium2.PdfObject) -> tuple[int, int, int, int]:
    channels = [ctypes.c_uint() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetFillColor(each, *channels):
        return 0, 0, 0, 255
    red, green, blue, alpha = (channel.value for channel in channels)
    return red, green, blue, alpha


def _text(each: pypdfium2.PdfObject, layer: pypdfium2.PdfTextPage) -> str:
    size = pdfium.FPDFTextObj_GetText(each, layer, None, 0)
    buffer = ctypes.create_string_buffer(size)
    pdfium.FPDFTextObj_GetText(each, layer, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw.decode("utf-16-le", errors="replace").rstrip("\x00")
