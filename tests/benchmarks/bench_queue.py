"""Our queue beside bullmq, arq and saq, in one run on Redis servers of its own: ``make bench-queue``.

Each round takes every step with every peer in turn, so that whatever the machine does meets all of them. Figures are
medians of the rounds; ratios are against bullmq in the same round. Absolute figures swing with the machine, ratios hold
better. Prints a table and writes ``bench-queue.json``.

    ROUNDS=1 ONLY=drain,pickup PEERS=ours,bullmq make bench-queue
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import platform
import signal
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from benchmarks.processes import ROOT, Failed, Figures, install, redis, started, versions
from benchmarks.proxy import counting
from benchmarks.results import Aim, Row, Runs, document, evaluate, table

PEERS: Final = ("bullmq", "ours", "saq", "arq")
STEP_SECONDS: Final = 300.0
KILL_AFTER_SECONDS: Final = 2.0
RECOVERY_SECONDS: Final = 90.0
"""How long a killed worker's job is waited for. arq's comes back after 308."""
START_SECONDS: Final = 60.0
SETTLE_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Step:
    """One scenario with its numbers. ``arq_count`` is for plain arq, which takes half a second for ten jobs."""

    name: str
    scenario: str
    count: int
    at_once: int
    arq_count: int | None = None
    peers: Sequence[str] = PEERS


STEPS: Final = (
    Step("drain 10", "drain", 20_000, 10, arq_count=2_000),
    Step("drain 100", "drain", 20_000, 100, arq_count=2_000),
    Step("pickup", "pickup", 500, 10, arq_count=30),
    Step("enqueue 1", "enqueue", 10_000, 1),
    Step("enqueue 100", "enqueue", 20_000, 100),
    Step("enqueue 1000", "enqueue", 20_000, 1_000, peers=("bullmq", "ours")),  # the others have no call for many
    Step("sleep", "sleep", 200, 10),
)


def _ratio(sign: str, bound: float) -> Aim:
    return Aim(sign, bound, of_ratio=True)


def _figure(sign: str, bound: float) -> Aim:
    return Aim(sign, bound, of_ratio=False)


ROWS: Final = (
    Row("drain, 10 at once", "jobs/s", "drain 10", "jobs_per_second", _ratio(">=", 1.3)),
    Row("drain, 100 at once", "jobs/s", "drain 100", "jobs_per_second", _ratio(">=", 1.3)),
    Row("worker CPU, 10 at once", "us/job", "drain 10", "cpu_us_per_job"),
    Row("worker CPU, 100 at once", "us/job", "drain 100", "cpu_us_per_job"),
    Row("pickup p50", "ms", "pickup", "p50_ms", _ratio("<=", 0.6)),
    Row("pickup p95", "ms", "pickup", "p95_ms"),
    Row("pickup p99", "ms", "pickup", "p99_ms", _ratio("<=", 0.6)),
    Row("enqueue one by one", "jobs/s", "enqueue 1", "jobs_per_second", _ratio(">=", 1.3)),
    Row("enqueue 100 a call", "jobs/s", "enqueue 100", "jobs_per_second", _ratio(">=", 3)),
    Row("enqueue 1,000 a call", "jobs/s", "enqueue 1000", "jobs_per_second"),
    Row("200 jobs of 1 s, 10 at once", "% of ideal 20 s", "sleep", "efficiency", _figure(">=", 99)),
    Row("job runs again after kill -9", "s", "recovery", "seconds", _figure("<=", 20)),
    Row("idle worker", "commands/s", "idle", "commands_per_second", _figure("<=", 2)),
    Row("idle worker", "RSS MB", "idle", "rss_mb", _figure("<=", 120)),
    Row("idle worker of every queue", "commands/s", "idle-all", "commands_per_second"),
    Row("idle worker of every queue", "RSS MB", "idle-all", "rss_mb"),
)


async def measure(peer: str, step: Step) -> Figures:
    """One peer, one step, an empty Redis."""
    count = step.arq_count if peer == "arq" and step.arq_count else step.count
    async with redis() as port, started(peer, step.scenario, port, count=count, at_once=step.at_once) as process:
        try:
            async with asyncio.timeout(STEP_SECONDS):
                figures = await process.report()
                lines = await process.lines()
        except TimeoutError as error:
            raise Failed(f"{peer} was not done with {step.name} after {STEP_SECONDS:g} s.") from error
    if step.scenario != "enqueue" and lines < count:
        raise Failed(f"{peer} printed {lines} lines for {count} jobs.")
    return figures


async def recover(peer: str) -> Figures:
    """Kill a worker in the middle of a job and start another at once; how long until the job runs again."""
    async with redis() as port:
        async with started(peer, "hold", port) as first:
            await first.report()
            await asyncio.sleep(KILL_AFTER_SECONDS)
            first.process.kill()
            killed = time.time()
        async with started(peer, "resume", port) as second:
            try:
                async with asyncio.timeout(RECOVERY_SECONDS):
                    again = await second.report()
            except TimeoutError:
                return {"seconds": math.inf}
    return {"seconds": again["began"] - killed}


async def idle(peer: str, scenario: str) -> Figures:
    """What a worker process without work needs."""
    async with (
        redis() as redis_port,
        counting(redis_port) as (port, counter),
        started(peer, scenario, port) as worker,
    ):
        try:
            async with asyncio.timeout(START_SECONDS):
                await counter.used.wait()
        except TimeoutError as error:
            raise Failed(f"{peer} sent Redis nothing within {START_SECONDS:g} s of its start.") from error
        await asyncio.sleep(SETTLE_SECONDS)
        resident, before = worker.resident_mb, counter.commands
        await asyncio.sleep(IDLE_SECONDS)
        sent = counter.commands - before
        assert worker.resident_mb
    return {"rss_mb": resident, "commands_per_second": sent / IDLE_SECONDS}


@dataclass(frozen=True)
class Plan:
    """What is measured in this run."""

    rounds: int
    peers: Sequence[str]
    scenarios: Sequence[str]

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Plan:
        """From ``ROUNDS``, ``PEERS`` and ``ONLY``. Raises Failed for a name that is none."""
        known = tuple(dict.fromkeys([step.scenario for step in STEPS] + ["recovery", "idle"]))
        rounds = environ.get("ROUNDS") or "3"
        if not rounds.isdecimal() or int(rounds) < 1:
            raise Failed(f"ROUNDS={rounds} is no number of rounds.")
        return cls(int(rounds), _chosen("PEERS", environ, PEERS), _chosen("ONLY", environ, known))

    def in_turn(self) -> list[tuple[Step, str]]:
        """The steps of a round that need the machine to themselves, peers interleaved."""
        steps = [step for step in STEPS if step.scenario in self.scenarios]
        return [(step, peer) for step in steps for peer in self.peers if peer in step.peers]

    def at_once(self, *, first_round: bool) -> dict[tuple[str, str], Coroutine[None, None, Figures]]:
        """The steps of a round that are nothing but waiting, each on a Redis of its own. Recovery is measured once."""
        steps: dict[tuple[str, str], Coroutine[None, None, Figures]] = {}
        if "idle" in self.scenarios:
            steps |= {("idle", peer): idle(peer, "idle") for peer in self.peers}
            if "ours" in self.peers:
                steps["idle-all", "ours"] = idle("ours", "idle-all")
        if "recovery" in self.scenarios and first_round:
            steps |= {("recovery", peer): recover(peer) for peer in self.peers}
        return steps


def _chosen(variable: str, environ: Mapping[str, str], known: Sequence[str]) -> Sequence[str]:
    chosen = [name.strip() for name in environ.get(variable, "").split(",") if name.strip()]
    for name in chosen:
        if name not in known:
            raise Failed(f"{variable} names {name!r}; there is {', '.join(known)}.")
    return [name for name in known if name in chosen] or known


class Progress:
    """A line a step: since when we measure, what, and what came out."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def begin(self, text: str) -> None:
        minutes, seconds = divmod(int(self.seconds), 60)
        self._console.print(f"{minutes:3}:{seconds:02}  {text} ", end="", markup=False, highlight=False)

    def end(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)


def _headline(step: str, figures: Figures) -> str:
    row = next(row for row in ROWS if row.step == step)
    return f"{figures[row.figure]:,.5g} {row.unit}"


async def run(plan: Plan, progress: Progress) -> Runs:
    """Every round, with a line of progress a step. Cancelled by SIGTERM and SIGHUP as by Ctrl-C."""
    task = asyncio.current_task()
    assert task is not None
    for end in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(end, task.cancel)
    runs: dict[tuple[str, str], list[Figures]] = {}
    for number in range(plan.rounds):
        title = f"round {number + 1}/{plan.rounds}"
        for step, peer in plan.in_turn():
            progress.begin(f"{title}  {step.name:<12} {peer:<6}")
            figures = await measure(peer, step)
            runs.setdefault((step.name, peer), []).append(figures)
            progress.end(_headline(step.name, figures))
        waiting = plan.at_once(first_round=number == 0)
        if not waiting:
            continue
        names = ", ".join(dict.fromkeys(step for step, _ in waiting))
        progress.begin(f"{title}  {names}: all peers at once")
        for key, figures in zip(waiting, await asyncio.gather(*waiting.values()), strict=True):
            runs.setdefault(key, []).append(figures)
        progress.end("")
    return runs


def main() -> int:
    """Measure, print the table, write the file; the exit code says whether that worked, not what came out."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    try:
        plan = Plan.of(os.environ)
        install()
        progress = Progress(console)
        results = evaluate(ROWS, asyncio.run(run(plan, progress)))
    except Failed as error:
        console.print(f"\n{error}", markup=False, highlight=False)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("\ninterrupted")
        return 130
    console.print(table(results, plan.peers, RECOVERY_SECONDS))
    written = {
        "rounds": plan.rounds,
        "peers": list(plan.peers),
        "scenarios": list(plan.scenarios),
        "seconds": round(progress.seconds),
        "machine": {"cpus": os.cpu_count(), "system": platform.platform()},
        "versions": versions(),
        "rows": document(results, RECOVERY_SECONDS),
    }
    (ROOT / "bench-queue.json").write_text(json.dumps(written, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
