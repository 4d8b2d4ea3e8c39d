"""The parent's side of the sandbox: start a child for one file, wait for its answer, and leave no process behind.

A child has an empty environment, so it knows none of the worker's secrets, and limits of its own
(:mod:`dealpulse.extraction.confine`). Here is what it cannot do to itself: the wall clock, the size of its answer, and
being killed, with all it started, when the time is up or nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from dealpulse.errors import DealPulseError, Transient, Unreadable
from dealpulse.extraction.contract import DocumentContent, EmailContent, Limits
from dealpulse.extraction.protocol import Answer, Failed, Read, Request, decode_answer, encode

ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OMP_THREAD_LIMIT": "1",  # Tesseract on several threads is seven times slower
}
MAX_ANSWER_BYTES = 128 << 20

_CHUNK_BYTES = 1 << 16
_LAST_WORDS_BYTES = 4_096
_FAREWELL_SECONDS = 5.0
_OUT_OF_MEMORY_WORDS = (b"memory allocation of", b"bad_alloc", b"MemoryError", b"out of memory")


class Finished(Struct, frozen=True, kw_only=True):
    """A process that ended by itself. ``exit_code`` is negative for a signal; ``last_words`` the end of its stderr."""

    exit_code: int
    output: bytes
    last_words: bytes


async def extract_document(path: Path, *, name: str, limits: Limits, files_dir: Path | None = None) -> DocumentContent:
    """The pages of the file at ``path``, whatever its kind; ``name`` is what people call it, extension included.

    Files found inside are in ``files_dir`` afterwards; without one they are named in a warning and left out.
    Raises ``Unreadable`` when the file is to blame, ``Permanent`` when our set-up is, ``Transient`` otherwise.
    """
    request = _request(path, name=name, as_email=False, files_dir=files_dir, limits=limits)
    read = await _ask(request)
    if read.document is None or any(each.path.parent != request.files_dir for each in read.document.files):
        raise _no_answer()
    return read.document


async def extract_email(path: Path, *, name: str, attachments_dir: Path, limits: Limits) -> EmailContent:
    """The message at ``path`` (``.eml`` or ``.msg``); its attachments are files in ``attachments_dir`` afterwards.

    Raises like :func:`extract_document`.
    """
    request = _request(path, name=name, as_email=True, files_dir=attachments_dir, limits=limits)
    read = await _ask(request)
    if read.email is None or any(each.path.parent != request.files_dir for each in read.email.attachments):
        raise _no_answer()
    return read.email


def _request(path: Path, *, name: str, as_email: bool, files_dir: Path | None, limits: Limits) -> Request:
    """With absolute paths: the child's working directory is another one."""
    directory = files_dir.absolute() if files_dir else None
    return Request(path=path.absolute(), name=name, as_email=as_email, files_dir=directory, limits=limits)


async def _ask(request: Request) -> Read:
    finished = await run_confined(
        [sys.executable, "-I", "-m", "dealpulse.extraction.child", str(os.getpid())],
        given=encode(request),
        seconds=request.limits.seconds,
    )
    answer = await asyncio.to_thread(_understood, finished)
    if isinstance(answer, Failed):
        raise answer.error()
    return answer


def _understood(finished: Finished) -> Answer:
    if finished.exit_code != 0:
        raise _cause_of_death(finished)
    try:
        return decode_answer(finished.output)
    except msgspec.DecodeError as error:
        raise _no_answer() from error


def _cause_of_death(finished: Finished) -> DealPulseError:
    if finished.exit_code == -signal.SIGXCPU:
        return timed_out()
    out_of_memory = any(words in finished.last_words for words in _OUT_OF_MEMORY_WORDS)
    if finished.exit_code == -signal.SIGKILL or out_of_memory:
        message = "The file needs more memory to read than it may use; split it into smaller files."
        return Unreadable(message, code="out_of_memory")
    if finished.exit_code < 0:
        return Unreadable("The file is damaged in a way that stops its reader; ask for it again.", code="corrupt")
    return _no_answer()


def timed_out() -> Unreadable:
    return Unreadable("The file takes too long to read; split it into smaller files.", code="timed_out")


def _no_answer() -> Transient:
    return Transient("The extraction process ended without an answer.", code="extraction_failed")


# --- processes --------------------------------------------------------------------------------------------------------


async def run_confined(arguments: Sequence[str], *, given: bytes, seconds: float) -> Finished:
    """Run a program with ``given`` on stdin, in a session of its own, without our environment.

    Raises ``Unreadable`` (``timed_out``, ``too_large``). However this ends, the program and all it started in its
    session have ended before.
    """
    process = await asyncio.create_subprocess_exec(
        *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=ENVIRONMENT, cwd="/", start_new_session=True
    )
    try:
        async with asyncio.timeout(seconds):
            return await _outcome(process, given)
    except TimeoutError as error:
        raise timed_out() from error
    finally:
        await _end(process)


async def _outcome(process: Process, given: bytes) -> Finished:
    stdin, stdout, stderr = _pipes(process)
    output, last_words, _ = await asyncio.gather(_output(stdout, process), _last_words(stderr), _give(stdin, given))
    if len(output) > MAX_ANSWER_BYTES:
        raise Unreadable("The file holds more text than can be stored; split it into smaller files.", code="too_large")
    return Finished(exit_code=await process.wait(), output=output, last_words=last_words)


def _pipes(process: Process) -> tuple[StreamWriter, StreamReader, StreamReader]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("the process was not started with pipes")
    return process.stdin, process.stdout, process.stderr


async def _give(stdin: StreamWriter, given: bytes) -> None:
    # If it ends before it has read, its exit code says why.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(given)
        await stdin.drain()
        stdin.close()


async def _output(stdout: StreamReader, process: Process) -> bytes:
    """All of it, or so much that it is plainly too much."""
    output = bytearray()
    while chunk := await stdout.read(_CHUNK_BYTES):
        if len(output) <= MAX_ANSWER_BYTES:
            output += chunk
        else:
            _kill(process)
    return bytes(output)


async def _last_words(stderr: StreamReader) -> bytes:
    words = b""
    while chunk := await stderr.read(_CHUNK_BYTES):
        words = (words + chunk)[-_LAST_WORDS_BYTES:]
    return words


def _kill(process: Process) -> None:
    """Kill its whole session, if it is still there."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def _end(process: Process) -> None:
    """Kill it, if need be, and see it off. Its end is only noticed once its pipes are read empty."""
    _kill(process)
    _, stdout, stderr = _pipes(process)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FAREWELL_SECONDS):
            await asyncio.gather(process.wait(), _discard(stdout), _discard(stderr))


async def _discard(stream: StreamReader) -> None:
    while await stream.read(_CHUNK_BYTES):
        pass
