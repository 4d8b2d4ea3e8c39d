"""When the intelligence benchmark says that an aim is reached."""

from __future__ import annotations

import pytest

from benchmarks.aims import reached
from benchmarks.rows import Row


def _row(ours: float, aim: str, **peers: float) -> Row:
    return Row("figure", "", ours, peers, aim)


@pytest.mark.parametrize(
    ("aim", "enough", "not_enough"),
    [
        (">= 97", 97, 96.9),
        ("at least 97", 97, 96.9),
        ("<= 0.45", 0.45, 0.46),
        ("at most 4", 4, 5),
        ("below 10", 9.9, 10),
        ("0.8", 0.8, 0.79),
        ("0", 0, 1),
        ("100", 100, 99.9),
    ],
)
def test_a_bound_is_kept_or_not(aim: str, enough: float, not_enough: float) -> None:
    assert reached(_row(enough, aim)) is True
    assert reached(_row(not_enough, aim)) is False


@pytest.mark.parametrize("aim", ["above VADER", "above the VADER", "> VADER"])
def test_a_peer_is_a_bound_too(aim: str) -> None:
    assert reached(_row(0.9, aim, VADER=0.8)) is True
    assert reached(_row(0.8, aim, VADER=0.8)) is False


def test_without_an_aim_there_is_nothing_to_reach() -> None:
    assert reached(_row(1, "")) is None


def test_an_aim_nobody_can_judge_is_a_fault() -> None:
    with pytest.raises(ValueError, match="fast"):
        reached(_row(1, "fast"))
