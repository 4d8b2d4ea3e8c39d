"""Days named in messages, counted from the day of sending."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.processors.operations.offline.due_dates import due_date

TUESDAY = date(2024, 11, 12)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("please send it by friday", date(2024, 11, 15)),
        ("we need this by tuesday", date(2024, 11, 19)),
        ("by next friday at the latest", date(2024, 11, 22)),
        ("no later than 20 november", date(2024, 11, 20)),
        ("due november 20th", date(2024, 11, 20)),
        ("due on friday, 22 november 2024", date(2024, 11, 22)),
        ("by the 5th of december", date(2024, 12, 5)),
        ("before january 10", date(2025, 1, 10)),
        ("it was due on 4 november", date(2024, 11, 4)),
        ("deadline: 2024-12-01", date(2024, 12, 1)),
        ("by close of business tomorrow", date(2024, 11, 13)),
        ("by cob today", TUESDAY),
        ("by the end of the week", date(2024, 11, 15)),
        ("end of november", date(2024, 11, 30)),
        ("by the end of the month", date(2024, 11, 30)),
        ("within 5 business days", date(2024, 11, 19)),
        ("in two weeks", date(2024, 11, 26)),
        ("as of today we still wait for it, and need it by friday 22 november", date(2024, 11, 22)),
        ("we asked on 4 november and need it no later than 25 november", date(2024, 11, 25)),
        ("cob friday 15 november", date(2024, 11, 15)),
        ("the new day is thursday, 21 november", date(2024, 11, 21)),
        ("send it today", TUESDAY),
        ("by 31 november", None),
        ("since 3 november nothing happened", None),
        ("the agreement dated 3 march 2021", None),
        ("nothing is said here", None),
    ],
)
def test_the_day_a_phrase_means(text: str, day: date | None) -> None:
    assert due_date(text, TUESDAY) == day


@given(st.text(max_size=200), st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_no_text_raises(text: str, sent: date) -> None:
    due_date(f"by {text.lower()}", sent)
