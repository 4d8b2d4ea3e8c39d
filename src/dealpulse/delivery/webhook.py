"""Signed webhooks, as https://www.standardwebhooks.com lays down: ``docs/delivery.md`` tells how to verify one."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx
import msgspec
from msgspec import Struct

from dealpulse.delivery.contract import Addressee, Gone, Message
from dealpulse.delivery.public_addresses import addresses_of
from dealpulse.errors import DealPulseError, Permanent, Transient

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # what every secret begins with
_SECRET_BYTES: Final = 32
_SECONDS: Final = 30.0
"""For all of one attempt, from the look-up of the name on."""
_GONE: Final = 410
_AGAIN: Final = frozenset({408, 425, 429})
_SERVER_FAULT: Final = 500


class _Data(Struct, frozen=True, kw_only=True, rename="camel"):
    deal_id: str
    deal_name: str
    date: date
    status: str
    headline: str
    markdown: str
    csv: str
    content: Mapping[str, object]


class _Event(Struct, frozen=True, kw_only=True):
    type: str
    timestamp: datetime
    data: _Data


def new_secret() -> str:
    """What one recipient's webhooks are signed with."""
    return _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def body_of(message: Message) -> bytes:
    """The JSON that is posted."""
    data = _Data(
        deal_id=message.deal_id,
        deal_name=message.deal_name,
        date=message.date,
        status=message.status.value,
        headline=message.headline,
        markdown=message.markdown,
        csv=message.csv,
        content=message.content,
    )
    return msgspec.json.encode(_Event(type=message.kind.value, timestamp=message.created_at, data=data))


def signed_headers(message_id: str, body: bytes, *, secret: str, now: datetime) -> dict[str, str]:
    """``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``."""
    timestamp = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Webhook:
    """Posts to whatever recipients named, and believes nothing they answer but the status."""

    def __init__(
        self, http: httpx.AsyncClient, *, allow_private: bool, agent: str, clock: Callable[[], datetime] = _utc_now
    ) -> None:
        self._http = http
        self._allow_private = allow_private
        self._agent = agent
        self._clock = clock

    async def send(self, message: Message, to: Addressee) -> None:
        await self.post(message.id, body_of(message), to)

    async def post(self, message_id: str, body: bytes, to: Addressee) -> None:
        """Post this JSON, signed where the addressee has a secret. Raises as :meth:`send`."""
        headers = signed_headers(message_id, body, secret=to.secret, now=self._clock()) if to.secret else {}
        headers |= {"content-type": "application/json", "user-agent": self._agent}
        try:
            async with asyncio.timeout(_SECONDS):
                status, retry_after = await self._post(_url(to.address, self._allow_private), body, headers)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Transient("The receiver did not answer in time.", code="webhook_timed_out") from error
        except httpx.HTTPError as error:
            told = f"The receiver cannot be reached ({type(error).__name__})."
            raise Transient(told, code="webhook_unreachable") from error
        fault = _fault(status, retry_after, self._clock())
        if fault is not None:
            raise fault

    async def _post(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> tuple[int, str | None]:
        """The status and the ``Retry-After`` of the first address that takes a connection. The body stays unread."""
        # The name as it is written in the handshake: nothing else may decide what it stands for.
        name = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = await addresses_of(name, port, allow_private=self._allow_private)
        for address in addresses:
            request = self._http.build_request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers={**headers, "host": url.netloc.decode("ascii")},
                # The certificate must be the name's, not the address's.
                extensions={"sni_hostname": name},
            )
            try:
                response = await self._http.send(request, stream=True, follow_redirects=False)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
                continue
            await response.aclose()
            return response.status_code, response.headers.get("retry-after")
        raise AssertionError("a name has an address")


@asynccontextmanager
async def open_webhook(*, allow_private: bool, agent: str) -> AsyncIterator[Webhook]:
    """Until the block ends."""
    # No connection is kept: it would be known by its address, and another recipient's name may lead to the same one.
    limits = httpx.Limits(max_connections=20, max_keepalive_connections=0)
    timeout = httpx.Timeout(_SECONDS, connect=10.0)
    # For the same reason no cookie is.
    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))
    async with httpx.AsyncClient(limits=limits, timeout=timeout, cookies=no_cookies, trust_env=False) as http:
        yield Webhook(http, allow_private=allow_private, agent=agent)


def _url(address: str, allow_private: bool) -> httpx.URL:
    """Raises Permanent (``wrong_address``)."""
    schemes = ("https", "http") if allow_private else ("https",)
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise Permanent("The recipient's address is no URL.", code="wrong_address") from error
    if url.scheme not in schemes or not url.host or url.userinfo:
        raise Permanent("Webhooks go to https addresses without user and password.", code="wrong_address")
    return url


def _fault(status: int, retry_after: str | None, now: datetime) -> DealPulseError | None:
    """What an answer means; None: it is delivered."""
    told = f"The receiver answered {status}."
    if httpx.codes.is_success(status):
        return None
    if status == _GONE:
        return Gone(f"{told} It gets nothing more until it is added again.")
    if status in _AGAIN or status >= _SERVER_FAULT:
        return Transient(told, code="webhook_refused", retry_after=_seconds(retry_after, now))
    return Permanent(told, code="webhook_refused")


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """``Retry-After``, which is a number of seconds or a date."""
    if not retry_after:
        return None
    if retry_after.isdecimal() and retry_after.isascii():
        return float(retry_after[:9])
    try:
        return max(0.0, (parsedate_to_datetime(retry_after).astimezone(UTC) - now).total_seconds())
    except ValueError:
        return None
