"""What the rounds come to: medians, ratios against bullmq in the same round, and which aims are reached."""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table

from benchmarks.processes import Figures

YARDSTICK: Final = "bullmq"
SUBJECT: Final = "ours"


@dataclass(frozen=True)
class Aim:
    """What our figure, or its ratio to the yardstick's, is to be."""

    sign: str
    bound: float
    of_ratio: bool

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}{'x' if self.of_ratio else ''}"

    def reached(self, figure: float, ratio: float | None) -> bool | None:
        """None when the yardstick was not measured."""
        value = ratio if self.of_ratio else figure
        holds: Callable[[float, float], bool] = operator.ge if self.sign == ">=" else operator.le
        return None if value is None else holds(value, self.bound)


@dataclass(frozen=True)
class Row:
    """One figure of one step."""

    name: str
    unit: str
    step: str
    figure: str
    aim: Aim | None = None


Runs = Mapping[tuple[str, str], Sequence[Figures]]
"""By step and peer: the figures of each round."""


@dataclass(frozen=True)
class Result:
    """A row, measured. By peer; a figure beyond what was waited for is infinite and has no ratio."""

    row: Row
    medians: Mapping[str, float]
    ratios: Mapping[str, float]

    @property
    def reached(self) -> bool | None:
        """Whether we are where we want to be; None when there is no aim or nothing to tell it from."""
        if self.row.aim is None or SUBJECT not in self.medians:
            return None
        return self.row.aim.reached(self.medians[SUBJECT], self.ratios.get(SUBJECT))


def evaluate(rows: Sequence[Row], runs: Runs) -> list[Result]:
    """The rows that were measured, in their order."""
    results = []
    for row in rows:
        values = {
            peer: [run[row.figure] for run in rounds] for (step, peer), rounds in runs.items() if step == row.step
        }
        if not values:
            continue
        medians = {peer: statistics.median(rounds) for peer, rounds in values.items()}
        ratios = {peer: _ratio(rounds, values[YARDSTICK]) for peer, rounds in values.items() if YARDSTICK in values}
        finite = {peer: ratio for peer, ratio in ratios.items() if math.isfinite(ratio)}
        results.append(Result(row, medians, finite))
    return results


def _ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    pairs = zip(mine, theirs, strict=True)
    return statistics.median(own / other if other and math.isfinite(other) else math.inf for own, other in pairs)


def table(results: Sequence[Result], peers: Sequence[str], limit: float) -> Table:
    """Every figure with its ratio; whether an aim is reached."""
    drawn = Table("median (ratio to bullmq)", title_justify="left")
    for name in (*peers, "aim", "reached"):
        drawn.add_column(name, justify="right")
    for result in results:
        cells = [_cell(result, peer, limit) for peer in peers]
        reached = {True: "yes", False: "[bold]NO[/bold]", None: ""}[result.reached]
        drawn.add_row(f"{result.row.name}, {result.row.unit}", *cells, str(result.row.aim or ""), reached)
    return drawn


def _cell(result: Result, peer: str, limit: float) -> str:
    if peer not in result.medians:
        return "-"
    figure = result.medians[peer]
    if math.isinf(figure):
        return f"> {limit:g}"
    text = f"{figure:,.0f}" if figure >= 1000 else f"{figure:.3g}"
    return f"{text} ({result.ratios[peer]:.2f}x)" if peer in result.ratios else text


def document(results: Sequence[Result], limit: float) -> list[dict[str, Any]]:
    """The rows for ``bench-queue.json``. A figure is a number, or ``> LIMIT`` when no more was waited for."""
    return [
        {
            "name": result.row.name,
            "unit": result.row.unit,
            "medians": {
                peer: f"> {limit:g}" if math.isinf(figure) else round(figure, 4)
                for peer, figure in result.medians.items()
            },
            "ratios": {peer: round(ratio, 4) for peer, ratio in result.ratios.items()},
            "aim": str(result.row.aim) if result.row.aim else None,
            "reached": result.reached,
        }
        for result in results
    ]
