"""Text into sentences, each with its place on its page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import nupunkt

from dealpulse.models import Page, PageKind
from dealpulse.processors.verification import typographic

LONGEST_SENTENCE = 2_000
"""Characters. Longer ones (tables, lists of definitions) are cut at the last boundary before."""

_BLOCK_END = re.compile(
    r"(?:\r?\n[ \t]*){2,}"
    r"|\r?\n[ \t]*(?=(?:[-*•·▪◦‣–—o]|\(?[a-zA-Z0-9]{1,4}[.)]|\d+(?:\.\d+)+\.?|#+|[A-Z][A-Z &]{3,40}:?\r?\n)[ \t])"
)
_LINE_END = re.compile(r"\r?\n")
_FINISHED = re.compile(r"(?:[.:;!?][\"'”’)\]]*|[;,] (?:and|or))\s*\Z")
_CONTINUES = re.compile(r"\s*(?:[a-z(]|\d+(?!\.\d*\s)[\s,])")
_UNFINISHED = re.compile(
    r"(?:\b(?:the|an?|of|to|any|in|by|for|with|from|than|its|such|this|and|or|not|shall|will|other))\s*\Z"
)
"""A block that ends like this goes on in the next, whatever the layout."""
_CAPITAL = re.compile(r"\s*[A-Z][a-z]")
_HYPHENATED = re.compile(r"(?<=[a-z]{2})-[ \t]*\r?\n[ \t]*(?=[a-z]{2})")
_MISREAD_L = re.compile(r"(?<=[a-z]{3})1(?![\d.%])")
"""Of scans: "shal1"."""
_CUT = re.compile(r"[;.:]\s|\s")


@dataclass(frozen=True)
class Sentence:
    """``page.text[start:end]`` of page number ``page``; never empty, no white space around."""

    text: str
    page: int
    start: int
    end: int

    @cached_property
    def flat(self) -> str:
        """Lower case, one typography, single spaces, words whole again: what patterns are written against."""
        whole = _HYPHENATED.sub("", typographic(self.text).lower())
        return _MISREAD_L.sub("l", " ".join(whole.split()))


def sentences_of(pages: Sequence[Page]) -> list[Sentence]:
    """All sentences in reading order; a row of a sheet and a line of a slide count as one."""
    return [sentence for page in pages for sentence in page_sentences(page)]


def page_sentences(page: Page) -> Iterator[Sentence]:
    lines = page.kind in (PageKind.sheet, PageKind.slide)
    blocks = _split(page.text, _LINE_END) if lines else _blocks(page.text)
    for block_start, block_end in blocks:
        block = page.text[block_start:block_end]
        for start, end in nupunkt.sent_spans(block):
            for piece_start, piece_end in _pieces(block, start, end):
                yield from _sentence(page, block_start + piece_start, block_start + piece_end)


def _sentence(page: Page, start: int, end: int) -> Iterator[Sentence]:
    text = page.text[start:end]
    stripped = text.strip()
    if stripped:
        start += len(text) - len(text.lstrip())
        yield Sentence(text=stripped, page=page.number, start=start, end=start + len(stripped))


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs and list items. An empty line within a sentence (a page break, a badly converted file) ends none."""
    start = end = 0
    for block_start, block_end in _split(text, _BLOCK_END):
        if end > start and (
            _FINISHED.search(text, max(start, end - 8), end)
            or not (_CONTINUES.match(text, block_start) or _runs_on(text, start, end, block_start))
        ):
            yield start, end
            start = block_start
        end = block_end
    if end > start:
        yield start, end


def _runs_on(text: str, start: int, end: int, next_start: int) -> bool:
    return bool(_UNFINISHED.search(text, max(start, end - 12), end) and _CAPITAL.match(text, next_start))


def _split(text: str, boundary: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for match in boundary.finditer(text):
        if match.start() > start:
            yield start, match.start()
        start = match.end()
    if start < len(text):
        yield start, len(text)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > LONGEST_SENTENCE:
        cut = _cut(text, start + LONGEST_SENTENCE // 2, start + LONGEST_SENTENCE)
        yield start, cut
        start = cut
    yield start, end


def _cut(text: str, low: int, high: int) -> int:
    """The best place to cut between ``low`` and ``high``: after a clause, else at white space, else anywhere."""
    best = high
    for match in _CUT.finditer(text, low, high):
        if len(match[0]) > 1 or best == high or text[best - 2] not in ";.:":
            best = match.end()
    return best


def text_sentences(text: str) -> list[Sentence]:
    """The sentences of a text without pages, an e-mail's: its offsets are the text's, its page number 1."""
    page = Page(number=1, kind=PageKind.section, text=text, char_start=0, char_end=len(text))
    return list(page_sentences(page))
