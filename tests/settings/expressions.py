"""Cron expressions of every kind that five fields allow."""

from __future__ import annotations

from hypothesis import strategies as st

from dealpulse.settings import parse_cron


def expressions() -> st.SearchStrategy[str]:
    """Valid expressions: fixed times, lists, ranges, steps, last days and names."""
    fields = (
        _numbers(0, 59),
        _numbers(0, 23),
        st.sampled_from(["*", "*", "*", "*", "1", "15", "L", "*/7", "1-10", "5,20"]),
        st.sampled_from(["*", "*", "*", "3", "11", "1-6", "*/2", "MAR,NOV"]),
        st.sampled_from(["*", "*", "*", "MON-FRI", "SUN", "2,4", "7", "*/2", "FRI#2", "5L"]),
    )
    return st.tuples(*fields).map(" ".join).map(parse_cron)


def _numbers(lowest: int, highest: int) -> st.SearchStrategy[str]:
    number = st.integers(lowest, highest)
    several = st.lists(number, min_size=2, max_size=4, unique=True).map(lambda some: ",".join(map(str, sorted(some))))
    span = st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}")
    steps = st.integers(1, (highest + 1) // 2).map("*/{}".format)
    return st.one_of(number.map(str), st.just("*"), steps, several, span)
