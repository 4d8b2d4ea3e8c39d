"""Names for what was found, the same in another run, another document and tomorrow's brief."""

from __future__ import annotations

import hashlib
import re

from dealpulse.models import RiskCategory
from dealpulse.processors.verification import typographic

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_FILLER_TEXT = """
a an and are as at be been being by for from has have in is it its of on or our that the their this to was
we were will with you your i not yet still no blocker blocked blocking issue open pending outstanding
waiting wait awaiting await missing stalled delayed delay delays overdue hold holding up until needed needs
need required requires received receive unresolved unsigned please
"""
_FILLER = frozenset(_FILLER_TEXT.split())
_GENERAL_TEXT = """
the and for with from into upon under this that these those such any all each either other its their his her our your
shall may must will would can could has have had been being was were are not but nor who whom which what when where
than then there here hereby herein hereof hereto thereof therein agreement section clause article paragraph party
parties including without limitation subject pursuant accordance applicable respect
"""
_GENERAL = frozenset(_GENERAL_TEXT.split())
"""Words that stand in any clause."""
_WORD_OR_STOP = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[.!?](?=\s)")
_ENDINGS = (
    "ations",
    "ation",
    "ments",
    "ment",
    "ions",
    "ion",
    "ings",
    "ing",
    "ness",
    "able",
    "ible",
    "ed",
    "es",
    "ly",
    "s",
)


def finding_fingerprint(category: RiskCategory, clause: str) -> str:
    """Of a risk told by ``clause``: the whole sentence it is cited from, not only the quoted part of it.

    White space, case, typography, punctuation and hyphenation do not matter; numbers and names do.
    """
    return _digest("finding", category.value, *_words(re.sub(r"-\s*(?=[^\W\d_])", "", clause)))


def blocker_fingerprint(thread_key: str, title: str, owner: str | None = None) -> str:
    """Of a blocker: its thread, and what is awaited there whatever words were put around it.

    ``owner`` counts only where the title names nothing.
    """
    return _digest("blocker", thread_key, *(topic_terms(title) or _words(owner or "")))


def clause_terms(clause: str) -> tuple[str, ...]:
    """What a clause is about, sorted: ``#30`` a number, ``@halbrook`` a name, ``terminat`` a word's stem.

    The database takes two clauses of one category for the same risk when their numbers are equal, their names do not
    contradict each other and most of their words are the same (``tells_the_same``).
    """
    plain = typographic(re.sub(r"-\s*(?=[^\W\d_])", "", clause))
    terms: set[str] = set()
    begins = True
    for match in _WORD_OR_STOP.finditer(plain):
        word, began = match[0], begins
        begins = word in ".!?"
        if begins:
            continue
        low = word.lower()
        if word[0].isdigit():
            terms.add("#" + word.replace(",", "").rstrip("."))
        elif low in _GENERAL or len(word) < 3:
            continue
        elif word[0].isupper() and not word.isupper() and not began:
            terms.add("@" + _stem(low))
        else:
            terms.add(_root(low))
    return tuple(sorted(terms))


def topic_terms(title: str) -> tuple[str, ...]:
    """What a blocker's title is about, sorted: the stems of its words without those that only say that one waits."""
    return tuple(sorted({_stem(word) for word in _words(title) if len(word) > 1 and word not in _FILLER}))


def _root(word: str) -> str:
    """The word without its commonest endings: "terminated" and "termination" are about the same."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _words(text: str) -> list[str]:
    return _WORD.findall(typographic(text).lower())


def _stem(word: str) -> str:
    """The word without its plural: enough for titles."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
