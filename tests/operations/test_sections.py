"""Long documents are asked about in sections, and nothing of them is lost on the way."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dealpulse.models import Page, PageKind
from dealpulse.processors.operations.contract import DocumentText
from dealpulse.processors.operations.material import document_material
from dealpulse.processors.operations.sections import RUN_UP, SMALLEST_SECTION, sections_of, smaller

from .conftest import Make

texts = st.lists(st.text(st.sampled_from("ab. \n"), max_size=60), min_size=1, max_size=12)


@given(texts=texts, longest=st.integers(min_value=1, max_value=50))
def test_every_character_is_in_exactly_one_section_and_none_is_too_long(texts: list[str], longest: int) -> None:
    pages = Make.pages(*texts)
    sections = sections_of(DocumentText(name="x", pages=pages), longest=longest)
    pieces = [piece for section in sections for piece in section.pages]

    assert all(sum(len(piece.text) for piece in section.pages) <= longest for section in sections)
    for page in pages:
        own = [piece for piece in pieces if piece.number == page.number]
        assert "".join(piece.text for piece in own) == page.text
        assert (own[0].char_start, own[-1].char_end) == (page.char_start, page.char_end)
        assert all(piece.char_end - piece.char_start == len(piece.text) for piece in own)


@given(texts=texts, longest=st.integers(min_value=1, max_value=50))
def test_a_section_repeats_the_end_of_what_stands_before_it(texts: list[str], longest: int) -> None:
    sections = sections_of(DocumentText(name="x", pages=Make.pages(*texts)), longest=longest)
    for previous, section in pairwise(sections):
        assert section.before == previous.pages[-1].text[-RUN_UP:]
    assert sections[0].before == ""


def test_a_document_that_fits_is_its_own_section(make: Make) -> None:
    document = make.document("One.", "Two.")
    assert sections_of(document) == [document]


def test_a_page_too_long_is_cut_between_paragraphs_where_one_ends_late_enough() -> None:
    page = Page(number=4, kind=PageKind.page, text="x" * 95 + "\n\n" + "y" * 50, char_start=10, char_end=157)
    first, second = sections_of(DocumentText(name="x", pages=(page,)), longest=100)
    assert first.pages[0].text == "x" * 95 + "\n\n"
    assert second.pages[0].text == "y" * 50
    assert (second.pages[0].number, second.pages[0].char_start) == (4, 107)


def test_a_section_says_which_pages_it_has_and_what_came_before(make: Make) -> None:
    document = make.document("First page.", "Second page.", "Third page.")
    told = document_material(sections_of(document, longest=24)[1])
    assert [(piece.label, piece.text) for piece in told[1:]] == [
        ("what this is", "Only page 3 of 3."),
        ("the end of what stands before, for context only", "Second page."),
        ("page 3 (page)", "Third page."),
    ]


@given(length=st.integers(min_value=2 * SMALLEST_SECTION, max_value=6 * SMALLEST_SECTION))
def test_halving_ends(length: int) -> None:
    sections = [DocumentText(name="x", pages=Make.pages("word " * (length // 5)))]
    for _ in range(10):
        sections = [part for section in sections for part in smaller(section)]
    assert sections == []


def test_a_short_section_is_not_divided(make: Make) -> None:
    assert smaller(make.document("x" * (2 * SMALLEST_SECTION - 1))) == []
