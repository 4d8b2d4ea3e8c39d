"""Whether a figure is where it is to be, by what its row says of that.

An aim is a bound, or the peer to be measured by: ``<= 0.45``, ``at most 4``, ``below 10``, ``> plain tesseract``,
``above VADER``. A bare number is the least there may be; a bare ``0`` is all there may be.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Final

from benchmarks.rows import Row

_SIGNS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "at least": operator.ge,
    "<=": operator.le,
    "at most": operator.le,
    ">": operator.gt,
    "above": operator.gt,
    "<": operator.lt,
    "below": operator.lt,
}
_AIM: Final = re.compile(rf"(?P<sign>{'|'.join(_SIGNS)})?\s*(?:the )?(?P<bound>.+)")


def reached(row: Row) -> bool | None:
    """None where there is no aim. Raises ValueError for one that is neither a number nor a peer of the row."""
    said = _AIM.fullmatch(row.aim)
    if said is None:
        return None
    bound = row.peers[said["bound"]] if said["bound"] in row.peers else float(said["bound"])
    if said["sign"]:
        return _SIGNS[said["sign"]](row.ours, bound)
    return row.ours >= bound if bound else row.ours <= 0
