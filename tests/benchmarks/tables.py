"""Rows of a benchmark as a table to print and to keep."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.aims import reached
from benchmarks.rows import Row


def figure(value: float) -> str:
    """As people read it."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def table(rows: Sequence[Row]) -> str:
    """In Markdown: ours, the others, the aim and whether it is reached."""
    lines = ["| figure | ours | others | aim | reached |", "|---|---|---|---|---|"]
    for row in rows:
        others = "; ".join(f"{name} {figure(value)}" for name, value in row.peers.items())
        told = {True: "yes", False: "NO", None: ""}[reached(row)]
        lines.append(f"| {row.name} | {figure(row.ours)} {row.unit} | {others} | {row.aim} | {told} |")
    return "\n".join(lines) + "\n"
