"""The day a sentence of a message names as due."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date, timedelta

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
_DAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_DAYS |= {name.lower(): number for number, name in enumerate(calendar.day_abbr)} | {"tues": 1, "thur": 3, "thurs": 3}
_NUMBERS = {
    "a": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "seven": 7,
    "ten": 10,
    "fourteen": 14,
    "thirty": 30,
}

_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (?P<year>20\d\d))?"
_WEEKDAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
_BINDING = re.compile(
    r"(?:by|before|until|till|no later than|not later than|latest|due|deadline|at the latest|promised"
    r"|target|cob|eod"
    r"|close of business|end of|within|in|tomorrow|expected)\b"
)
_BARE_TODAY = re.compile(r"to(?:day|night)\Z")
_DATED_WEEKDAYS = (
    re.compile(rf"\b{_WEEKDAY},? (?:the )?{_DAY}(?: of)? {_MONTH}\b{_YEAR}"),
    re.compile(rf"\b{_WEEKDAY},? (?:the )?{_MONTH} {_DAY}\b{_YEAR}"),
)
_CUE = (
    r"\b(?:by|before|until|till|cob|eod|close of business|end of (?:the )?day|this|next|coming"
    r"|no later than|not later than|latest|due|due on|deadline(?: is| of| was)?|on"
    r"|at the latest|expected|promised(?: for)?|target(?:ing)?|for|expires?|ends?)"
    r"(?: (?:the|close|cob|eod|end|on|of|business|noon|midday|5 ?pm|this|coming|is|it|us|now|in|at|:"
    r"|-))*[ :]*(?P<week>next |this |coming )?(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?"
    r"|sun)(?:day)?,? (?:the )?(?=\d|[a-z]+ \d))?"
)

_PAST_AFTER = 60
"""Days: a day and month further back than this mean next year's."""


def due_date(flat: str, sent: date) -> date | None:
    """The day ``flat`` (a flattened sentence sent on ``sent``) names as due.

    A day after a word like "by" or "due" before one that is only mentioned, a day to come before one gone by, and any
    of them before a bare "today"; of equals the first.
    """
    found = [
        (bool(_BARE_TODAY.match(match[0])), day < sent, not _BINDING.match(match[0]), match.start(), day)
        for pattern, read in _READERS
        for match in pattern.finditer(flat)
        if (day := _valid(read, match, sent)) is not None
    ]
    return min(found)[-1] if found else _dated_weekday(flat, sent)


def _dated_weekday(flat: str, sent: date) -> date | None:
    """A day to come given as weekday and date, whatever stands before it."""
    days = (_valid(_month_day, match, sent) for pattern in _DATED_WEEKDAYS for match in pattern.finditer(flat))
    return min((day for day in days if day is not None and day > sent), default=None)


def _valid(read: Callable[[re.Match[str], date], date], match: re.Match[str], sent: date) -> date | None:
    try:
        return read(match, sent)
    except ValueError:
        return None


def _month_day(match: re.Match[str], sent: date) -> date:
    day, month = int(match["day"]), _MONTHS[match["month"]]
    if match["year"]:
        return date(int(match["year"]), month, day)
    this_year = date(sent.year, month, day)
    return this_year if (sent - this_year).days <= _PAST_AFTER else date(sent.year + 1, month, day)


def _iso(match: re.Match[str], _sent: date) -> date:
    return date.fromisoformat(match["iso"])


def _weekday(match: re.Match[str], sent: date) -> date:
    ahead = (_DAYS[match["weekday"]] - sent.weekday()) % 7 or 7
    if (match["week"] or "").strip() == "next" and sent.weekday() + ahead < 7:
        ahead += 7
    return sent + timedelta(days=ahead)


def _relative(match: re.Match[str], sent: date) -> date:
    word = match["relative"]
    if word.startswith("tomorrow"):
        return sent + timedelta(days=1)
    if "next week" in word:
        return sent + timedelta(days=4 - sent.weekday() + 7)
    if "week" in word:
        return sent + timedelta(days=(4 - sent.weekday()) % 7)
    if "month" in word:
        return sent.replace(day=calendar.monthrange(sent.year, sent.month)[1])
    return sent


def _month_end(match: re.Match[str], sent: date) -> date:
    month = _MONTHS[match["month"]]
    year = sent.year + (month < sent.month)
    return date(year, month, calendar.monthrange(year, month)[1])


def _within(match: re.Match[str], sent: date) -> date:
    count = int(match["count"]) if match["count"].isdigit() else _NUMBERS[match["count"]]
    if match["unit"].startswith("week"):
        return sent + timedelta(weeks=count)
    if match["unit"].startswith("hour"):
        return sent + timedelta(days=-(-count // 24))
    if not match["business"]:
        return sent + timedelta(days=count)
    day = sent
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], date]], ...] = (
    (re.compile(rf"{_CUE}{_DAY}(?: of)? {_MONTH}\b{_YEAR}"), _month_day),
    (re.compile(rf"{_CUE}{_MONTH} {_DAY}\b{_YEAR}"), _month_day),
    (re.compile(rf"{_CUE}(?P<iso>20\d\d-\d\d-\d\d)\b"), _iso),
    (
        re.compile(
            rf"{_CUE}(?P<weekday>{'|'.join(sorted(_DAYS, key=len, reverse=True))})\b(?!,? (?:the )?\d"
            rf"|,? [a-z]+ \d)"
        ),
        _weekday,
    ),
    (
        re.compile(
            r"\b(?P<relative>tomorrow|today|tonight|cob|eod|close of business|end of (?:the |this |next )?(?:day"
            r"|week|month)|(?:by|before) (?:the end of )?next week)\b"
            r"(?! (?:mon|tue|wed|thu|fri|on|tomorrow|next|\d))"
        ),
        _relative,
    ),
    (re.compile(rf"\bend[ -]of[ -](?:the month of )?{_MONTH}\b"), _month_end),
    (
        re.compile(
            rf"\b(?:within|in) (?:the next )?(?P<count>\d{{1,2}}|{'|'.join(_NUMBERS)}) (?P<business>business "
            rf"|working )?(?P<unit>days?|weeks?|hours?)\b"
        ),
        _within,
    ),
)
