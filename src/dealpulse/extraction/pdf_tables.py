"""Tables of a PDF that are ruled with lines: a line of text a row, a tab between the cells, empty cells kept.

Tables without rules stay as pdfium lays them out: a row's cells follow each other wherever the file draws them so.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium
from msgspec import Struct

from dealpulse.extraction.pages import table_text
from dealpulse.extraction.pdf_page import Box, box_of

_THIN = 3.0
"""Points; a rule is no thicker."""

_SAME = 2.0
"""Points; rules no further apart are one."""

_STRAIGHT = 0.1
_SHORTEST = 6.0
_MOST_RULES = 1_500
_MOST_CELLS = 5_000
_FEWEST = 3
"""Rules each way: two rows of two cells."""


class Grid(Struct, frozen=True):
    """Where the rules of one table lie: ``columns`` from left to right, ``rows`` from top to bottom."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]

    @property
    def box(self) -> Box:
        return Box(self.columns[0], self.rows[-1], self.columns[-1], self.rows[0])


def with_tables(page: pypdfium2.PdfPage, layer: pypdfium2.PdfTextPage, text: str) -> str:
    """The page's text with that of its ruled tables laid out anew, where the first character of each stands.

    A table whose rules cut through words (cells that were joined) stays as it is.
    """
    grids = [] if page.get_rotation() else list(_grids(page))
    if not grids or layer.count_chars() != len(text):  # the latter: characters and places cannot be brought together
        return text
    owners = list(_owners(layer, grids, len(text)))
    parts: list[str] = []
    laid_out: dict[int, str | None] = {}
    for character, owner in zip(text, owners, strict=True):
        if owner is not None and owner not in laid_out:
            own = "".join(each for each, its in zip(text, owners, strict=True) if its == owner)
            laid_out[owner] = table = _laid_out(grids[owner], layer, own)
            parts.append(f"\n{table}\n" if table else "")
        if owner is None or laid_out[owner] is None:
            parts.append(character)
    return "".join(parts)


def _owners(layer: pypdfium2.PdfTextPage, grids: Sequence[Grid], count: int) -> Iterator[int | None]:
    """For each character the table it stands in; line ends and blanks that pdfium adds follow the one before."""
    owner: int | None = None
    for index in range(count):
        centre = _centre(layer, index)
        if centre is not None:
            owner = next((number for number, grid in enumerate(grids) if grid.box.holds(*centre)), None)
        yield owner


def _centre(layer: pypdfium2.PdfTextPage, index: int) -> tuple[float, float] | None:
    """None for characters without a place: line ends and blanks that pdfium adds."""
    if pdfium.FPDFText_IsGenerated(layer, index) == 1:
        return None
    left, bottom, right, top = layer.get_charbox(index)
    return (left + right) / 2, (bottom + top) / 2


def _laid_out(grid: Grid, layer: pypdfium2.PdfTextPage, own: str) -> str | None:
    """None where the words are not those of ``own``."""
    table = table_text(
        [
            str(layer.get_text_bounded(left=left, bottom=bottom, right=right, top=top))
            for left, right in pairwise(grid.columns)
        ]
        for top, bottom in pairwise(grid.rows)
    )
    return table if sorted(table.split()) == sorted(own.split()) else None


# --- finding them -----------------------------------------------------------------------------------------------------


def _grids(page: pypdfium2.PdfPage) -> Iterator[Grid]:
    for rules in _touching(_rules(page)):
        columns = _places(rule.left for rule in rules if rule.right - rule.left <= _THIN)
        rows = _places(rule.top for rule in rules if rule.top - rule.bottom <= _THIN)
        enough = len(columns) >= _FEWEST and len(rows) >= _FEWEST
        if enough and (len(columns) - 1) * (len(rows) - 1) <= _MOST_CELLS:
            yield Grid(columns, tuple(reversed(rows)))


def _rules(page: pypdfium2.PdfPage) -> list[Box]:
    """Thin paths, and the straight sides of others; none of a page with so many that it is a drawing."""
    rules: list[Box] = []
    for each in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=1):
        box = box_of(each)
        if box is not None and min(box.right - box.left, box.top - box.bottom) <= _THIN:
            rules.append(box)
        elif box is not None:
            rules.extend(_sides(each))
        if len(rules) > _MOST_RULES:
            return []
    return rules


def _sides(path: pypdfium2.PdfObject) -> Iterator[Box]:
    matrix = path.get_matrix()
    before: tuple[float, float] | None = None
    for index in range(min(pdfium.FPDFPath_CountSegments(path), _MOST_RULES)):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        x, y = ctypes.c_float(), ctypes.c_float()
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = matrix.on_point(x.value, y.value)
        straight = pdfium.FPDFPathSegment_GetType(segment) == pdfium.FPDF_SEGMENT_LINETO
        if straight and before and min(abs(before[0] - point[0]), abs(before[1] - point[1])) < _STRAIGHT:
            (left, right), (bottom, top) = sorted((before[0], point[0])), sorted((before[1], point[1]))
            if max(right - left, top - bottom) >= _SHORTEST:
                yield Box(left, bottom, right, top)
        before = point


def _touching(rules: Sequence[Box]) -> list[list[Box]]:
    """Rules that cross or touch, directly or by others: those of one table."""
    groups: list[list[Box]] = []
    for rule in rules:
        wide = Box(rule.left - _SAME, rule.bottom - _SAME, rule.right + _SAME, rule.top + _SAME)
        mine = [group for group in groups if any(wide.meets(_widened(other)) for other in group)]
        groups = [group for group in groups if not any(group is one for one in mine)]
        groups.append([rule, *(other for group in mine for other in group)])
    return groups


def _widened(rule: Box) -> Box:
    return Box(rule.left, rule.bottom, rule.right + 0.01, rule.top + 0.01)


def _places(values: Iterator[float]) -> tuple[float, ...]:
    places: list[float] = []
    for value in sorted(values):
        if not places or value - places[-1] > _SAME:
            places.append(value)
    return tuple(places)
