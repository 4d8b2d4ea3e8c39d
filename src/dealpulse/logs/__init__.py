"""Logs: one JSON object a line on standard output, whoever speaks.

    configure(settings.log, service="worker")
    with bound(queue="dailyBrief", job_id=job.id, deal_id=job.deal_id):
        structlog.get_logger(__name__).info(JOB_DONE, duration_ms=12)

Every line has ``timestamp`` (UTC), ``level``, ``event``, ``logger`` and ``service``. Content and secrets are never
logged: ``docs/decisions/0001-logs-carry-no-content.md`` says what is done about it here. Before the settings are known,
``configure(LogSettings(), service=...)`` makes even their faults one line each.

uvicorn is to be run with ``log_config=None``; started by its own command, it is captured once the application calls
``configure``.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
import threading
import weakref
from collections.abc import Iterator

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from dealpulse.logs.capturing import (
    capture_loop,
    capture_stdlib,
    capture_uncaught,
    capture_warnings,
    log_startup_failure,
)
from dealpulse.logs.rendering import DescribeException, redact, render_json
from dealpulse.settings import LogSettings

__all__ = ["bound", "capture_loop", "configure", "report_fatal"]


def configure(log: LogSettings, *, service: str) -> None:
    """Send structlog, stdlib loggers, arq, uvicorn, warnings and uncaught exceptions through one renderer.

    May be called again, when more is known. Inside a running loop, also takes its unhandled exceptions.
    """
    level = logging.getLevelNamesMapping()[log.level.upper()]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            _AddOrigin(service),
            redact,
            *_rendering(log),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,
    )
    capture_stdlib(level, foreign_messages=log.debug)
    capture_warnings()
    capture_uncaught()
    with contextlib.suppress(RuntimeError):
        capture_loop(asyncio.get_running_loop())


def report_fatal(error: BaseException, service: str) -> None:
    """Say in one line why the process cannot start; the caller then ends it with a non-zero code.

    Works whether or not :func:`configure` was called.
    """
    if not structlog.is_configured():
        configure(LogSettings(), service=service)
    log_startup_failure(error)


@contextlib.contextmanager
def bound(
    *,
    queue: str | None = None,
    job_id: str | None = None,
    deal_id: str | None = None,
    request_id: str | None = None,
) -> Iterator[None]:
    """Put these fields on every line logged inside, in this task and those it starts. None leaves a field out."""
    fields = {"queue": queue, "job_id": job_id, "deal_id": deal_id, "request_id": request_id}
    with structlog.contextvars.bound_contextvars(
        **{name: value for name, value in fields.items() if value is not None}
    ):
        yield


def _rendering(log: LogSettings) -> tuple[Processor, ...]:
    if log.human and sys.stdout.isatty():
        return (structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),)
    describe = DescribeException(foreign_messages=log.debug)
    return (structlog.processors.ExceptionRenderer(describe), render_json)


class _AddOrigin:
    """Who speaks: the logger's name and the service of this process."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("logger", logger.name)
        event.setdefault("service", self._service)
        return event


_writing = threading.RLock()  # re-entrant: a signal handler may log while its own thread is writing


class _Lines:
    """Where rendered lines go: standard output, whatever it is at that moment.

    What is worth a warning is written out at once. Other lines of one round of the event loop go together, with its
    end: a write each would cost a worker of quick jobs a tenth of its time.
    """

    def __init__(self, name: str = "dealpulse", *_: object) -> None:
        self.name = name

    def write(self, line: str) -> None:
        with _writing, contextlib.suppress(OSError, ValueError):  # nobody reads any more: work goes on
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    def write_soon(self, line: str) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.write(line)
            return
        with _writing, contextlib.suppress(OSError, ValueError):
            sys.stdout.write(f"{line}\n")
            if loop not in _flushing:
                _flushing.add(loop)
                loop.call_soon(_flush, loop)

    debug = info = write_soon
    warning = error = critical = write


_flushing: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
"""Loops that will write out what their round has logged."""


def _flush(loop: asyncio.AbstractEventLoop) -> None:
    _flushing.discard(loop)
    with _writing, contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
