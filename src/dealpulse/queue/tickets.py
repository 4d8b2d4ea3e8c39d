"""What is good once, and not for long: a consent under way. And what was seen before, so that it is not done twice.

Whoever holds a ticket's word may take it up. Only the word's digest is kept: a look into Redis gives nobody one.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final, TypeVar

import msgspec
from msgspec import Struct
from redis.asyncio.client import Redis

from dealpulse.queue.connection import answer, redis_faults

Value = TypeVar("Value", bound=Struct)

_WORD_BYTES: Final = 32
_LONGEST_WORD: Final = 200


class Tickets:
    """Values kept under words nobody can guess. Every method raises ``Unavailable`` when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def issue(self, kind: str, value: Struct, *, seconds: float) -> str:
        """The word under which ``value`` may be taken, once, within ``seconds``."""
        word = secrets.token_urlsafe(_WORD_BYTES)
        async with redis_faults():
            await answer(self._redis.set(_key(kind, word), msgspec.json.encode(value), px=round(seconds * 1000)))
        return word

    async def look(self, kind: str, word: str, wanted: type[Value]) -> Value | None:
        """What is kept under the word; it stays there."""
        async with redis_faults():
            return _decoded(await answer(self._redis.get(_key(kind, word))), wanted)

    async def take(self, kind: str, word: str, wanted: type[Value]) -> Value | None:
        """What was kept under the word, for one caller only; None for a word that is unknown, used or too old."""
        async with redis_faults():
            return _decoded(await answer(self._redis.getdel(_key(kind, word))), wanted)

    async def seen(self, name: str) -> bool:
        """Whether :meth:`note_seen` was told of it lately."""
        async with redis_faults():
            return bool(await answer(self._redis.exists(_key("seen", name))))

    async def note_seen(self, name: str, *, seconds: float) -> None:
        """It was dealt with."""
        async with redis_faults():
            await answer(self._redis.set(_key("seen", name), b"1", px=round(seconds * 1000)))


def _key(kind: str, word: str) -> str:
    return f"dealpulse:ticket:{kind}:{hashlib.sha256(word[:_LONGEST_WORD].encode(errors='replace')).hexdigest()}"


def _decoded(kept: bytes | None, wanted: type[Value]) -> Value | None:
    try:
        return None if kept is None else msgspec.json.decode(kept, type=wanted)
    except msgspec.MsgspecError:
        # Of another version, during a deploy: begun anew it works.
        return None
