"""How many requests one caller may make: a token bucket each, in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_CALLERS: Final = 10_000


class Rates:
    """``per_minute`` requests a caller on average, as many at once as in ten seconds; 0 is any number."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_minute / 60
        self._burst = max(1.0, per_minute / 6)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> float:
        """Seconds until the caller may ask again; 0.0 where it may now."""
        if not self._per_second:
            return 0.0
        now = self._clock()
        left, since = self._left.get(caller, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        wait = 0.0 if left >= 1 else (1 - left) / self._per_second
        self._left[caller] = (left if wait else left - 1, now)
        self._left.move_to_end(caller)
        while len(self._left) > _CALLERS:
            self._left.popitem(last=False)
        return wait
