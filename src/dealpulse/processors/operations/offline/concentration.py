"""Customers' shares of revenue, read off tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dealpulse.models import Action, Page, PageKind, RiskCategory, Severity
from dealpulse.processors.operations.schemas import RiskEntry

LARGE_SHARE = 0.2
"""Of revenue, from which on one customer is a risk."""

_CELLS = re.compile(r"\s*(?:\t|\|| {3,})\s*")
_CUSTOMER = re.compile(r"(?i)\b(?:customers?|clients?|accounts?(?! (?:code|no|number|receivable)))\b")
_SHARE = re.compile(r"(?i)%|\bshare\b|\bpercent")
_REVENUE = re.compile(r"(?i)\b(?:revenues?|sales|turnover|billings|arr)\b")
_TOTAL = re.compile(
    r"(?i)\b(?:(?:sub-?|grand )?totals?|all other|others?|remaining|sum|rest of|top \w+|average|[<>]\d)\b"
)
_NUMBER = re.compile(r"[^\d(-]{0,5}(\()?-?(\d[\d,]*(?:\.\d+)?)\)? ?(%)?")


@dataclass(frozen=True)
class _Row:
    cells: tuple[str, ...]
    text: str
    start: int


def concentrations(pages: Sequence[Page]) -> Iterator[RiskEntry]:
    """A finding for the largest customer of each sheet that shows one with a large share of revenue."""
    for page in pages:
        if page.kind is PageKind.sheet or "\t" in page.text or "|" in page.text:
            yield from _page_concentration(page)


def _page_concentration(page: Page) -> Iterator[RiskEntry]:
    rows = list(_rows(page.text))
    for at, header in enumerate(rows):
        name = _column(header, _CUSTOMER)
        if name is None or len(header.cells) < 2 or len(header.text) > 400:
            continue
        found = _largest(rows[at + 1 : at + 500], header, name)
        if found is not None and found[0] >= LARGE_SHARE:
            yield _entry(found[1], found[0], found[1].cells[name], page.number)
            return


def _largest(rows: Sequence[_Row], header: _Row, name: int) -> tuple[float, _Row] | None:
    """The largest customer's share and row: from a share column, else from a column of revenue."""
    table = [row for row in rows if len(row.cells) > name and re.search(r"[^\W\d]", row.cells[name])]
    customers = [row for row in table if not _TOTAL.search(row.cells[name])]
    share, revenue = _column(header, _SHARE), _column(header, _REVENUE, name)
    shares: list[tuple[float, _Row]] = []
    if share is not None and share != name and (revenue is not None or "revenue" in header.text.lower()):
        shares = [(value, row) for row in customers if (value := _ratio(row, share)) is not None]
    elif revenue is not None:
        amounts = [(value, row) for row in customers if (value := _amount(row, revenue)) is not None and value > 0]
        total = sum(value for value, _ in amounts)
        shares = [(value / total, row) for value, row in amounts] if len(amounts) >= 4 else []
    return max(shares, key=lambda pair: pair[0]) if len(shares) >= 2 else None


def _rows(text: str) -> Iterator[_Row]:
    start = 0
    for line in text.splitlines(keepends=True):
        stripped = line.strip().strip("|").strip()
        if stripped:
            yield _Row(cells=tuple(_CELLS.split(stripped)), text=line.strip(), start=start)
        start += len(line)


def _column(header: _Row, kind: re.Pattern[str], other_than: int = -1) -> int | None:
    return next((i for i, cell in enumerate(header.cells) if i != other_than and kind.search(cell)), None)


def _number(row: _Row, column: int) -> re.Match[str] | None:
    return _NUMBER.fullmatch(row.cells[column].strip()) if column < len(row.cells) else None


def _amount(row: _Row, column: int) -> float | None:
    number = _number(row, column)
    return None if number is None else float(number[2].replace(",", "")) * (-1 if number[1] else 1)


def _ratio(row: _Row, column: int) -> float | None:
    """A share as 0..1, written as ``38%``, ``38`` or ``0.38``; None where it is no share of one customer."""
    number, amount = _number(row, column), _amount(row, column)
    if number is None or amount is None:
        return None
    ratio = amount / 100 if number[3] or amount > 1 else amount
    return ratio if 0 < ratio < 1 else None


def _entry(row: _Row, share: float, customer: str, page: int) -> RiskEntry:
    return RiskEntry(
        category=RiskCategory.customer_concentration,
        severity=Severity.P1,
        action=Action.price,
        title=f"{customer.strip()} brings {share:.0%} of revenue",
        explanation="Losing this customer changes what the company is worth.",
        quote=row.text,
        page=page,
    )
