"""Every Redis key that Python names; ``docs/engine.md`` tells what each holds, and which the scripts name themselves.

arq's own keys keep arq's names (``arq:job:``, ``arq:in-progress:``, ``arq:result:``), so arq's ``Job`` answers on
our jobs. The scripts build keys from names: one shard is required.
"""

from __future__ import annotations

from typing import Final

RECORD: Final = "dealpulse:job:"
"""Hash: what is known of a job that lives, or of the last run of one that ended."""
EARLIER_RUN: Final = "dealpulse:run:"
"""Hash: what is known of an earlier run of a job that ran again."""
BATCH: Final = "dealpulse:batch:"
"""Hash: counts of a batch, and the job that follows it."""
WORKERS: Final = "dealpulse:workers"
"""Sorted set: workers by when their registration ends (ms)."""
WORKER: Final = "dealpulse:worker:"
"""Hash: what a worker tells of itself."""
SCHEDULES: Final = "dealpulse:schedules"
"""Hash: by schedule, the due time (ms) of its last run."""
EVENTS: Final = "dealpulse:events"
"""Stream: what happened to jobs, an entry a script call."""
ALERTS: Final = "dealpulse:alerts"
"""Hash: alerts that are pending or firing, by their key."""
ALERT_NOTICES: Final = "dealpulse:alerts:unsent"
"""Hash: notices of alerts on their way, one a channel."""
ALERT_LEADER: Final = "dealpulse:alerts:leader"
"""String: who judges alerts."""
CANCEL_CHANNEL: Final = "dealpulse:cancel"
"""Channel: ids of running jobs that somebody cancels."""


def active(queue: str) -> str:
    """Sorted set: ids running now, by the end of their lease (ms)."""
    return f"{queue}:active"


def parked(queue: str, deal: str = "") -> str:
    """Sorted set: ids kept back because of their deal; of one deal, by the score they return to."""
    return f"{queue}:parked:{deal}" if deal else f"{queue}:parked"


def history(queue: str, outcome: str) -> str:
    """Sorted set: kept runs that ended ``completed``, ``failed`` or ``cancelled``, by finish time (ms)."""
    return f"{queue}:{outcome}"


def control(queue: str) -> str:
    """Hash: what is paused (``paused``, ``deal:{deal}``), since when (ms)."""
    return f"{queue}:control"


def metrics(queue: str, unit: str, number: int) -> str:
    """Hash: counts and histograms of one ``minute`` or ``hour``, numbered since the epoch."""
    return f"{queue}:{unit}:{number}"


def wake(queue: str) -> str:
    """List: holds one marker while there is due work no idle worker has been told of."""
    return f"{queue}:wake"


def turn(queue: str, worker: str) -> str:
    """String: what a worker's last claim took, in case the answer is lost."""
    return f"{queue}:turn:{worker}"
