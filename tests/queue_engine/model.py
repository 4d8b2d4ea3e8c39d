"""The queue as it is meant to be, in memory: what the scripts are held against.

It says what follows from each request. What an engine's turn may choose is judged in ``turns.py``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dealpulse.queue.scripts import Ending, Item

HOUR = 3_600_000
AHEAD = {"critical": 24 * HOUR, "high": 4 * HOUR, "normal": HOUR, "low": 0}
RANK = {"critical": 4, "high": 3, "normal": 2, "low": 1}
OUTCOMES = ("completed", "failed", "cancelled")
ALONE_SCORE = 2
"""Of a job that waits for a worker to be idle: before all others."""


@dataclass
class Live:
    """A job that has not ended. Times are ms."""

    id: str
    queue: str
    deal: str
    payload: str
    priority: str
    due: int
    enqueued: int
    run: str = ""
    """Empty while it has no record: another program enqueued it, and nobody claimed it yet."""
    state: str = "waiting"
    index: str = "waiting"
    """Of those that wait and have a record: ``waiting`` or ``delayed``."""
    score: int = 0
    attempts: int = 0
    crashes: int = 0
    token: str = ""
    lease_end: int = 0
    again: str | None = None
    batches: list[str] = field(default_factory=list)
    called_off: bool = False
    aborted: bool = False
    """arq's mark stands beside it."""
    foreign: bool = False
    """Which function it names is not known yet."""

    def line_up(self, now: int) -> None:
        self.state = "waiting"
        self.index = "waiting" if self.due <= now else "delayed"
        self.score = self.due - AHEAD[self.priority] if self.index == "waiting" else self.due

    def return_to_line(self, now: int, score: int) -> None:
        """It was parked and may run; ``score`` is what Redis gave it. Who had to be alone before is that still."""
        self.line_up(now)
        if self.must_be_alone and score == ALONE_SCORE:
            self.score = ALONE_SCORE

    @property
    def must_be_alone(self) -> bool:
        return 0 < self.crashes < 3


@dataclass
class BatchCounts:
    callback: Item
    members: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    fired: bool = False


@dataclass(frozen=True)
class Kept:
    """A run in history."""

    run: str
    id: str
    outcome: str
    queue: str
    token: str
    deal: str
    priority: str
    payload: str
    ended: int
    nameless: bool
    """Its function was never told."""


@dataclass
class Model:
    per_deal: int
    limit: int
    keep: Mapping[str, int]
    live: dict[str, Live] = field(default_factory=dict)
    latest: dict[str, Kept] = field(default_factory=dict)
    """By id, the run that the id's record still tells of."""
    kept: dict[str, Kept] = field(default_factory=dict)
    totals: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    batches: dict[str, BatchCounts] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    """Queues, and deals as ``queue deal``."""
    registered_until: dict[str, int] = field(default_factory=dict)
    alone: dict[str, str] = field(default_factory=dict)
    """By queue, the worker that waits to be idle for a job that must be alone."""
    stale_marks: set[str] = field(default_factory=set)
    """Ids that arq was told to abort when they had ended."""
    taken: dict[tuple[str, str], tuple[int, list[str]]] = field(default_factory=dict)
    """By queue and worker, the turn that last claimed something, and what."""

    # --- counting ---------------------------------------------------------------------------------------------------

    def of(self, queue: str, state: str) -> list[Live]:
        return [job for job in self.live.values() if job.queue == queue and job.state == state]

    def due(self, queue: str, now: int) -> list[Live]:
        return [job for job in self.live.values() if job.queue == queue and job.score <= now]

    def is_kept_back(self, job: Live) -> bool:
        """Whether its deal may not run (more of) its jobs."""
        running = sum(other.deal == job.deal for other in self.of(job.queue, "active"))
        return bool(job.deal) and (self.is_paused(job.queue, job.deal) or 0 < self.per_deal <= running)

    def is_paused(self, queue: str, deal: str) -> bool:
        return f"{queue} {deal}" in self.paused

    def owner(self, job_id: str) -> str | None:
        """The token in the id's record; None without a record."""
        job = self.live.get(job_id)
        if job is not None and job.run:
            return job.token
        return self.latest[job_id].token if job_id in self.latest else None

    def open_batch(self, name: str, callback: Item) -> None:
        """The first to name the job that follows decides."""
        self.batches.setdefault(name, BatchCounts(callback))

    # --- asking -----------------------------------------------------------------------------------------------------

    def enqueue(self, item: Item, now: int) -> bool:
        """Whether it is a new job."""
        job = self.live.get(item.id)
        if job is not None and job.run:
            self._ask_again(job, item, now)
            return False
        job = Live(item.id, item.queue, item.deal, item.payload, item.priority, now + item.delay, now, run="?")
        job.line_up(now)
        self.live[item.id] = job
        self.latest.pop(item.id, None)
        self.stale_marks.discard(item.id)
        self._join(job, item.batch)
        return True

    def _ask_again(self, job: Live, item: Item, now: int) -> None:
        if item.meaning == "missing":
            return
        self._join(job, item.batch)
        raised = RANK[item.priority] > RANK[job.priority]
        if raised:
            job.priority = item.priority
        if job.state == "active":
            if item.meaning in ("replace", "debounce") or (item.meaning == "again" and job.again is None):
                job.again = item.payload
            return
        if item.meaning in ("replace", "debounce"):
            job.payload = item.payload
        due, asked = job.due, now + item.delay
        if item.meaning == "debounce" and job.due > now:
            job.due = max(now, min(asked, job.enqueued + item.ceiling))
        elif asked < job.due:
            job.due = asked
        if job.state == "waiting" and (job.due != due or raised):
            job.line_up(now)

    def _join(self, job: Live, batch: str) -> None:
        for name in batch.split():
            if name not in job.batches:
                job.batches.append(name)
                self.batches[name].members += 1

    # --- changing ---------------------------------------------------------------------------------------------------

    def change(self, job: Live, now: int, *, promote: bool, priority: str) -> None:
        if job.state == "active":
            return
        job.priority = priority or job.priority
        if promote:
            job.due = min(job.due, now)
        if job.state == "waiting":
            job.line_up(now)

    def pass_time(self, job: Live, due: int) -> None:
        """What was delayed is due by now."""
        job.due = job.score = due

    def come_due(self, queue: str, now: int) -> None:
        """Delayed jobs whose time has come take the place their priority gives them."""
        for job in self.of(queue, "waiting"):
            if job.run and job.index == "delayed" and job.due <= now:
                job.line_up(now)

    # --- ending -----------------------------------------------------------------------------------------------------

    def finish(self, entries: Iterable[Ending], now: int) -> tuple[list[str], set[str]]:
        """The ids refused, and the deals that have room since."""
        refused: list[str] = []
        freed: set[str] = set()
        for entry in entries:
            job = self.live.get(entry.id)
            if self.owner(entry.id) != entry.token:
                refused.append(entry.id)
            elif job is not None and job.state == "active":
                freed.add(job.deal)
                self._finish(job, entry, now)
        return refused, freed

    def _finish(self, job: Live, entry: Ending, now: int) -> None:
        job.aborted = False
        if entry.outcome == "again" and not job.called_off:
            job.foreign = job.foreign and entry.fn is None
            if entry.burn:
                self.totals[job.queue]["retried"] += 1
            else:
                job.attempts = max(0, entry.attempt - 1)
            job.due = now + entry.delay
            job.line_up(now)
            return
        job.foreign = job.foreign and entry.fn is None
        outcome = "cancelled" if entry.outcome == "again" else entry.outcome
        self.end(job, outcome, now, untraced=entry.untraced)

    def end(self, job: Live, outcome: str, now: int, *, untraced: bool = False) -> None:
        del self.live[job.id]
        if untraced:
            return
        who = (job.run, job.id, outcome, job.queue, job.token, job.deal)
        self.latest[job.id] = self.kept[job.run] = Kept(*who, job.priority, job.payload, now, job.foreign)
        self.totals[job.queue][outcome] += 1
        if job.again is not None and outcome != "cancelled":
            self.enqueue(Item(job.id, job.queue, job.again, "f", job.deal, priority=job.priority), now)
        for name in job.batches:
            batch = self.batches[name]
            batch.ended[outcome] += 1
            if not batch.fired and batch.ended.total() >= batch.members:
                batch.fired = True
                self.enqueue(batch.callback, now)

    def forget(self, run: str) -> Kept:
        """It is no longer kept."""
        gone = self.kept.pop(run)
        if self.latest.get(gone.id) is gone:
            del self.latest[gone.id]
        return gone

    def lapse(self, job: Live, now: int) -> None:
        """Its lease ran out, and a turn noticed."""
        job.attempts = max(0, job.attempts - 1)
        if self.registered_until.get(job.token.rpartition("#")[0], 0) <= now:
            job.crashes += 1
            self.totals[job.queue]["crashed"] += 1
