"""Bearer tokens: those of the settings, and those handed out by ``dealpulse token create``, kept as digests.

A token is ``dp_`` and 32 random bytes, so that a leaked one is recognised by scanners; only its SHA-256 is stored:
what is random needs no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from dealpulse.errors import Transient
from dealpulse.settings import Secret
from dealpulse.web.access.identity import Identity, Scope

STALE_TOKEN_TRUSTED: Final = "stale_token_trusted"  # noqa: S105 - an event's name

FRESH_SECONDS: Final = 15.0
"""For so long a token may be used after it was revoked."""
TRUSTED_SECONDS: Final = 600.0
"""For so long a token known before is trusted while the database is away."""
_REMEMBERED: Final = 10_000
_PREFIX: Final = "dp_"
_CONFIGURED: Final = re.compile(rf"(?P<name>[\w.-]{{1,64}}):(?P<scope>{'|'.join(Scope)}):(?P<token>.+)")
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")

log = structlog.get_logger(__name__)


def new_token() -> str:
    """A token nobody can guess."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest_of(token: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(token).hexdigest()


class ConfiguredTokens:
    """The tokens of ``API_TOKENS``: ``TOKEN`` (admin) or ``NAME:SCOPE:TOKEN``, ``TOKEN`` itself or ``sha256:`` and its
    digest."""

    def __init__(self, configured: Iterable[Secret]) -> None:
        self._known = [_configured(number, secret.reveal()) for number, secret in enumerate(configured, start=1)]

    def __bool__(self) -> bool:
        return bool(self._known)

    def identity(self, token: bytes) -> Identity | None:
        return self.holder(digest_of(token))

    def holder(self, presented: str) -> Identity | None:
        """Whose token has this digest."""
        # All are compared, each in constant time: how long it takes tells neither which nor how much was right.
        found = [identity for digest, identity in self._known if hmac.compare_digest(digest, presented)]
        return found[0] if found else None


def _configured(number: int, entry: str) -> tuple[str, Identity]:
    told = _CONFIGURED.fullmatch(entry)
    token = told["token"] if told else entry
    digest = _DIGEST.fullmatch(token)
    name, scope = (told["name"], Scope(told["scope"])) if told else (f"token-{number}", Scope.admin)
    return digest[1] if digest else digest_of(token.encode()), Identity(name=name, scope=scope)


class IssuedToken(Protocol):
    """A token as it is kept."""

    @property
    def name(self) -> str: ...

    @property
    def scope(self) -> str: ...


class TokenRegister(Protocol):
    """Where issued tokens are kept."""

    async def used(self, digest: str) -> IssuedToken | None:
        """The token with this digest that is valid now; notes that it was used."""
        ...


@dataclass(frozen=True)
class _Remembered:
    identity: Identity | None
    at: float


class IssuedTokens:
    """Issued tokens, looked up at most every :data:`FRESH_SECONDS`; the unknown ones too."""

    def __init__(self, register: TokenRegister, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._register = register
        self._clock = clock
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def identity(self, token: bytes) -> Identity | None:
        """Raises ``Unavailable`` while the database is away and this token was not seen lately."""
        return await self.holder(digest_of(token)) if token.startswith(_PREFIX.encode()) else None

    async def holder(self, digest: str) -> Identity | None:
        """Whose token has this digest. Raises as :meth:`identity`."""
        now = self._clock()
        known = self._remembered.get(digest)
        if known is not None and now - known.at < FRESH_SECONDS:
            return known.identity
        try:
            issued = await self._register.used(digest)
        except Transient:
            if known is None or known.identity is None or now - known.at > TRUSTED_SECONDS:
                raise
            log.warning(STALE_TOKEN_TRUSTED, token_name=known.identity.name)
            return known.identity
        identity = None if issued is None else Identity(name=issued.name, scope=Scope(issued.scope))
        self._remember(digest, _Remembered(identity, now))
        return identity

    def _remember(self, digest: str, what: _Remembered) -> None:
        self._remembered[digest] = what
        self._remembered.move_to_end(digest)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
