"""What a document is, and which workstreams it belongs to."""

from __future__ import annotations

import time

import pytest

from dealpulse.models import Workstream
from dealpulse.processors.operations.offline.document_types import document_type
from dealpulse.processors.operations.offline.workstream_lexicon import MILD, TELLING
from dealpulse.processors.operations.offline.workstreams import classify

from .conftest import Make


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            "Dear Ms. Weller: I am pleased to offer you the position of Controller. You report to me.",
            "employment agreement",
        ),
        ("Dear Paul: We accept your resignation as of May 1. Your severance is set out below.", "severance agreement"),
        ("LOAN AND SECURITY AGREEMENT between Ridge Bank and Alder Inc.", "credit agreement"),
        ("Standard Form of Agreement Between Owner and Contractor, 1997 edition", "construction contract"),
        ("Software License and Services Agreement of Vantage Ltd.", "licence agreement"),
        ("Master Services Agreement between Alder Inc. and Vantage Ltd.", "services agreement"),
        (f"This Agreement ends a dispute. {'It is final. ' * 20}Alder pays rent under a lease of 2003.", "agreement"),
        ("Notes of a conversation about the weather", "document"),
    ],
)
def test_a_document_is_what_its_head_says(text: str, kind: str, make: Make) -> None:
    assert document_type("document", make.pages(text)) == kind


def test_a_file_name_helps_where_the_text_says_little(make: Make) -> None:
    assert document_type("Credit Agreement 2019.pdf", make.pages("This agreement is made today.")) == "credit agreement"


@pytest.mark.parametrize(
    ("text", "workstream"),
    [
        (
            "There is no litigation pending or threatened against the Company, any officer, employee or agent, and no"
            " judgment, order or decree is outstanding.",
            Workstream.litigation,
        ),
        (
            "All tax returns have been filed and all taxes paid; no taxing authority has assessed a deficiency.",
            Workstream.tax,
        ),
        (
            "The Company holds fee simple title to its owned real property; each lease of leased property is in force.",
            Workstream.real_estate,
        ),
        (
            "No employee benefit plan is subject to Title IV of ERISA. There is no collective bargaining agreement and"
            " no strike or labor dispute.",
            Workstream.hr,
        ),
        (
            "Revenue rose 8%, gross margin was 41% and operating income reached a record; net income per share grew.",
            Workstream.financial,
        ),
    ],
)
def test_a_passage_belongs_to_what_it_talks_about(text: str, workstream: Workstream, make: Make) -> None:
    assert classify("document", make.pages(text)).primary is workstream


@pytest.mark.parametrize(
    "text",
    ["", "Happy New Year!", "Boil the lentils, then add the onions and a litre of milk.", "January\t5\nFebruary\t8"],
)
def test_what_is_about_nothing_stays_unclassified(text: str, make: Make) -> None:
    answer = classify("document", make.pages(text))
    assert answer.primary is Workstream.unclassified
    assert answer.workstreams == []


def test_every_workstream_has_words() -> None:
    named = set(Workstream) - {Workstream.other, Workstream.unclassified}
    assert set(TELLING) == set(MILD) == named


def test_half_a_million_characters_are_classified_in_time(make: Make) -> None:
    started = time.process_time()
    for text in ("pending or " * 50_000, "employee " * 60_000, "agreement between owner and " * 20_000):
        classify("document", make.pages(text))
    assert time.process_time() - started < 5
