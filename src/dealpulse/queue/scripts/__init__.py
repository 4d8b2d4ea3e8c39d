"""The Lua scripts, each with the value it is asked with and the one it answers: the contract between Python and Redis.

Every script is ``prelude.lua`` and its own file, run by hash. Requests and answers travel as MessagePack, which Redis
reads in C; payloads travel beside it, because they need not be text. ``docs/engine.md`` says what each script does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib import resources
from typing import Any, Final

import msgspec
from msgspec import Struct
from redis.asyncio.client import Redis
from redis.exceptions import NoScriptError

from dealpulse.queue.connection import Wire, Wires, answer

_encode = msgspec.msgpack.Encoder().encode


class Stored:
    """A script as Redis keeps it: run by hash, loaded where Redis does not know it (yet, or any more)."""

    def __init__(self, *parts: str, head: str = "") -> None:
        """``parts`` are files of this folder, in order; ``head`` is Redis' own first line, where no file has it."""
        self._parts = parts
        self._head = head

    @cached_property
    def source(self) -> str:
        here = resources.files("dealpulse.queue.scripts")
        return self._head + "\n".join(here.joinpath(f"{part}.lua").read_text("utf-8") for part in self._parts)

    @cached_property
    def _sha(self) -> str:
        return hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, *given: str | bytes, keys: int = 0, wire: Wire | Wires | None = None) -> Any:
        """What the script answers to ``given``, whose first ``keys`` are keys; over ``wire``, which is quicker."""
        try:
            return await self._ask(redis, given, keys, wire)
        except NoScriptError:
            # After a restart or a failover; nothing ran.
            await answer(redis.script_load(self.source))
            return await self._ask(redis, given, keys, wire)

    async def _ask(self, redis: Redis, given: Sequence[str | bytes], keys: int, wire: Wire | Wires | None) -> Any:
        if wire is None:
            return await answer(redis.evalsha(self._sha, keys, *given))  # type: ignore[arg-type]  # bytes are sent too
        words = [word.encode() if isinstance(word, str) else word for word in given]
        return await wire.ask(b"EVALSHA", self._sha.encode(), b"%d" % keys, *words)


class Script(Stored):
    """A script with the prelude. ``flags`` are Redis' own: ``allow-oom`` lets work end where memory is full."""

    def __init__(self, name: str, flags: str = "") -> None:
        super().__init__("prelude", name, head=f"#!lua flags={flags}\n" if flags else "#!lua\n")

    async def __call__(self, redis: Redis, request: Struct, *, wire: Wire | Wires | None = None) -> Any:
        """What the script answers, as Redis gives it."""
        return await self.run(redis, _encode(request), wire=wire)


# --- enqueue --------------------------------------------------------------------------------------------------------


class Item(Struct, omit_defaults=True):
    """A job as it is enqueued. Times are ms since the epoch; ``meaning`` is explained in ``prelude.lua``."""

    id: str
    queue: str
    payload: str
    fn: str
    deal: str
    priority: str = "normal"
    due: int | None = None
    delay: int = 0
    """ms from now, by the clock of Redis; counts where ``due`` is not given."""
    request: str = ""
    caller: str = ""
    meaning: str = ""
    ceiling: int = 0
    batch: str = ""


class BatchOpening(Struct, omit_defaults=True):
    id: str
    callback: Item | None = None


class EnqueueRequest(Struct, omit_defaults=True):
    items: Sequence[Item]
    batch: BatchOpening | None = None


ENQUEUE: Final = Script("enqueue")
"""Answers a list: 1 for a new job, 0 for one that waits or runs already."""


# --- an engine's turn -----------------------------------------------------------------------------------------------


class Ending(Struct, omit_defaults=True):
    """How one run ended. ``arq`` is the result as arq keeps it; ``fields`` are names and values for the record."""

    id: str
    token: str
    outcome: str
    run: str
    deal: str
    attempt: int
    started: int
    delay: int = 0
    burn: bool = False
    fn: str | None = None
    arq: str | None = None
    untraced: bool = False
    fields: Sequence[str] | None = None
    fault: str | None = None


class TurnRequest(Struct):
    queue: str
    worker: str
    registered_ms: int
    seq: int
    repeated: bool
    wanted: int
    running: int
    lease: int
    per_deal: int
    limit: int
    keep_completed: int
    keep_failed: int
    finishing: Sequence[Ending]


class ClaimedRow(Struct, array_like=True):
    id: str
    run: str
    deal: str
    attempt: int
    crashes: int
    due: int
    batches: str
    foreign: bool
    size: int


class TurnReply(Struct, array_like=True):
    now: int
    """ms, by the clock of Redis."""
    next_due: int
    """ms; -1 when nothing is due later either."""
    refused: list[str]
    evicted: list[str]
    alone: bool
    """The one job claimed has crashed before: nothing else may run beside it."""
    reserve: bool
    """Such a job waits for this process to be idle."""
    claims: list[ClaimedRow]
    cancelled: list[str] = []
    """Ids called off without their worker's knowing: aborted while they waited, or while they ended."""


TURN: Final = Script("turn", "allow-oom")
_decode_turn = msgspec.msgpack.Decoder(TurnReply).decode


async def take_turn(redis: Redis, request: TurnRequest, wire: Wire) -> tuple[TurnReply, list[bytes]]:
    """The answer, and the payloads of the jobs claimed, in their order."""
    meta, *payloads = await TURN(redis, request, wire=wire)
    return _decode_turn(meta), payloads


# --- holding leases -------------------------------------------------------------------------------------------------


class RenewRequest(Struct):
    queue: str
    worker: str
    registered_ms: int
    about: Sequence[str]
    redis_run: str
    cut_off: bool
    lease: int
    held: Sequence[tuple[str, str]]


class RenewReply(Struct, array_like=True):
    lost: list[str]
    called_off: list[str]


RENEW: Final = Script("renew", "allow-oom")
decode_renewed = msgspec.msgpack.Decoder(RenewReply).decode


# --- what operators and running jobs do ------------------------------------------------------------------------------


class CancelRequest(Struct):
    id: str


class ChangeRequest(Struct):
    id: str
    promote: bool
    priority: str


class PauseRequest(Struct):
    queue: str
    deal: str
    paused: bool


class ResumeRequest(Struct):
    queue: str
    deal: str


class BuryRequest(Struct):
    queue: str
    history: str
    runs: Sequence[str]
    """At most a hundred."""
    replay: bool
    first: int = 0
    """ms since the epoch; no replayed job is due before it."""
    spacing: float = 0.0
    """ms between two replayed jobs."""


class NoteRequest(Struct):
    id: str
    token: str
    percent: int
    message: str
    line: str


class TickRequest(Struct):
    schedule: str
    due: int
    missed: bool
    make_up: int
    item: Item


class StatsRequest(Struct):
    queues: Sequence[str]


class StatsRow(Struct, array_like=True):
    waiting: int
    delayed: int
    active: int
    parked: int
    completed: int
    failed: int
    cancelled: int
    oldest_waiting_ms: int
    paused: bool
    totals: list[str]


CANCEL: Final = Script("cancel", "allow-oom")
CHANGE: Final = Script("change")
PAUSE: Final = Script("pause", "allow-oom")
RESUME: Final = Script("resume", "allow-oom")
BURY: Final = Script("bury", "allow-oom")
"""Answers when the next job would be due (ms), then a word a run: see ``bury.lua``."""
NOTE: Final = Script("note")
TICK: Final = Script("tick")
STATS: Final = Script("stats", "no-writes,allow-oom")
decode_stats = msgspec.msgpack.Decoder(list[StatsRow]).decode


# --- alerts ----------------------------------------------------------------------------------------------------------


class FoundCondition(Struct):
    key: str
    rule: str
    hold: int
    """ms for which it must have been found before it fires."""
    told: str


class AlertsRequest(Struct):
    found: Sequence[FoundCondition]
    judged: Sequence[str]
    channels: Sequence[str]


class AlertRow(Struct, array_like=True):
    key: str
    rule: str
    since: int
    fired: int
    """ms; 0 while it has not."""
    told: str


class AlertsReply(Struct, array_like=True):
    fired: list[AlertRow]
    cleared: list[AlertRow]


class NoticesRequest(Struct):
    lease: int
    most: int
    kept: int


class NoticeRow(Struct, array_like=True):
    id: str
    channel: str
    what: str
    at: int
    attempt: int
    alert: AlertRow


ALERTS: Final = Script("alerts")
decode_alerts = msgspec.msgpack.Decoder(AlertsReply).decode
decode_alert = msgspec.msgpack.Decoder(AlertRow).decode
NOTICES: Final = Script("notices")
decode_notices = msgspec.msgpack.Decoder(list[NoticeRow]).decode
