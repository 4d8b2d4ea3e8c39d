"""Texts as PDF with a text layer, and as a scan of the signed paper: images only, no text layer."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from xml.sax.saxutils import escape

import pypdfium2 as pdfium
from PIL import Image, ImageFilter
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    HRFlowable,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from .markup import Block, Kind, Text

_BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10.5, leading=13.6, spaceAfter=6.5)
_STYLES = {
    Kind.HEADING: ParagraphStyle(
        "heading", _BODY, fontName="Times-Bold", fontSize=14, leading=18, spaceAfter=9, keepWithNext=1
    ),
    Kind.SUBHEADING: ParagraphStyle(
        "subheading", _BODY, fontName="Times-Bold", spaceBefore=7, spaceAfter=5, keepWithNext=1
    ),
    Kind.CENTRED: ParagraphStyle("centred", _BODY, fontName="Times-Bold", fontSize=12, leading=16, alignment=TA_CENTER),
    Kind.PARAGRAPH: _BODY,
    Kind.BULLETS: ParagraphStyle("bullet", _BODY, leftIndent=16, bulletIndent=5),
}
_CELL = ParagraphStyle("cell", _BODY, fontSize=9, leading=11, spaceAfter=0)
_GRID = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#888888")),
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#ECECEC")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
)


def render(text: Text, *, ink: bool = False) -> bytes:
    """The text as a letter-size PDF; with `ink`, signatures are drawn by hand instead of typed `/s/`."""
    out = io.BytesIO()
    template = BaseDocTemplate(
        out,
        pagesize=letter,
        leftMargin=1.05 * inch,
        rightMargin=1.05 * inch,
        topMargin=1.0 * inch,
        bottomMargin=0.95 * inch,
        title=text.title,
        author=text.header,
        invariant=1,
    )
    frame = Frame(template.leftMargin, template.bottomMargin, template.width, template.height, 0, 0, 0, 0)

    def furniture(canvas: Canvas, _: BaseDocTemplate) -> None:
        _furniture(canvas, text)

    template.addPageTemplates(PageTemplate("page", [frame], onPage=furniture))
    template.build([flowable for block in text.blocks for flowable in _flowables(block, ink)])
    return out.getvalue()


def _furniture(canvas: Canvas, text: Text) -> None:
    width, height = letter
    canvas.saveState()
    canvas.setFont("Times-Roman", 8.5)
    canvas.setFillGray(0.35)
    canvas.drawString(1.05 * inch, height - 0.62 * inch, text.header)
    canvas.drawString(1.05 * inch, 0.58 * inch, text.footer)
    canvas.drawRightString(width - 1.05 * inch, 0.58 * inch, f"Page {canvas.getPageNumber()}")
    canvas.restoreState()


def _flowables(block: Block, ink: bool) -> Iterator[Flowable]:
    if block.kind is Kind.PAGE_BREAK:
        yield PageBreak()
    elif block.kind is Kind.TABLE:
        cells = [[Paragraph(escape(cell), _CELL) for cell in row] for row in block.rows]
        yield Table(cells, style=_GRID, repeatRows=1, spaceBefore=2, spaceAfter=10)
    elif block.kind is Kind.SIGNATURES:
        for party, name, capacity in block.rows:
            yield KeepTogether(list(_signature(party, name, capacity, ink)))
    elif block.kind is Kind.BULLETS:
        for line in block.lines:
            yield Paragraph(escape(line), _STYLES[block.kind], bulletText="•")
    else:
        yield Paragraph("<br/>".join(escape(line) for line in block.lines), _STYLES[block.kind])


def _signature(party: str, name: str, capacity: str, ink: bool) -> Iterator[Flowable]:
    yield Spacer(1, 12)
    yield Paragraph(escape(party), ParagraphStyle("party", _BODY, fontName="Times-Bold", spaceAfter=3))
    if ink:
        yield _Scrawl(name)
    else:
        yield Paragraph(f"By: /s/ {escape(name)}", _BODY)
    yield HRFlowable(width=230, thickness=0.6, color=colors.black, hAlign="LEFT", spaceAfter=3)
    yield Paragraph(f"Name: {escape(name)}<br/>Title: {escape(capacity)}", _BODY)


class _Scrawl(Flowable):
    """A pen stroke that looks like a signature and is always the same for the same name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._seed = name

    def wrap(self, *_: float) -> tuple[float, float]:
        return 230, 34

    def draw(self) -> None:
        dice = random.Random(self._seed)  # noqa: S311 - a drawing, not a secret
        self.canv.setLineWidth(1.3)
        x, y = 12.0, 12.0
        for _ in range(11):
            step = dice.uniform(9, 17)
            rise = dice.uniform(6, 30)
            self.canv.bezier(x, y, x - 3, y + rise, x + step, y + rise, x + step, dice.uniform(3, 12))
            x, y = x + step, dice.uniform(5, 14)


def scan(source: bytes, *, dpi: int = 200, turned: int) -> bytes:
    """`source` printed and scanned: grey JPEG pages, a little crooked and grainy, page `turned` on its side.

    The result has no text layer. `turned` is 1-based; that page lies a quarter turn clockwise.
    """
    dice = random.Random("scanner")  # noqa: S311 - grain, not a secret
    paper = pdfium.PdfDocument(source)
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for number in range(1, len(paper) + 1):
        image = paper[number - 1].render(scale=dpi / 72, grayscale=True).to_pil()
        image = _worn(image, dice)
        if number == turned:
            image = image.transpose(Image.Transpose.ROTATE_270)
        _place(canvas, image, dpi)
    paper.close()
    canvas.save()
    return out.getvalue()


def _worn(page: Image.Image, dice: random.Random) -> Image.Image:
    crooked = page.rotate(dice.uniform(-0.6, 0.6), Image.Resampling.BICUBIC, fillcolor=255)
    soft = crooked.filter(ImageFilter.GaussianBlur(0.6))
    # Grain at a third of the resolution: visible to the eye, cheap for JPEG.
    small = (page.width // 3, page.height // 3)
    grain = Image.frombytes("L", small, dice.randbytes(small[0] * small[1])).resize(page.size)
    tinted = soft.point(lambda level: round(28 + level * 0.83))
    return Image.blend(tinted, grain, 0.055)


def _place(canvas: Canvas, image: Image.Image, dpi: int) -> None:
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=32, optimize=True, dpi=(dpi, dpi))
    width, height = image.width * 72 / dpi, image.height * 72 / dpi
    canvas.setPageSize((width, height))
    jpeg.seek(0)
    # reportlab stores a JPEG as it is (DCTDecode) when given the file, not the decoded image.
    canvas.drawInlineImage(Image.open(jpeg), 0, 0, width, height)
    canvas.showPage()
