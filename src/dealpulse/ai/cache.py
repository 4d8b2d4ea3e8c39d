"""Answers already paid for: an unchanged question about unchanged material costs nothing."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from typing import Any
from weakref import WeakValueDictionary

import msgspec
import structlog
from msgspec import Struct
from pydantic import BaseModel, ValidationError

from dealpulse.ai.contract import Answer, AnswerCache, Engine, Question, SchemaT
from dealpulse.errors import DealPulseError
from dealpulse.models import Origin, Usage

CACHE_UNAVAILABLE = "ai_cache_unavailable"
CACHE_ENTRY_IGNORED = "ai_cache_entry_ignored"

_log = structlog.get_logger(__name__)


class _Entry(Struct, frozen=True):
    """What is stored: the answer's own JSON, and who gave it."""

    value: msgspec.Raw
    origin: Origin


class CachedEngine:
    """Answers from ``cache`` where it can, else from ``engine``, and keeps what that says.

    ``identity`` names the engine and its model (``claude:claude-sonnet-5-5``). The same question asked several times
    at once is put to the engine once. A cache that cannot be reached or holds nonsense never fails a question; it
    only costs what asking again costs.
    """

    def __init__(self, engine: Engine, *, cache: AnswerCache, identity: str) -> None:
        self._engine = engine
        self._cache = cache
        self._identity = identity
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._keeping: dict[str, asyncio.Task[None]] = {}

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        """The answer, which is kept while the asker goes on."""
        key = answer_key(question, identity=self._identity)
        async with self._asking.setdefault(key, asyncio.Lock()):
            if key in self._keeping:
                await self._keeping[key]
            known = await self._recall(key, question)
            if known is not None:
                return known
            answer = await self._engine.ask(question)
            self._keeping[key] = asyncio.create_task(self._keep(key, question, answer))
            self._keeping[key].add_done_callback(lambda _: self._keeping.pop(key, None))
            return answer

    async def kept(self) -> None:
        """Every answer given so far is kept, or the cache could not be reached."""
        await asyncio.gather(*self._keeping.values())

    async def aclose(self) -> None:
        await self.kept()
        await self._engine.aclose()

    async def _recall(self, key: str, question: Question[SchemaT]) -> Answer[SchemaT] | None:
        try:
            stored = await self._cache.get(key)
        except DealPulseError as exc:
            _log.warning(CACHE_UNAVAILABLE, operation=question.operation, code=exc.code)
            return None
        return None if stored is None else _read(stored, question)

    async def _keep(self, key: str, question: Question[SchemaT], answer: Answer[SchemaT]) -> None:
        value = answer.value.model_dump_json(by_alias=True, round_trip=True)
        entry = msgspec.json.encode(_Entry(value=msgspec.Raw(value), origin=answer.origin)).decode()
        try:
            await self._cache.put(key, entry, operation=question.operation, model=answer.origin.model)
        except DealPulseError as exc:
            _log.warning(CACHE_UNAVAILABLE, operation=question.operation, code=exc.code)


def answer_key(question: Question[SchemaT], *, identity: str) -> str:
    """SHA-256, hex, over everything that may change the answer: task, schema, material, engine and model."""
    parts = (
        question.operation,
        question.version,
        _described(question.schema),
        question.instructions,
        [(piece.label, piece.text) for piece in question.material],
        identity,
    )
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


@functools.cache
def _described(schema: type[BaseModel]) -> dict[str, Any]:
    """Made once: it takes milliseconds of the event loop."""
    return schema.model_json_schema()


def _read(stored: str, question: Question[SchemaT]) -> Answer[SchemaT] | None:
    """The stored answer; None when it cannot be read any more, which is as good as never stored."""
    try:
        entry = msgspec.json.decode(stored, type=_Entry)
        value = question.schema.model_validate_json(bytes(entry.value))
    except (msgspec.MsgspecError, ValidationError) as exc:
        _log.warning(CACHE_ENTRY_IGNORED, operation=question.operation, error=type(exc).__name__)
        return None
    return Answer(
        value=value,
        origin=entry.origin,
        usage=Usage(operation=question.operation, origin=entry.origin),
        cached=True,
    )
