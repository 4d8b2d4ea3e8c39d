"""What is known of jobs, queues, workers and batches, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from dealpulse.jobs import QUEUES
from dealpulse.queue.scripts import StatsRow

_NO_TOTALS: Final = dict.fromkeys(("completed", "failed", "cancelled", "retried", "crashed", "evicted"), 0)

_MS_DIGITS: Final = 13
"""Of a time in ms since the epoch, until the year 2286."""


@dataclass(frozen=True)
class Enqueued:
    """``deduplicated`` means the same work was already waiting or running; ``job_id`` is then that job's."""

    job_id: str
    deduplicated: bool


@dataclass(frozen=True, kw_only=True)
class QueueStats:
    """One queue at one moment. ``completed``, ``failed`` and ``cancelled`` are what is kept."""

    waiting: int
    active: int
    delayed: int
    parked: int
    """Kept back because their deal is paused or has as many jobs running as it may."""
    completed: int
    failed: int
    cancelled: int
    oldest_waiting_ms: int
    paused: bool = False
    totals: Mapping[str, int] = field(default_factory=dict)
    """``completed``, ``failed``, ``cancelled``, ``retried``, ``crashed`` (runs that went down with their worker) and
    ``evicted`` (dead letters no longer kept) since the queue exists."""

    @classmethod
    def of(cls, row: StatsRow) -> QueueStats:
        counts = dict(zip(row.totals[::2], map(int, row.totals[1::2]), strict=True))
        return cls(
            waiting=row.waiting,
            active=row.active,
            delayed=row.delayed,
            parked=row.parked,
            completed=row.completed,
            failed=row.failed,
            cancelled=row.cancelled,
            oldest_waiting_ms=row.oldest_waiting_ms,
            paused=row.paused,
            totals={name: counts.get(name, 0) for name in _NO_TOTALS},
        )


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One run of a job that did not end well. ``traceback``: the chain of errors, as log lines have it."""

    error_class: str
    code: str
    message: str
    worker: str
    attempt: int
    started_at: datetime | None
    ended_at: datetime | None
    traceback: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class LogLine:
    """What a job told of itself while it ran."""

    at: datetime
    text: str


@dataclass(frozen=True, kw_only=True)
class JobView:
    """What is known of one run of a job. Times are UTC; what has not happened yet is None."""

    job_id: str
    run: str
    """Names this run, also when the job ran again since."""
    queue: str
    function: str
    state: str
    """``waiting``, ``delayed``, ``active``, ``parked``, ``completed``, ``failed`` or ``cancelled``."""
    deal_id: str | None
    priority: str
    attempts: int
    crashes: int
    worker: str | None
    caller: str
    """Who asked for it: a token's name, ``user:ID``, ``loopback``; empty where nobody said."""
    enqueued_at: datetime | None
    due_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    error_class: str | None
    error_code: str | None
    error_message: str | None
    fingerprint: str | None
    """Of the error: the same for the same fault from the same place."""
    progress: int | None
    """Percent, as the job tells."""
    message: str | None
    batches: tuple[str, ...]
    result: object = None
    faults: tuple[Fault, ...] = ()
    """Runs that did not end well, oldest first; at most the last twenty."""
    log: tuple[LogLine, ...] = ()
    """Oldest first; at most the last two hundred lines."""


@dataclass(frozen=True, kw_only=True)
class WorkerView:
    """One worker process that is alive."""

    worker: str
    about: Mapping[str, str]
    jobs: tuple[JobView, ...]
    """What it runs, longest first."""


@dataclass(frozen=True, kw_only=True)
class BatchView:
    """How far a batch is. ``fired``: all its jobs had ended, and the job that follows was enqueued."""

    batch_id: str
    total: int
    completed: int
    failed: int
    cancelled: int
    fired: bool

    @property
    def progress(self) -> int:
        """Percent of its jobs that have ended."""
        ended = self.completed + self.failed + self.cancelled
        return 100 * ended // self.total if self.total else 0


def job_view(job_id: str, record: Mapping[bytes, bytes], now: float) -> JobView:
    """A record as Redis keeps it; ``now`` in seconds since the epoch tells waiting from delayed."""
    # A payload of somebody else's making need not be text.
    fields = {name.decode(errors="replace"): value.decode(errors="replace") for name, value in record.items()}
    state = fields.get("state", "waiting")
    if state == "waiting" and float(fields.get("due", 0)) > now * 1000:
        state = "delayed"
    key = fields.get("queue", "")
    told = state != "completed"  # what an earlier attempt died of is among the faults
    return JobView(
        job_id=job_id,
        run=fields.get("run", ""),
        queue=next((queue.name for queue in QUEUES if queue.key == key), key),
        function=fields.get("function", ""),
        state=state,
        deal_id=fields.get("deal") or None,
        priority=fields.get("priority", "low"),
        attempts=int(fields.get("attempts", 0)),
        crashes=int(fields.get("crashes", 0)),
        worker=fields.get("token", "").rpartition("#")[0] or None,
        caller=fields.get("caller", ""),
        enqueued_at=_moment(fields.get("enqueued")),
        due_at=_moment(fields.get("due")),
        started_at=_moment(fields.get("started")),
        finished_at=_moment(fields.get("finished")),
        error_class=(told and fields.get("error_class")) or None,
        error_code=(told and fields.get("error_code")) or None,
        error_message=(told and fields.get("error_message")) or None,
        fingerprint=(told and fields.get("fingerprint")) or None,
        progress=int(fields["progress"]) if "progress" in fields else None,
        message=fields.get("message") or None,
        batches=tuple(fields.get("batch", "").split()),
        result=msgspec.json.decode(fields["result"]) if "result" in fields else None,
        # Not splitlines(): a message may hold what that takes for the end of a line.
        faults=tuple(_fault(line) for line in fields.get("faults", "").split("\n") if line),
        log=_log_lines(fields.get("log", "")),
    )


def _fault(text: str) -> Fault:
    told = msgspec.json.decode(text)
    return Fault(
        error_class=told.get("class", ""),
        code=told.get("code", ""),
        message=told.get("message", ""),
        worker=told.get("worker", ""),
        attempt=told.get("attempt", 0),
        started_at=_moment(told.get("started")),
        ended_at=_moment(told.get("ended") or told.get("at")),
        traceback=tuple(told.get("traceback", ())),
    )


def _log_lines(text: str) -> tuple[LogLine, ...]:
    """``MS TEXT`` a line; a line that has no time of its own belongs to the one before."""
    lines: list[LogLine] = []
    for line in text.split("\n") if text else ():
        time, _, told = line.partition(" ")
        if time.isascii() and time.isdecimal() and len(time) == _MS_DIGITS:
            lines.append(LogLine(datetime.fromtimestamp(int(time) / 1000, UTC), told))
        elif lines:
            lines[-1] = LogLine(lines[-1].at, f"{lines[-1].text}\n{line}")
    return tuple(lines)


def _moment(milliseconds: str | int | None) -> datetime | None:
    return datetime.fromtimestamp(float(milliseconds) / 1000, UTC) if milliseconds else None
