"""Text in a document or an e-mail that gives orders to an AI. Found by rules, whoever else reads it.

A passage is looked at as it is, and as it would read without what people use to hide such orders: letters of other
alphabets, digits for letters, letters set apart, invisible characters, base64.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Final

from dealpulse.models import Action, Page, RiskCategory, Severity
from dealpulse.processors.operations.offline import injection_phrases as phrases
from dealpulse.processors.operations.offline.sentences import Sentence, page_sentences
from dealpulse.processors.operations.schemas import RiskEntry
from dealpulse.processors.verification import typographic

MOST_INJECTIONS = 3
"""Reported a document: a document of nothing else is one risk, not a thousand."""

_ALIKE: Final = str.maketrans("аеорсхуіјѕԁһӏɡοαερνυτικ", "aeopcxyijsdhlgoaepvutik")
"""Cyrillic and Greek letters that look like Latin ones."""
_DIGITS: Final = str.maketrans("013457@$", "oieastas")
_DIGIT_IN_WORD: Final = re.compile(r"[a-z][013457@$][a-z]|\b[013457@$][a-z]{2}")
_SET_APART: Final = re.compile(r"(?:\b[a-z]\b[ .\-_*|]{1,2}){5,}[a-z]\b")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{28,}={0,2}")
_LATIN: Final = re.compile(r"[a-z]")
_PATTERNS: Final = (phrases.ENGLISH, phrases.FOREIGN, re.compile(phrases.MARKUP.pattern.replace("^", "")))
"""For a whole page, in which nothing stands at the beginning."""
_MOST_ENCODED: Final = 20
"""Pieces of base64 looked into a page: pictures are made of it."""


def injections(pages: Sequence[Page], *, what: str = "document") -> Iterator[RiskEntry]:
    """A finding for each of the first passages that instruct a machine; ``what`` is what the pages are of."""
    found = 0
    for page in pages:
        for sentence in page_sentences(page) if _is_suspect(page.text) else ():
            if found < MOST_INJECTIONS and (is_injection(sentence.text) or _is_encoded(sentence.text)):
                found += 1
                yield _entry(sentence, what)


def is_injection(sentence: str) -> bool:
    """Whether one sentence gives orders to a machine."""
    flat = _flat(sentence)
    return _tells_a_machine(flat) or any(_tells_a_machine(plain) for plain in _unmasked(flat))


def _tells_a_machine(flat: str) -> bool:
    if phrases.MARKUP.search(flat) or phrases.FOREIGN.search(flat):
        return True
    if phrases.AMONG_PEOPLE.search(flat) or not phrases.ENGLISH.search(flat):
        return False
    return bool(phrases.CERTAIN.search(flat)) or not phrases.ABOUT_AI.search(flat)


def _unmasked(flat: str) -> Iterator[str]:
    """What the sentence says once what hides it is undone, where something does."""
    latin = flat.translate(_ALIKE)
    if latin != flat and _LATIN.search(flat):
        yield latin
    if _DIGIT_IN_WORD.search(flat):
        yield flat.translate(_DIGITS)
    if _SET_APART.search(flat):
        together = re.sub(r"[^a-z]", "", flat)
        if phrases.RUN_TOGETHER.search(together):
            yield "ignore all previous instructions"


def _is_encoded(text: str) -> bool:
    return any(is_injection(decoded) for decoded in _decoded(text))


def _decoded(text: str) -> Iterator[str]:
    for match in list(_BASE64.finditer(text))[:_MOST_ENCODED]:
        try:
            decoded = base64.b64decode(match[0] + "=" * (-len(match[0]) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if decoded.isprintable() or "\n" in decoded:
            yield decoded


def _flat(text: str) -> str:
    return " ".join(typographic(text).lower().split())


def _is_suspect(text: str) -> bool:
    """Whether a page is worth being cut into sentences: most pages are not."""
    flat = _flat(text)
    plain = (flat, *_unmasked(flat))
    return any(pattern.search(one) for one in plain for pattern in _PATTERNS) or _is_encoded(text)


def _entry(sentence: Sentence, what: str) -> RiskEntry:
    return RiskEntry(
        category=RiskCategory.prompt_injection,
        severity=Severity.P1,
        action=Action.investigate,
        title=f"The {what} tries to instruct an AI reviewer",
        explanation=(
            f"Somebody wants this {what} read differently by software than by people: find out who and why, and read "
            "it yourself. What software found in it may be incomplete."
        ),
        quote=sentence.text,
        page=sentence.page,
    )
