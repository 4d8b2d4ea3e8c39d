"""A brief as Markdown: what changed, what could break the deal, what holds it up, and what was not looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from msgspec import Struct, ValidationError, convert

from dealpulse.errors import Permanent
from dealpulse.models import Brief, BriefStatus, EngineName, Origin, Severity
from dealpulse.processors import brief_prose
from dealpulse.processors.brief_evidence import MOST_CITATIONS, evidence
from dealpulse.processors.brief_facts import (
    MOST_NAMES,
    SERIOUS,
    BriefBlocker,
    BriefFacts,
    BriefRisk,
    Cited,
    Party,
    Temperature,
)

SEVERITY_TITLES: Final = {
    Severity.P0: "P0 · could break the deal",
    Severity.P1: "P1 · to be solved before close",
    Severity.P2: "P2 · manageable",
    Severity.P3: "P3 · monitor",
}
_SHORT: Final = {"hr": "HR", "ip": "IP", "it": "IT", "mfn": "MFN", "mac": "MAC", "esg": "ESG"}
_MAX_QUOTE: Final = 300
_ACTIVE_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>#|~])")
_BARE_ADDRESS: Final = re.compile(r"\b(https?|ftp|mailto|www)([:.])", re.IGNORECASE)
"""What many readers of Markdown make a link of, though nobody marked it as one."""


class _Prose(Struct, frozen=True):
    headline: str
    summary: str
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Written:
    """A brief before it is laid out: its facts, and the prose that opens it."""

    facts: BriefFacts
    headline: str
    summary: str
    note: str | None
    """Why the offline engine wrote the prose although a model was to; None otherwise."""
    status: BriefStatus
    origin: Origin
    """Of the prose."""

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """Why the brief is partial."""
        return (*self.facts.shortcomings, *((self.note,) if self.note else ()))


def written_of(brief: Brief) -> Written:
    """A stored brief as it was before it was laid out. Raises Permanent for one another version wrote."""
    try:
        prose = convert(brief.content, _Prose, strict=False)
        facts = convert(brief.content, BriefFacts, strict=False)
    except ValidationError as error:
        raise Permanent("Another version wrote this brief; have it written again.", code="other_version") from error
    return Written(
        facts=facts,
        headline=prose.headline,
        summary=prose.summary,
        note=prose.note,
        status=brief.status,
        origin=brief.origin,
    )


def render(written: Written, *, evidence_at: str | None = None) -> str:
    """The whole brief. Text of others (quotes, names, the model's prose) is escaped: it cannot add markup.

    ``evidence_at`` is the address of the brief's HTML: each citation then also leads to its evidence there.
    """
    return Layout(written, evidence_at).text()


def who_wrote(written: Written) -> str:
    if written.origin.engine is EngineName.local:
        told = "Written by the offline engine (patterns, no language model): confidence low."
        return told if written.note else f"{told} Set ANTHROPIC_API_KEY for an analysis by Claude."
    return f"Opening written by {written.origin.model} from counted facts; the rest is laid out by a program."


def who_read(facts: BriefFacts) -> Iterator[str]:
    for reader in facts.readers:
        name = f"the offline engine ({reader.model})" if reader.engine is EngineName.local else reader.model
        yield f"{counted(reader.documents, 'document')} and {counted(reader.emails, 'e-mail')} analysed by {name}"


def is_news(facts: BriefFacts) -> bool:
    """Whether anything is different from the brief before this one."""
    changed = any(risk.is_new or risk.changes for risk in facts.risks) or any(one.is_new for one in facts.blockers)
    return changed or bool(facts.resolved or facts.settled or facts.received or facts.gone)


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def due(blocker: BriefBlocker) -> str:
    return "no due date given" if blocker.due_date is None else f"due {blocker.due_date.isoformat()}"


def spoken(word: str) -> str:
    """An enum's word as people say it."""
    return " ".join(_SHORT.get(part, part) for part in word.split("_"))


def long_date(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def signed(score: float) -> str:
    return f"{score:+.2f}"


@dataclass(frozen=True)
class Layout:
    """A brief's page from top to bottom. What a report lays out in its own way, it overrides."""

    written: Written
    evidence_at: str | None = None

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines()).rstrip() + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"# {_plain(self.written.facts.deal)}: {self._title()}"
        yield ""
        yield f"**{_plain(brief_prose.plain(self.written.headline))}**"
        yield ""
        yield "".join(self._summary())
        yield ""
        yield f"*{_plain(self._byline())}*"
        yield ""
        if self.written.status is BriefStatus.partial:
            yield f"> **Partial.** {_plain(' '.join(self.written.shortcomings))} See the end of this brief."
            yield ""
        yield from self._changes()
        yield from self._risks("Risks", SERIOUS)
        yield from self._blockers()
        yield from self._temperature(self.written.facts.temperature)
        yield from self._risks("Further risks", (Severity.P2, Severity.P3))
        yield from self._gaps()
        yield from self._inventory()

    # --- parts of the page, from the top ---

    def _title(self) -> str:
        return f"daily brief, {long_date(self.written.facts.brief_date)}"

    def _byline(self) -> str:
        return who_wrote(self.written)

    def _since(self) -> str:
        return f"Since the last brief ({self.written.facts.earlier_date})"

    def _summary(self) -> Iterator[str]:
        cited = {one.number: one for one in evidence(self.written.facts)}
        for text, number in brief_prose.parts(self.written.summary):
            space = " " if text[:1].isspace() else ""
            yield f"{space}{_plain(text)}{self._reference(cited.get(number))}"

    def _changes(self) -> Iterator[str]:
        facts = self.written.facts
        if facts.first:
            return
        yield f"## {self._since()}"
        yield ""
        told = [*self._changed_risks(), *self._changed_blockers()]
        if facts.received:
            told.append(f"- **Received:** {_listed(facts.received)}")
        if facts.gone:
            told.append(f"- **Gone from the source:** {_listed(facts.gone)}")
        yield from told or ["- Nothing came, changed or went."]
        yield ""

    def _changed_risks(self) -> Iterator[str]:
        for risk in self.written.facts.risks:
            if risk.is_new:
                yield f"- **New** ({risk.severity.value}): {_plain(risk.title)}{self._reference(risk.citations[0])}"
            elif risk.changes:
                changes = _plain("; ".join(risk.changes))
                title = f"{_plain(risk.title)}{self._reference(risk.citations[0])}"
                yield f"- **Changed** ({risk.severity.value}): {title}: {changes}"
        for ended in self.written.facts.resolved:
            severity = f" ({ended.severity.value})" if ended.severity else ""
            yield f"- **No longer open**{severity}: {_plain(ended.title)}. {ended.reason}"

    def _changed_blockers(self) -> Iterator[str]:
        for blocker in self.written.facts.blockers:
            if blocker.is_new:
                yield f"- **New blocker:** {_plain(blocker.title)}{self._reference(blocker.citation)}"
        for ended in self.written.facts.settled:
            cited = self._reference(ended.citation) if ended.citation else ""
            yield f"- **Blocker gone:** {_plain(ended.title)}. {ended.reason}{cited}"

    def _risks(self, heading: str, severities: Sequence[Severity]) -> Iterator[str]:
        facts = self.written.facts
        if not facts.of_severity(*severities):
            if severities is SERIOUS:
                yield f"## {heading}"
                yield ""
                yield "No verified P0 or P1 risk was found in what has been read."
                yield ""
            return
        yield f"## {heading}"
        yield ""
        for severity in severities:
            if not (risks := [risk for risk in facts.shown_risks if risk.severity is severity]):
                continue
            yield f"### {SEVERITY_TITLES[severity]}"
            yield ""
            for risk in risks:
                yield from self._risk(risk)
            yield ""
        if severities is not SERIOUS and (left := len(facts.risks) - len(facts.shown_risks)):
            yield f"And {counted(left, 'further risk')}, in the brief's JSON."
            yield ""

    def _risk(self, risk: BriefRisk) -> Iterator[str]:
        kind = f"{spoken(risk.category)}; {risk.action}"
        yield f"- **{_plain(risk.title)}** ({kind}). {_plain(risk.explanation)}"
        for citation in risk.citations[:MOST_CITATIONS]:
            yield f"  - {self._citation(citation)}"
        if len(risk.citations) > MOST_CITATIONS:
            yield f"  - and {counted(len(risk.citations) - MOST_CITATIONS, 'further place')}"

    def _blockers(self) -> Iterator[str]:
        yield "## Blockers"
        yield ""
        if not self.written.facts.blockers:
            yield "No open blocker was found in the e-mails that have been read."
        for blocker in self.written.facts.blockers:
            late = ", **overdue**" if blocker.overdue else ""
            yield (
                f"- **{_plain(blocker.title)}** · {_plain(blocker.owner or 'no owner named')} · {due(blocker)}{late} · "
                f"stalled {counted(blocker.days_stalled, 'day')}. Next: {_plain(blocker.next_action)}"
            )
            yield f"  - {self._citation(blocker.citation)}"
        yield ""

    def _temperature(self, temperature: Temperature) -> Iterator[str]:
        yield "## E-mail temperature"
        yield ""
        if temperature.recent is None:
            yield "No e-mail has been judged yet."
            yield ""
            return
        line = f"{signed(temperature.recent)} over the latest seven days of mail"
        if temperature.earlier is not None:
            line += f", {signed(temperature.earlier)} before: **{temperature.direction.value}**"
        yield f"{line} ({counted(temperature.emails, 'e-mail')}; scale -1 to +1). By who writes, coldest first:"
        yield ""
        for party in temperature.parties[:MOST_NAMES]:
            yield self._party(party)
        if len(temperature.parties) > MOST_NAMES:
            yield f"- and {len(temperature.parties) - MOST_NAMES} more"
        yield ""

    def _party(self, party: Party) -> str:
        before = "" if party.earlier is None else f", {signed(party.earlier)} before"
        way = "" if party.direction.value == "unknown" else f": {party.direction.value}"
        return (
            f"- **{_plain(party.name)}** {signed(party.recent)}{before}{way} "
            f"({counted(party.emails, 'e-mail')}, last {party.last_on}; coldest{self._reference(party.coldest)})"
        )

    def _gaps(self) -> Iterator[str]:
        if not self.written.facts.gaps:
            return
        yield "## Gaps, and what to ask for"
        yield ""
        for gap in self.written.facts.gaps:
            yield f"- Nothing on **{spoken(gap.workstream.value)}** was found. {gap.request}"
        yield ""

    def _inventory(self) -> Iterator[str]:
        facts = self.written.facts
        yield "## What was looked at"
        yield ""
        yield (
            f"- {counted(facts.documents, 'document')} received, {facts.analysed} analysed; "
            f"{counted(facts.emails, 'e-mail')}."
        )
        for told in who_read(facts):
            yield f"- {_plain(told)}."
        if facts.unverified:
            yield f"- {counted(facts.unverified, 'finding')} left out: the quotes do not stand in the documents."
        yield from _each("Not readable", [f"{one.name}: {one.reason} {one.advice}" for one in facts.unread])
        yield from _each("Still being worked on", facts.pending)
        yield from _each("Not looked at", [f"{one.name}: {one.reason}" for one in facts.not_looked_at])
        faint = [f"{page.document}, p. {page.page} ({page.confidence:.0%} sure)" for page in facts.faint]
        yield from _each("Scan hard to read, check it yourself", faint)
        yield ""

    # --- citations ---

    def _citation(self, cited: Cited) -> str:
        place = _plain(f"{cited.name}, {cited.place}" if cited.place else cited.name)
        first, second = cited.viewer or cited.link, cited.link if cited.viewer else None
        place = f"[{place}](<{first}>)" if first else place
        original = f" ([original](<{second}>))" if second else ""
        return f"{self._reference(cited).lstrip()} {place}{original}: “{_plain(_shortened(cited.quote))}”".lstrip()

    def _reference(self, cited: Cited | None) -> str:
        """The number of the evidence, as a link to the best place to see it."""
        if cited is None or cited.number is None:
            return ""
        target = f"{self.evidence_at}#evidence-{cited.number}" if self.evidence_at else cited.viewer or cited.link
        label = f"\\[{cited.number}\\]"
        return f" [{label}](<{target}>)" if target else f" {label}"


def _each(what: str, names: Sequence[str]) -> Iterator[str]:
    for name in names[:MOST_NAMES]:
        yield f"- **{what}:** {_plain(name)}"
    if len(names) > MOST_NAMES:
        yield f"- **{what}:** and {len(names) - MOST_NAMES} more"


def _listed(names: Iterable[str]) -> str:
    told = [_plain(name) for name in names]
    more = f" and {len(told) - MOST_NAMES} more" if len(told) > MOST_NAMES else ""
    return f"{'; '.join(told[:MOST_NAMES])}{more}"


def _plain(text: str) -> str:
    """The text on one line, with nothing in it that Markdown would act on; a bare address stays text."""
    escaped = _ACTIVE_MARKDOWN.sub(r"\\\1", " ".join(text.split()))
    return _BARE_ADDRESS.sub(r"\1\\\2", escaped)


escaped: Final = _plain
"""For layouts that extend this one."""


def _shortened(quote: str) -> str:
    flat = " ".join(quote.split())
    return flat if len(flat) <= _MAX_QUOTE else flat[: _MAX_QUOTE - 1].rstrip() + "…"
