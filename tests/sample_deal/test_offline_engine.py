"""What the offline engine finds of what is hidden in the sample deal, and what it cries wolf about.

The plants were written before the patterns, which have since been tuned on them: this guards what was reached and
measures nothing new.
"""

from __future__ import annotations

import asyncio

import pytest

from dealpulse.models import Verification
from sample_deal.plants import PLANTED_BLOCKERS, PLANTED_RISKS, TURNING_COUNTERPARTY
from sample_deal.reading import Reading, false_alarms, is_blocker_found, is_found, read_everything

MISSED_RISKS = 1
FALSE_ALARMS = 1
"""The aim was four."""


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    return asyncio.run(read_everything(tmp_path_factory.mktemp("attachments")))


def test_nearly_all_planted_risks_are_found(reading: Reading) -> None:
    missed = [plant.category for plant in PLANTED_RISKS if not is_found(plant, reading)]
    assert len(missed) <= MISSED_RISKS, missed


def test_false_alarms_are_few(reading: Reading) -> None:
    alarms = false_alarms(reading)
    assert len(alarms) <= FALSE_ALARMS, alarms


def test_the_planted_blockers_are_found_with_their_owner_or_due_date(reading: Reading) -> None:
    assert [plant.email for plant in PLANTED_BLOCKERS if not is_blocker_found(plant, reading)] == []


def test_every_finding_and_blocker_is_quoted_verbatim(reading: Reading) -> None:
    citations = [finding.citation for _, finding in reading.findings] + [one.citation for _, one in reading.blockers]
    assert {citation.verification for citation in citations} == {Verification.verified}


def test_the_turning_counterparty_is_heard_to_turn(reading: Reading) -> None:
    before = [reading.scores[name] for name in TURNING_COUNTERPARTY.positive]
    after = [reading.scores[name] for name in TURNING_COUNTERPARTY.negative]
    assert sum(before) / len(before) > 0 > sum(after) / len(after)
