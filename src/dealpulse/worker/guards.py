"""What stands between a worker and those it depends on, so that one who was refused speaks for all."""

from __future__ import annotations

from typing import Final

from dealpulse.ai.contract import CLAUDE, Answer, Engine, Question, SchemaT
from dealpulse.errors import DealPulseError, RateLimited, Unavailable
from dealpulse.queue.limits import Breakers, Buckets

_DEFAULT_CLOSING_SECONDS: Final = 15.0
"""For a 429 that did not say for how long."""


async def pass_breaker(breakers: Breakers, dependency: str) -> None:
    """Raises ``Unavailable`` while the dependency is known to be away and this caller is not the one to try it."""
    admission = await breakers.admit(dependency)
    if admission.wait > 0:
        message = f"{dependency} does not answer; it is being tried for all."
        raise Unavailable(message, dependency=dependency, retry_after=admission.wait)


async def close_bucket(buckets: Buckets, error: RateLimited) -> None:
    """Nobody asks this account before the other side said one may."""
    await buckets.close(error.bucket, _DEFAULT_CLOSING_SECONDS if error.retry_after is None else error.retry_after)


class GuardedEngine:
    """Asks ``engine`` unless it is known not to answer, and tells all workers when it does not."""

    def __init__(self, engine: Engine, *, breakers: Breakers, buckets: Buckets) -> None:
        self._engine = engine
        self._breakers = breakers
        self._buckets = buckets

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        await pass_breaker(self._breakers, CLAUDE)
        wait = await self._buckets.take(CLAUDE)
        if wait > 0:
            raise RateLimited("Claude's rate limit is spent.", bucket=CLAUDE, retry_after=wait)
        try:
            answer = await self._engine.ask(question)
        except Unavailable:
            await self._breakers.failed(CLAUDE)
            raise
        except DealPulseError as error:
            # It answered, if only to refuse.
            await self._breakers.succeeded(CLAUDE)
            if isinstance(error, RateLimited):
                await close_bucket(self._buckets, error)
            raise
        await self._breakers.succeeded(CLAUDE)
        return answer

    async def aclose(self) -> None:
        await self._engine.aclose()
