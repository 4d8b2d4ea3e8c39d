"""Our queue beside bullmq, arq and saq, in turn, on one Redis of its own: ``make bench-queue``.

Every figure is the median of three rounds, every ratio is against bullmq in the same round. Absolute figures swing
with the machine; the ratios hold better. Writes ``bench-queue.json``.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from dealpulse.local.binaries import valkey_server

HERE: Final = Path(__file__).parent
HOME: Final = Path(".dealpulse/bench")
ROUNDS: Final = int(os.environ.get("ROUNDS", "3"))
PEERS: Final = ("bullmq", "ours", "saq", "arq")
SCENARIOS: Final = (
    # name, scenario, jobs, jobs for plain arq, concurrency, figure, more is better
    ("drain, 10 at once, jobs/s", "drain", 20_000, 2_000, 10, "jobs_per_second", True),
    ("drain, 100 at once, jobs/s", "drain", 20_000, 2_000, 100, "jobs_per_second", True),
    ("worker CPU, 10 at once, us/job", "drain", 20_000, 2_000, 10, "cpu_us_per_job", False),
    ("pickup p50, ms", "pickup", 500, 30, 10, "p50_ms", False),
    ("pickup p99, ms", "pickup", 500, 30, 10, "p99_ms", False),
    ("enqueue one by one, jobs/s", "single", 5_000, 5_000, 1, "jobs_per_second", True),
    ("enqueue in hundreds, jobs/s", "bulk", 20_000, 20_000, 1, "jobs_per_second", True),
    ("200 jobs of 1 s, 10 at once, s (ideal 20)", "sleep", 200, 200, 10, "seconds", False),
)


def install() -> None:
    """bullmq from npm and saq from PyPI, beside the project and not in it."""
    HOME.mkdir(parents=True, exist_ok=True)
    if not (HOME / "node_modules/ioredis").exists():
        subprocess.run(["npm", "install", "--silent", "--prefix", str(HOME), "bullmq@^6", "ioredis@^5"], check=True)
    if not (HOME / "python/saq").exists():
        uv = next((path for path in (Path(".tools/bin/uv"),) if path.exists()), Path("uv"))
        target = ["--python", sys.executable, "--target", str(HOME / "python")]
        subprocess.run([str(uv), "pip", "install", "--quiet", *target, "--no-deps", "saq", "croniter"], check=True)


@contextmanager
def redis() -> Iterator[int]:
    """A Redis without persistence on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        options = ("--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder)
        process = subprocess.Popen([str(valkey_server()), *options], stdout=subprocess.DEVNULL)
        try:
            _until_listening(port)
            yield port
        finally:
            process.kill()
            process.wait()


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
        else:
            return


def measure(peer: str, scenario: str, count: int, concurrency: int) -> dict[str, float]:
    """One peer, one scenario, an empty Redis. Its output goes through a real pipe, as under a log collector."""
    with redis() as port:
        reading, writing = os.pipe()
        if peer == "bullmq":
            command = ["node", str(HERE / "bullmq.mjs"), scenario, str(port)]
        else:
            command = [sys.executable, str(HERE / "peers.py"), peer, scenario, f"redis://127.0.0.1:{port}"]
        process = subprocess.Popen(
            [*command, str(count), str(concurrency), str(writing)],
            stdout=subprocess.PIPE,
            pass_fds=[writing],
            env=os.environ | {"BULLMQ_HOME": str(HOME.absolute()), "PYTHONPATH": str(HOME.absolute() / "python")},
        )
        os.close(writing)
        assert process.stdout is not None
        while process.stdout.read(1 << 16):
            pass
        with os.fdopen(reading) as report:
            text = report.read()
        if process.wait() or not text:
            raise SystemExit(f"{peer} failed at {scenario}")
        figures: dict[str, float] = json.loads(text)
        return figures


def main() -> None:
    """Measure, print the table, write the file."""
    install()
    console = Console()
    wanted = sorted({(scenario, count, few, at_once) for _, scenario, count, few, at_once, _, _ in SCENARIOS})
    runs: dict[tuple[str, str, int], list[dict[str, float]]] = {}
    for number in range(ROUNDS):
        for scenario, count, few, at_once in wanted:
            for peer in PEERS:
                console.print(f"round {number + 1}: {scenario} x {at_once}: {peer}", highlight=False)
                figures = measure(peer, scenario, few if peer == "arq" else count, at_once)
                runs.setdefault((peer, scenario, at_once), []).append(figures)
    rows = []
    for name, scenario, _, _, at_once, figure, _ in SCENARIOS:
        medians = {peer: statistics.median(run[figure] for run in runs[peer, scenario, at_once]) for peer in PEERS}
        ratios = {
            peer: statistics.median(
                mine[figure] / theirs[figure]
                for mine, theirs in zip(runs[peer, scenario, at_once], runs["bullmq", scenario, at_once], strict=True)
            )
            for peer in PEERS
        }
        rows.append({"figure": name, "median": medians, "against_bullmq": ratios})
    table = Table("figure", *PEERS)
    for row in rows:
        cells = [f"{row['median'][peer]:.6g} ({row['against_bullmq'][peer]:.2f}x)" for peer in PEERS]  # type: ignore[index]
        table.add_row(str(row["figure"]), *cells)
    console.print(table)
    Path("bench-queue.json").write_text(json.dumps({"rounds": ROUNDS, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
