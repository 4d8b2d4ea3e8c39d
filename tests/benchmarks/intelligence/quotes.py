"""Whether a quote that says something else than its document is ever taken for its words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from rapidfuzz import fuzz

from benchmarks.intelligence.rows import Row
from dealpulse.models import Page, PageKind, Verification
from dealpulse.processors.operations.offline.sentences import sentences_of
from dealpulse.processors.verification import QuoteVerifier
from verification.altered import altered_quotes

_ALTERED = 200
_ORIGINALS = 200
_PAGE = 3_000
_ALIKE = 90.0
"""How alike, of a hundred, is usually taken for the same."""
_SEED = 20261125


def quote_rows(data: Path) -> Iterator[Row]:
    """The figures over all contracts, each cut into pages."""
    originals = verified = verbatim = altered = passed = fuzzy = 0
    took, asked = 0.0, 0
    contracts = sorted((data / "contracts").glob("*.txt"))
    for number, path in enumerate(contracts):
        pages = _pages(path.read_text(encoding="utf-8", errors="replace"))
        verifier = QuoteVerifier(pages)
        sentences = [one for one in sentences_of(pages) if 40 <= len(one.text) <= 400]
        wanted = _share(_ORIGINALS, len(contracts), number)
        for sentence in sentences[:: max(1, len(sentences) // wanted)][:wanted]:
            began = time.perf_counter()
            citation = verifier.verify(sentence.text, sentence.page)
            took, asked = took + time.perf_counter() - began, asked + 1
            originals += 1
            if citation.verification is Verification.verified:
                verified += 1
                verbatim += _stands_there(citation.quote, citation.page, pages)
        text = " ".join(" ".join(page.text for page in pages).lower().split())
        for original, other, _ in altered_quotes(pages, _share(_ALTERED, len(contracts), number), _SEED + number):
            altered += 1
            page = next((page.number for page in pages if original in page.text), None)
            passed += verifier.verify(other, page).verification is not Verification.unverified
            fuzzy += fuzz.partial_ratio(other.lower(), text) >= _ALIKE
    yield Row("verified quotes found verbatim", "%", 100 * verbatim / verified, {}, "100")
    yield Row(f"true quotes verified, of {originals}", "%", 100 * verified / originals, {}, "")
    yield Row(f"altered quotes that pass, of {altered}", "", passed, {f"fuzzy match >= {_ALIKE:.0f}": fuzzy}, "<= 1")
    yield Row("one quote looked up", "ms", 1000 * took / asked, {}, "")


def _pages(text: str) -> tuple[Page, ...]:
    pages: list[Page] = []
    start = 0
    while start < len(text):
        cut = text.rfind("\n", start, start + _PAGE) if start + _PAGE < len(text) else len(text)
        end = cut if cut > start else min(start + _PAGE, len(text))
        pages.append(
            Page(number=len(pages) + 1, kind=PageKind.page, text=text[start:end], char_start=start, char_end=end)
        )
        start = end + 1
    return tuple(pages)


def _share(total: int, among: int, number: int) -> int:
    return total // among + (number < total % among)


def _stands_there(quote: str, page: int | None, pages: tuple[Page, ...]) -> bool:
    """By means of its own: white space aside, letter for letter."""
    if page is None:
        return False
    return " ".join(quote.split()) in " ".join(" ".join(one.text for one in pages[page - 1 : page + 1]).split())
