"""Quotes that say something else than their document: by hand, by chance, and out of the sample deal."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dealpulse.extraction import extract_document
from dealpulse.extraction.contract import Limits
from dealpulse.local import sample_deal
from dealpulse.models import Page, PageKind, Verification
from dealpulse.processors.operations.offline.sentences import sentences_of
from dealpulse.processors.verification import QuoteVerifier, verify
from verification.altered import altered_quotes

OPPOSED = [
    ("may", "shall"),
    ("shall", "must"),
    ("shall", "shall not"),
    ("may", "may not"),
    ("with", "without"),
    ("at least", "at most"),
    ("before", "after"),
    ("not more than", "not less than"),
    ("days", "months"),
    ("business days", "days"),
    ("$5,000", "€5,000"),
    ("$5,000", "₹5,000"),
    ("$5,000", "5,000"),
    ("$5,000", "-$5,000"),
    ("$5,000", "($5,000)"),
    ("1,200", "(1,200)"),
    ("1,200", "-1,200"),
    ("1,200", "1.200"),
    ("25 000", "25"),
    ("> 5%", "< 5%"),
    ("≥ 5%", "≤ 5%"),
    ("5%", "5‰"),
    ("30 days", "90 days"),
    ("Hartwell", "Harwell"),
    ("lessor", "lessee"),
    ("employer", "employee"),
    ("darf", "darf nicht"),
    ("peut", "ne peut pas"),
]
BEFORE = "Under this Agreement the Supplier and each of its affiliates"
AFTER = "be treated as agreed between the parties in writing"


def page(text: str) -> tuple[Page, ...]:
    return (Page(number=1, kind=PageKind.page, text=text, char_start=0, char_end=len(text)),)


@pytest.mark.parametrize(("one", "other"), [*OPPOSED, *((other, one) for one, other in OPPOSED)])
def test_a_quote_with_one_telling_word_changed_is_never_found(one: str, other: str) -> None:
    found = verify(f"{BEFORE} {one} {AFTER}", 1, page(f"{BEFORE} {other} {AFTER}."))
    assert found.verification is Verification.unverified


@pytest.mark.parametrize(
    ("quote", "document", "shown"),
    [
        ("we owe a fee of $5", "we owe a fee of $5 million.", "we owe a fee of $5 million"),
        ("notice is given within 30", "notice is given within 30 months.", "notice is given within 30 months"),
        ("the Supplier shall", "the Supplier shall not assign.", "the Supplier shall not"),
        ("shall Supplier be liable", "In no event shall Supplier be liable.", "In no event shall Supplier be liable"),
        ("übertragen werden darf er", "nicht übertragen werden darf er", "nicht übertragen werden darf er"),
        ("转让本协议项下的权利", "乙方不得转让本协议项下的权利", "乙方不得转让本协议项下的权利"),
    ],
)
def test_a_quote_cut_where_it_changes_its_meaning_is_shown_whole(quote: str, document: str, shown: str) -> None:
    found = verify(quote, 1, page(document))
    assert (found.verification, found.quote) == (Verification.repaired, shown)


@pytest.mark.parametrize(
    "document",
    [
        "The Customer may terminate\nthis Agree-\nment on 30 days’ notice",
        "The  Customer may\u00a0terminate this Agreement on 30 days' notice",
        "The “Customer” may terminate this Agreement, on 30 days' notice",
        "THE CUSTOMER MAY TERMINATE THIS AGREEMENT ON 30 DAYS' NOTICE",
        "The Customer may termi\u00adnate this Agreement on 30 days' notice",
        "The Custo\u200bmer may terminate this Agreement on 30 days' notice",
    ],
)
def test_what_only_looks_different_is_found(document: str) -> None:
    quote = "Customer may terminate this Agreement on 30 days' notice"
    assert verify(quote, 1, page(document)).verification is not Verification.unverified


def test_ligatures_of_a_scan_are_found() -> None:
    document = "The ofﬁce lease is a ﬂoating afﬁliate obligation"
    assert verify("office lease is a floating affiliate obligation", 1, page(document)).page == 1


@given(
    st.lists(
        st.sampled_from(["fees", "of", "30", "days", "not", "may", "$5", "25,000", "4.2", "-3", "(7)"]), min_size=8
    ),
    st.data(),
)
def test_no_token_that_is_not_there_is_ever_shown_as_found(words: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(words) - 2))
    new = data.draw(st.sampled_from(["90", "never", "31", "$6", "25,001", "4.3", "must"]))
    altered = [*words[:at], new, *words[at + 1 :]]
    assume(new not in words)
    assert verify(" ".join(altered), 1, page(" ".join(words))).verification is Verification.unverified


async def sample_pages() -> list[tuple[Page, ...]]:
    """The pages of every document of the sample deal that holds text."""
    return [
        (await extract_document(path, name=path.name, limits=Limits())).pages
        for path in sorted((sample_deal.PATH / "documents").rglob("*"))
        if path.is_file()
    ]


async def test_of_two_hundred_altered_quotes_of_the_sample_deal_at_most_one_passes() -> None:
    documents = await sample_pages()
    quotes = [(pages, *one) for pages in documents for one in altered_quotes(pages, 40, seed=7)][:400]
    kinds = Counter(kind for _, _, _, kind in quotes)
    passed = [altered for pages, _, altered, _ in quotes if verify(altered, 1, pages).verification != "unverified"]
    assert len(quotes) >= 200
    assert min(kinds[kind] for kind in ("number", "negation", "name")) >= 20
    assert len(passed) * 200 <= len(quotes), passed


async def test_every_sentence_of_the_sample_deal_is_found_where_it_stands() -> None:
    for pages in await sample_pages():
        verifier = QuoteVerifier(pages)
        for sentence in sentences_of(pages):
            if len(sentence.text) >= 40:
                found = verifier.verify(sentence.text, sentence.page)
                assert found.verification is not Verification.unverified, sentence.text
                assert " ".join(sentence.text.split()) in " ".join(found.quote.split())
