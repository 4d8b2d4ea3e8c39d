"""The queue's scripts and sets without a loop, for a test that asks one thing after another."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from msgspec import Struct
from redis import Redis

from dealpulse.queue.scripts import (
    RENEW,
    STATS,
    TURN,
    ClaimedRow,
    RenewReply,
    RenewRequest,
    Script,
    StatsRequest,
    StatsRow,
    TurnReply,
    TurnRequest,
    decode_renewed,
    decode_stats,
)

_decode_turn = msgspec.msgpack.Decoder(TurnReply).decode


class PlainQueue:
    """What an engine and a client ask of Redis, each with one call that blocks."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._loaded: dict[str, Any] = {}

    def run(self, script: Script, request: Struct) -> Any:
        """What the script answers, as Redis gives it."""
        source = script.source
        if source not in self._loaded:
            self._loaded[source] = self.redis.register_script(source)
        return self._loaded[source](args=[msgspec.msgpack.encode(request)])

    def now(self) -> int:
        """ms, by the clock of Redis."""
        seconds, microseconds = self._time()
        return seconds * 1000 + microseconds // 1000

    def _time(self) -> tuple[int, int]:
        return cast("tuple[int, int]", self.redis.time())

    def wait_until_after(self, moment: int) -> None:
        """Until the clock of Redis is past ``moment`` (ms)."""
        while self.now() <= moment:
            pass

    def turn(self, request: TurnRequest) -> tuple[TurnReply, list[tuple[ClaimedRow, str]]]:
        """The answer, and each claim with its payload."""
        meta, *payloads = self.run(TURN, request)
        reply = _decode_turn(meta)
        return reply, [(row, body.decode()) for row, body in zip(reply.claims, payloads, strict=True)]

    def renew(self, request: RenewRequest) -> RenewReply:
        """One heartbeat."""
        return decode_renewed(self.run(RENEW, request))

    def stats(self, queue: str) -> StatsRow:
        """One queue's counts."""
        return decode_stats(self.run(STATS, StatsRequest([queue])))[0]

    def scores(self, key: str) -> dict[str, int]:
        """A sorted set: members and their scores."""
        members: Any = self.redis.zrange(key, 0, -1, withscores=True)
        return {name.decode(): int(score) for name, score in members}

    def texts(self, key: str) -> dict[str, str]:
        """A hash: fields and their values."""
        fields: Any = self.redis.hgetall(key)
        return {name.decode(): value.decode(errors="replace") for name, value in fields.items()}

    def keys(self) -> set[str]:
        """Every key there is."""
        found: Any = self.redis.keys("*")
        return {key.decode() for key in found}
