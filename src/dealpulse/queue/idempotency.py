"""Answers kept by the key a caller gave, so that the same request sent twice is carried out once.

A key is claimed before the work begins and holds its answer for a day afterwards. One whose holder died is free again
after :data:`LONGEST_HELD`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Struct
from redis.asyncio.client import Redis

from dealpulse.errors import Invalid, Transient
from dealpulse.queue.connection import LOST, answer, redis_faults

KEPT_SECONDS: Final = 24 * 3600
LONGEST_HELD: Final = 120.0
"""Seconds after which what a claimed key stands for counts as abandoned."""
_LOOK_AGAIN_SECONDS: Final = 0.05

_KEEP: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('set', KEYS[1], ARGV[2], 'ex', ARGV[3]) end"
_RELEASE: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end"


class KeptAnswer(Struct, frozen=True, kw_only=True):
    status: int
    body: bytes


class _Entry(Struct, frozen=True, kw_only=True):
    """``answer`` is None while the work is under way, by whoever has ``holder``."""

    fingerprint: str
    holder: str
    answer: KeptAnswer | None = None


_decode = msgspec.msgpack.Decoder(_Entry).decode


@dataclass
class Turn:
    """A key's turn: ``known`` is the answer given before; without one, ``give`` is to be called with the new one."""

    known: KeptAnswer | None
    given: KeptAnswer | None = None

    def give(self, kept: KeptAnswer) -> None:
        self.given = kept


class IdempotencyKeys:
    """Keys of all callers. Every method raises ``Unavailable`` when Redis is away."""

    def __init__(self, redis: Redis, *, patience: float = 10.0) -> None:
        """``patience``: seconds to wait for the same request that is under way."""
        self._redis = redis
        self._patience = patience

    @asynccontextmanager
    async def turn(self, caller: str, key: str, *, request: bytes) -> AsyncIterator[Turn]:
        """Around the work that ``request`` asks for; what raises, or gives no answer, leaves the key free.

        Raises:
            Invalid: ``idempotency_key_reused``: the caller gave the key with another request.
            Transient: ``request_under_way``: the same request has not been answered yet.
        """
        name = f"dealpulse:idempotency:{_digest(caller.encode() + b' ' + key.encode())}"
        mine = _Entry(fingerprint=_digest(request), holder=secrets.token_hex(8))
        turn = Turn(await self._claim(name, mine))
        if turn.known is not None:
            yield turn
            return
        try:
            yield turn
        finally:
            # Lost with Redis away, the claim ends by itself.
            with contextlib.suppress(*LOST):
                await self._end(name, mine, turn.given)

    async def _end(self, name: str, mine: _Entry, given: KeptAnswer | None) -> None:
        claimed = msgspec.msgpack.encode(mine)
        if given is None:
            await answer(self._redis.eval(_RELEASE, 1, name, claimed))  # type: ignore[arg-type]  # bytes are sent too
            return
        kept = msgspec.msgpack.encode(msgspec.structs.replace(mine, answer=given))
        await answer(self._redis.eval(_KEEP, 1, name, claimed, kept, str(KEPT_SECONDS)))  # type: ignore[arg-type]

    async def _claim(self, name: str, mine: _Entry) -> KeptAnswer | None:
        """None when the key is this request's; the answer it got before otherwise."""
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    async with redis_faults():
                        claimed = msgspec.msgpack.encode(mine)
                        if await answer(self._redis.set(name, claimed, nx=True, px=round(LONGEST_HELD * 1000))):
                            return None
                        found: bytes | None = await answer(self._redis.get(name))
                    if found is not None and (known := _known(found, mine.fingerprint)) is not None:
                        return known
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        except TimeoutError as error:
            message = "The same request is still being carried out; ask again for its answer."
            raise Transient(message, code="request_under_way", retry_after=1) from error


def _digest(of: bytes) -> str:
    return hashlib.sha256(of).hexdigest()


def _known(found: bytes, fingerprint: str) -> KeptAnswer | None:
    entry = _decode(found)
    if entry.fingerprint != fingerprint:
        message = "This Idempotency-Key was used for another request; give each request one of its own."
        raise Invalid(message, code="idempotency_key_reused")
    return entry.answer
