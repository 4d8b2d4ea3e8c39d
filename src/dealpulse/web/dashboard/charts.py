"""Charts as SVG, drawn here: no script, no style attribute, and in the colours of whichever theme the page has.

Each says in words what it shows (``<title>``), and values of a point are told where the pointer rests on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

_WIDTH: Final = 560
_HEIGHT: Final = 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 20, 10, 24
_SPARK_WIDTH: Final = 180
_SPARK_HEIGHT: Final = 36
_GRID_LINES: Final = 4
_DURATIONS: Final = (1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000, 360_000_000, 3_600_000_000)
"""Milliseconds that an axis of durations has marks at."""
_TICKS: Final = 6


@dataclass(frozen=True)
class Line:
    """One series; None is where nothing is known. ``tone`` is a class of the style sheet."""

    name: str
    values: Sequence[float | None]
    tone: str


def gauge(share: float, said: str) -> Markup:
    """How much of something is in use, 0 to 1, as a bar."""
    width = round(100 * min(max(share, 0.0), 1.0), 1)
    tone = "bad" if share >= 0.95 else "good"
    return Markup(
        '<svg class="gauge" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{said}">'
        '<title>{said}</title><rect class="track" width="100" height="6" rx="3"/>'
        '<rect class="fill {tone}" width="{width}" height="6" rx="3"/></svg>'
    ).format(said=said, width=width, tone=tone)


def sparkline(values: Sequence[float], said: str, *, bad: Sequence[float] = ()) -> Markup:
    """A bar a value, oldest first; ``bad`` is what of each is drawn as such."""
    highest = max([*values, 1.0])
    step = _SPARK_WIDTH / max(len(values), 1)
    bars = [_spark(number * step, step, value / highest, "bar") for number, value in enumerate(values) if value]
    bars += [_spark(number * step, step, value / highest, "bar bad") for number, value in enumerate(bad) if value]
    return Markup(
        '<svg class="spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" aria-label="{said}">'
        "<title>{said}</title>{bars}</svg>"
    ).format(width=_SPARK_WIDTH, height=_SPARK_HEIGHT, said=said, bars=Markup("").join(bars))


def _spark(left: float, step: float, share: float, tone: str) -> Markup:
    height = max(1.0, share * _SPARK_HEIGHT)
    return Markup('<rect class="{tone}" x="{x}" y="{y}" width="{width}" height="{height}"/>').format(
        tone=tone,
        x=round(left, 1),
        y=round(_SPARK_HEIGHT - height, 1),
        width=round(step * 0.8, 2),
        height=round(height, 1),
    )


def lines(series: Sequence[Line], times: Sequence[datetime], *, said: str, unit: str = "", zone: str = "UTC") -> Markup:
    """Lines over time. ``unit``: ``ms`` gives an axis of durations, logarithmic: a wait may be 2 ms or an hour."""
    known = [value for line in series for value in line.values if value is not None]
    scale = _Scale.of(known, logarithmic=unit == "ms")
    drawn = [_grid(scale, unit), _time_axis(times, zone)]
    drawn += [_line(line, scale, len(times)) for line in series]
    drawn += [_readings(series, times, unit, zone)]
    if not known:
        drawn.append(
            Markup('<text class="none" x="{x}" y="{y}">Nothing in this time</text>').format(
                x=_WIDTH // 2, y=_HEIGHT // 2
            )
        )
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{said}"><title>{said}</title>'
        "{drawn}</svg>"
    ).format(width=_WIDTH, height=_HEIGHT, said=said, drawn=Markup("").join(drawn))


@dataclass(frozen=True)
class _Scale:
    """Values to heights."""

    highest: float
    logarithmic: bool

    @classmethod
    def of(cls, values: Sequence[float], *, logarithmic: bool) -> _Scale:
        highest = max([*values, 1.0])
        if logarithmic:
            return cls(next((mark for mark in _DURATIONS[1:] if mark >= highest), _DURATIONS[-1]), logarithmic)
        return cls(_round(highest), logarithmic)

    @property
    def marks(self) -> list[float]:
        if self.logarithmic:
            return [mark for mark in _DURATIONS if mark <= self.highest]
        return [self.highest * number / _GRID_LINES for number in range(_GRID_LINES + 1)]

    def y(self, value: float) -> float:
        share = math.log10(max(value, 1)) / math.log10(self.highest) if self.logarithmic else value / self.highest
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _round(value: float) -> float:
    """The next number that divides well into four."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(4.0, next(step * power for step in (1, 2, 4, 8, 10, 20) if step * power >= value))


def _x(number: int, of: int) -> float:
    return round(_LEFT + number * (_WIDTH - _LEFT - _RIGHT) / max(of - 1, 1), 1)


def _text(tone: str, x: float, y: float, told: str) -> Markup:
    return Markup('<text class="{tone}" x="{x}" y="{y}">{told}</text>').format(tone=tone, x=x, y=y, told=told)


def _grid(scale: _Scale, unit: str) -> Markup:
    drawn = Markup("")
    for mark in scale.marks:
        y = scale.y(mark)
        drawn += Markup('<path class="grid" d="M{left} {y}H{right}"/>').format(left=_LEFT, y=y, right=_WIDTH - _RIGHT)
        drawn += _text("axis", _LEFT - 6, y + 4, _told(mark, unit))
    return drawn


def _time_axis(times: Sequence[datetime], zone: str) -> Markup:
    if not times:
        return Markup("")
    form = "%d %b" if (times[-1] - times[0]).days >= 2 else "%H:%M"
    numbers = sorted({round(part * (len(times) - 1) / _TICKS) for part in range(_TICKS + 1)})
    return Markup("").join(
        _text("time", _x(number, len(times)), _HEIGHT - 6, times[number].astimezone(ZoneInfo(zone)).strftime(form))
        for number in numbers
    )


def _line(line: Line, scale: _Scale, of: int) -> Markup:
    """A stretch for each run of known values: where nothing is known there is no line; one alone is a dot."""
    path, drawing = [], False
    for number, value in enumerate(line.values):
        if value is None:
            drawing = False
            continue
        path.append(f"{'L' if drawing else 'M'}{_x(number, of)} {scale.y(value)}" + ("" if drawing else "h.1"))
        drawing = True
    return Markup('<path class="line {tone}" d="{path}"/>').format(tone=line.tone, path="".join(path))


def _readings(series: Sequence[Line], times: Sequence[datetime], unit: str, zone: str) -> Markup:
    """Where the pointer rests, all values of that moment."""
    width = (_WIDTH - _LEFT - _RIGHT) / max(len(times), 1)
    drawn = []
    for number, moment in enumerate(times):
        values = [(line.name, line.values[number]) for line in series]
        if not any(value is not None for _, value in values):
            continue
        told = ", ".join(f"{name} {_told(value, unit)}" for name, value in values if value is not None)
        when = moment.astimezone(ZoneInfo(zone)).strftime("%d %b %H:%M")
        drawn.append(
            Markup(
                '<rect class="at" x="{x}" y="0" width="{width}" height="{height}"><title>{told}</title></rect>'
            ).format(
                x=round(_LEFT + number * width, 1),
                width=round(width, 1),
                height=_HEIGHT - _BOTTOM,
                told=f"{when}: {told}",
            )
        )
    return Markup("").join(drawn)


def _told(value: float, unit: str) -> str:
    if unit == "ms":
        for size, name in ((3_600_000, "h"), (60_000, "min"), (1_000, "s")):
            if value >= size:
                return f"{value / size:.3g} {name}"
        return f"{value:.0f} ms"
    if value >= 10_000:
        return f"{value / 1000:.3g}k"
    return f"{value:g}" if value == round(value) else f"{value:.3g}"


def legend(series: Sequence[Line]) -> Markup:
    return Markup('<ul class="legend">{entries}</ul>').format(
        entries=Markup("").join(
            Markup('<li class="{tone}">{name}</li>').format(tone=line.tone, name=escape(line.name)) for line in series
        )
    )
