"""A claimed job, and the four ways its run can end."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

from dealpulse.errors import DealPulseError, Permanent
from dealpulse.logs.rendering import DescribeException, qualified_name
from dealpulse.queue.scripts import Ending
from dealpulse.queue.serializer import encode

MAX_RESULT_BYTES: Final = 1 << 20
_describe = DescribeException(foreign_messages=False)


@dataclass(slots=True, eq=False, kw_only=True)
class Claimed:
    """A job this worker now holds."""

    job_id: str
    run: str
    queue: str
    payload: bytes
    """Empty when it expired before it was claimed, or is larger than a payload may be (then ``size`` tells)."""
    size: int
    token: str
    attempt: int = 1
    """1 for the first run; attempts that were not burned do not count."""
    crashes: int = 0
    due_ms: int = 0
    started_ms: int = 0
    """By the clock of Redis."""
    deal_id: str = ""
    batches: tuple[str, ...] = ()
    foreign: bool = False
    """Enqueued by another program: which function it names, only its payload tells."""
    called_off: bool = False
    """Set before its task is cancelled because somebody cancelled the job, not because the worker stops."""


@dataclass(frozen=True, slots=True)
class Done:
    """The job did its work. ``result`` must be JSON (:func:`encoded` tells beforehand)."""

    function: str
    result: object = None


@dataclass(frozen=True, slots=True)
class Again:
    """The job runs again ``delay`` seconds from now; ``burn`` tells whether this attempt counts."""

    function: str
    delay: float
    burn: bool
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """The job is a dead letter. ``opaque``: its payload cannot be read."""

    function: str
    error: BaseException
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody cancelled the job while it ran, and it cleaned up."""

    function: str


Outcome = Done | Again | Dead | Cancelled


def encoded(result: object) -> msgspec.Raw:
    """A result as JSON, as it is kept.

    Raises:
        Permanent: ``unserialisable_result`` or ``result_too_large``.
    """
    try:
        text = encode(result)
    except (TypeError, ValueError, RecursionError) as error:
        raise Permanent("The job's result cannot be written as JSON.", code="unserialisable_result") from error
    if len(text) > MAX_RESULT_BYTES:
        message = f"The job's result is larger than {MAX_RESULT_BYTES >> 20} MB."
        raise Permanent(message, code="result_too_large")
    return msgspec.Raw(text)


def ending(job: Claimed, outcome: Outcome, *, worker: str, now_ms: int) -> Ending:
    """What Redis is told of a run that ended.

    Raises:
        Permanent: as :func:`encoded`.
    """
    end = Ending(
        id=job.job_id,
        token=job.token,
        outcome="completed",
        run=job.run,
        deal=job.deal_id,
        attempt=job.attempt,
        started=job.started_ms,
    )
    if job.foreign:
        # Unknown where it was cancelled before anybody read its payload.
        end.fn = outcome.function or None
    if isinstance(outcome, Done):
        result = b"null" if outcome.result is None else bytes(encoded(outcome.result))
        end.arq = _for_arq(job, result, now_ms, success=True)
        # A tick is no work: it would push real jobs out of the kept history.
        end.untraced = outcome.function.startswith("cron:")
        if outcome.result is not None:
            end.fields = ("result", result.decode())
    elif isinstance(outcome, Again):
        end.outcome, end.delay, end.burn = "again", max(0, int(outcome.delay * 1000)), outcome.burn
        if outcome.error is not None:
            _tell_fault(end, outcome.error, worker, now_ms)
    elif isinstance(outcome, Dead):
        end.outcome = "failed"
        end.arq = _for_arq(job, encode(outcome.error), now_ms, success=False, readable=not outcome.opaque)
        _tell_fault(end, outcome.error, worker, now_ms)
    else:
        end.outcome = "cancelled"
    return end


def _for_arq(job: Claimed, result: bytes, now_ms: int, *, success: bool, readable: bool = True) -> str:
    """arq's result: the payload with an end of its own. Of a name that stands twice in JSON the last one counts."""
    head = job.payload[:-1].decode() if readable and job.payload[-1:] == b"}" else '{"f":"","a":[],"k":{},"et":0'
    times = f'"st":{job.started_ms},"ft":{now_ms}'
    return (
        f'{head},"t":{job.attempt},"s":{"true" if success else "false"},"r":{result.decode()},{times},'
        f'"q":{_quoted(job.queue)},"id":{_quoted(job.job_id)}}}'
    )


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _tell_fault(end: Ending, error: BaseException, worker: str, now_ms: int) -> None:
    name, mark = type(error).__name__, fingerprint(error)
    code, message = (error.code, error.message) if isinstance(error, DealPulseError) else ("", "")
    end.fields = ("error_class", name, "error_code", code, "error_message", message, "fingerprint", mark)
    fault = {
        "class": name,
        "code": code,
        "message": message,
        "worker": worker,
        "attempt": end.attempt,
        "started": end.started,
        "ended": now_ms,
        "traceback": _describe((type(error), error, error.__traceback__)),
    }
    end.fault = msgspec.json.encode(fault).decode()


def fingerprint(error: BaseException) -> str:
    """The same for faults of the same kind from the same place: class, code and the innermost function of ours.

    Line numbers and messages stay out: they change while the fault stays the same.
    """
    place = ""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if "dealpulse" in code.co_filename:
            place = code.co_qualname
        traceback = traceback.tb_next
    kind = f"{qualified_name(error)}|{error.code if isinstance(error, DealPulseError) else ''}|{place}"
    return hashlib.sha256(kind.encode()).hexdigest()[:12]
