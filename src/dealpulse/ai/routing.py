"""Several models behind one engine: which of them answers is decided by the operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from dealpulse.ai.contract import Answer, Engine, Question, SchemaT


class RoutedEngine:
    """Asks the engine of the model that ``model_for`` names for the question's operation."""

    def __init__(self, engines: Mapping[str, Engine], *, model_for: Callable[[str], str]) -> None:
        """``engines`` are by model, one for every name ``model_for`` can return."""
        self._engines = engines
        self._model_for = model_for

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        return await self._engines[self._model_for(question.operation)].ask(question)

    async def aclose(self) -> None:
        async with AsyncExitStack() as stack:
            for engine in self._engines.values():
                stack.push_async_callback(engine.aclose)
