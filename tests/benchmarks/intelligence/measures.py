"""The arithmetic of agreement: shares, ranks, recall and precision."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

LabelT = TypeVar("LabelT", bound=Hashable)


@dataclass(frozen=True)
class Counts:
    """Of one label: rightly given, wrongly given, not given."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def recall(self) -> float:
        return _share(self.right, self.right + self.missed)

    @property
    def precision(self) -> float:
        return _share(self.right, self.right + self.wrong)


def share(results: Iterable[bool]) -> float:
    """Of those that are true; NaN of none."""
    kept = list(results)
    return _share(sum(kept), len(kept))


def majority_share(fair: Sequence[frozenset[LabelT]]) -> float:
    """What always giving the one best label would reach. It is chosen on these very cases: a peer with an advantage."""
    counts = Counter(label for labels in fair for label in labels)
    return _share(max(counts.values(), default=0), len(fair))


def counts_by_label(cases: Iterable[tuple[LabelT, LabelT | None]]) -> dict[LabelT, Counts]:
    """From pairs of what was expected and what was answered; None is no answer."""
    right, wrong, missed = Counter[LabelT](), Counter[LabelT](), Counter[LabelT]()
    for expected, answered in cases:
        if answered == expected:
            right[expected] += 1
            continue
        missed[expected] += 1
        if answered is not None:
            wrong[answered] += 1
    labels = {*right, *wrong, *missed}
    return {label: Counts(right[label], wrong[label], missed[label]) for label in labels}


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's, with mean ranks for ties; 0 where one of them does not vary."""
    ranks, others = _ranks(one), _ranks(other)
    mean = (len(ranks) - 1) / 2
    covariance = sum((a - mean) * (b - mean) for a, b in zip(ranks, others, strict=True))
    spread = math.prod(sum((rank - mean) ** 2 for rank in series) for series in (ranks, others))
    return covariance / math.sqrt(spread) if spread else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    first = {value: index for index, value in reversed(list(enumerate(sorted(values))))}
    ties = Counter(values)
    return [first[value] + (ties[value] - 1) / 2 for value in values]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
