"""Summaries and workstreams without a model."""

from __future__ import annotations

import pytest

from dealpulse.models import PageKind
from dealpulse.processors.operations.offline.sentences import page_sentences
from dealpulse.processors.operations.offline.summary import summarise
from dealpulse.processors.operations.offline.workstreams import classify

from .conftest import Make

CONTRACT = """MASTER SERVICES AGREEMENT

This Master Services Agreement is made as of March 1, 2023 between Vela Systems, Inc. and Northgate Stores LLC.

Vela Systems shall provide the hosting services described in each statement of work. Northgate Stores shall pay
a fee of $48,000 per month for the services. The services agreement is governed by the laws of the State of Delaware.
Either party gives thirty (30) days written notice of any dispute. This Agreement expires on February 28, 2026."""


def test_a_contract_is_summed_up_in_its_own_sentences(make: Make) -> None:
    answer = summarise("msa.pdf", make.pages(CONTRACT))
    assert answer.document_type == "services agreement"
    assert "Vela Systems, Inc." in answer.parties
    assert ("date of the document", "March 1, 2023") in [(fact.name, fact.value) for fact in answer.dates]
    assert ("fee", "$48,000") in [(fact.name, fact.value) for fact in answer.amounts]
    assert ("governing law", "Delaware") in [(term.name, term.value) for term in answer.key_terms]
    assert any("shall pay a fee" in duty for duty in answer.obligations)
    flat = " ".join(CONTRACT.split())
    first, *others = answer.summary.splitlines()
    assert first == "Services agreement between Vela Systems, Inc. and Northgate Stores LLC, March 1, 2023."
    assert all(line in flat for line in others)


@pytest.mark.parametrize(
    ("name", "text", "workstream"),
    [
        ("msa.pdf", CONTRACT, "material_contracts"),
        (
            "x.txt",
            "The lease of the premises runs ten years. The landlord and tenant agreed a rent per square feet.",
            "real_estate",
        ),
        (
            "x.txt",
            "The IRS opened an audit of the tax returns. Deferred tax and VAT and withholding are disputed.",
            "tax",
        ),
        (
            "x.txt",
            "Groundwater contamination and hazardous waste: environmental remediation of the soil.",
            "environmental_esg",
        ),
        ("x.txt", "Lorem ipsum dolor sit amet, consectetur adipiscing elit.", "unclassified"),
        ("x.txt", "", "unclassified"),
    ],
)
def test_workstreams_are_told_or_left_open(name: str, text: str, workstream: str, make: Make) -> None:
    assert classify(name, make.pages(text)).primary == workstream


def test_the_primary_workstream_is_listed(make: Make) -> None:
    answer = classify("msa.pdf", make.pages(CONTRACT))
    assert answer.primary in {entry.workstream for entry in answer.workstreams}
    assert all(0 <= entry.score <= 1 for entry in answer.workstreams)


def test_a_summary_is_a_few_short_lines(make: Make) -> None:
    clauses = [
        f"The tenant of unit {n} shall pay rent {'promptly and without deduction ' * 12}on day {n}." for n in range(30)
    ]
    lines = summarise("lease.txt", make.pages("LEASE\n\n" + "\n\n".join(clauses))).summary.splitlines()
    assert lines[0].startswith("Lease")
    assert 1 < len(lines) <= 5
    assert all(len(line) <= 300 for line in lines)
    assert any(line.endswith(" …") for line in lines)


def test_a_document_without_prose_is_outlined(make: Make) -> None:
    answer = summarise("plan.xlsx", make.pages("Q1\t100\nQ2\t200", kind=PageKind.sheet))
    assert "Q1" in answer.summary
    assert answer.document_type == "spreadsheet"


def test_an_empty_document_does_not_break(make: Make) -> None:
    assert summarise("empty.txt", make.pages("")).summary


@pytest.mark.parametrize("kind", list(PageKind))
def test_sentences_keep_their_place(kind: PageKind, make: Make) -> None:
    listed = "- First item, of Acme Inc. in Boston.\r\n- Second item\r\n\r\n1. Third item; and\r\n2. fourth"
    text = f"  {CONTRACT}\r\n\r\n{listed}"
    [page] = make.pages(text, kind=kind)
    found = list(page_sentences(page))
    assert all(text[sentence.start : sentence.end] == sentence.text == sentence.text.strip() for sentence in found)
    assert "- First item, of Acme Inc. in Boston." in [sentence.text for sentence in found]
    assert "".join("".join(sentence.text.split()) for sentence in found) == "".join(text.split())
