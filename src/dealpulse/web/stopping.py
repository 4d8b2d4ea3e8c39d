"""Whether the process was told to stop: who would otherwise answer for ever, such as an event stream, ends then.

uvicorn waits for every answer to end before it tells the application anything, so its signals are listened in on.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def told_to_stop() -> Iterator[asyncio.Event]:
    """Set once the process is told to stop. Whoever handles the signals goes on handling them."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    handlers: dict[signal.Signals, Any] = {}

    def listen(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopping.set)
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    # Only the main thread may; elsewhere nobody sends us signals.
    if threading.current_thread() is threading.main_thread():
        for each in _SIGNALS:
            if callable(signal.getsignal(each)):
                handlers[each] = signal.signal(each, listen)
    try:
        yield stopping
    finally:
        for each, handler in handlers.items():
            if signal.getsignal(each) is listen:
                signal.signal(each, handler)
