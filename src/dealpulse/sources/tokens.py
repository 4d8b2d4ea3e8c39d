"""Bearer tokens: of accounts people connected, of Google's service account, of Microsoft's registered app.

A token is used until a minute before it ends, by our own clock from the moment it came: the vendor's clock plays no
part. Vendors refuse a token endpoint's request with OAuth's own codes: ``invalid_grant`` means that a person must
connect the account again, ``invalid_client`` that whoever runs this service must correct its settings.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Protocol

import httpx
import jwt
import msgspec
from msgspec import Struct

from dealpulse.errors import NeedsConsent, Permanent, Unavailable
from dealpulse.models import Connection, Provider, SourceState
from dealpulse.settings import GoogleSettings, MicrosoftSettings, Secret
from dealpulse.sources.contract import Locks
from dealpulse.sources.http import Refused, decoded, reason_of, retry_after, vendor_faults
from dealpulse.sources.sealing import Seal

_MARGIN_SECONDS: Final = 60.0
_ASSERTION_SECONDS: Final = 3600
_BACKDATED_SECONDS: Final = 60
"""An assertion from what the vendor thinks is the future is refused."""
_CLIENT_CODES: Final = frozenset({"invalid_client", "unauthorized_client"})
_GRAPH_SCOPE: Final = "https://graph.microsoft.com/.default"


class Grant(Struct, frozen=True, kw_only=True):
    """What is sealed of a connected account."""

    access_token: str
    refresh_token: str
    expires_at: float
    """Seconds since the epoch."""


class TokenAnswer(Struct, frozen=True):
    """What a token endpoint hands out."""

    access_token: str
    expires_in: float = 3600
    refresh_token: str | None = None
    id_token: str | None = None
    scope: str | None = None
    """Separated by spaces; None: what was asked for."""


class _KeyFile(Struct):
    client_email: str
    private_key: str


@dataclass(frozen=True)
class OAuthClient:
    """How we present ourselves at one vendor's token endpoint."""

    vendor: str
    token_url: str
    client_id: str
    client_secret: Secret

    @classmethod
    def google(cls, google: GoogleSettings) -> OAuthClient:
        """Raises ``Permanent`` (``client_missing``)."""
        if google.client_id is None or google.client_secret is None:
            raise Permanent("Set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET.", code="client_missing")
        return cls(Provider.google.value, google.token_url, google.client_id, google.client_secret)

    @classmethod
    def microsoft(cls, microsoft: MicrosoftSettings) -> OAuthClient:
        """Raises ``Permanent`` (``client_missing``)."""
        if microsoft.client_id is None or microsoft.client_secret is None or microsoft.tenant is None:
            raise Permanent(
                "Set MICROSOFT_TENANT_ID, MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET.", code="client_missing"
            )
        url = f"{microsoft.login_url}/{microsoft.tenant}/oauth2/v2.0/token"
        return cls(Provider.microsoft.value, url, microsoft.client_id, microsoft.client_secret)


class GrantRefused(NeedsConsent):
    """``invalid_grant``. ``vendor_time``: seconds since the epoch by the vendor's clock, if it told."""

    def __init__(self, message: str, *, vendor_time: float | None) -> None:
        super().__init__(message)
        self.vendor_time = vendor_time


class Vault(Protocol):
    """Where connections are kept."""

    async def get(self, connection_id: str) -> Connection: ...

    async def renew(self, connection_id: str, sealed_tokens: str) -> None: ...

    async def mark_needs_consent(self, connection_id: str) -> None: ...


async def request_token(http: httpx.AsyncClient, url: str, form: Mapping[str, str], *, vendor: str) -> TokenAnswer:
    """What the token endpoint answers to ``form``.

    Raises:
        NeedsConsent: ``invalid_grant``; Permanent: anything else the request got wrong.
        Unavailable: the endpoint is away or wants to be left alone.
    """
    async with vendor_faults(vendor):
        response = await http.post(url, data=dict(form))
    if response.is_success:
        return decoded(response.content, TokenAnswer, vendor=vendor)
    status, reason = response.status_code, reason_of(response.content)
    if status == 429 or status >= 500:
        raise Unavailable(
            f"{vendor} hands out no tokens (status {status}).", dependency=vendor, retry_after=retry_after(response)
        )
    if reason == "invalid_grant":
        raise GrantRefused(
            f"{vendor} no longer accepts the authorisation; connect the account again.",
            vendor_time=_told_time(response),
        )
    if reason in _CLIENT_CODES:
        raise Permanent(f"{vendor} rejects this service's client ({reason}); correct its settings.", code=reason)
    raise Refused(f"{vendor} refused to hand out a token (status {status}, {reason}).", status=status, reason=reason)


def _told_time(response: httpx.Response) -> float | None:
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except ValueError:
        return None


class StoredTokens:
    """Of an account a person connected; refreshed by one caller at a time, in all workers."""

    def __init__(
        self,
        connection_id: str,
        *,
        client: OAuthClient,
        vault: Vault,
        seal: Seal,
        locks: Locks,
        http: httpx.AsyncClient,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._id = connection_id
        self._client = client
        self._vault = vault
        self._seal = seal
        self._locks = locks
        self._http = http
        self._clock = clock
        self._grant: Grant | None = None
        self._asking = asyncio.Lock()

    async def current(self) -> str:
        return await self._token(refused=None)

    async def instead_of(self, refused: str) -> str:
        return await self._token(refused=refused)

    async def _token(self, *, refused: str | None) -> str:
        if (grant := self._usable(self._grant, refused)) is not None:
            return grant.access_token
        async with self._asking:  # one of this process's downloads asks for all of them
            if (grant := self._usable(self._grant, refused)) is None:
                # Another worker may have refreshed it since.
                grant = self._usable(await self._load(), refused)
            if grant is None:
                async with self._locks.holding(f"connection:{self._id}"):
                    loaded = await self._load()
                    grant = self._usable(loaded, refused) or await self._refresh(loaded)
            self._grant = grant
            return grant.access_token

    def _usable(self, grant: Grant | None, refused: str | None) -> Grant | None:
        if grant is None or grant.access_token == refused or grant.expires_at - _MARGIN_SECONDS <= self._clock():
            return None
        return grant

    async def _load(self) -> Grant:
        connection = await self._vault.get(self._id)
        if connection.state is SourceState.needs_consent:
            raise NeedsConsent("The account must be connected again.")
        return msgspec.json.decode(self._seal.open(connection.sealed_tokens, owner=self._id), type=Grant)

    async def _refresh(self, grant: Grant) -> Grant:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": grant.refresh_token,
            "client_id": self._client.client_id,
            "client_secret": self._client.client_secret.reveal(),
        }
        try:
            answer = await request_token(self._http, self._client.token_url, form, vendor=self._client.vendor)
        except NeedsConsent:
            await self._vault.mark_needs_consent(self._id)
            raise
        renewed = Grant(
            access_token=answer.access_token,
            # Google leaves it out where the old one stays valid, Microsoft sends another each time.
            refresh_token=answer.refresh_token or grant.refresh_token,
            expires_at=self._clock() + answer.expires_in,
        )
        await self._vault.renew(self._id, sealed(renewed, seal=self._seal, owner=self._id))
        return renewed


def sealed(grant: Grant, *, seal: Seal, owner: str) -> str:
    """A connection's tokens as they are kept; ``owner`` is its id."""
    return seal.close(msgspec.json.encode(grant).decode(), owner=owner)


class _Minted(ABC):
    """Tokens this service may ask for at any time, kept in this process alone."""

    def __init__(self, *, http: httpx.AsyncClient, clock: Callable[[], float]) -> None:
        self._http = http
        self._clock = clock
        self._token = ""
        self._expires_at = 0.0
        self._asking = asyncio.Lock()

    async def current(self) -> str:
        return await self._another(than=None)

    async def instead_of(self, refused: str) -> str:
        return await self._another(than=refused)

    async def _another(self, *, than: str | None) -> str:
        async with self._asking:
            if self._token == than or self._expires_at - _MARGIN_SECONDS <= self._clock():
                answer = await self._mint()
                self._token, self._expires_at = answer.access_token, self._clock() + answer.expires_in
            return self._token

    @abstractmethod
    async def _mint(self) -> TokenAnswer: ...


class ServiceAccountTokens(_Minted):
    """Of a Google service account, in the name of ``subject`` if there is one."""

    def __init__(
        self,
        google: GoogleSettings,
        *,
        scope: str,
        subject: str | None,
        http: httpx.AsyncClient,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(http=http, clock=clock)
        self._key = _service_account(google.service_account)
        self._token_url = google.token_url
        self._scope = scope
        self._subject = subject

    @property
    def account(self) -> str:
        """Whose budget is used: a user's own, or the service account's."""
        return self._subject or self._key.client_email

    async def _mint(self) -> TokenAnswer:
        now = self._clock()
        try:
            return await self._ask(now)
        except GrantRefused as refused:
            told = refused.vendor_time
            if told is None or abs(told - now) < _BACKDATED_SECONDS:
                raise
            # By the vendor's clock ours is off, and it takes no assertion from what it thinks is another time.
            return await self._ask(told)

    async def _ask(self, now: float) -> TokenAnswer:
        issued = int(now) - _BACKDATED_SECONDS
        claims: dict[str, str | int] = {
            "iss": self._key.client_email,
            "scope": self._scope,
            "aud": self._token_url,
            "iat": issued,
            "exp": issued + _ASSERTION_SECONDS,
        }
        if self._subject is not None:
            claims["sub"] = self._subject
        try:
            assertion = jwt.encode(claims, self._key.private_key, algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise _bad_key_file() from error
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        return await request_token(self._http, self._token_url, form, vendor=Provider.google.value)


class ClientCredentialTokens(_Minted):
    """Of the app registered at Microsoft, in its own name."""

    def __init__(self, client: OAuthClient, *, http: httpx.AsyncClient, clock: Callable[[], float] = time.time) -> None:
        super().__init__(http=http, clock=clock)
        self._client = client

    async def _mint(self) -> TokenAnswer:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client.client_id,
            "client_secret": self._client.client_secret.reveal(),
            "scope": _GRAPH_SCOPE,
        }
        return await request_token(self._http, self._client.token_url, form, vendor=self._client.vendor)


def _service_account(path: Path | None) -> _KeyFile:
    if path is None:
        raise NeedsConsent("Nobody connected an account for this source, and GOOGLE_SERVICE_ACCOUNT_FILE is not set.")
    try:
        return msgspec.json.decode(path.read_bytes(), type=_KeyFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise _bad_key_file() from error


def _bad_key_file() -> Permanent:
    return Permanent("GOOGLE_SERVICE_ACCOUNT_FILE is no service account's key file.", code="key_file_invalid")
