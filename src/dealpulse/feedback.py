"""What people may correct of what was found, checked."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Final

from dealpulse.errors import Invalid
from dealpulse.models import Action, RiskCategory, Severity

LONGEST_REASON: Final = 2_000
_LONGEST_TEXT: Final = 300
Check = Callable[[str], str]


def corrections_of_finding(told: Mapping[str, str], *, wanted: bool) -> dict[str, str]:
    """What is corrected of a finding, by field; some where a correction is ``wanted``, else none.

    Raises:
        Invalid: ``invalid_correction``.
    """
    return _checked(told, _OF_FINDING, wanted=wanted)


def corrections_of_blocker(told: Mapping[str, str], *, wanted: bool) -> dict[str, str]:
    """The same of a blocker; ``due_date`` is an ISO date."""
    return _checked(told, _OF_BLOCKER, wanted=wanted)


def reason_of(text: str) -> str:
    """Why, in a person's words. Raises Invalid (``invalid_reason``)."""
    reason = text.strip()
    if len(reason) > LONGEST_REASON:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", code="invalid_reason")
    return reason


def _checked(told: Mapping[str, str], checks: Mapping[str, Check], *, wanted: bool) -> dict[str, str]:
    if wanted and not told:
        raise Invalid(f"Say what is corrected: {', '.join(checks)}.", code="invalid_correction")
    if told and not wanted:
        raise Invalid("Only the verdict `correct` takes corrections.", code="invalid_correction")
    corrected = {}
    for field, value in told.items():
        if field not in checks:
            message = f"{field[:60]!r} cannot be corrected; {', '.join(checks)} can."
            raise Invalid(message, code="invalid_correction", details={"valid": list(checks)})
        try:
            corrected[field] = checks[field](value.strip())
        except ValueError as error:
            message = f"This is no {field.replace('_', ' ')}: {value.strip()[:60]!r}."
            raise Invalid(message, code="invalid_correction", details={"field": field}) from error
    return corrected


def _text(value: str) -> str:
    line = " ".join(value.split())
    if not 1 <= len(line) <= _LONGEST_TEXT or not line.isprintable():
        raise ValueError("no line of text")
    return line


_OF_FINDING: Final[Mapping[str, Check]] = {
    "category": lambda value: RiskCategory(value).value,
    "severity": lambda value: Severity(value).value,
    "action": lambda value: Action(value).value,
    "title": _text,
}
_OF_BLOCKER: Final[Mapping[str, Check]] = {
    "title": _text,
    "owner": _text,
    "due_date": lambda value: datetime.date.fromisoformat(value).isoformat(),
    "needed_action": _text,
}
