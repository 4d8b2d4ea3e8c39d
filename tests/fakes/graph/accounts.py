"""Microsoft's token endpoint, and what each token it handed out may do.

learn.microsoft.com/entra/identity-platform: v2-oauth2-client-creds-grant-flow (the app in its own name, with the
permissions an administrator granted it), v2-oauth2-auth-code-flow (refresh tokens, which rotate).
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fakes.graph.answers import refused

TENANT, CLIENT_ID, CLIENT_SECRET = "contoso.example", "app-id", "app-secret"
DEFAULT_SCOPE = "https://graph.microsoft.com/.default"
SITES_READ, FILES_READ, FILES_WRITE, MAIL_READ = "Sites.Read.All", "Files.Read.All", "Files.ReadWrite.All", "Mail.Read"


@dataclass(frozen=True)
class _Token:
    expires_at: float
    permissions: frozenset[str]
    user: str | None


@dataclass
class Accounts:
    url: str = ""
    granted: set[str] = field(default_factory=lambda: {SITES_READ, FILES_READ, FILES_WRITE, MAIL_READ})
    """By an administrator, to the app itself."""
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    """Whose each is."""
    _tokens: dict[str, _Token] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def issue(self, *permissions: str, user: str | None = None, seconds: float = 3600) -> str:
        token = f"eyJ0.{next(self._numbers)}"
        self._tokens[token] = _Token(time.time() + seconds, frozenset(permissions), user)
        return token

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def user(self, request: Request) -> str | None:
        """In whose name an authorized request is made; None: the app's own."""
        return self._tokens[_bearer(request)].user

    def refusal(self, request: Request, *permissions: str) -> Response | None:
        """401, and 403 unless the token has one of ``permissions``."""
        token = self._tokens.get(_bearer(request))
        if token is None or token.expires_at <= time.time():
            return refused(401)
        return None if token.permissions.intersection(permissions) else refused(403)

    async def answer(self, request: Request) -> Response:
        """``POST /{tenant}/oauth2/v2.0/token``."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        if request.path_params["tenant"] != TENANT:
            return _no(400, "invalid_request", "AADSTS90002: Tenant not found.")
        if form.get("client_id") != CLIENT_ID:
            return _no(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
        if form.get("client_secret") != CLIENT_SECRET:
            return _no(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        if form.get("grant_type") == "client_credentials":
            if form.get("scope") != DEFAULT_SCOPE:
                return _no(400, "invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
            return _yes(self.issue(*self.granted))
        if form.get("grant_type") == "refresh_token":
            user = self.refresh_tokens.pop(form.get("refresh_token", ""), None)
            if user is None:
                return _no(400, "invalid_grant", "AADSTS70000: The provided grant is invalid or malformed.")
            another = f"refresh-{next(self._numbers)}"
            self.refresh_tokens[another] = user
            return _yes(self.issue(*self.granted, user=user), another)
        return _no(400, "unsupported_grant_type", "AADSTS70003: The app returned an unsupported grant type.")


def _yes(token: str, refresh_token: str | None = None) -> Response:
    answer: dict[str, object] = {"token_type": "Bearer", "expires_in": 3599, "access_token": token}
    return JSONResponse(answer if refresh_token is None else {**answer, "refresh_token": refresh_token})


def _no(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description, "error_codes": []}, status)


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")
