"""Quotes that say something else than their document: one number, negation or name of a real sentence is another."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from dealpulse.models import Page
from dealpulse.processors.operations.offline.sentences import sentences_of

Altered: TypeAlias = tuple[str, str, str]
"""The sentence, what was made of it, and what was changed: ``number``, ``negation`` or ``name``."""

_SHORTEST: Final = 40
_LONGEST: Final = 400
_NUMBER: Final = re.compile(r"(?<![\w.,(/-])\d+(?:[.,]\d+)*(?![\w.,)/-])")
_OPPOSITES: Final = (
    ("shall not", "shall"),
    ("may not", "may"),
    ("must not", "must"),
    ("will not", "will"),
    ("does not", "does"),
    ("is not", "is"),
    ("are not", "are"),
    ("has not", "has"),
    ("have not", "have"),
    ("without", "with"),
)
_NAME: Final = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{3,}\b")
_OTHER_NAMES: Final = ("Thornbury", "Castellan", "Merrowdale", "Ostrander", "Pellgate")


def altered_quotes(pages: Sequence[Page], count: int, seed: int) -> list[Altered]:
    """Up to ``count`` altered sentences of ``pages``, the kinds in turn as far as they last; the same for a seed."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    said = " ".join(" ".join(page.text for page in pages).lower().split())
    sentences = [one.text for one in sentences_of(pages) if _SHORTEST <= len(one.text) <= _LONGEST]
    dice.shuffle(sentences)
    made = {
        kind: [
            (original, other, kind)
            for original in sentences
            for other in alter(original, dice)
            if " ".join(other.lower().split()) not in said
        ]
        for kind, alter in _KINDS.items()
    }
    picked: list[Altered] = []
    while len(picked) < count and any(made.values()):
        picked.extend(candidates.pop() for candidates in made.values() if candidates and len(picked) < count)
    return picked[:count]


def _another_number(sentence: str, dice: random.Random) -> Iterator[str]:
    for match in _NUMBER.finditer(sentence):
        digits = [at for at, character in enumerate(match[0]) if character.isdigit()]
        at = dice.choice(digits)
        changed = str((int(match[0][at]) + dice.randint(1, 8)) % 9 + 1)
        if changed != match[0][at]:
            number = match[0][:at] + changed + match[0][at + 1 :]
            yield sentence[: match.start()] + number + sentence[match.end() :]


def _the_opposite(sentence: str, _: random.Random) -> Iterator[str]:
    for one, other in _OPPOSITES:
        if f" {one} " in sentence:
            yield sentence.replace(f" {one} ", f" {other} ", 1)
        elif f" {other} " in sentence:
            yield sentence.replace(f" {other} ", f" {one} ", 1)


def _another_name(sentence: str, dice: random.Random) -> Iterator[str]:
    for match in _NAME.finditer(sentence):
        name = dice.choice([name for name in _OTHER_NAMES if name != match[0]])
        yield sentence[: match.start()] + name + sentence[match.end() :]


_KINDS: Final[dict[str, Callable[[str, random.Random], Iterator[str]]]] = {
    "number": _another_number,
    "negation": _the_opposite,
    "name": _another_name,
}
