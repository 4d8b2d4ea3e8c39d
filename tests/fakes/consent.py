"""Fake consent pages and token endpoints of Google and Microsoft: the authorization-code flow, as strict as theirs.

    with fake_consent() as vendor:
        page = vendor.page(address)            # what the person sees at the address they were sent to
        back = page.agree("dana@example.com")  # the address their browser is sent back to
        vendor.grants                          # what was handed out, and what is still good

Behaviour follows developers.google.com/identity/protocols/oauth2/web-server (parameters, offline access, consent to a
part, revocation), learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow (parameters, rotation) and RFC
7636 (the verifier is held against the challenge; a code is good once).
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fakes.serving import serving

GOOGLE_ID, MICROSOFT_ID, SECRET = "google-client", "microsoft-client", "a-secret-of-the-client"
TENANT = "contoso.example"
_KEY_ID = "key-1"
_GOOGLE = {"access_type": {"offline"}, "prompt": {"consent"}, "include_granted_scopes": {"true"}}
_MICROSOFT = {"prompt": {"select_account"}, "response_mode": {"query"}}
_BOTH = {
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
}


@dataclass
class Grant:
    """What a person agreed to. ``refresh_token`` is the one that is good now."""

    account: str
    scopes: list[str]
    refresh_token: str = ""


@dataclass
class _Code:
    asked: dict[str, str]
    grant: Grant
    used: bool = False


@dataclass(frozen=True)
class Page:
    """A consent page, as the person in front of it may answer it."""

    vendor: FakeConsent
    asked: dict[str, str]

    @property
    def scopes(self) -> list[str]:
        return self.asked["scope"].split()

    def agree(self, account: str, *, without: str = "") -> str:
        """The address the browser is sent to; ``without`` is a scope the person unticked."""
        scopes = [scope for scope in self.scopes if scope != without]
        code = f"4/{next(self.vendor.numbers)}"
        self.vendor.codes[code] = _Code(self.asked, Grant(account, scopes))
        return self._back(code=code, scope=" ".join(scopes))

    def decline(self, error: str = "access_denied") -> str:
        return self._back(error=error, error_description="<b>as told</b>")

    def _back(self, **told: str) -> str:
        return f"{self.asked['redirect_uri']}?{urlencode({'state': self.asked['state'], **told})}"


@dataclass
class FakeConsent:
    redirect_uri: str = ""
    """The one the clients are registered with."""
    url: str = ""
    codes: dict[str, _Code] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    leaves_out: set[str] = field(default_factory=set)
    """Of token answers: ``refresh_token``, ``id_token``, ``scope``."""
    away: bool = False
    claims: dict[str, Any] = field(default_factory=dict)
    """Told in id tokens in place of what is true."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def variables(self) -> dict[str, str]:
        """The settings of a service registered here."""
        return {
            "GOOGLE_CLIENT_ID": GOOGLE_ID,
            "GOOGLE_CLIENT_SECRET": SECRET,
            "GOOGLE_AUTH_URL": f"{self.url}/auth",
            "GOOGLE_TOKEN_URL": f"{self.url}/token",
            "GOOGLE_REVOKE_URL": f"{self.url}/revoke",
            "GOOGLE_KEYS_URL": f"{self.url}/certs",
            "MICROSOFT_TENANT_ID": TENANT,
            "MICROSOFT_CLIENT_ID": MICROSOFT_ID,
            "MICROSOFT_CLIENT_SECRET": SECRET,
            "MICROSOFT_LOGIN_URL": self.url,
        }

    def page(self, address: str) -> Page:
        """The page at an address, which must ask as the vendor's documentation says."""
        parts = urlsplit(address)
        asked = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
        microsoft = parts.path == f"/{TENANT}/oauth2/v2.0/authorize"
        assert microsoft or parts.path == "/auth", parts.path
        wanted = _MICROSOFT if microsoft else _GOOGLE
        assert set(asked) == _BOTH | set(wanted), set(asked) ^ (_BOTH | set(wanted))
        assert all(asked[name] in values for name, values in wanted.items())
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["client_id"] == (MICROSOFT_ID if microsoft else GOOGLE_ID)
        assert asked["redirect_uri"] == self.redirect_uri
        assert {"openid", "email"} <= set(asked["scope"].split())
        assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 32
        return Page(self, asked)

    def sign(self, claims: dict[str, Any], *, key: rsa.RSAPrivateKey | None = None) -> str:
        return jwt.encode(claims, key or self.key, algorithm="RS256", headers={"kid": _KEY_ID})

    # What it answers ---------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests[f"{scope['method']} {scope['path']}"] += 1
        if self.away:
            await JSONResponse({}, 503)(scope, receive, send)
            return
        routes = [
            Route("/token", self._token, methods=["POST"]),
            Route(f"/{TENANT}/oauth2/v2.0/token", self._token, methods=["POST"]),
            Route("/revoke", self._revoke, methods=["POST"]),
            Route("/certs", self._certs),
        ]
        await Starlette(routes=routes)(scope, receive, send)

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        microsoft = request.url.path != "/token"
        client = MICROSOFT_ID if microsoft else GOOGLE_ID
        if (form.get("client_id"), form.get("client_secret")) != (client, SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        if form.get("grant_type") == "refresh_token":
            grant = next((one for one in self.grants if one.refresh_token == form["refresh_token"]), None)
            return self._refused() if grant is None else self._answer(grant, rotate=microsoft)
        if form.get("grant_type") != "authorization_code":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        code = self.codes.get(form.get("code", ""))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if (
            code is None
            or code.used
            or code.asked["client_id"] != client
            or code.asked["redirect_uri"] != form.get("redirect_uri")
            or code.asked["code_challenge"] != challenge.decode()
        ):
            return self._refused()
        code.used = True
        self.grants.append(code.grant)
        return self._answer(code.grant, rotate=True, nonce=code.asked["nonce"], client=client)

    def _answer(self, grant: Grant, *, rotate: bool, nonce: str = "", client: str = "") -> Response:
        answer: dict[str, Any] = {"access_token": f"access-{next(self.numbers)}", "expires_in": 3599}
        answer |= {"token_type": "Bearer", "scope": " ".join(grant.scopes)}
        if rotate:
            grant.refresh_token = f"1//{next(self.numbers)}"
            answer["refresh_token"] = grant.refresh_token
        if nonce:
            who = "email" if client == GOOGLE_ID else "preferred_username"
            claims = {"aud": client, "nonce": nonce, "sub": "7", who: grant.account, "exp": time.time() + 3600}
            answer["id_token"] = self.sign({**claims, **self.claims})
        return JSONResponse({name: value for name, value in answer.items() if name not in self.leaves_out})

    def _refused(self) -> Response:
        return JSONResponse({"error": "invalid_grant", "error_description": "Bad Request"}, 400)

    async def _revoke(self, request: Request) -> Response:
        token = str((await request.form()).get("token", ""))
        known = [grant for grant in self.grants if grant.refresh_token == token]
        self.grants = [grant for grant in self.grants if grant.refresh_token != token]
        return JSONResponse({} if known else {"error": "invalid_token"}, 200 if known else 400)

    async def _certs(self, request: Request) -> Response:
        key = {**RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": _KEY_ID, "alg": "RS256", "use": "sig"}
        return JSONResponse({"keys": [key]})


@contextmanager
def fake_consent() -> Iterator[FakeConsent]:
    """Both vendors, where nobody has agreed to anything yet."""
    vendor = FakeConsent()
    with serving(vendor) as url:
        vendor.url = url
        yield vendor
