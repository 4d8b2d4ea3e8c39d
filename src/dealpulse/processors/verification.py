"""Whether a quote really stands in a document.

A model quotes from memory; nothing it quotes is shown as fact before it was found in the stored pages. The search goes
from strict to lenient: letter for letter on the cited page, then on its neighbours, then anywhere, then word for word
(ignoring case, typography, punctuation, hyphenation and articles) in the same order of places. It never goes further:
no edit distance, so a changed number, name or negation is never found.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from dealpulse.models import Citation, Page, Verification

SHORTEST_QUOTE = 12
"""Characters, white space collapsed. Shorter ones stand everywhere and prove nothing."""
LONGEST_ELISION = 600
"""Characters of the document that a ``...`` within a quote may stand for."""

_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʼ`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None),
    }
)
_NEGATIONS_TEXT = """
no not never neither nor none nothing nobody without cannot except unless excluding hardly
nicht kein keine keinen keiner keinem ohne nie niemals ne pas non jamais sans aucun aucune sin nunca senza mai
não sem niet geen zonder nooit nie bez не без ни никогда
"""
_NEGATION = re.compile(rf"\b(?:{'|'.join(_NEGATIONS_TEXT.split())})\b|n't\b|[不未无無沒没勿毋]")
_ARTICLES = frozenset(("a", "an", "the"))
_ARTICLE_ENDS = tuple(f" {article}" for article in _ARTICLES)
"""A quote cut off after an article may be cut off before a "not"."""
_NEGATIVE_PREFIXES = ("un", "in", "im", "il", "ir", "non", "dis", "mis", "de")
_NEGATION_BEFORE = re.compile(
    r"(?i)(?:\b(?:not|no|never|neither|nor|without|cannot|unless|except|in no event|under no circumstances|at no time"
    r"|nicht|kein\w{0,2}|ohne|sans|sin|senza|non|não|sem|niet|geen|zonder|nie|bez|не|без)|n['’]t)\s+(?:be\s+)?\Z"
    r"|[不未无無沒没勿毋]\Z"
)
_FARTHEST_NEGATION = 40
"""Characters before a quote in which such a negation is looked for."""
_NEGATION_AFTER = re.compile(r"(?i)\s+(?:not|never|nicht|niet|pas)\b")
"""A quote that ends before it says the opposite of its sentence."""
_CURRENCY = "$€£¥¢₣₤₩₪₫₱₲₴₵₸₹₺₽₿"
_UNIT_AFTER = re.compile(
    r"(?i)\s?[%‰]|\s?(?:per ?cent|thousand|million|billion|trillion|mn|bn|k|m"
    r"|(?:business |calendar |working )?(?:day|week|month|quarter|year)s?)\b"
)
"""What a number is a number of: "$5" of "$5 million" is another amount."""
_TOKEN = re.compile(
    r"\(\d+(?:[.,]\d+)*\)"
    r"|(?:(?<![\w)])-)?(?:(?<![\d.,])\d{1,3}(?:[ ']\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*)"
    rf"|[%‰{_CURRENCY}]|[<>≤≥±](?=\s?[{_CURRENCY}]?\s?\d)"
    rf"|(?<![\w)])-(?=[{_CURRENCY}]\s?\d)|\((?=[{_CURRENCY}]\s?\d[\d.,]*\s?\))"
    r"|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
    r"|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
    r"(?:(?:-\s*|')[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)*|[^\W_]"
)
_ELLIPSIS = re.compile(r"\s*(?:\[\s*)?(?:\.\s?\.\s?\.|…)(?:\s*\])?\s*")


def verify(quote: str, page: int | None, pages: Sequence[Page]) -> Citation:
    """Look ``quote`` up in ``pages``. For many quotes of one document keep a ``QuoteVerifier``."""
    return QuoteVerifier(pages).verify(quote, page)


def typographic(text: str) -> str:
    """The text with one kind of quote, dash and letter form, invisible characters gone."""
    return unicodedata.normalize("NFKC", text.translate(_TYPOGRAPHY))


@dataclass(frozen=True)
class _Span:
    """A half-open range of the pages joined by newlines."""

    start: int
    end: int


class QuoteVerifier:
    """The pages of one document, indexed once for any number of quotes."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = tuple(pages)
        self._index_of = {page.number: index for index, page in enumerate(self._pages)}
        starts, position = [], 0
        for page in self._pages:
            starts.append(position)
            position += len(page.text) + 1
        self._starts = starts
        self._text = "\n".join(page.text for page in self._pages)

    def verify(self, quote: str, page: int | None) -> Citation:
        """``quote`` with where it stands.

        When found (or repaired) ``page.text[start:end]`` is the quote; where it runs over the end of its page, ``end``
        is that page's end and the quote holds the rest too.
        """
        quote = quote.strip()
        if _length(quote) < SHORTEST_QUOTE:
            return _unverified(quote, page)
        for index in self._places(page):
            window = self._window(index)
            span = self._letters.find(quote, *window) or self._words.find(quote, *window)
            if span is not None:
                return self._citation(span, quote, page)
        span = self._letters.find(quote) or self._words.find(quote) or self._elided(quote)
        return _unverified(quote, page) if span is None else self._citation(span, quote, page)

    @cached_property
    def _letters(self) -> _Letters:
        return _Letters(self._text)

    @cached_property
    def _words(self) -> _Words:
        return _Words(self._text)

    def _places(self, page: int | None) -> Iterator[int]:
        cited = None if page is None else self._index_of.get(page)
        if cited is not None:
            yield from (index for index in (cited, cited - 1, cited + 1) if 0 <= index < len(self._pages))

    def _window(self, index: int) -> tuple[int, int]:
        return self._starts[index], self._starts[index] + len(self._pages[index].text)

    def _elided(self, quote: str) -> _Span | None:
        parts = [part for part in _ELLIPSIS.split(quote) if part.strip()]
        if not parts or any(_length(part) < SHORTEST_QUOTE for part in parts):
            return None
        first = self._words.find(parts[0])
        if first is None:
            return None
        end = first.end
        for part in parts[1:]:
            found = self._words.find(part, end, end + LONGEST_ELISION + 2 * len(part))
            if found is None or found.start - end > LONGEST_ELISION or _negates(self._text[end : found.start]):
                return None
            end = found.end
        return _Span(first.start, end)

    def _citation(self, span: _Span, quote: str, cited: int | None) -> Citation:
        span = self._whole_statement(span)
        text = self._text[span.start : span.end]
        index = bisect_right(self._starts, span.start) - 1
        page = self._pages[index]
        inside = span.end <= self._window(index)[1]
        as_cited = inside and cited in (None, page.number) and _collapsed(text) == _collapsed(quote)
        return Citation(
            quote=text,
            page=page.number,
            verification=Verification.verified if as_cited else Verification.repaired,
            start=span.start - self._starts[index],
            end=min(span.end - self._starts[index], len(page.text)),
        )

    def _whole_statement(self, span: _Span) -> _Span:
        """The span with words it cuts through completed, the unit of its last number, and negations at its edges."""
        start, end = span.start, span.end
        while start > 0 and self._text[start - 1].isalpha() and self._text[start].isalpha():
            start -= 1
        while end < len(self._text) and self._text[end].isalpha() and self._text[end - 1].isalpha():
            end += 1
        if self._text[end - 1].isdigit() and (unit := _UNIT_AFTER.match(self._text, end)):
            end = unit.end()
        if after := _NEGATION_AFTER.match(self._text, end):
            end = after.end()
        before = self._text[max(0, start - _FARTHEST_NEGATION) : start]
        negation = _NEGATION_BEFORE.search(before)
        return _Span(start if negation is None else start - len(before) + negation.start(), end)


class _Letters:
    """The text with each run of white space as one space."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._flat, self._offsets = _flattened(text)

    def find(self, quote: str, start: int = 0, end: int | None = None) -> _Span | None:
        flat = _collapsed(quote)
        low = self._position(start)
        high = len(self._flat) if end is None else self._position(end)
        while (at := self._flat.find(flat, low, high)) >= 0:
            span = _Span(self._offset(at), self._offset(at + len(flat) - 1) + 1)
            if not _cuts_meaning(self._text, span):
                return span
            low = at + 1
        return None

    def _position(self, offset: int) -> int:
        """Of a text offset in the flat text."""
        run = bisect_right(self._offsets, offset, key=lambda pair: pair[0]) - 1
        original, flat = self._offsets[run]
        position = flat + offset - original
        return position if run + 1 == len(self._offsets) else min(position, self._offsets[run + 1][1])

    def _offset(self, position: int) -> int:
        """Of a flat position in the text."""
        run = bisect_right(self._offsets, position, key=lambda pair: pair[1]) - 1
        original, flat = self._offsets[run]
        return original + position - flat


class _Words:
    """The text's words, numbers and signs, lower-cased and without articles, one space between."""

    def __init__(self, text: str) -> None:
        self._text = text
        tokens = list(_tokens(text))
        self._spans = [span for _, span in tokens]
        self._starts = [span.start for span in self._spans]
        self._line = " " + "".join(word + " " for word, _ in tokens)
        self._at: list[int] = []
        position = 0
        for word, _ in tokens:
            self._at.append(position)
            position += len(word) + 1

    def find(self, quote: str, start: int = 0, end: int | None = None) -> _Span | None:
        words = [word for word, _ in _tokens(quote)]
        line = f" {' '.join(words)} "
        if _length(line) < SHORTEST_QUOTE or quote.lower().rstrip(" .,;:").endswith(_ARTICLE_ENDS):
            return None
        low = self._position(start)
        high = len(self._line) if end is None else self._position(end) + 1
        while (at := self._line.find(line, low, high)) >= 0:
            first = bisect_right(self._at, at) - 1
            span = _Span(self._spans[first].start, self._spans[first + len(words) - 1].end)
            if not _cuts_meaning(self._text, span):
                return span
            low = at + 1
        return None

    def _position(self, offset: int) -> int:
        index = bisect_right(self._starts, offset - 1)
        return self._at[index] if index < len(self._at) else len(self._line) - 1


def _tokens(text: str) -> Iterator[tuple[str, _Span]]:
    plain, offsets = _plain(text)
    for match in _TOKEN.finditer(plain):
        word = re.sub(r"-\s*", "", match[0]) if match[0][0].isalpha() else re.sub(r"[ ']", "", match[0])
        if word not in _ARTICLES:
            yield word, _Span(offsets[match.start()], offsets[match.end() - 1] + 1)


def _plain(text: str) -> tuple[str, Sequence[int]]:
    """Lower-cased text in one typography, and each character's offset in ``text``."""
    if text.isascii():
        return text.lower(), range(len(text))
    characters: list[str] = []
    offsets: list[int] = []
    for offset, character in enumerate(text):
        plain = character.lower() if character.isascii() else typographic(character).lower()
        characters.append(plain)
        offsets.extend([offset] * len(plain))
    return "".join(characters), offsets


def _flattened(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The collapsed text, and (text offset, flat offset) of each place where the two drift apart."""
    pieces: list[str] = []
    offsets: list[tuple[int, int]] = [(0, 0)]
    last = flat = 0
    for match in re.finditer(r"\s+", text):
        piece = text[last : match.start()] + " "
        pieces.append(piece)
        flat += len(piece)
        last = match.end()
        if len(match[0]) > 1:
            offsets.append((last, flat))
    pieces.append(text[last:])
    return "".join(pieces), offsets


def _cuts_meaning(text: str, span: _Span) -> bool:
    """Whether the span's edges cut a number (``5,000`` of ``25,000``, ``$5`` of ``-$5``) or a negative prefix."""
    head, tail = text[max(0, span.start - 24) : span.start], text[span.end : span.end + 6]
    first = text[span.start]
    if first.isdigit() and _NUMBER_BEFORE.search(head):
        return True
    if (first.isdigit() or first in _CURRENCY) and _is_negative(head, text[span.start : span.start + 24]):
        return True
    if text[span.end - 1].isdigit() and _NUMBER_AFTER.match(tail):
        return True
    if first.isalpha():
        cut = re.search(r"[^\W\d_]*-?\Z", head)
        return cut is not None and cut[0].lower().rstrip("-").startswith(_NEGATIVE_PREFIXES) and bool(cut[0])
    return False


_NUMBER_BEFORE = re.compile(r"\d[.,'’\u00a0\u202f]?\Z|\d\s?/\Z")
_NUMBER_AFTER = re.compile(r"[.,]?\d|['’\u00a0\u202f ]\d{3}(?!\d)")


def _is_negative(head: str, amount: str) -> bool:
    """Whether a minus sign or an accountant's parentheses around ``amount`` were left out."""
    if re.search(r"(?<![\w)])[-−–]\Z", head):
        return True
    return head.endswith("(") and re.match(rf"[{_CURRENCY}]?\s?\d[\d.,]*\s?\)", amount) is not None


def _length(text: str) -> int:
    """Characters, white space collapsed; one of a script that writes a word with one or two counts twice."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in _collapsed(text))


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _negates(text: str) -> bool:
    return _NEGATION.search(_plain(text)[0]) is not None


def _unverified(quote: str, page: int | None) -> Citation:
    return Citation(quote=quote, page=page, verification=Verification.unverified)
