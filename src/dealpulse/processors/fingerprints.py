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


def finding_fingerprint(category: RiskCategory, clause: str) -> str:
    """Of a risk told by ``clause``: the whole sentence it is cited from, not only the quoted part of it.

    White space, case, typography, punctuation and hyphenation do not matter; numbers and names do.
    """
    return _digest("finding", category.value, *_words(re.sub(r"-\s*(?=[^\W\d_])", "", clause)))


def blocker_fingerprint(thread_key: str, title: str, owner: str | None = None) -> str:
    """Of a blocker: its thread, and what is awaited there whatever words were put around it.

    ``owner`` counts only where the title names nothing.
    """
    topic = sorted({_stem(word) for word in _words(title) if len(word) > 1 and word not in _FILLER})
    return _digest("blocker", thread_key, *(topic or _words(owner or "")))


def _words(text: str) -> list[str]:
    return _WORD.findall(typographic(text).lower())


def _stem(word: str) -> str:
    """The word without its plural: enough for titles."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
