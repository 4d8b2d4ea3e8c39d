"""How a person lets us read their account: the vendor's consent page, and what its code is worth.

The authorization-code flow with PKCE (RFC 7636). The vendor's token endpoint tells, in the id token, whose account it
is: it comes straight from there, so its signature proves nothing more (OpenID Connect Core, 3.1.3.7).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import jwt

from dealpulse.errors import NeedsConsent, Permanent
from dealpulse.models import Provider, SourceType
from dealpulse.settings import GoogleSettings, SourceSettings
from dealpulse.sources.http import vendor_faults
from dealpulse.sources.tokens import Grant, OAuthClient, request_token

_READS: Final[Mapping[SourceType, tuple[str, ...]]] = {
    SourceType.gdrive: ("https://www.googleapis.com/auth/drive.readonly",),
    SourceType.gmail: ("https://www.googleapis.com/auth/gmail.readonly",),
    SourceType.sharepoint: ("Files.Read.All", "Sites.Read.All"),
    SourceType.outlook: ("Mail.Read",),
}
"""What each type of source needs, and no more."""
_TELLS_WHO: Final[Mapping[Provider, tuple[str, ...]]] = {
    Provider.google: ("openid", "email"),
    # Without offline_access there is no refresh token.
    Provider.microsoft: ("openid", "profile", "email", "offline_access"),
}
_PROVIDERS: Final[Mapping[SourceType, Provider]] = {
    SourceType.gdrive: Provider.google,
    SourceType.gmail: Provider.google,
    SourceType.sharepoint: Provider.microsoft,
    SourceType.outlook: Provider.microsoft,
}


def provider_of(kind: SourceType) -> Provider | None:
    """Whose accounts read such sources; None for those nobody's account is needed for."""
    return _PROVIDERS.get(kind)


@dataclass(frozen=True)
class Vendor:
    """Where a vendor asks people for their consent, and how we present ourselves there."""

    provider: Provider
    consent_url: str
    client: OAuthClient
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, provider: Provider, settings: SourceSettings) -> Vendor:
        """Raises ``Permanent`` (``client_missing``)."""
        if provider is Provider.google:
            # A refresh token comes only offline, and again only if consent is asked for again.
            extra = {"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"}
            return cls(provider, settings.google.auth_url, OAuthClient.google(settings.google), extra)
        microsoft = settings.microsoft
        client = OAuthClient.microsoft(microsoft)
        url = f"{microsoft.login_url}/{microsoft.tenant}/oauth2/v2.0/authorize"
        # People have several accounts there; the one that happens to be signed in may be the wrong one.
        return cls(provider, url, client, {"prompt": "select_account", "response_mode": "query"})

    def consent_address(
        self, kinds: Collection[SourceType], *, state: str, nonce: str, verifier: str, redirect_url: str
    ) -> str:
        """The page that asks a person to let us read what sources of ``kinds`` need."""
        query = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": redirect_url,
            "scope": " ".join((*_TELLS_WHO[self.provider], *_scopes(kinds))),
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **self.parameters,
        }
        return f"{self.consent_url}?{urlencode(query)}"

    async def redeem(
        self,
        http: httpx.AsyncClient,
        code: str,
        kinds: Collection[SourceType],
        *,
        nonce: str,
        verifier: str,
        redirect_url: str,
        now: float,
    ) -> Consented:
        """What the consent is worth. ``now`` in seconds since the epoch.

        Raises:
            NeedsConsent: the code is none (any more).
            Permanent: the client's settings are wrong (``invalid_client`` ...), or the person did not agree to what is
                needed (``scope_missing``), or the vendor left out what must not be (``answer_incomplete``).
            Unavailable: the vendor does not answer.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_url,
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret.reveal(),
            "code_verifier": verifier,
        }
        answer = await request_token(http, self.client.token_url, form, vendor=self.provider.value)
        if answer.scope is not None and not _names(_scopes(kinds)) <= _names(answer.scope.split()):
            raise Permanent("The account was connected without leave to read what is needed.", code="scope_missing")
        account = self._account(answer.id_token, nonce)
        if answer.refresh_token is None or not account:
            raise Permanent(
                f"{self.provider.value} left out whose account it is, or how to go on reading it.",
                code="answer_incomplete",
            )
        return Consented(
            account,
            Grant(
                access_token=answer.access_token,
                refresh_token=answer.refresh_token,
                expires_at=now + answer.expires_in,
            ),
        )

    def _account(self, id_token: str | None, nonce: str) -> str:
        """Whose account it is; empty where the id token does not say so for us and for this consent."""
        try:
            claims: dict[str, Any] = jwt.decode(id_token or "", options={"verify_signature": False})
        except jwt.PyJWTError:
            return ""
        if claims.get("aud") != self.client.client_id or claims.get("nonce") != nonce:
            return ""
        told = claims.get("email") or claims.get("preferred_username") or ""
        return told.lower() if isinstance(told, str) else ""


@dataclass(frozen=True)
class Consented:
    account: str
    """Its e-mail address."""
    grant: Grant


async def revoke(http: httpx.AsyncClient, google: GoogleSettings, grant: Grant) -> None:
    """Give a consent back. Google alone takes one; at Microsoft only the person can, in their account's settings.

    Raises:
        Unavailable: Google does not answer.
        NeedsConsent: it does not know the consent any more.
    """
    async with vendor_faults(Provider.google.value):
        answer = await http.post(google.revoke_url, data={"token": grant.refresh_token})
    if not answer.is_success:
        raise NeedsConsent("Google does not know the consent any more.")


def _scopes(kinds: Collection[SourceType]) -> list[str]:
    return list(dict.fromkeys(scope for kind in kinds for scope in _READS[kind]))


def _names(scopes: Collection[str]) -> set[str]:
    """Microsoft names its own with and without their address, in any case."""
    return {scope.rpartition("/")[2].lower() for scope in scopes}


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
