"""Who is logged in: a cookie that names a token by its digest, signed, and looked up anew for each request.

So a token that is revoked or expired ends its sessions, and a stolen cookie is no token. The key is derived from the
service-role key, which every API process has: a session begun at one is one at all of them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dealpulse.settings import Secret

COOKIE: Final = "dealpulse_session"
SECONDS: Final = 12 * 3600
"""A working day."""
_COOKIE: Final = re.compile(
    r"(?P<told>(?P<expires>\d{1,12})\.(?P<id>[0-9a-f]{32})\.(?P<digest>[0-9a-f]{64}))\.(?P<mac>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Session:
    """``digest`` is the SHA-256, in hex, of the token that was logged in with; empty without one."""

    id: str
    digest: str


LOCAL: Final = Session("local", "")
"""Of requests that need no cookie: from this very machine, or with a bearer token."""


class Sessions:
    """Makes and reads cookies, and what a form must bring back to show that it is one of ours."""

    def __init__(self, secret: Secret, *, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(secret.reveal().encode(), b"dealpulse dashboard session", hashlib.sha256)
        self._clock = clock

    def begin(self, digest: str) -> str:
        """The cookie of a new session."""
        told = f"{int(self._clock()) + SECONDS}.{secrets.token_hex(16)}.{digest}"
        return f"{told}.{self._sign(f'cookie {told}')}"

    def of(self, cookie: str) -> Session | None:
        """None for a cookie that is over or none of ours."""
        found = _COOKIE.fullmatch(cookie)
        if found is None or not hmac.compare_digest(self._sign(f"cookie {found['told']}"), found["mac"]):
            return None
        return Session(found["id"], found["digest"]) if int(found["expires"]) > self._clock() else None

    def form_token(self, session: Session) -> str:
        """What every form of this session carries."""
        return self._sign(f"form {session.id}")

    def is_of(self, session: Session, form_token: str) -> bool:
        return hmac.compare_digest(self.form_token(session).encode(), form_token.encode())

    def _sign(self, told: str) -> str:
        return hmac.digest(self._key, told.encode(), hashlib.sha256).hex()
