"""Google's token endpoint, and what each token it handed out may do."""

from __future__ import annotations

import functools
import itertools
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fakes.google.answers import Json, refused

DRIVE_READ = "https://www.googleapis.com/auth/drive.readonly"
GMAIL_READ = "https://www.googleapis.com/auth/gmail.readonly"
SERVICE_ACCOUNT = "reader@deal.iam.gserviceaccount.com"
PERSON = "dana@example.com"
TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token"
"""For which Google's own clients sign, wherever they send it."""
CLIENT_ID, CLIENT_SECRET = "client", "client-secret"
KEY_NAME = "push-key"


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    """One for all: making one takes longer than most tests."""
    return rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True)
class _Token:
    expires_at: float
    scopes: frozenset[str]
    user: str


@dataclass
class Accounts:
    url: str = ""
    refresh_tokens: set[str] = field(default_factory=set)
    rotates: bool = False
    """Each refresh replaces the refresh token, as Microsoft's does and Google's may."""
    key: rsa.RSAPrivateKey = field(default_factory=_key)
    _tokens: dict[str, _Token] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def issue(self, *scopes: str, user: str = PERSON, seconds: float = 3600) -> str:
        token = f"ya29.{next(self._numbers)}"
        self._tokens[token] = _Token(time.time() + seconds, frozenset(scopes), user)
        return token

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def key_file(self, folder: Path) -> Path:
        """The service account's key, as the console hands it out."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = folder / "key.json"
        path.write_text(
            json.dumps({"type": "service_account", "client_email": SERVICE_ACCOUNT, "private_key": pem.decode()})
        )
        return path

    def user(self, request: Request) -> str:
        """In whose name an authorized request is made."""
        return self._tokens[_bearer(request)].user

    def refusal(self, request: Request, *, scope: str) -> Response | None:
        """401 and 403, in the order in which Google finds them."""
        token = self._tokens.get(_bearer(request))
        if token is None or token.expires_at <= time.time():
            return refused(401, "authError")
        return None if scope in token.scopes else refused(403, "insufficientPermissions")

    async def answer(self, request: Request) -> Response:
        """``POST /token``."""
        form = dict(await request.form())
        if form.get("grant_type") == "refresh_token":
            return self._refreshed({name: str(value) for name, value in form.items()})
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        try:
            claims = jwt.decode(
                str(form["assertion"]),
                self.key.public_key(),
                algorithms=["RS256"],
                audience=[f"{self.url}/token", TOKEN_ENDPOINT],
                issuer=SERVICE_ACCOUNT,
                options={"require": ["iss", "scope", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError:
            return JSONResponse({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        token = self.issue(*claims["scope"].split(), user=claims.get("sub", SERVICE_ACCOUNT))
        return JSONResponse({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _refreshed(self, form: dict[str, str]) -> Response:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        if form.get("refresh_token") not in self.refresh_tokens:
            return JSONResponse({"error": "invalid_grant", "error_description": "Token has been revoked."}, 400)
        token = self.issue(DRIVE_READ, GMAIL_READ)
        answer: Json = {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}
        if self.rotates:
            self.refresh_tokens.discard(form["refresh_token"])
            answer["refresh_token"] = f"refresh-{next(self._numbers)}"
            self.refresh_tokens.add(answer["refresh_token"])
        return JSONResponse(answer)


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")
