"""How a queue is drained: claim due jobs in batches, hold them by lease, finish each exactly once.

A claimed job stays in its queue with its score moved to the end of its lease, so a worker that dies needs nobody to
clean up after it: its jobs come due by themselves. Every state change is one Lua script; server time only.
``docs/engine.md`` is the specification.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import structlog
from arq.connections import ArqRedis
from arq.jobs import serialize_result

from dealpulse.errors import DealPulseError
from dealpulse.queue import keys
from dealpulse.queue.connection import LOST, heed_cancellation, passes, run_script, wait_for_marker
from dealpulse.queue.serializer import serialize

LEASE_MS: Final = 15_000
_HEARTBEAT_SECONDS: Final = 5.0
_FALLBACK_POLL_SECONDS: Final = 1.0
"""How soon a job is seen that a foreign producer enqueued without our wake marker."""
_RESULT_TTL_MS: Final = 24 * 3600 * 1000
_RETRY_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)

REDIS_LOST: Final = "redis_lost"
REDIS_BACK: Final = "redis_back"
LEASE_LOST: Final = "lease_lost"

_log = structlog.get_logger("dealpulse.queue.engine")

Reply = TypeVar("Reply")


@dataclass(frozen=True)
class Claimed:
    """A job this worker now holds. ``payload`` is empty when it expired before it was claimed."""

    job_id: str
    payload: bytes
    attempt: int
    """1 for the first run; attempts that were not burned do not count."""
    crashes: int
    token: str
    due_ms: int
    enqueued_ms: int
    request_id: str = ""
    """Of the request that asked for the job; empty when none did."""


@dataclass(frozen=True)
class Done:
    """The job did its work. ``result`` must be JSON."""

    function: str
    arguments: tuple[Any, ...] = ()
    result: object = None


@dataclass(frozen=True)
class Again:
    """The job runs again ``delay`` seconds from now; ``burn`` tells whether this attempt counts."""

    function: str
    delay: float
    burn: bool
    error: BaseException | None = None


@dataclass(frozen=True)
class Dead:
    """The job is a dead letter."""

    function: str
    error: BaseException
    arguments: tuple[Any, ...] = ()


Outcome = Done | Again | Dead
Handler = Callable[[Claimed], Awaitable[Outcome]]


@dataclass(frozen=True)
class EngineSettings:
    """What one engine drains, and how much of it at once."""

    queue: str
    """The queue's Redis key."""
    concurrency: int
    keep_completed: int
    keep_failed: int


class Engine:
    """Drains one queue through ``handler`` until told to stop.

    ``handler`` turns every outcome, errors included, into an :data:`Outcome`; when it raises, the engine itself is
    broken and ``run`` raises. Redis may go away at any time: running jobs go on, and report when it is back.
    """

    def __init__(self, settings: EngineSettings, *, redis: ArqRedis, handler: Handler, worker: str) -> None:
        self._settings = settings
        self._redis = redis
        self._handler = handler
        self._worker = worker
        self._running: dict[str, tuple[Claimed, asyncio.Future[Outcome]]] = {}
        self._supervisors: set[asyncio.Task[None]] = set()
        self._fault: BaseException | None = None
        self._stopping = asyncio.Event()
        self._handing_back = asyncio.Event()
        self._slot_free = asyncio.Event()
        self._claims = 0
        self._renewed_at = time.monotonic()
        self._failing: set[str] = set()
        self._redis_lost_at = 0.0
        self._identity = uuid.uuid4().hex

    @property
    def running(self) -> int:
        """How many jobs this engine holds."""
        return len(self._running)

    async def run(self) -> None:
        """Claim and run jobs until :meth:`drain`."""
        heartbeat = asyncio.create_task(self._heartbeat())
        claiming = asyncio.create_task(self._claim_forever())
        try:
            done, _ = await asyncio.wait({heartbeat, claiming}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            claiming.cancel()
            try:
                await self._finish_running()
            finally:
                left = {heartbeat, claiming, *self._supervisors}
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)
        if self._fault is not None:
            raise self._fault

    def drain(self) -> None:
        """Claim nothing more; :meth:`run` returns when what runs has ended."""
        self._stopping.set()

    def hand_back(self) -> None:
        """Cancel what runs; each job goes back to its queue without having lost an attempt.

        Where Redis is away nothing can be handed back: the leases end by themselves.
        """
        self._handing_back.set()
        for _, work in self._running.values():
            work.cancel()

    async def _finish_running(self) -> None:
        if self._supervisors:
            await asyncio.wait(self._supervisors)

    # --- claiming -----------------------------------------------------------------------------------------------

    async def _claim_forever(self) -> None:
        while not self._stopping.is_set():
            free = self._settings.concurrency - len(self._running)
            if free <= 0:
                self._slot_free.clear()
                await self._until_stopping(self._slot_free.wait())
                continue
            reply = await self._patiently("claim", functools.partial(self._claim, free), give_up=self._stopping)
            if reply is None:
                return
            next_due, claimed = reply
            for job in claimed:
                self._start(job)
            if len(claimed) < free:
                await self._until_stopping(self._wait_for_work(next_due))

    async def _claim(self, wanted: int) -> tuple[float, list[Claimed]]:
        """Seconds until the next job is due, and the jobs claimed.

        Every call is a claim of its own: had the answer to the one before been lost, repeating that would lease others
        beside the jobs it took. Those come due when their lease ends.
        """
        if time.monotonic() - self._renewed_at > 2 * _HEARTBEAT_SECONDS:
            # Redis was away or the loop stuck: first keep what runs here, or it would be claimed a second time.
            await self._renew()
        queue = self._settings.queue
        self._claims += 1
        token = f"{self._identity}:{self._claims}"
        touched = [queue, keys.active(queue), keys.wake(queue)]
        reply = await run_script(self._redis, "claim", touched, [wanted, LEASE_MS, self._worker, token])
        next_due = _FALLBACK_POLL_SECONDS if reply[0] < 0 else reply[0] / 1000
        return next_due, [_claimed(row) for row in reply[1:]]

    async def _wait_for_work(self, next_due: float) -> None:
        timeout = max(0.01, min(next_due, _FALLBACK_POLL_SECONDS))
        try:
            await wait_for_marker(self._redis, keys.wake(self._settings.queue), timeout)
        except LOST as error:
            heed_cancellation()
            if not passes(error):
                raise
            # The claim that follows says so, and waits.
            await asyncio.sleep(_RETRY_SECONDS[0])

    async def _until_stopping(self, work: Awaitable[Any]) -> None:
        stopping = asyncio.ensure_future(self._stopping.wait())
        working = asyncio.ensure_future(work)
        try:
            await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            working.cancel()
            await asyncio.wait({stopping, working})
        if not working.cancelled():
            working.result()

    # --- running ------------------------------------------------------------------------------------------------

    def _start(self, job: Claimed) -> None:
        if job.job_id in self._running:
            # An ended run that is still being reported, or one whose lease ran out: never two at once.
            self._running[job.job_id][1].cancel()
        work = asyncio.ensure_future(self._handler(job))
        self._running[job.job_id] = (job, work)
        supervisor = asyncio.create_task(self._supervise(job, work), name=job.job_id)
        self._supervisors.add(supervisor)
        supervisor.add_done_callback(self._supervisors.discard)

    async def _supervise(self, job: Claimed, work: asyncio.Future[Outcome]) -> None:
        """Wait for one job and report it. Cancelling ``work`` alone leaves the report whole."""
        started = time.time()
        try:
            try:
                outcome = await work
            except asyncio.CancelledError:
                outcome = Again(function="", delay=0.0, burn=False)
            await self._finish(job, outcome, started)
        except Exception as error:
            # The handler answers for every fault of a job: this is one of the engine or of Redis' refusal.
            self._fault = error
            self._stopping.set()
        finally:
            if self._running.get(job.job_id, (None,))[0] is job:
                del self._running[job.job_id]
            self._slot_free.set()

    async def _finish(self, job: Claimed, outcome: Outcome, started: float) -> None:
        arguments = self._finish_arguments(job, outcome, started)
        queue = self._settings.queue
        touched = [
            queue,
            keys.active(queue),
            keys.completed(queue),
            keys.failed(queue),
            keys.wake(queue),
            keys.totals(queue),
        ]
        # Safe to repeat: the script knows the token and that the run has ended.
        accepted = await self._patiently(
            "finish", lambda: run_script(self._redis, "finish", touched, arguments), give_up=self._handing_back
        )
        if accepted == 0:
            _log.warning(LEASE_LOST, queue=queue, job_id=job.job_id, while_="finishing")

    def _finish_arguments(self, job: Claimed, outcome: Outcome, started: float) -> list[str | bytes | int]:
        name: Literal["completed", "failed", "again"]
        delay, burn, result, error = 0.0, True, b"", None
        if isinstance(outcome, Again):
            name, delay, burn, error = "again", outcome.delay, outcome.burn, outcome.error
        elif isinstance(outcome, Dead):
            name, error = "failed", outcome.error
            result = self._result(job, outcome.function, outcome.arguments, outcome.error, started, success=False)
        else:
            name = "completed"
            result = self._result(job, outcome.function, outcome.arguments, outcome.result, started, success=True)
        keep: int | str = self._settings.keep_failed if name == "failed" else self._settings.keep_completed
        if outcome.function.startswith("cron:") and name == "completed":
            keep = ""  # A tick is no work: it would push real jobs out of the kept history.
        return [
            job.job_id,
            job.token,
            name,
            int(delay * 1000),
            "1" if burn else "",
            result,
            _RESULT_TTL_MS,
            keep,
            outcome.function,
            type(error).__name__ if error else "",
            _code(error),
            _message(error),
        ]

    def _result(
        self, job: Claimed, function: str, arguments: tuple[Any, ...], result: object, started: float, *, success: bool
    ) -> bytes:
        stored = serialize_result(
            function,
            arguments,
            {},
            job.attempt,
            job.enqueued_ms,
            success,
            result,
            int(started * 1000),
            int(time.time() * 1000),
            job.job_id,
            self._settings.queue,
            job.job_id,
            serializer=serialize,
        )
        return stored or b"{}"

    # --- holding ------------------------------------------------------------------------------------------------

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            await self._patiently("renew", self._renew)

    async def _renew(self) -> None:
        """Renew every lease; what another worker holds by now is cancelled here."""
        queue = self._settings.queue
        held = [job for job, _ in self._running.values()]
        lost: list[bytes] = []
        if held:
            arguments: list[str | bytes | int] = [LEASE_MS]
            for job in held:
                arguments += [job.job_id, job.token]
            lost = await run_script(self._redis, "renew", [queue, keys.active(queue)], arguments)
        self._renewed_at = time.monotonic()
        for job_id in (name.decode() for name in lost):
            entry = self._running.get(job_id)
            if entry and entry[0] in held and not entry[1].done():
                _log.warning(LEASE_LOST, queue=queue, job_id=job_id, while_="running")
                entry[1].cancel()

    # --- Redis away ---------------------------------------------------------------------------------------------

    async def _patiently(
        self, name: str, command: Callable[[], Awaitable[Reply]], *, give_up: asyncio.Event | None = None
    ) -> Reply | None:
        """Repeat a command until Redis answers it; None when ``give_up`` is set and Redis still does not.

        That Redis is lost is said once, and once more when every command that failed has been answered.
        """
        for attempt in itertools.count():
            try:
                reply = await command()
            except LOST as error:
                heed_cancellation()
                if not passes(error):
                    raise
                self._note_lost(name, error)
            else:
                self._note_answered(name)
                return reply
            pause = _RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)]
            if give_up is None:
                await asyncio.sleep(pause)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(give_up.wait(), pause)
            if give_up.is_set():
                return None
        raise AssertionError("unreachable")

    def _note_lost(self, name: str, error: BaseException) -> None:
        if not self._failing:
            self._redis_lost_at = time.monotonic()
            _log.warning(REDIS_LOST, queue=self._settings.queue, error_class=type(error).__name__)
        self._failing.add(name)

    def _note_answered(self, name: str) -> None:
        if name not in self._failing:
            return
        self._failing.remove(name)
        if not self._failing:
            seconds = round(time.monotonic() - self._redis_lost_at, 3)
            _log.info(REDIS_BACK, queue=self._settings.queue, away_seconds=seconds)


def _claimed(row: list[Any]) -> Claimed:
    job_id, payload, attempt, crashes, token, due, enqueued, request_id = row
    return Claimed(
        job_id=job_id.decode(),
        payload=payload,
        attempt=attempt,
        crashes=crashes,
        token=token.decode(),
        due_ms=due,
        enqueued_ms=enqueued or 0,
        request_id=request_id.decode(errors="replace"),
    )


def _code(error: BaseException | None) -> str:
    return error.code if isinstance(error, DealPulseError) else ""


def _message(error: BaseException | None) -> str:
    """Only our own messages are known to hold neither secrets nor document text."""
    return error.message if isinstance(error, DealPulseError) else ""
