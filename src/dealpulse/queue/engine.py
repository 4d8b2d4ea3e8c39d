"""How a queue is drained: claim due jobs in batches, hold them by lease, finish each exactly once.

An engine takes turns: one script call reports what ended since the last and claims what is due, payloads included.
Whatever ends during a call joins the next, so batches grow with load and add no delay when idle. A claimed job stays
in its queue with its score moved to the end of its lease, so nobody needs to clean up after a worker that dies: its
jobs come due by themselves. Every state change is one Lua script, on server time. ``docs/engine.md`` is the
specification.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from arq.connections import ArqRedis

from dealpulse.errors import Permanent
from dealpulse.queue import keys
from dealpulse.queue.connection import Wire, answer
from dealpulse.queue.holding import Handler, Hold
from dealpulse.queue.outcomes import Again, Cancelled, Claimed, Dead, Done, Outcome, ending
from dealpulse.queue.patience import REDIS_BACK, REDIS_LOST, Patience
from dealpulse.queue.room import Room
from dealpulse.queue.scripts import (
    RENEW,
    ClaimedRow,
    Ending,
    RenewReply,
    RenewRequest,
    TurnReply,
    TurnRequest,
    decode_renewed,
    take_turn,
)
from dealpulse.queue.signals import Doorbell, heed_cancellations

LEASE_MS: Final = 15_000
REGISTERED_MS: Final = 15_000
"""A worker unheard of for so long is taken for dead."""
_HEARTBEAT_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.95
"""How soon a job is seen that a foreign producer enqueued without our wake marker."""
_SHORTEST_WAIT: Final = 0.005
_CANCEL_AGAIN_SECONDS: Final = 0.2
_MOST_AT_ONCE: Final = 100
"""Jobs one script call claims, finishes or renews at most."""

LEASE_LOST: Final = "lease_lost"
DEAD_LETTER_EVICTED: Final = "dead_letter_evicted"

_log = structlog.get_logger("dealpulse.queue.engine")


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """What one engine drains, and how much of it at once."""

    queue: str
    """The queue's Redis key."""
    concurrency: int
    keep_completed: int = 100
    keep_failed: int = 500
    per_deal: int = 0
    """Jobs of one deal that run at once on this queue, over all workers; 0 is any number."""
    limit: int = 0
    """Jobs of this queue that run at once over all workers; 0 is any number."""


class Engine:
    """Drains one queue through ``handler`` until told to stop.

    ``handler`` turns every outcome, errors included, into an :data:`Outcome`; when it raises, the engine itself is
    broken and ``run`` raises. Redis may go away at any time: running jobs go on, and report when it is back.
    """

    def __init__(
        self,
        settings: EngineSettings,
        *,
        redis: ArqRedis,
        handler: Handler,
        worker: str,
        room: Room | None = None,
        about: Mapping[str, str] | None = None,
        longest_silence: float = 10.0,
        cancelled: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``worker`` is unique to this process for all time; engines of one process share ``worker`` and ``room``.

        ``about`` is what others may know of the worker; ``longest_silence`` is the connection's time-out in seconds.
        ``cancelled`` is told the id of every job that Redis cancelled and no handler knows of.
        """
        self._settings = settings
        self._redis = redis
        self._worker = worker
        self._room = room or Room()
        self._about = [text for pair in ({"worker": worker} | dict(about or {})).items() for text in pair]
        self._hold = Hold(settings.concurrency, handler=handler, ended=self._end, room=self._room)
        self._ended: list[Ending] = []
        self._fault: BaseException | None = None
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._handing_back = asyncio.Event()
        self._more = False
        """The last turn got all it asked for: there may be more."""
        self._timer: asyncio.TimerHandle | None = None
        self._seq = 0
        self._alone = ""
        """Id of the job that runs alone here."""
        self._renewed_at = time.monotonic()
        self._busy_since = self._renewed_at
        """Since when it holds jobs without a break."""
        self._cancelled = cancelled
        self._patiently = Patience(settings.queue)
        self._doorbell = Doorbell(redis, settings.queue, ring=self._ring, longest=longest_silence)

    @property
    def running(self) -> int:
        """How many jobs this engine holds."""
        return len(self._hold)

    @property
    def stopping(self) -> bool:
        """Whether it claims nothing more; long jobs stop at their next safe point."""
        return self._stopping.is_set()

    async def run(self) -> None:
        """Claim and run jobs until :meth:`drain`."""
        self._room.join(self, self._news.set)
        self._news.set()
        turning = asyncio.create_task(self._take_turns())
        aside = [
            asyncio.create_task(self._heartbeat()),
            asyncio.create_task(self._doorbell.watch()),
            asyncio.create_task(heed_cancellations(self._redis, self._hold.call_off)),
        ]
        try:
            done, _ = await asyncio.wait({turning, *aside}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._room.release(self)
            if self._timer is not None:
                self._timer.cancel()
            await _end([turning, *aside, *self._hold.tasks])
        if self._fault is not None:
            raise self._fault

    def drain(self) -> None:
        """Claim nothing more; :meth:`run` returns when what runs has ended."""
        self._stopping.set()
        self._hold.give_back()
        self._news.set()

    def hand_back(self) -> None:
        """Cancel what runs; each job goes back to its queue without having lost an attempt.

        Where Redis is away nothing can be handed back: the leases end by themselves.
        """
        self._handing_back.set()
        self._hold.cancel()

    # --- turns --------------------------------------------------------------------------------------------------

    async def _take_turns(self) -> None:
        wire = Wire(self._redis)
        try:
            while True:
                wanted = self._wanted()
                if self._ended or (wanted and (self._more or self._news.is_set())):
                    self._news.clear()
                    reply = await self._turn(wanted, wire)
                    if reply is not None:
                        self._heed(reply, wanted)
                    elif self._handing_back.is_set():
                        return
                elif self._stopping.is_set() and not self._hold:
                    return
                else:
                    self._news.clear()
                    await self._news.wait()
        finally:
            await wire.aclose()

    def _wanted(self) -> int:
        if self._stopping.is_set() or not self._room.admits(self):
            return 0
        return max(0, min(self._hold.free, _MOST_AT_ONCE))

    async def _turn(self, wanted: int, wire: Wire) -> TurnReply | None:
        """Report and claim; None when told to stop, or to hand back what runs, while Redis is away.

        Every turn has a number. Where its answer was lost it is asked for again under the same number: Redis
        remembers what that claim took and hands it out once more, instead of leasing others beside it.
        """
        self._seq += 1
        request = self._turn_request(wanted)

        async def once() -> tuple[TurnReply, list[bytes]]:
            if self._patiently.interrupted or time.monotonic() - self._renewed_at > 2 * _HEARTBEAT_SECONDS:
                # Redis was away or the loop stuck: first keep what runs here, or it would be claimed a second time.
                await self._renew()
            try:
                return await take_turn(self._redis, request, wire)
            finally:
                request.repeated = True

        self._room.asks(self, wanted)
        give_up = self._handing_back if request.finishing else self._stopping
        try:
            answered = await self._patiently("turn", once, give_up=give_up)
            if answered is None:
                return None
            reply, payloads = answered
            for row, payload in zip(reply.claims, payloads, strict=True):
                self._take(self._claimed(row, payload, request.seq, reply.now))
            return reply
        finally:
            self._room.answered(self, wanted)

    def _turn_request(self, wanted: int) -> TurnRequest:
        settings = self._settings
        finishing = self._ended[:_MOST_AT_ONCE]
        del self._ended[:_MOST_AT_ONCE]
        return TurnRequest(
            queue=settings.queue,
            worker=self._worker,
            registered_ms=REGISTERED_MS,
            seq=self._seq,
            repeated=False,
            wanted=wanted,
            running=self._room.running,
            lease=LEASE_MS,
            per_deal=settings.per_deal,
            limit=settings.limit,
            keep_completed=settings.keep_completed,
            keep_failed=settings.keep_failed,
            finishing=finishing,
        )

    def _claimed(self, row: ClaimedRow, payload: bytes, seq: int, now: int) -> Claimed:
        return Claimed(
            job_id=row.id,
            run=row.run,
            queue=self._settings.queue,
            payload=payload,
            size=row.size,
            token=f"{self._worker}#{seq}",
            attempt=row.attempt,
            crashes=row.crashes,
            due_ms=row.due,
            started_ms=now,
            deal_id=row.deal,
            batches=tuple(row.batches.split()),
            foreign=row.foreign,
        )

    def _heed(self, reply: TurnReply, wanted: int) -> None:
        """Act on what a turn said beside its claims."""
        for job_id in reply.refused:
            _log.warning(LEASE_LOST, queue=self._settings.queue, job_id=job_id, while_="finishing")
        for run in reply.evicted:
            _log.warning(DEAD_LETTER_EVICTED, queue=self._settings.queue, job_id=run.partition(":")[2])
        for job_id in reply.cancelled:
            self._cancelled(job_id)
        if reply.alone:
            self._alone = reply.claims[0].id
        if reply.alone or reply.reserve:
            self._room.reserve(self)
        elif wanted and self._room.reserved_by(self):
            self._room.release(self)
        if len(reply.claims) < wanted:
            self._more = False
            self._doorbell.hungry(True)
            self._look_again(reply.next_due)
        elif wanted:
            self._more = True

    def _look_again(self, next_due: int) -> None:
        """At the latest when the next job is due, and now and then for those of foreign producers."""
        seconds = _POLL_SECONDS if next_due < 0 else min(max(next_due / 1000, _SHORTEST_WAIT), _POLL_SECONDS)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._news.set)

    def _ring(self) -> bool:
        self._doorbell.hungry(False)
        self._news.set()
        return self._wanted() > 0

    # --- running ------------------------------------------------------------------------------------------------

    def _take(self, job: Claimed) -> None:
        if not self._hold:
            self._busy_since = time.monotonic()
        self._hold.take(job)
        if self._handing_back.is_set():
            self._hold.cancel()
        elif self._stopping.is_set():
            self._hold.give_back()

    def _end(self, job: Claimed, outcome: Outcome, fault: BaseException | None = None) -> None:
        if fault is not None:
            # The handler answers for every fault of a job: this is one of the engine.
            self._fault = self._fault or fault
            self._stopping.set()
        self._ended.append(self._ending(job, outcome))
        if job.job_id == self._alone:
            self._alone = ""
            self._room.release(self)
        self._news.set()

    def _ending(self, job: Claimed, outcome: Outcome) -> Ending:
        now_ms = int(time.time() * 1000)
        try:
            return ending(job, outcome, worker=self._worker, now_ms=now_ms)
        except Permanent as error:
            return ending(job, Dead(outcome.function, error), worker=self._worker, now_ms=now_ms)
        except Exception as fault:
            # Never reported, it would run again and again.
            untold = Permanent("How the job ended cannot be written down.", code="untold_outcome")
            untold.__cause__ = fault
            return ending(job, Dead(outcome.function, untold), worker=self._worker, now_ms=now_ms)

    # --- holding ------------------------------------------------------------------------------------------------

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            if self._hold:
                await self._patiently("renew", self._renew)

    async def _renew(self) -> None:
        """Renew every lease; what another worker holds by now, or somebody cancelled, is cancelled here."""
        redis_run = ""
        if self._patiently.interrupted:
            redis_run = str((await answer(self._redis.info("server")))["run_id"])
        # A claim is fresh when it arrives: an engine that was idle until now was not cut off.
        kept = max(self._renewed_at, self._busy_since)
        cut_off = time.monotonic() - kept > 2 * _HEARTBEAT_SECONDS and bool(self._hold)
        held = [(job, (job.job_id, job.token)) for job in self._hold.jobs]
        for first in range(0, max(1, len(held)), _MOST_AT_ONCE):
            part = held[first : first + _MOST_AT_ONCE]
            reply = await self._renew_some([pair for _, pair in part], redis_run, cut_off=cut_off)
            for job, (job_id, _) in part:
                if job_id in reply.lost and self._hold.drop(job):
                    _log.warning(LEASE_LOST, queue=self._settings.queue, job_id=job_id, while_="running")
            for job_id in reply.called_off:
                self._hold.call_off(job_id)
        self._renewed_at = time.monotonic()
        self._patiently.interrupted = False

    async def _renew_some(self, held: list[tuple[str, str]], redis_run: str, *, cut_off: bool) -> RenewReply:
        request = RenewRequest(
            queue=self._settings.queue,
            worker=self._worker,
            registered_ms=REGISTERED_MS,
            about=self._about,
            redis_run=redis_run,
            cut_off=cut_off,
            lease=LEASE_MS,
            held=held,
        )
        return decode_renewed(await RENEW(self._redis, request))


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended: a cancellation that meets redis-py at a bad moment is lost."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)


async def retire(redis: ArqRedis, worker: str, queues: Sequence[str]) -> None:
    """Take a worker that has stopped off the list of those alive, best effort: its registration ends by itself."""
    async with redis.pipeline(transaction=False) as together:
        together.zrem(keys.WORKERS, worker)
        together.delete(keys.WORKER + worker, *(keys.turn(queue, worker) for queue in queues))
        await together.execute()


__all__ = [
    "DEAD_LETTER_EVICTED",
    "LEASE_LOST",
    "REDIS_BACK",
    "REDIS_LOST",
    "Again",
    "Cancelled",
    "Claimed",
    "Dead",
    "Done",
    "Engine",
    "EngineSettings",
    "Handler",
    "Outcome",
    "retire",
]
