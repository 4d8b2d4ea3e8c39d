"""The offline engine's risks: what contracts and memos say, and what only sounds like it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dealpulse.models import PageKind, RiskCategory
from dealpulse.processors.operations.offline.risk_patterns import PATTERNS
from dealpulse.processors.operations.offline.risks import LONGEST_QUOTE, risks

from .conftest import Make

_LINES = (Path(__file__).parent / "risk_phrases.tsv").read_text(encoding="utf-8").splitlines()[1:]
PHRASES = [tuple(line.split("\t", 1)) for line in _LINES]


@pytest.mark.parametrize(("category", "sentence"), PHRASES, ids=[sentence[:60] for _, sentence in PHRASES])
def test_a_sentence_tells_its_risk_and_no_other(category: str, sentence: str, make: Make) -> None:
    found = risks(make.pages(sentence)).risks
    assert [risk.category.value for risk in found] == ([] if category == "-" else [category])


def test_every_category_has_a_pattern() -> None:
    others = {RiskCategory.prompt_injection}
    assert {pattern.category for pattern in PATTERNS} == set(RiskCategory) - others


def test_patterns_say_what_is_wrong_and_why() -> None:
    assert all(pattern.title and pattern.why.endswith(".") and pattern.cues for pattern in PATTERNS)


def test_a_list_item_is_read_with_its_lead_in(make: Make) -> None:
    text = (
        "Customer may terminate this Agreement on written notice to Supplier:\n"
        "(a) for convenience and without paying any compensation; or\n"
        "(b) where Supplier is insolvent.\n"
    )
    [risk] = risks(make.pages(text)).risks
    assert risk.category is RiskCategory.termination_for_convenience
    assert risk.quote.startswith("(a) for convenience")


def test_a_risk_told_at_length_is_one_finding(make: Make) -> None:
    text = " ".join(
        [
            "The Phase II report found solvents in groundwater at the Leeds site.",
            "Contamination was found under the plating shop, and clean-up is estimated at $1.8 million.",
            "Soil contamination was also found at the fence.",
        ]
    )
    [risk] = risks(make.pages(text)).risks
    assert "$1.8 million" in risk.quote


def test_representations_of_the_deals_own_agreement_are_no_facts(make: Make) -> None:
    text = (
        "AGREEMENT AND PLAN OF MERGER dated as of June 1, 2024 among Alpha Inc. and Beta Inc.\n\n"
        "A complaint was filed against the Company in a court of Delaware seeking damages of $5 million.\n\n"
        "The Merger shall be abandoned if it has not been consummated on or before December 31, 2024."
    )
    assert [risk.category for risk in risks(make.pages(text)).risks] == [RiskCategory.timeline]


def test_what_a_contract_provides_for_is_no_fact(make: Make) -> None:
    head = "CREDIT AGREEMENT between Alder Inc. and Ridge Bank\n\n"
    provided = (
        "A complaint alleging fraud is filed against the Borrower or any of its Subsidiaries, except as disclosed."
    )
    told = "In May 2024 a complaint alleging fraud was filed against Alder Inc. in the district court of Boston."
    assert risks(make.pages(head + provided)).risks == []
    assert [risk.category for risk in risks(make.pages(head + told)).risks] == [RiskCategory.litigation]


@pytest.mark.parametrize(
    "heading", ["17.2 Termination for Convenience by Owner.", "ARTICLE 14 TERMINATION FOR CONVENIENCE"]
)
def test_a_heading_says_nothing(heading: str, make: Make) -> None:
    assert risks(make.pages(heading)).risks == []


def test_every_quote_is_verbatim_and_of_bounded_length(make: Make) -> None:
    long = "Customer may terminate this Agreement for convenience at any time, " + "and the parties agree, " * 80
    [risk] = risks(make.pages(long)).risks
    assert risk.quote in long
    assert "for convenience" in risk.quote
    assert len(risk.quote) <= LONGEST_QUOTE


@pytest.mark.parametrize(
    "table",
    [
        "Customer\tRevenue FY24\tShare of revenue\nNorthgate Stores\t9,100,000\t41%\nOrion"
        " Foods\t2,000,000\t9%\nTotal\t22,000,000\t100%",
        "Customer\tRevenue\tRevenue share\nNorthgate Stores\t9100000\t0.41\nOrion Foods\t2000000\t0.09\n",
        "Client | Sales 2024\nNorthgate Stores | 910\nOrion | 200\nKestrel | 180\nVela | 150\nTotal | 1440",
    ],
)
def test_a_large_customer_is_read_off_a_table(table: str, make: Make) -> None:
    [risk] = risks(make.pages(table, kind=PageKind.sheet)).risks
    assert risk.category is RiskCategory.customer_concentration
    assert risk.quote.startswith("Northgate")


def test_a_table_of_small_customers_tells_nothing(make: Make) -> None:
    rows = "\n".join(f"Customer {number}\t{100 + number}\t{8 + number % 3}%" for number in range(10))
    assert (
        risks(make.pages(f"Customer\tRevenue\tShare of revenue\n{rows}\nTotal\t1045\t100%", kind=PageKind.sheet)).risks
        == []
    )


def test_a_telling_sentence_stands_for_a_licence_inventory(make: Make) -> None:
    rows = "\n".join(f"component{number}\tGPL-2.0\t{number}" for number in range(40))
    text = "The controller firmware statically links a GPL-2.0 driver and is shipped without an offer of source code."
    filler = "\n\n".join(f"Paragraph {number} says nothing of interest to anybody." for number in range(40))
    [risk] = risks(make.pages(f"{rows}\n\n{filler}\n\n{text}")).risks
    assert risk.quote == text


def test_words_broken_and_misread_by_a_scan_are_read(make: Make) -> None:
    text = (
        "During the Term the Com-\npany shal1 not sell, licence or make avail-\nable the Module to any\n\n"
        "Person other than Corvane."
    )
    [risk] = risks(make.pages(text)).risks
    assert risk.category is RiskCategory.exclusivity
    assert risk.quote in text


def test_two_megabytes_are_read_in_seconds(make: Make) -> None:
    sentence = "Each of the parties represents that no claim is pending and that its licence is in force as of 2024. "
    started = time.process_time()
    risks(make.pages(*[sentence * 100] * 210))
    assert time.process_time() - started < 10


def test_text_without_sentences_ends_in_time(make: Make) -> None:
    started = time.process_time()
    for text in ("a" * 500_000, "change of control " * 30_000, ". " * 100_000, "\n" * 200_000 + "x"):
        risks(make.pages(text))
    assert time.process_time() - started < 10
