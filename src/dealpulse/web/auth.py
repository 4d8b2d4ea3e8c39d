"""Who may ask: whoever holds a bearer token, and, where switched on, a program on this very machine.

The loopback waiver lets ``curl http://localhost:3000/...`` work without a token in the embedded stack. It must not
let a web page do the same through the user's browser, nor a reverse proxy forward the world, so it holds only if

- the peer's address is loopback and no proxy header says it asks for somebody else,
- the ``Host`` is ``localhost``, ``127.0.0.1`` or ``[::1]`` (any port), which stops DNS rebinding,
- there is no ``Origin`` but our own, and ``Sec-Fetch-Site`` is absent, ``same-origin`` or ``none``.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dealpulse.settings import Secret
from dealpulse.web.errors import HttpFault

_LOCAL_HOST: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_PROXIED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="dealpulse"'}


class Caller(StrEnum):
    """Whom a request was let in as; stands in every log line of the request."""

    token = "token"  # noqa: S105 - the word, not a token
    loopback = "loopback"


@dataclass(frozen=True, kw_only=True)
class Door:
    """The rules of one deployment."""

    tokens: Sequence[Secret]
    """Each is valid, so that one can be replaced while the other is still in use."""
    trust_loopback: bool

    def admit(self, headers: Headers, peer: str | None) -> Caller:
        """Let a request in.

        Raises:
            HttpFault: 401 without a valid token, 403 when only the waiver's conditions keep a local request out.
        """
        presented = _bearer(headers)
        if presented is not None and self._knows(presented):
            return Caller.token
        if self.trust_loopback and _is_loopback(peer):
            if _is_local_request(headers):
                return Caller.loopback
            if presented is None:
                raise HttpFault(
                    403,
                    code="foreign_request",
                    message="Without a token only direct requests to localhost are answered, no page's and no proxy's.",
                )
        if presented is not None:
            raise HttpFault(
                401, code="invalid_token", message="The bearer token is not a valid one.", headers=_CHALLENGE
            )
        if not self.tokens:
            message = "No API token is configured: set API_TOKENS, then send 'Authorization: Bearer TOKEN'."
            raise HttpFault(401, code="no_token_configured", message=message, headers=_CHALLENGE)
        message = "Send a token: 'Authorization: Bearer TOKEN', one of those in API_TOKENS."
        raise HttpFault(401, code="missing_token", message=message, headers=_CHALLENGE)

    def _knows(self, presented: bytes) -> bool:
        # All are compared, each in constant time: how long it takes tells neither which nor how much was right.
        known = [hmac.compare_digest(presented, token.reveal().encode()) for token in self.tokens]
        return any(known)


class Authorise:
    """ASGI middleware: nothing behind it sees a request the door does not admit."""

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            client = scope.get("client")
            caller = self._door.admit(Headers(scope=scope), client[0] if client else None)
            structlog.contextvars.bind_contextvars(caller=caller.value)
        await self._app(scope, receive, send)


def _bearer(headers: Headers) -> bytes | None:
    """The token presented; as bytes, because a header may hold any of them."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token.encode("latin-1") if scheme.lower() == "bearer" and token else None


def _is_loopback(peer: str | None) -> bool:
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _is_local_request(headers: Headers) -> bool:
    host = headers.get("host", "")
    origin = headers.get("origin")
    return (
        len(headers.getlist("host")) == 1
        and _LOCAL_HOST.fullmatch(host) is not None
        and not any(name in headers for name in _PROXIED)
        and (origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}"))
        and headers.get("sec-fetch-site", "none") in ("same-origin", "none")
    )
