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
    strength: int = 1
    """How telling a match is beside others of its category. One of 0 counts only where the document has none better."""

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
    r"|other qualified|written|source|offer|copy of the source)\w*))\b"
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
    r"\b(?:not|never|until|once|yet to|cannot)\b[^;]{0,30}\b(?:settled|dismissed|withdrawn|remediated"
    r"|resolved|cured"
    r"|removed"
    r"|rectified|replaced|released)\b"
)
_DENIED_WITHIN = re.compile(
    r"(?<=.)\b(?:found|identif(?:y|ied)|reveal(?:ed|s)?|report(?:ed|s)?|uncover(?:ed|s)?|detect(?:ed|s)?"
    r"|noted|show(?:ed|s)?"
    r"|disclosed|raised|rais(?:ed|es)) (?:no|nothing|none|zero|neither)\b"
    r"|\b(?:did|does|do|has|have) not (?:find|found|identif(?:y|ied)|reveal(?:ed)?|report(?:ed)?|uncover(?:ed)?"
    r"|detect(?:ed)?|show(?:n)?)\b"
)
_PURPOSE = re.compile(
    r"\b(?:purpose|objective|aim|goal|intent|object|scope|mandate|task)s?\b[^;]{0,100}\b(?:is|was|were"
    r"|are|includ\w+"
    r"|compris\w+|cover\w+|consist\w+)\b"
    r"|\b(?:performed|conducted|carried out|undertaken|commissioned|engaged|retained|designed|intended"
    r"|instructed|prepared)"
    r" (?:\w+ ){0,6}?(?:to|for the purpose of) (?:\w+ )?(?:identif\w+|assess\w*|determin\w+|evaluat\w+|establish\w*"
    r"|review\w*|test\w*|detect\w*|find\w*|ascertain\w*)"
    r"|\b(?:term|expression|phrase)\b[^;]{0,60}\b(?:refers? to|means|describes?|denotes?|includes?)\b"
    r"|\bis defined\b"
    r"|\bare defined\b"
)
"""What a report sets out to do, or what its words mean."""
_RESULT = re.compile(
    r"\b(?:and|but|which|it|we|that|then) (?:\w+ )?(?:found|identified|revealed|disclosed|detected"
    r"|confirmed|encountered"
    r"|uncovered|showed)\b"
)


def _denied(flat: str, match: re.Match[str]) -> bool:
    """Whether a fact is denied, only supposed, only looked for, or over."""
    if _DENIED_WITHIN.search(match[0]) or (_PURPOSE.search(flat) and not _RESULT.search(flat)):
        return True
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
