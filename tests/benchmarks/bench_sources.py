"""A sync of ours beside a plain loop with Google's own client, against a Drive 80 ms away: ``make bench-sources``.

Prints each figure as it is known, then a Markdown table, and writes ``bench-sources.json``.

    ONLY=files make bench-sources
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console

from benchmarks.aims import reached
from benchmarks.processes import ROOT, Failed
from benchmarks.rows import Row
from benchmarks.sources.site import LATENCY_SECONDS, Measured, distant_drive
from benchmarks.tables import figure, table
from dealpulse.settings import SourceSettings
from fakes.google import DRIVE_READ

LOOP: Final = "google-api-python-client loop"
BARE: Final = "bare httpx, bytes thrown away"
FILES: Final = 1000
FILE_BYTES: Final = 200_000
CHANGED: Final = FILES // 100
LARGE_FILES: Final = 50
LARGE_BYTES: Final = 50 << 20
_TIME_LIMIT_SECONDS: Final = 1200


def files_rows() -> Iterator[Row]:
    """A thousand files: all of them, then what changed in one of a hundred."""
    with distant_drive() as drive:
        ids = drive.fill(FILES, FILE_BYTES)
        ours, calls = _sync(drive, "full")
        loop, loop_calls = _loop(drive)
        at_once = SourceSettings().downloads
        bare = _bare(drive, ids, at_once)
        bound = at_once / LATENCY_SECONDS
        rate, loop_rate, bare_rate = (FILES / one["seconds"] for one in (ours, loop, bare))
        yield Row("full sync", "files/s", rate, {LOOP: loop_rate, BARE: bare_rate}, "")
        name = f"of the bound that {at_once} at once and 80 ms set ({bound:g}/s)"
        yield Row(name, "", rate / bound, {LOOP: loop_rate / bound, BARE: bare_rate / bound}, ">= 0.9")
        yield Row("full sync, calls to the vendor", "", calls, {LOOP: loop_calls}, "")
        yield Row("full sync, memory above start", "MB", ours["megabytes"], {LOOP: loop["megabytes"]}, "<= 150")
        for number in ids[:CHANGED]:
            drive.google.drive.edit(number, drive.google.drive.files[number].content[::-1])
        ours, calls = _sync(drive, "incremental")
        loop, loop_calls = _loop(drive, loop["position"])
        if ours["changed"] != CHANGED or loop["listed"] != CHANGED:
            raise Failed(f"{CHANGED} files changed; ours found {ours['changed']}, the loop {loop['listed']}.")
        yield Row("incremental, 1 % changed", "s", ours["seconds"], {LOOP: loop["seconds"]}, "")
        yield Row("incremental, 1 % changed, calls", "", calls, {LOOP: loop_calls}, "")
        ours, calls = _sync(drive, "incremental")
        yield Row("incremental, nothing changed, calls (2 + 1 page)", "", calls, {}, "<= 3")
        ours, calls = _sync(drive, "full")
        if ours["changed"] or ours["bytes"]:
            raise Failed("A second listing fetched files again that had not changed.")
        yield Row("second full listing of them, calls", "", calls, {}, "")


def memory_rows() -> Iterator[Row]:
    """Files as large as storage takes, and one that is larger."""
    with distant_drive() as drive:
        drive.fill(LARGE_FILES, LARGE_BYTES)
        drive.google.drive.file("too large.bin", b"0" * (LARGE_BYTES + 1), drive.folder)
        ours, _ = _sync(drive, "full")
        if ours["changed"] != LARGE_FILES or [one["path"] for one in ours["skipped_items"]] != ["too large.bin"]:
            raise Failed(f"Of {LARGE_FILES} files and one too large, {ours['changed']} were taken.")
        name = f"{LARGE_FILES} files of 50 MB, memory above start"
        yield Row(name, "MB", ours["megabytes"], {}, "<= 150")
        megabytes = LARGE_FILES * LARGE_BYTES / (1 << 20)
        yield Row(f"{LARGE_FILES} files of 50 MB", "MB/s", megabytes / ours["seconds"], {}, "")


PARTS: Final[dict[str, Callable[[], Iterator[Row]]]] = {"files": files_rows, "memory": memory_rows}


def _sync(drive: Measured, kind: str) -> tuple[dict[str, Any], int]:
    return _run(drive, "benchmarks.sources.ours", drive.folder, kind)


def _loop(drive: Measured, *position: str) -> tuple[dict[str, Any], int]:
    return _run(drive, "benchmarks.sources.google_loop", drive.folder, str(drive.scratch / "loop"), *position)


def _bare(drive: Measured, ids: Sequence[str], at_once: int) -> dict[str, Any]:
    arguments = (drive.google.url, drive.google.accounts.issue(DRIVE_READ), str(at_once))
    return _run(drive, "benchmarks.sources.bare", *arguments, given="\n".join(ids))[0]


def _run(drive: Measured, module: str, *arguments: str, given: str = "") -> tuple[dict[str, Any], int]:
    """What the program printed, and how many requests it made; those for a token, which does for an hour, aside."""
    before = drive.asked()
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, **drive.environment}
    done = subprocess.run(
        command,
        env=environment,
        input=given.encode(),
        stdout=subprocess.PIPE,
        timeout=_TIME_LIMIT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{module} ended with {done.returncode}; what it says stands above.")
    return json.loads(done.stdout), drive.asked() - before


def main() -> None:
    """Measure what is asked for."""
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    chosen = [name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()] or list(PARTS)
    rows: list[Row] = []
    began, load = time.monotonic(), os.getloadavg()[0]
    try:
        for name in chosen:
            if name not in PARTS:
                raise Failed(f"ONLY names {name!r}; there is {', '.join(PARTS)}.")
            for row in PARTS[name]():
                minutes, seconds = divmod(math.floor(time.monotonic() - began), 60)
                console.print(f"{minutes:3}:{seconds:02}  {row.name}: {figure(row.ours)} {row.unit}", markup=False)
                rows.append(row)
    except Failed as error:
        sys.exit(str(error))
    sys.stdout.write(table(rows))
    machine = {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version(), "load": load}
    written = {"parts": chosen, "machine": machine, "rows": [asdict(row) | {"reached": reached(row)} for row in rows]}
    (ROOT / "bench-sources.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
