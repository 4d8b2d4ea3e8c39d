"""Pages and sections as properties over any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.errors import Unreadable
from dealpulse.extraction.pages import PAGE_SEPARATOR, Draft, clean, number_pages, sections
from dealpulse.models import PageKind

texts = st.text(st.characters() | st.sampled_from("\n\n\r\f\x00 \ud800"), max_size=400)


@given(st.lists(texts, min_size=1, max_size=8))
def test_offsets_point_at_each_page_in_the_joined_text(found: list[str]) -> None:
    drafts = [Draft(text=text, kind=PageKind.page) for text in [*found, "end"]]

    pages = number_pages(drafts, max_pages=100)

    joined = PAGE_SEPARATOR.join(page.text for page in pages)
    assert [page.number for page in pages] == list(range(1, len(drafts) + 1))
    assert [joined[page.char_start : page.char_end] for page in pages] == [page.text for page in pages]
    assert pages[-1].char_end == len(joined)


@given(texts)
def test_clean_text_can_be_stored_and_cleaning_again_changes_nothing(text: str) -> None:
    cleaned = clean(text)

    assert "\x00" not in cleaned
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned


@given(texts, st.integers(min_value=4, max_value=60))
def test_sections_lose_only_white_space_and_stay_within_their_size(text: str, size: int) -> None:
    parts = sections(text, size=size)

    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(len(part) <= size for part in parts)


def test_sections_end_with_paragraphs_where_they_can() -> None:
    paragraphs = [f"{number} " + "word " * 50 for number in range(20)]

    parts = sections("\n\n".join(paragraphs), size=1_000)

    assert len(parts) > 1
    assert all(part.split("\n\n")[0][0].isdigit() and part.endswith("word") for part in parts)


def test_pages_without_any_text_are_no_content() -> None:
    with pytest.raises(Unreadable) as caught:
        number_pages([Draft(text=" \n\x00", kind=PageKind.page)], max_pages=5)

    assert caught.value.code == "no_text"
