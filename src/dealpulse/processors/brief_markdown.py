"""A brief as Markdown: what changed, what could break the deal, what holds it up, and what was not looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from dealpulse.models import BriefStatus, EngineName, Origin, Severity
from dealpulse.processors.brief_facts import BriefBlocker, BriefFacts, BriefRisk, CitedPage, Temperature

_SEVERITY_TITLES: Final = {
    Severity.P0: "P0 · could break the deal",
    Severity.P1: "P1 · to be solved before close",
    Severity.P2: "P2 · manageable",
    Severity.P3: "P3 · monitor",
}
_MAX_QUOTE: Final = 300
_MAX_CITATIONS: Final = 5
_ACTIVE_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>#|])")


def render(facts: BriefFacts, *, headline: str, summary: str, status: BriefStatus, origin: Origin) -> str:
    """The whole brief. Text of others (quotes, names, the model's prose) is escaped: it cannot add markup."""
    return "\n".join(_lines(facts, headline, summary, status, origin)).rstrip() + "\n"


def _lines(facts: BriefFacts, headline: str, summary: str, status: BriefStatus, origin: Origin) -> Iterator[str]:
    yield f"# {_plain(facts.deal)}: daily brief, {facts.brief_date:%A} {facts.brief_date.day} {facts.brief_date:%B %Y}"
    yield ""
    yield f"**{_plain(headline)}**"
    yield ""
    yield _plain(summary)
    yield ""
    yield f"*{_who(origin)}*"
    yield ""
    if status is BriefStatus.partial:
        yield "> **Partial.** Not everything could be looked at; see the end of this brief."
        yield ""
    yield from _changes(facts)
    yield from _risks(facts.risks)
    yield from _blockers(facts.blockers)
    yield from _mood(facts.temperature)
    yield from _inventory(facts)


def _who(origin: Origin) -> str:
    if origin.engine is EngineName.local:
        return (
            "Written by the offline engine (patterns, no language model): confidence low. "
            "Set ANTHROPIC_API_KEY for an analysis by Claude."
        )
    return f"Written by {origin.model}."


def _changes(facts: BriefFacts) -> Iterator[str]:
    if facts.first:
        return
    yield "## Since the last brief"
    yield ""
    new = [risk for risk in facts.risks if risk.is_new]
    for risk in new:
        yield f"- **New** ({risk.severity.value}): {_plain(risk.title)}"
    for title in facts.resolved:
        yield f"- **No longer stated**: {_plain(title)}"
    if not new and not facts.resolved:
        yield "- No risk came or went."
    yield ""


def _risks(risks: Sequence[BriefRisk]) -> Iterator[str]:
    yield "## Risks"
    yield ""
    if not risks:
        yield "No verified risk was found in what has been read."
        yield ""
    for severity, title in _SEVERITY_TITLES.items():
        of_this = [risk for risk in risks if risk.severity is severity]
        if not of_this:
            continue
        yield f"### {title}"
        yield ""
        for risk in of_this:
            kind = f"{risk.category.replace('_', ' ')}; {risk.action}"
            yield f"- **{_plain(risk.title)}** ({kind}). {_plain(risk.explanation)}"
            for citation in risk.citations[:_MAX_CITATIONS]:
                yield f"  - {_cited(citation)}"
            if len(risk.citations) > _MAX_CITATIONS:
                yield f"  - and {len(risk.citations) - _MAX_CITATIONS} further places"
        yield ""


def _cited(citation: CitedPage) -> str:
    name = _plain(citation.document)
    place = name if citation.page is None else f"{name}, p. {citation.page}"
    if citation.link:
        place = f"[{place}](<{citation.link}>)"
    return f"{place}: “{_plain(_shortened(citation.quote))}”"


def _blockers(blockers: Sequence[BriefBlocker]) -> Iterator[str]:
    yield "## Blockers"
    yield ""
    if not blockers:
        yield "No open blocker was found in the e-mails that have been read."
    for blocker in blockers:
        due = "no due date given"
        if blocker.due_date is not None:
            due = f"due {blocker.due_date.isoformat()}" + (", **overdue**" if blocker.overdue else "")
        days = "1 day" if blocker.days_stalled == 1 else f"{blocker.days_stalled} days"
        yield (
            f"- **{_plain(blocker.title)}** · {_plain(blocker.owner or 'no owner named')} · {due} · stalled {days}. "
            f"Next: {_plain(blocker.next_action)}"
        )
        yield f"  - {_plain(blocker.email) or 'e-mail without a subject'}: “{_plain(_shortened(blocker.quote))}”"
    yield ""


def _mood(temperature: Temperature) -> Iterator[str]:
    yield "## E-mail temperature"
    yield ""
    if temperature.recent is None:
        yield "No e-mail has been judged yet."
    else:
        line = f"{_signed(temperature.recent)} over the latest seven days of mail"
        if temperature.earlier is not None:
            line += f", {_signed(temperature.earlier)} before: {temperature.direction.value}"
        yield f"{line} ({temperature.emails} e-mails; scale -1 to +1)."
    yield ""


def _inventory(facts: BriefFacts) -> Iterator[str]:
    yield "## What was looked at"
    yield ""
    yield f"- {facts.documents} documents received, {facts.analysed} analysed; {facts.emails} e-mails."
    if facts.unverified:
        yield f"- {facts.unverified} findings were left out: their quotes do not stand in the documents."
    for item in facts.unread:
        yield f"- **Not readable:** {_plain(item.name)}: {_plain(item.reason)}"
    for name in facts.pending:
        yield f"- **Still being read:** {_plain(name)}"
    yield ""
    if facts.gaps:
        yield "## Gaps"
        yield ""
        for gap in facts.gaps:
            yield f"- {gap}"
        yield ""


def _plain(text: str) -> str:
    return _ACTIVE_MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _shortened(quote: str) -> str:
    flat = " ".join(quote.split())
    return flat if len(flat) <= _MAX_QUOTE else flat[: _MAX_QUOTE - 1].rstrip() + "…"


def _signed(score: float) -> str:
    return f"{score:+.2f}"
