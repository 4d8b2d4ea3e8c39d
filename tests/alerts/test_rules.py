"""Each rule on facts made up for it: when it finds something, and what turns it off."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from dealpulse.alerts.facts import QueueFacts, SameFailure, Spent, StoreFacts
from dealpulse.alerts.rules import QUEUE_RULES, STORE_RULES, Rule, Told, of_queues, of_store
from dealpulse.models import Source, SourceState, SourceType
from dealpulse.queue import QueueStats
from dealpulse.queue.alert_book import Condition
from dealpulse.settings import AlertSettings

QUIET = QueueStats(waiting=0, active=0, delayed=0, parked=0, completed=0, failed=0, cancelled=0, oldest_waiting_ms=0)
WELL = QueueFacts(name="documentProcessing", stats=QUIET, workers=1, completed=50, failed=0, same_failures=())
NOTHING = StoreFacts(missed={}, unconsented=[], spending=[])
SOURCE = Source(
    id="source-1",
    deal_id="deal-1",
    type=SourceType.gdrive,
    name="Secret project",
    location="folder",
    state=SourceState.needs_consent,
)
SETTINGS = AlertSettings()


def of_queue(settings: AlertSettings = SETTINGS, **facts: Any) -> list[Condition]:
    stats = {
        name: facts.pop(name) for name in list(facts) if hasattr(QUIET, name) and name not in ("completed", "failed")
    }
    return of_queues([replace(WELL, stats=replace(QUIET, **stats), **facts)], settings)


def rules(found: list[Condition]) -> list[str]:
    return [one.rule for one in found]


def test_a_queue_and_deals_that_are_well_are_not_told_of() -> None:
    assert of_queues([WELL], SETTINGS) == []
    assert of_store(NOTHING, SETTINGS) == []


def test_more_than_so_many_waiting_fire_after_five_minutes() -> None:
    assert of_queue(waiting=100) == []
    (found,) = of_queue(waiting=101)
    assert (found.key, found.hold) == ("waiting:documentProcessing", timedelta(minutes=5))
    assert of_queue(waiting=101, paused=True) == []
    assert of_queue(replace(SETTINGS, waiting=0), waiting=101) == []


def test_a_job_that_waits_too_long_is_told_of() -> None:
    assert of_queue(oldest_waiting_ms=1_800_000) == []
    assert rules(of_queue(oldest_waiting_ms=1_800_001)) == ["oldest_waiting"]
    assert of_queue(oldest_waiting_ms=1_800_001, paused=True) == []
    assert of_queue(replace(SETTINGS, oldest_waiting_seconds=0), oldest_waiting_ms=1_800_001) == []


@pytest.mark.parametrize(
    ("completed", "failed", "told"), [(75, 25, False), (74, 26, True), (0, 9, False), (0, 10, True), (0, 0, False)]
)
def test_a_share_of_failures_is_told_of_where_enough_ended(completed: int, failed: int, told: bool) -> None:
    assert rules(of_queue(completed=completed, failed=failed)) == (["failure_rate"] if told else [])
    assert of_queue(replace(SETTINGS, failure_percent=0), completed=completed, failed=failed) == []


def test_the_same_failure_five_times_is_told_of_by_its_fingerprint() -> None:
    four, five = (SameFailure(fingerprint=f"f{n}", error_class="Permanent", count=n) for n in (4, 5))
    (found,) = of_queue(same_failures=[four, five])
    assert found.key == "same_failure:documentProcessing:f5"
    assert of_queue(replace(SETTINGS, same_failure=0), same_failures=[five]) == []


def test_a_queue_nobody_drains_is_critical() -> None:
    (found,) = of_queue(workers=0)
    assert (found.rule, found.hold) == ("no_workers", timedelta(minutes=1))
    assert msgspec.json.decode(found.told, type=Told).severity == "critical"
    assert of_queue(replace(SETTINGS, no_workers_seconds=0), workers=0) == []


def test_missed_briefs_of_a_day_are_one_alert() -> None:
    day = date(2026, 11, 25)
    (found,) = of_store(replace(NOTHING, missed={day: [f"deal-{n}" for n in range(30)]}), SETTINGS)
    told = msgspec.json.decode(found.told, type=Told)
    assert (found.key, told.summary) == ("missed_brief:2026-11-25", "30 deals have no brief of 2026-11-25.")
    assert len(told.deal_ids) == 20


def test_a_source_that_needs_consent_is_told_of_without_its_name() -> None:
    (found,) = of_store(replace(NOTHING, unconsented=[SOURCE]), SETTINGS)
    assert found.key == "needs_consent:source-1"
    assert b"Secret" not in found.told
    assert of_store(replace(NOTHING, unconsented=[SOURCE]), replace(SETTINGS, needs_consent=False)) == []


def test_a_budget_that_is_reached_is_told_of() -> None:
    spent = [
        Spent(deal_id="deal-1", spent_usd=5.0, budget_usd=5.0),
        Spent(deal_id="deal-2", spent_usd=4.9, budget_usd=5.0),
        Spent(deal_id="deal-3", spent_usd=900.0, budget_usd=0.0),
    ]
    facts = replace(NOTHING, spending=spent)
    assert [one.key for one in of_store(facts, SETTINGS)] == ["budget_reached:deal-1"]
    assert len(of_store(facts, replace(SETTINGS, budget_percent=90))) == 2
    assert of_store(facts, replace(SETTINGS, budget_percent=0)) == []


def test_every_rule_is_judged_by_one_of_the_two() -> None:
    assert {*QUEUE_RULES, *STORE_RULES} == set(Rule)
