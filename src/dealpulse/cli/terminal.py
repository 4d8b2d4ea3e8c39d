"""Talking to the person at the terminal: results on standard output, everything else on standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

import structlog
import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

OUT: Final = Console(highlight=False, emoji=False)
ERR: Final = Console(stderr=True, highlight=False, emoji=False)
_WIDEST: Final = 1_000


def say(text: str, *, style: str = "") -> None:
    """A line about what is going on."""
    ERR.print(text, style=style, markup=False, soft_wrap=True)


def say_error(message: str) -> None:
    """What went wrong, as the last thing said."""
    first, *details = f"Error: {message}".splitlines()
    ERR.print(first, style="bold red", markup=False, soft_wrap=True)
    for line in details:
        ERR.print(line, markup=False, soft_wrap=True)


def print_markdown(markdown: str) -> None:
    """Laid out on a terminal, as it is elsewhere."""
    if OUT.is_terminal:
        OUT.print(Markdown(markdown))
    else:
        OUT.print(markdown, markup=False, soft_wrap=True)


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Collection[str] = ()) -> None:
    """As wide as it is: an id that is cut off cannot be copied. ``numbers`` name the columns aligned to the right."""
    table = Table(box=None, pad_edge=False)
    for name in header:
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console(highlight=False, emoji=False, width=_WIDEST, force_terminal=OUT.is_terminal)
    with console.capture() as laid_out:
        console.print(table)
    for line in laid_out.get().splitlines():
        typer.echo(line.rstrip())


def printable(text: str) -> str:
    """On one line, and without what a terminal would obey: file names and messages are other people's."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def moment(time: datetime | None) -> str:
    """A time as people read it."""
    return "-" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"


def quieten_logs() -> None:
    """Commands for people: only warnings are logged, in plain lines on standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
