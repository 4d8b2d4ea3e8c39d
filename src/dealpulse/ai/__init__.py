"""One question to a model, one validated answer: Claude where there is a key, the offline engine where there is none.

The SDK behind Claude takes two seconds and 76 MB to import, so nothing here imports it before a key is there to use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import structlog

from dealpulse.ai.cache import CachedEngine
from dealpulse.ai.contract import Answer, AnswerCache, Engine, Material, Question, Unanswered
from dealpulse.ai.fallback import FallbackEngine
from dealpulse.ai.local import LOCAL_MODEL, LocalEngine
from dealpulse.ai.models import watch_models
from dealpulse.ai.routing import RoutedEngine
from dealpulse.health import Health
from dealpulse.models import EngineName
from dealpulse.settings import AiSettings, Secret

__all__ = ["Answer", "Engine", "Material", "Question", "Unanswered", "check_key", "open_engine", "watch_models"]

ENGINE_OPENED = "ai_engine_opened"

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_engine(
    ai: AiSettings,
    *,
    cache: AnswerCache | None,
    health: Health,
    guard: Callable[[Engine], Engine] = lambda engine: engine,
) -> AsyncIterator[Engine]:
    """The engine the settings ask for, closed on exit.

    Without a key the offline engine answers, uncached, because asking it again is cheap. With a key Claude answers,
    through ``cache`` where there is one; and if the settings allow it, the offline engine while Claude cannot be had.
    ``guard`` wraps Claude itself, so that what the cache knows is answered whatever the guard says.
    """
    engine = LocalEngine() if ai.api_key is None else _claude(ai, ai.api_key, cache=cache, health=health, guard=guard)
    name, models = (EngineName.local, (LOCAL_MODEL,)) if ai.api_key is None else (EngineName.claude, ai.all_models)
    _log.info(ENGINE_OPENED, engine=name.value, models=models, fallback_local=ai.fallback_local)
    async with aclosing(engine):
        yield engine


def _claude(
    ai: AiSettings, api_key: Secret, *, cache: AnswerCache | None, health: Health, guard: Callable[[Engine], Engine]
) -> Engine:
    from dealpulse.ai.claude import ClaudeEngine
    from dealpulse.ai.connection import open_client

    def engine_of(model: str) -> Engine:
        engine = guard(ClaudeEngine(open_client(ai, api_key), model=model, timeout=ai.timeout, health=health))
        if cache is None:
            return engine
        return CachedEngine(engine, cache=cache, identity=f"{EngineName.claude.value}:{model}")

    routed = RoutedEngine({model: engine_of(model) for model in ai.all_models}, model_for=ai.model_for)
    return FallbackEngine(routed, stand_in=LocalEngine()) if ai.fallback_local else routed


async def check_key(ai: AiSettings) -> str:
    """A few sentences about the AI settings, for `doctor`; raises ``Permanent`` or ``Unavailable`` with advice."""
    if ai.api_key is None:
        return "No ANTHROPIC_API_KEY is set: the offline engine answers, with low confidence."
    from dealpulse.ai.connection import check_account

    retiring = await check_account(ai, ai.api_key)
    if not retiring:
        names = " and ".join(ai.all_models)
        return f"The key is accepted and {names} {'is' if len(ai.all_models) == 1 else 'are'} available."
    return " ".join(["The key is accepted.", *(one.warning for one in retiring)])
