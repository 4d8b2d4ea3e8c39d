"""The rules that find orders to a machine, whoever else reads the text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dealpulse.extraction.markup import html_to_text
from dealpulse.models import Page, PageKind, RiskCategory, Severity
from dealpulse.processors.operations.offline.injection import MOST_INJECTIONS, injections
from injection.corpus import EVERY, INNOCENT

CLAUSE = "The Tenant pays the rent on the first day of each month."
SHARED = Path(os.environ.get("DEALPULSE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


def page(text: str) -> Page:
    return Page(number=1, kind=PageKind.page, text=text, char_start=0, char_end=len(text))


def test_there_are_enough_attempts() -> None:
    assert len(EVERY) >= 40


@pytest.mark.parametrize("attempt", EVERY.values(), ids=EVERY.keys())
def test_an_attempt_is_found_and_quoted(attempt: str) -> None:
    found, *_ = injections([page(f"{CLAUSE}\n\n{attempt}\n\n{CLAUSE}")])
    assert (found.category, found.severity) == (RiskCategory.prompt_injection, Severity.P1)
    assert found.quote in page(f"{CLAUSE}\n\n{attempt}\n\n{CLAUSE}").text


@pytest.mark.parametrize("text", INNOCENT.values(), ids=INNOCENT.keys())
def test_what_people_write_to_people_is_none(text: str) -> None:
    assert list(injections([page(f"{CLAUSE} {text}")])) == []


def test_a_document_full_of_attempts_is_a_few_findings() -> None:
    text = "\n\n".join(f"{attempt}" for attempt in list(EVERY.values())[:20])
    assert len(list(injections([page(text)]))) == MOST_INJECTIONS


@pytest.mark.skipif(not SHARED.is_dir(), reason="the collection of real documents is not here")
@pytest.mark.parametrize("folder", ["contracts", "filings"])
def test_real_contracts_and_filings_hold_none(folder: str) -> None:
    for path in sorted((SHARED / folder).iterdir()):
        text = path.read_text(encoding="utf-8", errors="replace")
        text = html_to_text(text) if path.suffix == ".html" else text
        assert list(injections([page(text)])) == [], path.name
