"""Public keys somebody publishes (JWKS), with which what they signed is verified."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import httpx
import jwt
import msgspec
import structlog

from dealpulse.errors import Unavailable

KEYS_NOT_FETCHED: Final = "published_keys_not_fetched"

_FRESH_SECONDS: Final = 600.0
_ASKED_AGAIN_SECONDS: Final = 10.0
"""However many tokens name a key nobody knows, the publisher is asked at most so often."""

log = structlog.get_logger(__name__)


class PublishedKeys:
    """The keys at one address, fetched when they are needed. Those fetched before outlive an outage."""

    def __init__(
        self,
        url: str,
        *,
        publisher: str,
        http: httpx.AsyncClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``publisher`` is the dependency that is away when they cannot be fetched."""
        self._url = url
        self._publisher = publisher
        self._http = http
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """The key of that name. Raises ``Unavailable`` where none was ever had."""
        now = self._clock()
        age = None if self._fetched_at is None else now - self._fetched_at
        if age is None or age > _FRESH_SECONDS or (key_id not in self._keys and age > _ASKED_AGAIN_SECONDS):
            await self._fetch(now)
        return self._keys.get(key_id)

    async def _fetch(self, now: float) -> None:
        try:
            answer = await self._http.get(self._url)
            answer.raise_for_status()
            known = jwt.PyJWKSet.from_dict(msgspec.json.decode(answer.content, type=dict[str, Any]))
        except (httpx.HTTPError, msgspec.MsgspecError, jwt.PyJWTError) as error:
            log.warning(KEYS_NOT_FETCHED, publisher=self._publisher, error=type(error).__name__)
            if self._keys:
                self._fetched_at = now
                return
            message = f"The keys that verify tokens cannot be had from {self._publisher}."
            raise Unavailable(message, dependency=self._publisher) from error
        self._keys = {key.key_id: key for key in known.keys if key.key_id}
        self._fetched_at = now
