"""Every Redis key of the engine in one place; ``docs/engine.md`` tells what each holds.

arq's own keys keep arq's names (``arq:job:``, ``arq:in-progress:``, ``arq:result:``), so arq's ``Job`` answers on
our jobs. The scripts build keys of single jobs themselves from these prefixes: one shard is required.
"""

from __future__ import annotations

from typing import Final

RECORD: Final = "dealpulse:job:"
"""Hash: what is known of one job, while it lives and in history."""


def active(queue: str) -> str:
    """Sorted set: ids running now, by the end of their lease (ms)."""
    return f"{queue}:active"


def completed(queue: str) -> str:
    """Sorted set: kept completed jobs by finish time (ms)."""
    return f"{queue}:completed"


def failed(queue: str) -> str:
    """Sorted set: kept dead letters by finish time (ms)."""
    return f"{queue}:failed"


def totals(queue: str) -> str:
    """Hash: how many jobs ever completed, failed, were retried, crashed."""
    return f"{queue}:totals"


def wake(queue: str) -> str:
    """List: holds one marker while there is due work no idle worker has been told of."""
    return f"{queue}:wake"
