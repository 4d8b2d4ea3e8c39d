"""A brief as one HTML page to read, print and send: no script, nothing from elsewhere, every quote in an appendix.

Everything is escaped by the template; the page's own policy forbids scripts, and any style but its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from dealpulse.models import BriefStatus, Severity
from dealpulse.processors import brief_prose
from dealpulse.processors.brief_evidence import MOST_CITATIONS, evidence
from dealpulse.processors.brief_facts import MOST_NAMES, SERIOUS, BriefFacts, BriefRisk, Cited, Week
from dealpulse.processors.brief_markdown import (
    SEVERITY_TITLES,
    Written,
    counted,
    is_news,
    long_date,
    signed,
    spoken,
    who_read,
    who_wrote,
)

_TEMPLATES: Final = resources.files("dealpulse.processors") / "templates"
_STYLE: Final = (_TEMPLATES / "brief.css").read_text(encoding="utf-8").strip()
_POLICY: Final = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
_CHART_WIDTH: Final = 320.0
_CHART_HEIGHT: Final = 110.0
_CHART_EDGE: Final = 8.0
_FEWEST_WEEKS: Final = 2

_pages = Environment(
    loader=PackageLoader("dealpulse.processors", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.globals.update(counted=counted, signed=signed, most_citations=MOST_CITATIONS, most_names=MOST_NAMES)
_pages.filters["words"] = spoken


@dataclass(frozen=True)
class _Point:
    """One week on the chart."""

    x: float
    y: float
    week: Week


@dataclass(frozen=True, kw_only=True)
class _Chart:
    """The temperature by week: the zero line at ``zero``, the line through ``points``."""

    width: float
    height: float
    zero: float
    points: Sequence[_Point]

    @property
    def line(self) -> str:
        return " ".join(f"{point.x:g},{point.y:g}" for point in self.points)


def render(written: Written) -> str:
    """The whole page."""
    facts = written.facts
    return page(
        written,
        "brief.html",
        kind="Daily brief",
        when=long_date(facts.brief_date),
        since=f"Since the brief of {facts.earlier_date}",
        byline=who_wrote(written),
    )


def page(written: Written, template: str, *, kind: str, when: str, since: str, byline: str, **more: object) -> str:
    """The page of ``template``, which is a brief's or extends it; ``more`` is what that shows besides."""
    facts = written.facts
    shown = evidence(facts)
    numbers = {cited.number for cited in shown}
    # The policy names the style by its digest: a style that came in with somebody's text would not be obeyed.
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return _pages.get_template(template).render(
        kind=kind,
        when=when,
        since=since,
        style=_STYLE,
        policy=_POLICY.format(digest),
        facts=facts,
        headline=brief_prose.plain(written.headline),
        summary=[(text, number if number in numbers else None) for text, number in brief_prose.parts(written.summary)],
        partial=written.status is BriefStatus.partial,
        shortcomings=written.shortcomings,
        byline=byline,
        who_read=list(who_read(facts)),
        serious=_by_severity(facts, SERIOUS),
        further=_by_severity(facts, (Severity.P2, Severity.P3)),
        not_shown=len(facts.risks) - len(facts.shown_risks),
        nothing_new=not is_news(facts),
        unread=[f"{one.name}: {one.reason} {one.advice}" for one in facts.unread],
        not_looked_at=[f"{one.name}: {one.reason}" for one in facts.not_looked_at],
        faint=[f"{page.document}, p. {page.page} ({page.confidence:.0%} sure)" for page in facts.faint],
        bars=_bars(facts),
        chart=_chart(facts.temperature.weeks),
        evidence=shown,
        origins=_origins(facts),
        **more,
    )


def _by_severity(facts: BriefFacts, severities: Sequence[Severity]) -> list[tuple[str, Sequence[BriefRisk]]]:
    """The heading and the risks of each severity that has any."""
    found = [
        (SEVERITY_TITLES[severity], [risk for risk in facts.shown_risks if risk.severity is severity])
        for severity in severities
    ]
    return [(title, risks) for title, risks in found if risks]


def _origins(facts: BriefFacts) -> dict[int, str]:
    """Where on the page each piece of evidence is cited first: the way back to it."""
    cited: list[tuple[Cited | None, str]] = [
        (citation, f"risk-{risk.fingerprint}") for risk in facts.risks for citation in risk.citations
    ]
    cited += [(blocker.citation, f"blocker-{blocker.fingerprint}") for blocker in facts.blockers]
    cited += [(ended.citation, "changes") for ended in facts.settled]
    cited += [(party.coldest, f"party-{row}") for row, party in enumerate(facts.temperature.parties, start=1)]
    origins: dict[int, str] = {}
    for citation, anchor in cited:
        if citation is not None and citation.number is not None:
            origins.setdefault(citation.number, anchor)
    return origins


def _bars(facts: BriefFacts) -> list[tuple[str, int, float]]:
    """Severity, how many, and how long its bar is (0..1)."""
    counts = {severity: len(facts.of_severity(severity)) for severity in Severity}
    most = max(counts.values()) or 1
    return [(severity.value, count, count / most) for severity, count in counts.items()]


def _chart(weeks: Sequence[Week]) -> _Chart | None:
    """Time runs to the right in proportion, -1..1 upwards; None where there is no course to draw."""
    if len(weeks) < _FEWEST_WEEKS:
        return None
    first, last = weeks[0].begins, weeks[-1].begins
    span = (last - first).days
    middle = _CHART_HEIGHT / 2

    def point(week: Week) -> _Point:
        along = (week.begins - first).days / span
        x = _CHART_EDGE + along * (_CHART_WIDTH - 2 * _CHART_EDGE)
        return _Point(round(x, 1), round(middle - week.score * (middle - _CHART_EDGE), 1), week)

    return _Chart(width=_CHART_WIDTH, height=_CHART_HEIGHT, zero=middle, points=[point(week) for week in weeks])
