"""A person lets us read their account: asked for, begun in their browser, completed when the vendor sends them back.

    ask        by whoever may, for a deal         -> a ticket, good once, for ten minutes
    begin      in the person's browser            -> the vendor's page; the browser keeps a secret of ours
    complete   the vendor sends the browser back  -> the account is connected, and what waited for it is synced

What the vendor sends back is believed only with a state of ours, once, and only from the browser that was sent there:
neither can somebody's consent be taken to another deal, nor another account be put in its place.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

import httpx
import structlog
from msgspec import Struct

from dealpulse.errors import DealPulseError, Invalid, NotFound, Permanent, Unavailable
from dealpulse.intake import Intake
from dealpulse.models import Connection, Deal, Source, SourceType
from dealpulse.queue.tickets import Tickets
from dealpulse.settings import Settings
from dealpulse.sources.oauth import Consented, Vendor, provider_of
from dealpulse.sources.sealing import Seal
from dealpulse.sources.tokens import sealed
from dealpulse.store import Store

ACCOUNT_CONNECTED: Final = "account_connected"
CONSENT_REFUSED: Final = "consent_refused"

CONSENT_SECONDS: Final = 600.0
"""For so long a ticket is good, and a consent that was begun."""

CALLBACK_PATH: Final = "/api/sources/callback"
START_PATH: Final = "/api/sources/consent"

_TICKET: Final = "consent-ticket"
_STATE: Final = "consent-state"
_VENDOR_CODE: Final = re.compile(r"[a-z_]{1,40}")
_DENIED: Final = frozenset({"access_denied", "consent_required", "interaction_required"})

log = structlog.get_logger(__name__)


class Wish(Struct, frozen=True, kw_only=True):
    """What is to be connected, for whom."""

    kind: SourceType
    deal_id: str
    asker: str
    """Who asked, as log lines name them."""
    asker_email: str | None = None
    """Who asked, as people know them."""
    source_id: str | None = None
    """The source that is to be read with the account from then on."""
    location: str | None = None
    """Of a source to be made and read with it."""
    name: str | None = None
    return_to: str | None = None
    """Where the browser goes in the end."""


class _Begun(Struct, frozen=True, kw_only=True):
    wish: Wish
    kinds: tuple[SourceType, ...]
    """What the account is to be read for."""
    nonce: str
    verifier: str
    browser_sha256: str


@dataclass(frozen=True)
class Beginning:
    """Where to send the browser, and what it is to keep until it comes back."""

    address: str
    browser: str


@dataclass(frozen=True)
class Connected:
    wish: Wish
    connection: Connection
    synced: int
    """Sources whose sync was asked for."""

    @property
    def return_to(self) -> str | None:
        return _returning(self.wish, connected=self.wish.kind.value, connection=self.connection.id)


class ConsentFailed(Invalid):
    """It came to nothing. ``return_to`` is where the browser goes, if that is known for sure."""

    def __init__(self, message: str, *, code: str, wish: Wish | None = None) -> None:
        super().__init__(message, code=code)
        self.return_to = None if wish is None else _returning(wish, error=code)


@dataclass(frozen=True, kw_only=True)
class Consents:
    """Connects accounts. All methods raise ``Unavailable`` or ``Transient`` while Redis or Supabase is away."""

    store: Store
    intake: Intake
    tickets: Tickets
    http: httpx.AsyncClient
    settings: Settings
    clock: Callable[[], float] = time.time

    async def ask(self, wish: Wish) -> str:
        """A ticket for the person whose account it is.

        Raises:
            Invalid: ``no_account_needed`` (a folder has none), ``invalid_return_address``, ``public_url_missing``.
            NotFound: ``deal_not_found``, ``source_not_found``.
            Permanent: the operator has not set what it takes (``client_missing``, ``no_encryption_key``).
        """
        self._vendor(wish.kind)
        self._redirect_url()
        if not self.settings.sources.encryption_keys:
            message = "Set TOKEN_ENCRYPTION_KEYS: accounts cannot be connected without."
            raise Permanent(message, code="no_encryption_key")
        self._check_return(wish.return_to)
        await self.store.deals.get(wish.deal_id)
        if wish.source_id is not None:
            await self._check_source(wish, wish.source_id)
        return await self.tickets.issue(_TICKET, wish, seconds=CONSENT_SECONDS)

    def address_of(self, ticket: str) -> str:
        """Where the person opens it, in any browser."""
        return f"{self.settings.public_url}{START_PATH}?{urlencode({'ticket': ticket})}"

    async def look(self, ticket: str) -> tuple[Wish, Deal]:
        """What a ticket is for. Raises ``ConsentFailed`` (``consent_unknown``)."""
        wish = await self.tickets.look(_TICKET, ticket, Wish)
        if wish is None:
            raise _unknown()
        return wish, await self.store.deals.get(wish.deal_id)

    async def begin(self, ticket: str) -> Beginning:
        """The vendor's page. The ticket is used up. Raises as :meth:`look` does."""
        wish = await self.tickets.take(_TICKET, ticket, Wish)
        if wish is None:
            raise _unknown()
        vendor, kinds = self._vendor(wish.kind), await self._kinds(wish)
        browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        begun = _Begun(wish=wish, kinds=kinds, nonce=nonce, verifier=verifier, browser_sha256=_digest(browser))
        state = await self.tickets.issue(_STATE, begun, seconds=CONSENT_SECONDS)
        address = vendor.consent_address(
            kinds, state=state, nonce=nonce, verifier=verifier, redirect_url=self._redirect_url()
        )
        return Beginning(address, browser)

    async def complete(self, *, state: str, browser: str, code: str, error: str) -> Connected:
        """Take what the vendor sent the browser back with; the state is used up, whatever comes of it.

        Raises:
            ConsentFailed: ``consent_unknown``, ``consent_elsewhere``, ``consent_denied``, ``consent_failed``.
        """
        begun = await self.tickets.take(_STATE, state, _Begun) if state else None
        if begun is None:
            raise _unknown()
        if not hmac.compare_digest(begun.browser_sha256, _digest(browser)):
            # Nothing it says is to be followed, not even where to go.
            log.warning(CONSENT_REFUSED, deal_id=begun.wish.deal_id, code="consent_elsewhere")
            message = "It was begun in another browser, or by somebody else. Begin again, and stay in one browser."
            raise ConsentFailed(message, code="consent_elsewhere")
        if error or not code:
            raise _refused(begun.wish, error)
        try:
            return await self._connect(begun, code)
        except (Unavailable, ConsentFailed):
            raise
        except DealPulseError as fault:
            log.warning(CONSENT_REFUSED, deal_id=begun.wish.deal_id, code=fault.code, reason=fault.message)
            raise ConsentFailed(_said(fault), code="consent_failed", wish=begun.wish) from fault

    async def _connect(self, begun: _Begun, code: str) -> Connected:
        wish = begun.wish
        vendor = self._vendor(wish.kind)
        consented = await vendor.redeem(
            self.http,
            code,
            begun.kinds,
            nonce=begun.nonce,
            verifier=begun.verifier,
            redirect_url=self._redirect_url(),
            now=self.clock(),
        )
        connection = await self._keep(wish, vendor, consented)
        log.info(
            ACCOUNT_CONNECTED,
            deal_id=wish.deal_id,
            connection_id=connection.id,
            provider=connection.provider.value,
            asker=wish.asker,
        )
        ids = await self.store.connections.settle(connection.id, wish.kind, source_id=wish.source_id)
        sources = {source_id: await self.store.sources.get(source_id) for source_id in ids}
        if wish.location is not None:
            made = await self._make(wish, wish.location, connection)
            sources[made.id] = made
        await self.intake.sync_sources([*sources.values()])
        return Connected(wish, connection, len(sources))

    async def _keep(self, wish: Wish, vendor: Vendor, consented: Consented) -> Connection:
        """Sealed for the connection's id: the same account again in the deal keeps its own."""
        known = await self.store.connections.find(wish.deal_id, vendor.provider, consented.account)
        connection_id = known.id if known else str(uuid.uuid4())
        seal = Seal(self.settings.sources.encryption_keys)
        return await self.store.connections.add(
            Connection(
                id=connection_id,
                deal_id=wish.deal_id,
                provider=vendor.provider,
                account=consented.account,
                sealed_tokens=sealed(consented.grant, seal=seal, owner=connection_id),
            )
        )

    async def _make(self, wish: Wish, location: str, connection: Connection) -> Source:
        return await self.intake.add_source(
            wish.deal_id, wish.kind.value, location=location, name=wish.name, connection_id=connection.id
        )

    async def _kinds(self, wish: Wish) -> tuple[SourceType, ...]:
        """Microsoft's tokens are good for what was last consented to: all that people's accounts read here already."""
        provider = provider_of(wish.kind)
        read = {
            source.type
            for source in await self.store.sources.of_deal(wish.deal_id)
            if source.connection_id is not None and provider_of(source.type) is provider
        }
        return (wish.kind, *sorted(read - {wish.kind}))

    async def _check_source(self, wish: Wish, source_id: str) -> None:
        source = await self.store.sources.get(source_id)
        if source.deal_id != wish.deal_id or source.type is not wish.kind:
            raise NotFound(f"The deal has no such {wish.kind.value} source.", code="source_not_found")

    def _check_return(self, address: str | None) -> None:
        allowed = {*self.settings.api.cors_origins, _origin(self.settings.public_url or "")}
        if address is not None and (_origin(address) not in allowed or not address.isprintable()):
            message = "The browser returns only to PUBLIC_URL or to an origin named in API_CORS_ORIGINS."
            raise Invalid(message, code="invalid_return_address")

    def _vendor(self, kind: SourceType) -> Vendor:
        provider = provider_of(kind)
        if provider is None:
            raise Invalid(f"A {kind.value} source is read without anybody's account.", code="no_account_needed")
        return Vendor.of(provider, self.settings.sources)

    def _redirect_url(self) -> str:
        if self.settings.public_url is None:
            message = "Set PUBLIC_URL, where vendors send people back to; accounts cannot be connected without."
            raise Permanent(message, code="public_url_missing")
        return f"{self.settings.public_url}{CALLBACK_PATH}"


def _unknown() -> ConsentFailed:
    message = (
        "This consent is not known: it was used already, took longer than ten minutes, or never began. Begin again."
    )
    return ConsentFailed(message, code="consent_unknown")


def _refused(wish: Wish, error: str) -> ConsentFailed:
    if error in _DENIED:
        return ConsentFailed("The consent was not given.", code="consent_denied", wish=wish)
    told = error if _VENDOR_CODE.fullmatch(error) else "no reason given"
    log.warning(CONSENT_REFUSED, deal_id=wish.deal_id, code=told)
    return ConsentFailed(f"The vendor refused ({told}).", code="consent_failed", wish=wish)


def _said(fault: DealPulseError) -> str:
    """For the person in the browser, who is not to learn more of this service than is of use to them."""
    if fault.code == "scope_missing":
        return (
            "The account was connected without leave to read what is needed. Begin again, and leave all boxes ticked."
        )
    if isinstance(fault, NotFound):
        return "What it was meant for does not exist any more."
    return "The vendor did not accept it. Begin again; if that does not help, whoever runs this service finds out more."


def _returning(wish: Wish, **told: str) -> str | None:
    if wish.return_to is None:
        return None
    parts = urlsplit(wish.return_to)
    query = "&".join(filter(None, (parts.query, urlencode(told))))
    return parts._replace(query=query).geturl()


def _origin(address: str) -> str:
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or "\\" in address:
            return "none"
        return f"{parts.scheme}://{parts.netloc}".lower()
    except ValueError:
        return "none"


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode(errors="replace")).hexdigest()
