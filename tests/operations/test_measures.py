"""The arithmetic of the offline engine's benchmark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.intelligence.halves import half_of
from benchmarks.intelligence.labelled import stated_kind
from benchmarks.intelligence.measures import Counts, counts_by_label, majority_share, rank_correlation, share
from benchmarks.intelligence.sections import SHORTEST, named_on_title_page, sections
from dealpulse.models import Workstream

_VALUES = st.lists(st.integers(-50, 50), min_size=2, max_size=40, unique=True)


@given(_VALUES)
def test_ranks_agree_with_themselves_and_oppose_their_reverse(values: Sequence[float]) -> None:
    assert math.isclose(rank_correlation(values, values), 1)
    assert math.isclose(rank_correlation(values, [-value for value in values]), -1)


@given(_VALUES)
def test_only_the_order_counts(values: Sequence[float]) -> None:
    assert math.isclose(rank_correlation(values, [value**3 for value in values]), 1)


def test_ties_share_their_rank() -> None:
    assert rank_correlation([1, 1, 2], [1, 2, 3]) == pytest.approx(0.866, abs=0.001)
    assert rank_correlation([1, 1, 1], [1, 2, 3]) == 0


def test_recall_and_precision_of_each_label() -> None:
    counts = counts_by_label([("a", "a"), ("a", "b"), ("b", "b"), ("b", None)])
    assert counts == {"a": Counts(right=1, missed=1), "b": Counts(right=1, wrong=1, missed=1)}
    assert counts["a"].precision == 1
    assert counts["b"].recall == 0.5


def test_the_majority_is_one_label_for_all() -> None:
    assert majority_share([frozenset("ab"), frozenset("b"), frozenset("c")]) == pytest.approx(2 / 3)
    assert math.isnan(share([]))


def test_names_fall_into_both_halves() -> None:
    assert {half_of(f"file {number}") for number in range(20)} == {
        half_of("file 0"),
        half_of("file 1"),
        half_of("file 2"),
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("1_2001-02-03_SEVERANCE AGREEMENT", "severance agreement"),
        ("1_2001-02-03_CONSTRUCTION LOAN AGREEMENT", "credit agreement"),
        ("1_2001-02-03_EMPLOYMENT AND SEVERANCE AGREEMENT", None),
        ("1_2001-02-03_RETIREMENT PLAN", None),
    ],
)
def test_a_name_states_one_kind_or_none(name: str, kind: str | None) -> None:
    assert stated_kind(name) == kind


def test_an_agreement_is_cut_at_its_marked_headings(tmp_path: Path) -> None:
    body = "The Company has filed its returns. " * (SHORTEST // 30)
    contract, tags = tmp_path / "deal.txt", tmp_path / "deal.tags.tsv"
    contract.write_text(f"1.1 Taxes 3\n1.2 Notices 4\n\n1.1 Taxes\n\n{body}\n\n1.2 Notices\n\n{body}\n")
    tags.write_text(
        "b_t\tAGREEMENT AND PLAN OF MERGER\ni_t\tAmong\ni_t\tALDER, INC.,\ni_t\tVANTAGE BANCORP AND\n"
        "e_t\tDated May 1, 2021\ns_ssn\t1.1\ns_sst\tTaxes\ns_n\t3\ns_ssn\t1.2\ns_sst\tNotices\n"
    )
    [section] = sections(contract, tags)
    assert (section.heading, section.workstream, section.text) == ("Taxes", Workstream.tax, body.strip())
    assert named_on_title_page(tags) == ["ALDER, INC", "VANTAGE BANCORP"]
