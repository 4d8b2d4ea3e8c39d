"""A brief's opening prose, composed from its facts: what changed, what is worst, who is waited for."""

from __future__ import annotations

from collections.abc import Iterable

from dealpulse.processors.brief_facts import SERIOUS, BriefFacts, BriefRisk, Cited, Direction
from dealpulse.processors.operations.schemas import BriefAnswer

_MOOD = {
    Direction.warming: "The tone of the e-mails is warming",
    Direction.cooling: "The tone of the e-mails is cooling",
    Direction.steady: "The tone of the e-mails is steady",
}


def brief(facts: BriefFacts) -> BriefAnswer:
    sentences = (_changes(facts), _risks(facts), _blockers(facts), _mood(facts), _room(facts))
    return BriefAnswer(headline=_headline(facts), summary=" ".join(sentence for sentence in sentences if sentence))


def _headline(facts: BriefFacts) -> str:
    serious = len(facts.of_severity(*SERIOUS))
    risks = _count(serious, "serious risk") if serious else "no serious risk"
    return f"{facts.deal}: {risks}, {_count(len(facts.blockers), 'open blocker')}"


def _changes(facts: BriefFacts) -> str:
    if facts.first:
        return (
            f"This is the first brief, on {_count(facts.documents, 'document')} and {_count(facts.emails, 'e-mail')}."
        )
    new = [risk for risk in facts.risks if risk.is_new]
    changed = [risk for risk in facts.risks if risk.changes]
    gone = [ended.title for ended in facts.resolved]
    if not (new or changed or gone):
        return "No risk is new, changed or gone since the last brief."
    told = [f"{len(new)} new ({_risks_listed(new)})"] if new else []
    told += [f"{len(changed)} changed ({_risks_listed(changed)})"] if changed else []
    told += [f"{len(gone)} no longer open ({_listed(gone)})"] if gone else []
    return f"Risks since the last brief: {', '.join(told)}."


def _risks(facts: BriefFacts) -> str:
    if not facts.risks:
        return "No verified risk is open."
    severity = facts.risks[0].severity
    worst = _risks_listed(facts.of_severity(severity))
    verb = "is" if len(facts.risks) == 1 else "are"
    return f"{_count(len(facts.risks), 'verified risk')} {verb} open; the most serious ({severity}): {worst}."


def _blockers(facts: BriefFacts) -> str:
    if not facts.blockers:
        return "No e-mail tells of anything that holds the deal up."
    longest = facts.blockers[0]
    owner = f"owner {longest.owner}" if longest.owner else "owner unknown"
    due = f", due {longest.due_date.isoformat()}" if longest.due_date else ""
    late = sum(blocker.overdue for blocker in facts.blockers)
    overdue = f"; {late} of {len(facts.blockers)} past the due date" if late else ""
    days = _count(longest.days_stalled, "day")
    cited = _reference(longest.citation)
    return f"Longest open blocker: “{longest.title}”{cited}, {days}, {owner}{due}{overdue}."


def _mood(facts: BriefFacts) -> str:
    tone = _MOOD.get(facts.temperature.direction)
    if tone is None:
        return ""
    cooling = [party for party in facts.temperature.parties if party.direction is Direction.cooling]
    if facts.temperature.direction is not Direction.cooling or not cooling:
        return f"{tone}."
    return f"{tone}, most of all at {cooling[0].name}{_reference(cooling[0].coldest)}."


def _room(facts: BriefFacts) -> str:
    parts = [f"{len(facts.unread)} could not be read or analysed"] if facts.unread else []
    parts += [f"{len(facts.pending)} still being worked on"] if facts.pending else []
    parts += [f"{len(facts.not_looked_at)} not looked at"] if facts.not_looked_at else []
    parts += [f"{_count(len(facts.gaps), 'workstream')} without any document"] if facts.gaps else []
    return f"Of the data room: {', '.join(parts)}." if parts else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _reference(cited: Cited) -> str:
    return f" [{cited.number}]" if cited.number else ""


def _risks_listed(risks: Iterable[BriefRisk]) -> str:
    return _listed(f"{risk.title.rstrip('.')}{_reference(risk.citations[0])}" for risk in risks)


def _listed(items: Iterable[str], most: int = 2) -> str:
    told = [item.rstrip(".") for item in items]
    more = f" and {len(told) - most} more" if len(told) > most else ""
    return "; ".join(told[:most]) + more
