"""What a risk looks like in a sentence.

Patterns are matched against ``Sentence.flat``: lower case, straight quotes and dashes, single spaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from dealpulse.models import Action, RiskCategory, Severity


class Kind(Enum):
    term = auto()
    """A contract's term: what somebody may, must or must not do."""
    fact = auto()
    """A statement that something is the case. Denied, hypothetical and settled ones do not count."""


@dataclass(frozen=True)
class RiskPattern:
    """One way a risk is told. ``says`` must match; nothing of ``unless`` may stand in the sentence."""

    category: RiskCategory
    severity: Severity
    action: Action
    title: str
    why: str
    kind: Kind
    cues: tuple[str, ...]
    """One of these words must be there: a cheap test before the expensive one."""
    says: str
    unless: str = ""

    @cached_property
    def _says(self) -> re.Pattern[str]:
        return re.compile(self.says)

    @cached_property
    def _unless(self) -> re.Pattern[str]:
        return re.compile(self.unless or r"(?!)")

    def match(self, flat: str) -> re.Match[str] | None:
        """The first telling match in a flattened sentence."""
        for cue in self.cues:
            if cue in flat:
                return self._telling(flat)
        return None

    def _telling(self, flat: str) -> re.Match[str] | None:
        for match in self._says.finditer(flat):
            if self.kind is Kind.fact and _denied(flat, match):
                continue
            return None if self._unless.search(flat) else match
        return None


_DENIAL_BEFORE = re.compile(
    r"\b(?:no|not|never|neither|nor|none|without|nobody|any|free (?:of|from)|absence of|avoid|prevent|nil|zero)\b"
    r"(?! (?:later|only|less|longer|more|fewer|doubt|alternative|backup|second|written|formal))[^;]{0,70}\Z"
    r"|n't\b[^;]{0,50}\Z"
)
_DENIAL_FIRST = re.compile(
    r"^(?:\(?[a-z0-9]{1,5}[.)] ?)*(?:except as [^;]{0,120}, )?(?:none|neither|nor|no(?! (?:alternat|second|backup"
    r"|other qualified|written)\w*))\b"
)
_DENIAL_AFTER = re.compile(r"^[^;.]{0,30}\b(?:none|nil|not applicable|n/a)\b")
_HYPOTHETICAL = re.compile(
    r"^(?:\(?[a-z0-9]{1,4}[.)] ?)?(?:if|in the event|should|to the extent|in case|unless|where|whether|upon|please"
    r"|provide"
    r"|list|describe|confirm|identify|copies of|details of|a list of|schedule of)\b"
    r"|\b(?:shall|in the event of|in case of|hereby|will indemnify|to the knowledge of|hereto|herein"
    r"|(?:we|our \w+) (?:may|could|might)|(?:may|could) (?:from time to time|materially|adversely|have a material)"
    r"|from time to time)\b"
)
_SETTLED = re.compile(
    r"\b(?:(?:was|were|has been|have been|is|are|been|now) (?:since |now |fully |subsequently |finally |all "
    r"|successfully "
    r"|amicably )*(?:settled|dismissed|withdrawn|remediated|resolved|cured|released|closed out|discharged|rectified"
    r"|paid in full|corrected|replaced|removed|superseded)"
    r"|no further action (?:is |was )?(?:required|taken)|closed (?:with|without) (?:no )?(?:findings?|change|penalt"
    r"|action)"
    r"|fully reserved|with no findings)\b"
)
_UNSETTLED = re.compile(
    r"\b(?:not|never|until|once|yet to|cannot)\b[^;]{0,30}\b(?:settled|dismissed|withdrawn|remediated|resolved|cured"
    r"|removed"
    r"|rectified|replaced|released)\b"
)


def _denied(flat: str, match: re.Match[str]) -> bool:
    """Whether a fact is denied, only supposed, or over."""
    if _DENIAL_BEFORE.search(flat[max(0, match.start() - 90) : match.start()]) or _HYPOTHETICAL.search(flat):
        return True
    first = _DENIAL_FIRST.match(flat)
    if first is not None and first.end() <= match.start():
        return True
    if _DENIAL_AFTER.search(flat[match.end() :]):
        return True
    return bool(_SETTLED.search(flat)) and not _UNSETTLED.search(flat)


def either_order(first: str, second: str, gap: int = 120) -> str:
    """``first`` and ``second`` within ``gap`` characters of one clause, whichever comes first."""
    return f"(?:{first})[^;]{{0,{gap}}}?(?:{second})|(?:{second})[^;]{{0,{gap}}}?(?:{first})"
