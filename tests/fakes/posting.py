"""How a fake vendor calls somebody back: real requests, one after another, from a thread of its own."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import httpx


class Posting:
    """Open while it is entered; leaving it waits for what was sent."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="fake-callbacks")
        self._sent: list[Future[int]] = []

    def __enter__(self) -> Posting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    def send(self, address: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """POST it soon; whether anybody is there does not matter to the vendor."""
        self._sent.append(self._threads.submit(_post, address, dict(headers or {}), body))

    def statuses(self) -> list[int]:
        """What was answered to each, once all are; 0 where nobody was there. Not from the thread that answers them."""
        return [one.result(timeout=30) for one in self._sent]


def _post(address: str, headers: dict[str, str], body: bytes) -> int:
    try:
        return httpx.post(address, headers=headers, content=body, timeout=10, trust_env=False).status_code
    except httpx.HTTPError:
        return 0
