"""How jobs and results are written to Redis: JSON, so that any program can read them and nothing can run code.

arq's own default is pickle. A pickled job is refused by its first bytes and never unpickled. Exceptions, which arq
puts into results, travel as their class name and message and come back as exceptions, because arq's ``Job.result``
raises what it finds and its ``abort`` looks for ``CancelledError``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from dealpulse.errors import DealPulseError, Permanent

_PICKLE_MARK: Final = b"\x80"
_ERROR_KEY: Final = "__error__"
_decode = msgspec.json.Decoder().decode


class RemoteError(Exception):
    """An exception that ended a job in another process: ``class_name`` names its type there."""

    def __init__(self, class_name: str, message: str) -> None:
        super().__init__(f"{class_name}: {message}" if message else class_name)
        self.class_name = class_name


class PickledJob(Permanent):
    """Somebody enqueued with arq's default serializer."""

    code = "pickled_job"

    def __init__(self) -> None:
        super().__init__(
            "The job is pickled, which is never read here because unpickling runs code. "
            "Enqueue with dealpulse.queue.create_pool(), whose serializer is JSON."
        )


class UndecodableJob(Permanent):
    """The stored payload is no job."""

    code = "undecodable_job"


def payload_of(function: str, args: Sequence[str], *, now_ms: int, request_id: str = "") -> bytes:
    """A job as arq writes it, and the request that asked for it, which arq does not look at."""
    job: dict[str, object] = {"t": None, "f": function, "a": args, "k": {}, "et": now_ms}
    if request_id:
        job["rq"] = request_id
    return encode(job)


def serialize(value: dict[str, Any]) -> bytes:
    """One arq job or result as JSON. Raises ``TypeError`` for what JSON cannot say."""
    return encode(value)


def encode(value: object) -> bytes:
    """Any value as JSON, exceptions included. Raises ``TypeError`` for what JSON cannot say."""
    return _encoder.encode(value)


def deserialize(data: bytes) -> dict[str, Any]:
    """The reverse of :func:`serialize`.

    Raises:
        PickledJob: the bytes are a pickle.
        UndecodableJob: they are not JSON, or not an object.
    """
    if data[:1] == _PICKLE_MARK:
        raise PickledJob
    try:
        value = _decode(data)
    except msgspec.DecodeError as error:
        raise UndecodableJob("The job's payload is not JSON.") from error
    if not isinstance(value, dict):
        raise UndecodableJob("The job's payload is not a JSON object.")
    result = value.get("r")
    if isinstance(result, dict) and _ERROR_KEY in result:
        value["r"] = _rebuild(str(result[_ERROR_KEY]), str(result.get("message", "")))
    return value


def _encode(value: Any) -> Any:
    if isinstance(value, BaseException):
        # Only our own messages are known to hold no document text.
        message = value.message if isinstance(value, DealPulseError) else ""
        return {_ERROR_KEY: type(value).__name__, "message": message}
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


_encoder = msgspec.json.Encoder(enc_hook=_encode)


def _rebuild(class_name: str, message: str) -> BaseException:
    if class_name == "CancelledError":
        return asyncio.CancelledError()
    return RemoteError(class_name, message)
