"""The offline engine in place of Claude while Claude cannot be had: only where the user chose so."""

from __future__ import annotations

from dataclasses import replace

import structlog

from dealpulse.ai.contract import ACCOUNT_CODES, CLAUDE, Answer, Engine, Question, SchemaT
from dealpulse.errors import DealPulseError, Permanent, RateLimited, Unavailable

FELL_BACK = "ai_fell_back"

_log = structlog.get_logger(__name__)


class FallbackEngine:
    """Asks ``engine``; when that is down, out of its limits or shut out, ``stand_in`` answers, provisionally and under
    its own name.

    What is wrong with the question itself (refused, too long) is raised all the same.
    """

    def __init__(self, engine: Engine, *, stand_in: Engine) -> None:
        self._engine = engine
        self._stand_in = stand_in

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        try:
            return await self._engine.ask(question)
        except (Unavailable, RateLimited, Permanent) as exc:
            if not _is_about_the_engine(exc):
                raise
            _log.warning(FELL_BACK, operation=question.operation, code=exc.code)
            paid = exc.usage
        answer = await self._stand_in.ask(question)
        return replace(answer, usage=paid or answer.usage, provisional=True)

    async def aclose(self) -> None:
        try:
            await self._engine.aclose()
        finally:
            await self._stand_in.aclose()


def _is_about_the_engine(error: DealPulseError) -> bool:
    if isinstance(error, Unavailable):
        return error.dependency == CLAUDE
    return isinstance(error, RateLimited) or error.code in ACCOUNT_CODES
