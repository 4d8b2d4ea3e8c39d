"""Whether a quote that says something else than its document is ever taken for its words."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from rapidfuzz import fuzz

from benchmarks.rows import Row
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
    own, missed = _own_alterations(contracts)
    yield Row(f"quotes altered another way that pass, of {own}", "", missed, {}, "<= 1")
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


# --- a second set, made without the first's rules ---------------------------------------------------------------------


def _own_alterations(contracts: list[Path]) -> tuple[int, int]:
    """How many sentences were altered by the ways below, cited with their right page, and how many of them pass."""
    dice = random.Random(_SEED)  # noqa: S311 - repeatable, not secret
    made = passed = 0
    for number, path in enumerate(contracts):
        pages = _pages(path.read_text(encoding="utf-8", errors="replace"))
        verifier = QuoteVerifier(pages)
        said = " ".join(" ".join(page.text for page in pages).lower().split())
        sentences = [one for one in sentences_of(pages) if 40 <= len(one.text) <= 400]
        dice.shuffle(sentences)
        left = _share(_ALTERED, len(contracts), number)
        for sentence in sentences:
            if left == 0:
                break
            other = _WAYS[left % len(_WAYS)](sentence.text, dice)
            if other is None or " ".join(other.lower().split()) in said:
                continue
            passed += verifier.verify(other, sentence.page).verification is not Verification.unverified
            made, left = made + 1, left - 1
    return made, passed


def _digit(text: str, dice: random.Random) -> str | None:
    """One digit is another."""
    places = [match.start() for match in re.finditer(r"\d", text)]
    if not places:
        return None
    at = dice.choice(places)
    return text[:at] + str((int(text[at]) + dice.randint(1, 9)) % 10) + text[at + 1 :]


_NEGATIONS = ((r" not ", " "), (r" (shall|will|may|is|are|has) (?!not )", r" \1 not "), (r" no ", " any "))


def _negated(text: str, dice: random.Random) -> str | None:
    """A negation is gone, or the first verb has one."""
    for found, instead in _NEGATIONS:
        if re.search(found, text):
            return re.sub(found, instead, text, count=1)
    return None


def _name(text: str, dice: random.Random) -> str | None:
    """Two capitalised words have changed places. An article is none: where it stands changes nothing."""
    names = list(re.finditer(r"(?<=\s)(?!The\b)[A-Z][a-z]{2,}", text))
    pairs = [(one, two) for one, two in pairwise(names) if one[0] != two[0]]
    if not pairs:
        return None
    one, two = dice.choice(pairs)
    return text[: one.start()] + two[0] + text[one.end() : two.start()] + one[0] + text[two.end() :]


_WAYS: tuple[Callable[[str, random.Random], str | None], ...] = (_digit, _negated, _name)
