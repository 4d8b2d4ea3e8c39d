"""A small markup for contracts and letters, so that one text can become a PDF, a DOCX, an RTF or a page.

`key: value` lines at the top (title, header, footer) up to the first blank line, then blocks separated by
blank lines::

    # Heading          ## Sub-heading        ^ centred line(s)
    - bullet           | cell | cell |       ===  (new page)
    sign: Party | Name | Capacity

Everything else is a paragraph. Consecutive bullets, table rows and signatures form one block.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

TEXTS = Path(__file__).parent / "text"


class Kind(Enum):
    HEADING = "heading"
    SUBHEADING = "subheading"
    CENTRED = "centred"
    PARAGRAPH = "paragraph"
    BULLETS = "bullets"
    TABLE = "table"
    SIGNATURES = "signatures"
    PAGE_BREAK = "page break"


@dataclass(frozen=True)
class Block:
    """One block; `rows` has one row a line, and one cell a row unless it is a table or signatures."""

    kind: Kind
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> str:
        return " ".join(row[0] for row in self.rows)

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(row[0] for row in self.rows)


@dataclass(frozen=True)
class Text:
    title: str
    header: str
    footer: str
    blocks: tuple[Block, ...]


def read(name: str) -> Text:
    """Parse `text/{name}.md`."""
    head, _, body = (TEXTS / f"{name}.md").read_text(encoding="utf-8").partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    blocks = tuple(_block(chunk.splitlines()) for chunk in body.strip().split("\n\n"))
    return Text(fields["title"], fields["header"], fields["footer"], blocks)


_MARKS = (
    ("## ", Kind.SUBHEADING),
    ("# ", Kind.HEADING),
    ("^ ", Kind.CENTRED),
    ("- ", Kind.BULLETS),
    ("| ", Kind.TABLE),
    ("sign: ", Kind.SIGNATURES),
)


def _block(lines: list[str]) -> Block:
    if lines == ["==="]:
        return Block(Kind.PAGE_BREAK)
    for mark, kind in _MARKS:
        if all(line.startswith(mark) for line in lines):
            return Block(kind, tuple(_cells(line.removeprefix(mark), kind) for line in lines))
    return Block(Kind.PARAGRAPH, tuple((line,) for line in lines))


def _cells(line: str, kind: Kind) -> tuple[str, ...]:
    if kind not in (Kind.TABLE, Kind.SIGNATURES):
        return (line,)
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
