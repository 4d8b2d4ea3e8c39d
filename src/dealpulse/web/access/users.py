"""Users of the app: their Supabase access tokens, and which deals are theirs.

A token is verified by the project's shared secret (HS256) where one is set, else by the public keys the project
publishes (RS256, ES256). See https://supabase.com/docs/guides/auth/jwts.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
import jwt

from dealpulse.settings import Secret
from dealpulse.web.access.identity import Identity, Scope
from dealpulse.web.access.published import PublishedKeys

_AUDIENCE: Final = "authenticated"
_LEEWAY_SECONDS: Final = 10
_MEMBERSHIP_SECONDS: Final = 15.0
_REMEMBERED: Final = 10_000
_PUBLISHED: Final = ("RS256", "ES256")


class NotOurs(Exception):
    """The token is no valid one of a user of the app; the message says why, for the caller."""


class UserTokens:
    """Verifies access tokens of one Supabase project."""

    def __init__(
        self,
        *,
        secret: Secret | None,
        keys_url: str,
        http: httpx.AsyncClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secret = secret
        self._published = PublishedKeys(keys_url, publisher="supabase", http=http, clock=clock)

    async def identity(self, token: str) -> Identity:
        """Raises ``NotOurs``; ``Unavailable`` where the keys to verify it with cannot be had."""
        try:
            header = jwt.get_unverified_header(token)
            algorithm = str(header.get("alg"))
            key: Any = self._secret.reveal() if algorithm == "HS256" and self._secret else None
            if key is None and algorithm in _PUBLISHED:
                key = await self._published.key(str(header.get("kid", "")))
            if key is None:
                raise NotOurs("The user's token is not signed in a way this service can verify.")
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=_AUDIENCE,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "sub", "aud"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise NotOurs("The user's token has expired; sign in again.") from error
        except jwt.PyJWTError as error:
            raise NotOurs("The user's token is not a valid one.") from error
        if claims.get("role") != _AUDIENCE:
            raise NotOurs("This token is not a signed-in user's.")
        email = claims.get("email")
        return Identity(
            name=f"user:{claims['sub']}",
            scope=Scope.enqueue,
            user_id=str(claims["sub"]),
            email=email if isinstance(email, str) and email else None,
        )


class Memberships:
    """Which deals are whose, asked at most every few seconds."""

    def __init__(
        self, deals_of: Callable[[str], Awaitable[frozenset[str]]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._deals_of = deals_of
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()

    async def of(self, user_id: str) -> frozenset[str]:
        """Ids of the deals the user is a member of, in lower case."""
        now = self._clock()
        known = self._known.get(user_id)
        if known is not None and now - known[0] < _MEMBERSHIP_SECONDS:
            return known[1]
        deals = await self._deals_of(user_id)
        self._known[user_id] = (now, deals)
        self._known.move_to_end(user_id)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return deals
