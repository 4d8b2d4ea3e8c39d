"""Talking to the person at the terminal: results on standard output, everything else on standard error."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog
from rich.console import Console
from rich.markdown import Markdown

OUT: Final = Console(highlight=False)
ERR: Final = Console(stderr=True, highlight=False)


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
