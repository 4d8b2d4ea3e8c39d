"""The door: whoever holds a bearer token, a user of the app, and, where switched on, a program on this very machine.

The loopback waiver lets ``curl http://localhost:3000/...`` work without a token in the embedded stack. It must not
let a web page do the same through the user's browser, nor a reverse proxy forward the world, so it holds only if

- the peer's address is loopback and no proxy header says it asks for somebody else,
- the ``Host`` is ``localhost``, ``127.0.0.1`` or ``[::1]`` (any port), which stops DNS rebinding,
- there is no ``Origin`` but our own, and ``Sec-Fetch-Site`` is absent, ``same-origin`` or ``none``.
"""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dealpulse.web.access.identity import LOOPBACK, Identity
from dealpulse.web.access.rates import Rates
from dealpulse.web.access.tokens import ConfiguredTokens, IssuedTokens
from dealpulse.web.access.users import NotOurs, UserTokens
from dealpulse.web.errors import HttpFault

_LOCAL_HOST: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_PROXIED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="dealpulse"'}
_JSON_WEB_TOKEN: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


@dataclass(frozen=True, kw_only=True)
class Door:
    """The rules of one deployment."""

    configured: ConfiguredTokens
    trust_loopback: bool
    issued: IssuedTokens | None = None
    users: UserTokens | None = None

    async def admit(self, headers: Headers, peer: str | None) -> Identity:
        """Who asks.

        Raises:
            HttpFault: 401 without a valid token, 403 when only the waiver's conditions keep a local request out.
            Unavailable: what would verify the token is away.
        """
        presented = _bearer(headers)
        known, reason = (None, "") if presented is None else await self._known(presented)
        if known is not None:
            return known
        if self.trust_loopback and _is_loopback(peer):
            if _is_local_request(headers):
                return LOOPBACK
            if presented is None:
                raise HttpFault(
                    403,
                    code="foreign_request",
                    message="Without a token only direct requests to localhost are answered, no page's and no proxy's.",
                )
        if presented is not None:
            raise HttpFault(401, code="invalid_token", message=reason, headers=_CHALLENGE)
        if not self.configured:
            message = (
                "Send 'Authorization: Bearer TOKEN', a token made by `dealpulse token create`; or set API_TOKENS and "
                "send one of those."
            )
            raise HttpFault(401, code="no_token_configured", message=message, headers=_CHALLENGE)
        message = (
            "Send a token: 'Authorization: Bearer TOKEN', one of those in API_TOKENS or made by `dealpulse token`."
        )
        raise HttpFault(401, code="missing_token", message=message, headers=_CHALLENGE)

    async def holder(self, digest: str) -> Identity | None:
        """Who holds the token with this SHA-256, as long as it is valid. Raises ``Unavailable``."""
        known = self.configured.holder(digest)
        return known if known is not None or self.issued is None else await self.issued.holder(digest)

    async def _known(self, token: bytes) -> tuple[Identity | None, str]:
        """Who holds the token, or why nobody does."""
        identity = self.configured.identity(token)
        if identity is None and self.issued is not None:
            identity = await self.issued.identity(token)
        text = token.decode("latin-1")
        if identity is None and self.users is not None and _JSON_WEB_TOKEN.fullmatch(text):
            try:
                identity = await self.users.identity(text)
            except NotOurs as error:
                return None, str(error)
        return identity, "The bearer token is not a valid one."


class Authorise:
    """ASGI middleware: nothing behind it sees a request the door does not admit, or one too many."""

    def __init__(self, app: ASGIApp, *, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            client = scope.get("client")
            door: Door = scope["state"]["door"]
            identity = await door.admit(Headers(scope=scope), client[0] if client else None)
            structlog.contextvars.bind_contextvars(caller=identity.name)
            self._count(identity)
            scope["identity"] = identity
        await self._app(scope, receive, send)

    def _count(self, identity: Identity) -> None:
        wait = 0.0 if identity is LOOPBACK else self._rates.take(identity.name)
        if wait:
            headers = {"Retry-After": str(math.ceil(wait))}
            message = "These are more requests than API_RATE_PER_MINUTE allows one caller."
            raise HttpFault(429, code="too_many_requests", message=message, headers=headers)


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
