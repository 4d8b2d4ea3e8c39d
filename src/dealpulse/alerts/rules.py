"""The rules: from facts to what is not as it should be. No I/O.

To add one: a member of :class:`Rule`, a function that yields its conditions, a line in ``_BY_QUEUE`` or ``_BY_STORE``,
its setting, and a row in ``docs/alerts.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from dealpulse.alerts.facts import FAILURE_MINUTES, SAME_FAILURE_HOURS, QueueFacts, StoreFacts
from dealpulse.queue.alert_book import Alert, Condition
from dealpulse.settings import AlertSettings

_FEWEST_ENDED: Final = 10
"""Of fewer jobs than this no failure rate is made."""
_DEALS_NAMED: Final = 20


class Rule(StrEnum):
    waiting = "waiting"
    oldest_waiting = "oldest_waiting"
    failure_rate = "failure_rate"
    same_failure = "same_failure"
    no_workers = "no_workers"
    missed_brief = "missed_brief"
    needs_consent = "needs_consent"
    budget_reached = "budget_reached"


class Severity(StrEnum):
    critical = "critical"
    """Work stands still, or people go without what they rely on."""
    warning = "warning"


_CRITICAL: Final = frozenset({Rule.no_workers, Rule.missed_brief})


class Told(Struct, frozen=True, kw_only=True):
    """What an alert says. Ids and numbers, no content: it is logged and leaves the house."""

    summary: str
    """One sentence."""
    subject: str
    """The queue, the deal or the source it is about."""
    severity: Severity
    deal_ids: tuple[str, ...] = ()


def told_of(alert: Alert) -> Told:
    return msgspec.json.decode(alert.told, type=Told)


def of_queues(queues: Sequence[QueueFacts], settings: AlertSettings) -> list[Condition]:
    return [found for facts in queues for rule in _BY_QUEUE.values() for found in rule(facts, settings)]


def of_store(facts: StoreFacts, settings: AlertSettings) -> list[Condition]:
    return [found for rule in _BY_STORE.values() for found in rule(facts, settings)]


def _waiting(facts: QueueFacts, settings: AlertSettings) -> Iterator[Condition]:
    if settings.waiting and facts.stats.waiting > settings.waiting and not facts.stats.paused:
        summary = f"{facts.stats.waiting} jobs wait on {facts.name}."
        yield _condition(Rule.waiting, facts.name, summary, hold=settings.waiting_seconds)


def _oldest_waiting(facts: QueueFacts, settings: AlertSettings) -> Iterator[Condition]:
    seconds = facts.stats.oldest_waiting_ms / 1000
    if 0 < settings.oldest_waiting_seconds < seconds and not facts.stats.paused:
        yield _condition(
            Rule.oldest_waiting, facts.name, f"A job has waited for {seconds / 60:.0f} min on {facts.name}."
        )


def _failure_rate(facts: QueueFacts, settings: AlertSettings) -> Iterator[Condition]:
    ended = facts.completed + facts.failed
    if settings.failure_percent and ended >= _FEWEST_ENDED and 100 * facts.failed > settings.failure_percent * ended:
        told = f"{facts.failed} of {ended} jobs failed on {facts.name} in {FAILURE_MINUTES} minutes."
        yield _condition(Rule.failure_rate, facts.name, told)


def _same_failure(facts: QueueFacts, settings: AlertSettings) -> Iterator[Condition]:
    for each in facts.same_failures:
        if settings.same_failure and each.count >= settings.same_failure:
            told = f"{each.error_class} killed {each.count} jobs on {facts.name} alike within {SAME_FAILURE_HOURS} h."
            yield _condition(Rule.same_failure, facts.name, told, key=each.fingerprint)


def _no_workers(facts: QueueFacts, settings: AlertSettings) -> Iterator[Condition]:
    if settings.no_workers_seconds and not facts.workers:
        yield _condition(
            Rule.no_workers, facts.name, f"No worker drains {facts.name}.", hold=settings.no_workers_seconds
        )


def _missed_brief(facts: StoreFacts, settings: AlertSettings) -> Iterator[Condition]:
    for day, deals in facts.missed.items():
        how_many = "A deal has" if len(deals) == 1 else f"{len(deals)} deals have"
        yield _condition(Rule.missed_brief, f"{day}", f"{how_many} no brief of {day}.", deals=deals)


def _needs_consent(facts: StoreFacts, settings: AlertSettings) -> Iterator[Condition]:
    for source in facts.unconsented if settings.needs_consent else ():
        told = f"A {source.type.value} source of deal {source.deal_id} needs to be connected again."
        yield _condition(Rule.needs_consent, source.id, told, deals=[source.deal_id])


def _budget_reached(facts: StoreFacts, settings: AlertSettings) -> Iterator[Condition]:
    for each in facts.spending:
        share = settings.budget_percent / 100
        if share and each.budget_usd and each.spent_usd >= share * each.budget_usd:
            told = (
                f"Deal {each.deal_id} has spent {each.spent_usd:.2f} of its {each.budget_usd:.2f} USD for models today."
            )
            yield _condition(Rule.budget_reached, each.deal_id, told, deals=[each.deal_id])


def _condition(
    rule: Rule, subject: str, summary: str, *, key: str = "", hold: float = 0.0, deals: Sequence[str] = ()
) -> Condition:
    severity = Severity.critical if rule in _CRITICAL else Severity.warning
    told = Told(summary=summary, subject=subject, severity=severity, deal_ids=tuple(deals[:_DEALS_NAMED]))
    return Condition(
        key=":".join(filter(None, (rule.value, subject, key))),
        rule=rule.value,
        hold=timedelta(seconds=hold),
        told=msgspec.json.encode(told),
    )


_BY_QUEUE: Final[dict[Rule, Callable[[QueueFacts, AlertSettings], Iterator[Condition]]]] = {
    Rule.waiting: _waiting,
    Rule.oldest_waiting: _oldest_waiting,
    Rule.failure_rate: _failure_rate,
    Rule.same_failure: _same_failure,
    Rule.no_workers: _no_workers,
}
_BY_STORE: Final[dict[Rule, Callable[[StoreFacts, AlertSettings], Iterator[Condition]]]] = {
    Rule.missed_brief: _missed_brief,
    Rule.needs_consent: _needs_consent,
    Rule.budget_reached: _budget_reached,
}
QUEUE_RULES: Final[tuple[Rule, ...]] = tuple(_BY_QUEUE)
STORE_RULES: Final[tuple[Rule, ...]] = tuple(_BY_STORE)
