"""Bringing in what others have to say: stdlib loggers, arq, uvicorn, warnings, exceptions nobody caught.

Two of them configure logging behind our back. arq's command line runs ``logging.config.dictConfig`` after it imported
our module, which resets its loggers' handlers but not their filters: so a filter hands its records over. uvicorn's runs
it before it imports the application: so its handlers are taken away then.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from types import TracebackType
from typing import TextIO

import structlog

from dealpulse.errors import DealPulseError
from dealpulse.logs.rendering import qualified_name, system_reason
from dealpulse.settings import SettingsError

STARTUP_FAILED = "startup_failed"
PROCESS_FAILED = "process_failed"
INTERRUPTED = "interrupted"
THREAD_FAILED = "thread_failed"
UNRAISABLE = "unraisable_exception"
ASYNCIO_UNHANDLED = "asyncio_unhandled"
PYTHON_WARNING = "python_warning"
LINE_LOST = "log_line_lost"

_ARQ = ("arq", "arq.cli", "arq.connections", "arq.cron", "arq.jobs", "arq.utils", "arq.worker")
_UVICORN = ("uvicorn", "uvicorn.access", "uvicorn.asgi", "uvicorn.error")
_REQUESTS = ("httpx", "httpx2", "httpcore", "httpcore2", "hpack", "h2", "anthropic", "urllib3")
"""Their lines quote URLs (with signatures and search terms), headers or bodies."""

_WITHHELD = "[withheld]"
_QUERY = re.compile(r"\?\S*")


class Capture(logging.Handler):
    """Hands every stdlib record to structlog. Nothing below INFO: libraries put content into their debug lines."""

    def __init__(self, level: int, *, foreign_messages: bool) -> None:
        super().__init__(max(level, logging.INFO))
        self._foreign_messages = foreign_messages

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        try:
            message = self._message(record)
        except Exception as error:  # whatever an argument's __str__ may raise
            logger.warning(LINE_LOST, place=f"{record.pathname}:{record.lineno}", reason=qualified_name(error))
            return
        exc_info = record.exc_info if record.exc_info and record.exc_info[1] else None
        logger.log(_known_level(record.levelno), message.strip(), exc_info=exc_info)

    def _message(self, record: logging.LogRecord) -> str:
        if record.name == "uvicorn.access":
            return _QUERY.sub("", record.getMessage())
        if self._foreign_messages:
            return record.getMessage()
        message = str(_withheld(record.msg))
        if record.args:
            arguments = record.args
            message = message % (
                {key: _withheld(value) for key, value in arguments.items()}
                if isinstance(arguments, dict)
                else tuple(_withheld(value) for value in arguments)
            )
        for error in _errors_of(record):
            for said in (repr(error), str(error)):
                message = message.replace(said, _WITHHELD) if said else message
        return message


class _HandOver(logging.Filter):
    """A filter that handles: survives ``dictConfig``, and lets no other handler see the record."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= self._handler.level:
            self._handler.handle(record)
        return False


def _withheld(value: object) -> object:
    """An exception as its type and what the operating system says, if it does; anything else as it is."""
    if not isinstance(value, BaseException):
        return value
    reason = system_reason(value)
    return f"{qualified_name(value)}: {reason}" if reason else qualified_name(value)


def _errors_of(record: logging.LogRecord) -> Iterator[BaseException]:
    """The foreign exceptions a message may quote: its own, the one being handled, and what led to them."""
    starts = (record.exc_info[1] if record.exc_info else None, sys.exc_info()[1])
    for start in starts:
        error, depth = start, 0
        while error is not None and depth < 10:
            if not isinstance(error, DealPulseError):
                yield error
            error, depth = error.__cause__ or error.__context__, depth + 1


def _known_level(level: int) -> int:
    """The standard level at or below any number."""
    return max(logging.DEBUG, min(level // 10 * 10, logging.CRITICAL))


def capture_stdlib(level: int, *, foreign_messages: bool) -> None:
    """Send every stdlib logger's records to structlog, and to nothing else."""
    handler = Capture(level, foreign_messages=foreign_messages)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(handler.level)
    for name in _ARQ:
        logger = logging.getLogger(name)
        logger.filters = [_HandOver(handler)]
    for name in _UVICORN:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in _REQUESTS:
        logging.getLogger(name).setLevel(logging.WARNING)


def capture_warnings() -> None:
    """One line for each of Python's warnings."""
    logger = structlog.get_logger("py.warnings")

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        logger.warning(PYTHON_WARNING, category=category.__name__, message=str(message), place=f"{filename}:{lineno}")

    warnings.showwarning = show


def capture_uncaught() -> None:
    """One line for each exception nobody caught: in the main thread, in others, in destructors."""
    logger = structlog.get_logger("dealpulse")

    def in_main(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            logger.info(INTERRUPTED)
        elif isinstance(error, SettingsError):
            log_startup_failure(error)
        else:
            logger.critical(PROCESS_FAILED, exc_info=(kind, error, traceback))

    def in_thread(failure: threading.ExceptHookArgs) -> None:
        name = failure.thread.name if failure.thread else None
        logger.error(THREAD_FAILED, thread=name, exc_info=failure.exc_value)

    def in_destructor(failure: sys.UnraisableHookArgs) -> None:
        logger.error(UNRAISABLE, object=qualified_name(failure.object), exc_info=failure.exc_value)

    sys.excepthook = in_main
    threading.excepthook = in_thread
    sys.unraisablehook = in_destructor


def log_startup_failure(error: BaseException) -> None:
    """One line that says why the process cannot start; each fault of the settings as an object."""
    logger = structlog.get_logger("dealpulse")
    if isinstance(error, SettingsError):
        logger.critical(STARTUP_FAILED, code=error.code, faults=[asdict(fault) for fault in error.faults])
    elif isinstance(error, DealPulseError):
        logger.critical(STARTUP_FAILED, code=error.code, message=error.message, exc_info=error)
    else:
        logger.critical(STARTUP_FAILED, exc_info=error)


def capture_loop(loop: asyncio.AbstractEventLoop) -> None:
    """One line for each exception that ``loop`` finds nobody waiting for."""
    logger = structlog.get_logger("asyncio")

    def handle(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        exc_info = error if isinstance(error, BaseException) else None
        logger.error(ASYNCIO_UNHANDLED, message=str(context.get("message", "")), exc_info=exc_info)

    loop.set_exception_handler(handle)
