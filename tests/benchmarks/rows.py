"""One figure of a benchmark, beside those of simpler means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    ours: float
    peers: dict[str, float]
    aim: str
