"""A weekly report as Markdown and as a page: a brief's layout, with the week's own comparison of tones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dealpulse.processors import brief_html
from dealpulse.processors.brief_facts import MOST_NAMES, Direction, Temperature, WeekTone
from dealpulse.processors.brief_markdown import Layout, Written, counted, escaped, long_date, signed
from dealpulse.processors.report_week import WeekFacts

_BYLINE: Final = "Counted by a program; no model wrote any of it."
_SINCE: Final = "In these seven days"


def markdown(told: WeekFacts, written: Written) -> str:
    """The whole report."""
    return _WeekLayout(written, told=told).text()


def html(told: WeekFacts, written: Written) -> str:
    """The whole page."""
    return brief_html.page(
        written,
        "weekly.html",
        kind="Weekly report",
        when=_when(told),
        since=_SINCE,
        byline=_BYLINE,
        tones=told.tones,
    )


@dataclass(frozen=True, kw_only=True)
class _WeekLayout(Layout):
    told: WeekFacts

    def _title(self) -> str:
        return f"weekly report, {_when(self.told)}"

    def _byline(self) -> str:
        return _BYLINE

    def _since(self) -> str:
        return _SINCE

    def _temperature(self, temperature: Temperature) -> Iterator[str]:
        yield "## E-mail temperature, this week and the week before"
        yield ""
        if not self.told.tones:
            yield "No e-mail of this week has been judged."
        for tone in self.told.tones[:MOST_NAMES]:
            yield f"- {_tone(tone)}"
        if len(self.told.tones) > MOST_NAMES:
            yield f"- and {len(self.told.tones) - MOST_NAMES} more"
        yield ""


def _tone(tone: WeekTone) -> str:
    before = "none the week before" if tone.earlier is None else f"{signed(tone.earlier)} the week before"
    way = "" if tone.direction is Direction.unknown else f": {tone.direction.value}"
    return f"**{escaped(tone.name)}** {signed(tone.score)}, {before}{way} ({counted(tone.emails, 'e-mail')})"


def _when(told: WeekFacts) -> str:
    return f"{long_date(told.week.first)} to {long_date(told.week.last)}"
