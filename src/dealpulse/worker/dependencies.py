"""Jobs that need a dependency which is away wait for it together, and none of them loses an attempt."""

from __future__ import annotations

from typing import Final

from dealpulse.ai.contract import CLAUDE
from dealpulse.errors import RateLimited, Unavailable
from dealpulse.queue.limits import Breakers, Buckets
from dealpulse.queue.outcomes import Again, Outcome
from dealpulse.worker.guards import close_bucket, pass_breaker

_SPOKEN_FOR: Final = frozenset({CLAUDE, "redis"})
"""Claude's guard reports for itself; the engine waits for Redis by its own means."""


class _NotAdmitted(Unavailable):
    """The job never began."""


class Dependencies:
    """Asks the breakers before a job and tells them how it went."""

    def __init__(self, *, breakers: Breakers, buckets: Buckets) -> None:
        self._breakers = breakers
        self._buckets = buckets

    async def admit(self, needs: tuple[str, ...]) -> None:
        """Raises ``Unavailable`` while one of them is known to be away; exactly one caller is let through to try."""
        for dependency in needs:
            try:
                await pass_breaker(self._breakers, dependency)
            except Unavailable as error:
                raise _NotAdmitted(error.message, dependency=dependency, retry_after=error.retry_after) from None

    async def answered(self, needs: tuple[str, ...]) -> None:
        """They did, just now. Costs something only where this caller was let through to try."""
        for dependency in needs:
            await self._breakers.succeeded(dependency)

    async def noted(self, outcome: Outcome) -> bool:
        """Tell what the job found out; True when it had not begun at all."""
        error = outcome.error if isinstance(outcome, Again) else None
        if isinstance(error, _NotAdmitted):
            return True
        if isinstance(error, Unavailable) and error.dependency not in _SPOKEN_FOR:
            await self._breakers.failed(error.dependency)
        elif isinstance(error, RateLimited):
            await close_bucket(self._buckets, error)
        return False
