"""Quotes are found where they stand, and nowhere else."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dealpulse.models import Page, PageKind, Verification
from dealpulse.processors.verification import QuoteVerifier, verify

_TEXT = (
    "the Supplier shall not assign this Agreement without prior written consent of Customer and may terminate upon "
    "30 days notice if fees exceed $2,500,000 or 12.5% of revenue provided that no liability remains under Section 4.2"
)
WORDS = _TEXT.split()
TEXTS = st.lists(st.sampled_from(WORDS), min_size=12, max_size=80).map(" ".join)


def pages(*texts: str) -> tuple[Page, ...]:
    made, start = [], 0
    for number, text in enumerate(texts, start=1):
        made.append(Page(number=number, kind=PageKind.page, text=text, char_start=start, char_end=start + len(text)))
        start += len(text) + 1
    return tuple(made)


@given(TEXTS, st.data())
def test_a_verbatim_run_of_words_verifies(text: str, data: st.DataObject) -> None:
    words = [match.span() for match in re.finditer(r"\S+", text)]
    first = data.draw(st.integers(0, len(words) - 6))
    last = data.draw(st.integers(first + 5, len(words) - 1))
    assume(first == 0 or text[slice(*words[first - 1])] not in ("not", "no", "without"))
    quote = text[words[first][0] : words[last][1]]
    assume(len(quote) >= 20)
    found = verify(quote, 2, pages("Cover page.", text))
    assert found.verification is Verification.verified
    assert found.page == 2
    assert found.start is not None
    assert text[found.start : found.end] == quote


@given(TEXTS, st.sampled_from(["\n", "  ", "\r\n", " \n\t ", "\u00a0"]))
def test_other_white_space_still_verifies(text: str, space: str) -> None:
    found = verify(text, 1, pages(text.replace(" ", space)))
    assert found.verification is Verification.verified


@given(TEXTS, st.data())
def test_an_altered_number_is_never_found(text: str, data: st.DataObject) -> None:
    numbers = list(re.finditer(r"\d[\d,.]*", text))
    assume(numbers)
    number = data.draw(st.sampled_from(numbers))
    other = data.draw(st.sampled_from(["90", "25,000,000", "500,000", "1.25", "3", "4.25"]))
    assume(other != number[0])
    altered = text[: number.start()] + other + text[number.end() :]
    assume(altered not in text)
    assert verify(altered, 1, pages(text)).verification is Verification.unverified


@given(TEXTS, st.data())
def test_an_added_or_dropped_negation_is_never_found(text: str, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from([match.end() for match in re.finditer(r"\b(?:shall|may|if|that)\b", text)] or [0]))
    assume(0 < at < len(text))
    negated = f"{text[:at]} never{text[at:]}"
    assert verify(negated, 1, pages(text)).verification is Verification.unverified
    assert verify(text, 1, pages(negated)).verification is Verification.unverified


@given(TEXTS)
def test_punctuation_case_and_typography_repair(text: str) -> None:
    text = f"{text} to the Customer"
    document = text.replace("Customer", "“Customer”").replace("Supplier", "SUPPLIER")
    found = verify(text, 1, pages(document))
    assume(len(set(text.split())) > 8)
    assert found.verification is Verification.repaired
    assert found.quote.strip("“”") in document


@pytest.mark.parametrize(
    ("quote", "document"),
    [
        ("terminate on 30 days notice", "The Customer may terminate on 90 days notice."),
        ("Supplier shall assign this Agreement", "Supplier shall not assign this Agreement."),
        ("approved by Hartwell Logistics Ltd", "approved by Harwell Logistics Ltd"),
        ("pay to the lessor all arrears", "pay to the lessee all arrears"),
        ("an amount of 5,000 dollars is due", "an amount of 25,000 dollars is due"),
        ("lawful processing of personal data", "unlawful processing of personal data"),
        ("net result of 1,200 thousand", "net result of (1,200) thousand"),
        ("shall be liable ... for direct damages", "shall be liable for nothing, and not for direct damages"),
        ("the fees", "the fees are due"),
        ("", "Something."),
    ],
)
def test_what_changes_the_meaning_stays_unverified(quote: str, document: str) -> None:
    found = verify(quote, 1, pages(document))
    assert found.verification is Verification.unverified
    assert found.start is None
    assert found.quote == quote


def test_a_quote_cited_from_the_wrong_page_is_moved_to_its_own() -> None:
    found = verify("Customer may terminate at once", 1, pages("Cover", "Index", "Customer may terminate at once."))
    assert (found.verification, found.page) == (Verification.repaired, 3)


def test_without_a_page_a_literal_quote_is_verified() -> None:
    assert verify("Customer may terminate", None, pages("X", "Customer may terminate.")).page == 2


def test_a_repeated_sentence_is_cited_from_the_page_given() -> None:
    text = "Customer may terminate at once."
    assert verify(text, 2, pages(text, text, text)).page == 2


def test_a_negation_left_out_before_the_quote_is_shown() -> None:
    found = verify("assign this Agreement to anyone", 1, pages("Supplier may not assign this Agreement to anyone."))
    assert found.verification is Verification.repaired
    assert found.quote == "not assign this Agreement to anyone"


def test_a_hyphenated_line_break_is_repaired_to_the_documents_text() -> None:
    found = verify("the Agreement may be terminated", 1, pages("the Agree-\nment may be termi-\nnated by either party"))
    assert found.verification is Verification.repaired
    assert found.quote == "Agree-\nment may be termi-\nnated"


def test_a_quote_over_two_pages_starts_on_the_first() -> None:
    first, second = "Upon a change of control the Customer", "may terminate this Agreement at once."
    found = verify("change of control the Customer may terminate this Agreement", 2, pages(first, second))
    assert (found.verification, found.page, found.end) == (Verification.repaired, 1, len(first))
    assert found.quote.endswith("may terminate this Agreement")


def test_an_ellipsis_over_harmless_words_is_filled_in() -> None:
    document = "The Customer may, at its option and by written notice, terminate this Agreement at once."
    found = verify("The Customer may ... terminate this Agreement", 1, pages(document))
    assert found.verification is Verification.repaired
    assert found.quote == "Customer may, at its option and by written notice, terminate this Agreement"


def test_a_cut_off_per_cent_sign_is_put_back() -> None:
    assert verify("customer represents 41", 1, pages("The customer represents 41% of revenue.")).quote.endswith("41%")


def test_a_large_document_is_searched_in_linear_time() -> None:
    text = "The parties agree to keep the terms of Section 4.2 confidential for 30 days. " * 30_000
    verifier = QuoteVerifier(pages(text, "Customer “may” terminate at will."))
    started = time.process_time()
    for _ in range(20):
        assert verifier.verify("Customer may terminate at will", 1).page == 2
        assert verifier.verify("nothing like this stands anywhere", 1).verification is Verification.unverified
    assert time.process_time() - started < 10


def test_a_quote_cut_off_after_an_article_is_not_repaired() -> None:
    quote, document = "Supplier, under this Section, may the", "Supplier under this Section may never the"
    assert verify(quote, 1, pages(document)).verification is Verification.unverified
