"""What DealPulse understands, beside simpler means, in one run: ``make bench-intelligence``.

Prints each figure as it is known, then a Markdown table, and writes ``bench-intelligence.json``. Real documents and
e-mails are needed, in the folder ``DATA`` (or ``../shared/data``); they are no part of this repository.

    ONLY=text,quotes make bench-intelligence
"""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console

from benchmarks.aims import reached
from benchmarks.intelligence.claude import claude_rows
from benchmarks.intelligence.ingest import ingest_rows
from benchmarks.intelligence.mail import mail_rows
from benchmarks.intelligence.offline import offline_rows
from benchmarks.intelligence.quotes import quote_rows
from benchmarks.intelligence.text import text_rows
from benchmarks.processes import ROOT, Failed
from benchmarks.rows import Row
from benchmarks.tables import figure, table

PARTS: Final[dict[str, Callable[[Path], Iterator[Row] | list[Row]]]] = {
    "text": text_rows,
    "ingest": ingest_rows,
    "mail": mail_rows,
    "quotes": quote_rows,
    "offline": offline_rows,
    "claude": claude_rows,
}


def main() -> None:
    """Measure what is asked for."""
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        parts, data = _parts(), _data()
    except Failed as error:
        sys.exit(str(error))
    rows: list[Row] = []
    began, load = time.monotonic(), os.getloadavg()[0]
    for name in parts:
        for row in PARTS[name](data):
            minutes, seconds = divmod(int(time.monotonic() - began), 60)
            told = f"{row.name}: {figure(row.ours)} {row.unit}"
            console.print(f"{minutes:3}:{seconds:02}  {name:8} {told}", markup=False)
            rows.append(row)
    sys.stdout.write(table(rows))
    _write(rows, parts, load)


def _parts() -> Sequence[str]:
    """From ``ONLY``. Raises Failed for a name that is none."""
    chosen = [name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()]
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        raise Failed(f"ONLY names {unknown[0]!r}; there is {', '.join(PARTS)}.")
    return chosen or tuple(PARTS)


def _data() -> Path:
    folder = Path(os.environ.get("DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "contracts").is_dir():
        raise Failed(f"There are no documents to measure with in {folder}; say DATA=FOLDER.")
    return folder


def _write(rows: Sequence[Row], parts: Sequence[str], load: float) -> None:
    """``load`` is how many processes of others wanted the machine when we began."""
    machine = {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version(), "load": load}
    figures = [asdict(row) | {"reached": reached(row)} for row in rows]
    written = {"parts": list(parts), "machine": machine, "rows": figures}
    (ROOT / "bench-intelligence.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
