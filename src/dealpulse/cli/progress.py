"""Showing how far a deal is: a table that is kept up to date on a terminal, a few lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dealpulse.jobs import QUEUES
from dealpulse.local.deal_run import Phase, Progress, Tally

Watch = Callable[[Progress], None]

_SECONDS_BETWEEN_LINES: Final = 5.0


@contextmanager
def progress_on(console: Console) -> Iterator[Watch]:
    """Something to tell the progress to, for as long as the block runs."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        started = time.monotonic()
        yield lambda progress: live.update(_picture(progress, time.monotonic() - started))


class _Lines:
    """One line a phase, and now and then one when something has moved."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase: Phase | None = None
        self._line = ""
        self._said = 0.0

    def __call__(self, progress: Progress) -> None:
        line = f"{progress.phase.value}: documents {_counts(progress.documents)}; e-mails {_counts(progress.emails)}"
        now = time.monotonic()
        late = now - self._said >= _SECONDS_BETWEEN_LINES
        if progress.phase is not self._phase or (late and line != self._line):
            self._console.print(line, markup=False, soft_wrap=True)
            self._phase, self._line, self._said = progress.phase, line, now


def _counts(tally: Tally) -> str:
    failed = f", {tally.failed} failed" if tally.failed else ""
    return f"{tally.found} found, {tally.read} read, {tally.analysed} analysed{failed}"


def _picture(progress: Progress, seconds: float) -> Group:
    work = _table("", "found", "read", "analysed", "failed")
    for name, tally in (("documents", progress.documents), ("e-mails", progress.emails)):
        work.add_row(name, *_dimmed(tally.found, tally.read, tally.analysed, tally.failed))
    queues = _table("queue", "waiting", "active", "done", "dead")
    for queue in QUEUES:
        stats = progress.queues.get(queue.name)
        if stats is not None:
            done = stats.totals.get("completed", stats.completed)
            queues.add_row(queue.slug, *_dimmed(stats.waiting + stats.delayed, stats.active, done, stats.failed))
    title = Text(f"{progress.phase.value} ({seconds:.0f} s)", style="bold")
    return Group(title, "", work, "", queues)


def _table(first: str, *numbers: str) -> Table:
    table = Table(first, box=None)
    for number in numbers:
        table.add_column(number, justify="right")
    return table


def _dimmed(*numbers: int) -> list[Text]:
    """Numbers, those that are nothing yet less visible."""
    return [Text(str(number), style="" if number else "dim") for number in numbers]
