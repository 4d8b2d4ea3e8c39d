"""The one HTTP client of all vendors: a token on each request, within the account's budget, errors translated once.

    400, 404, 410 ...   Refused, with the vendor's reason: the connector knows what it means there
    401                 another token, once; then NeedsConsent
    403                 Refused, or RateLimited where the vendor's reason says so
    429                 RateLimited, and the account is closed for everybody
    5xx                 Unavailable; a Retry-After closes the account as well
    no answer           Unavailable; an answer that is cut off: Transient

Nothing is retried here: the job is, from its last page. Messages name status and reason, never a body.
"""

from __future__ import annotations

import asyncio
import email.utils
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Protocol, TypeVar

import httpx
import msgspec
from msgspec import Struct

from dealpulse.errors import DealPulseError, NeedsConsent, Permanent, RateLimited, Transient, Unavailable
from dealpulse.sources.contract import RateLimits

Answer = TypeVar("Answer")
Parameters = Mapping[str, str | int | Sequence[str]]
"""A sequence is a parameter that is given several times."""

_PATIENCE_SECONDS: Final = 10.0
"""Waited for a turn in place; for longer the job is handed back."""
_DEFAULT_CLOSING_SECONDS: Final = 30.0
"""For a vendor that wants us to slow down and does not say for how long."""
_LONGEST_RETRY_AFTER: Final = 900.0
_RESUMED_AT_MOST: Final = 5
_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_CONNECTIONS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=30.0)


class Refused(Permanent):
    """The vendor said no to one request. ``reason`` is its own code (``notFound`` ...), empty if it gave none."""

    code = "refused"

    def __init__(self, message: str, *, status: int, reason: str) -> None:
        super().__init__(message, code=f"refused_{status}")
        self.status = status
        self.reason = reason


class Tokens(Protocol):
    """Where the bearer token of an account comes from."""

    async def current(self) -> str:
        """A token that should be valid for the next minute. Raises ``NeedsConsent``, ``Unavailable``, ``Permanent``."""
        ...

    async def instead_of(self, refused: str) -> str:
        """Another one, the vendor having refused this one. Raises as :meth:`current` does."""
        ...


@dataclass(frozen=True)
class Budget:
    """What an account may ask of its vendor: the bucket's name, units a second, and how many at once."""

    bucket: str
    units_per_second: float
    burst: float


@dataclass(frozen=True)
class Vendor:
    """How a vendor's refusals are to be read. ``name`` is the dependency others know it by."""

    name: str
    slow_down_reasons: frozenset[str] = frozenset()
    """Of a 403: they mean what 429 means."""


class _Detail(Struct):
    reason: str = ""


class _Fault(Struct):
    code: str | int = ""
    status: str | int = ""
    errors: tuple[_Detail, ...] = ()


class _FaultBody(Struct):
    """Google: ``errors[].reason``, else ``status``. Microsoft: ``code``. OAuth: ``error`` is the code itself."""

    error: _Fault | str = ""


def open_http() -> httpx.AsyncClient:
    """The connections all vendors share. Redirects are followed by whoever knows who may see the token."""
    return httpx.AsyncClient(timeout=_TIMEOUT, limits=_CONNECTIONS, follow_redirects=False, trust_env=False)


def reason_of(body: bytes) -> str:
    """The vendor's own code for a refusal; empty where there is none."""
    try:
        fault = msgspec.json.decode(body, type=_FaultBody).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    if isinstance(fault, str):
        return fault
    if fault.errors:
        return fault.errors[0].reason
    return fault.code if isinstance(fault.code, str) and fault.code else str(fault.status)


def retry_after(response: httpx.Response, *, now: datetime | None = None) -> float | None:
    """Seconds from 0 to a quarter of an hour that the vendor asks for; None if it does not (understandably) say."""
    told = response.headers.get("retry-after", "")
    try:
        seconds = float(told)
    except ValueError:
        try:
            until = email.utils.parsedate_to_datetime(told)
        except ValueError:
            return None
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        seconds = (until - (now or datetime.now(UTC))).total_seconds()
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def decoded(body: bytes, wanted: type[Answer], *, vendor: str) -> Answer:
    """The vendor's JSON as ``wanted``. Raises ``Transient``: a proxy's page in its place is gone the next time."""
    try:
        return msgspec.json.decode(body, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Transient(f"{vendor} answered with something else than expected.", code="unexpected_answer") from error


@asynccontextmanager
async def vendor_faults(vendor: str) -> AsyncIterator[None]:
    """Transport errors of a request to ``vendor`` as ours."""
    try:
        yield
    except (httpx.ConnectError, httpx.TimeoutException, httpx.ProxyError) as error:
        raise Unavailable(f"{vendor} does not answer.", dependency=vendor) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise Transient(f"{vendor}'s answer was cut off.", code="answer_cut_off") from error
    except httpx.InvalidURL as error:
        raise Permanent(f"{vendor} named an address that is none.", code="wrong_address") from error


class VendorClient:
    """Requests in the name of one account of one vendor.

    All methods raise ``NeedsConsent``, ``RateLimited``, ``Unavailable``, ``Transient`` and ``Refused``.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        vendor: Vendor,
        base_url: str,
        budget: Budget,
        tokens: Tokens,
        limits: RateLimits,
    ) -> None:
        self._http = http
        self._vendor = vendor
        self._base = base_url
        self._budget = budget
        self._tokens = tokens
        self._limits = limits

    async def get(
        self,
        path: str,
        answer: type[Answer],
        *,
        params: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        units: float = 1,
    ) -> Answer:
        """What the vendor answers at ``path``, or at a whole address it named itself."""
        body = await self._body(self._request("GET", path, params=params, headers=headers), units)
        return decoded(body, answer, vendor=self._vendor.name)

    async def post(
        self,
        path: str,
        answer: type[Answer],
        *,
        json: object,
        params: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        units: float = 1,
    ) -> Answer:
        """As :meth:`get`, for what is asked with a body."""
        return await self._with_body("POST", path, answer, json, params=params, headers=headers, units=units)

    async def patch(
        self,
        path: str,
        answer: type[Answer],
        *,
        json: object,
        params: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        units: float = 1,
    ) -> Answer:
        """As :meth:`post`, for what is changed in part."""
        return await self._with_body("PATCH", path, answer, json, params=params, headers=headers, units=units)

    async def delete(
        self,
        path: str,
        *,
        params: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        units: float = 1,
    ) -> None:
        """Ask for ``path`` to be gone; what the vendor answers to that is not read."""
        response = await self.send(self._request("DELETE", path, params=params, headers=headers), units)
        await response.aclose()

    async def tell(self, path: str, *, json: object, params: Parameters | None = None, units: float = 1) -> None:
        """As :meth:`post`, where what the vendor answers says nothing."""
        request = self._request(
            "POST", path, params=params, headers={"content-type": "application/json"}, body=msgspec.json.encode(json)
        )
        await (await self.send(request, units)).aclose()

    async def _with_body(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        json: object,
        *,
        params: Parameters | None,
        headers: Mapping[str, str] | None,
        units: float,
    ) -> Answer:
        request = self._request(
            method,
            path,
            params=params,
            headers={"content-type": "application/json", **(headers or {})},
            body=msgspec.json.encode(json),
        )
        return decoded(await self._body(request, units), answer, vendor=self._vendor.name)

    @asynccontextmanager
    async def content(
        self,
        path: str,
        *,
        params: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        by_link: bool = False,
        units: float = 1,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes at ``path`` in chunks, taken up again with a range when the connection is cut.

        ``by_link``: ``path`` only redirects to where the bytes are, and a range is for there alone.

        An answer that redirects is followed without our token: such addresses carry their own, and not for long, so
        each part asks for a new one.
        """
        async with AsyncExitStack() as stack:
            open_part = _Parts(self, stack, path, params, headers or {}, by_link, units)
            yield open_part.chunks(await open_part.open(0))

    async def send(self, request: httpx.Request, units: float) -> httpx.Response:
        """The answer, a success or a redirect, with its body still to be read and to be closed by the caller."""
        await self._turn(units)
        token = await self._tokens.current()
        response = await self._send_with(token, request)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            await response.aclose()
            await self._turn(units)
            response = await self._send_with(await self._tokens.instead_of(token), request)
        if response.is_success or response.has_redirect_location:
            return response
        raise await self.refusal(response)

    async def send_bare(self, request: httpx.Request) -> httpx.Response:
        """As :meth:`send`, without our token: to an address the vendor named that carries its own."""
        async with vendor_faults(self._vendor.name):
            response = await self._http.send(request, stream=True)
        if response.is_success:
            return response
        raise await self.refusal(response, anonymous=True)

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> httpx.Request:
        url = path if path.startswith(("http://", "https://")) else f"{self._base}{path}"
        return self._http.build_request(method, url, params=params, headers=headers, content=body)

    def part_request(self, url: str, params: Parameters | None, headers: Mapping[str, str]) -> httpx.Request:
        """Asks for bytes as they are: a range counts them uncompressed."""
        return self._request("GET", url, params=params, headers={"accept-encoding": "identity", **headers})

    async def _body(self, request: httpx.Request, units: float) -> bytes:
        response = await self.send(request, units)
        try:
            async with vendor_faults(self._vendor.name):
                return await response.aread()
        finally:
            await response.aclose()

    async def _send_with(self, token: str, request: httpx.Request) -> httpx.Response:
        request.headers["authorization"] = f"Bearer {token}"
        async with vendor_faults(self._vendor.name):
            return await self._http.send(request, stream=True)

    async def _turn(self, units: float) -> None:
        """Wait until the account may ask. Raises ``RateLimited`` when that is not soon."""
        budget, waited = self._budget, 0.0
        while wait := await self._limits.take(
            budget.bucket, rate_per_second=budget.units_per_second, burst=budget.burst, tokens=units
        ):
            waited += wait
            if waited > _PATIENCE_SECONDS:
                raise RateLimited(
                    f"The account's budget at {self._vendor.name} is spent.", bucket=budget.bucket, retry_after=wait
                )
            await asyncio.sleep(wait)

    async def refusal(self, response: httpx.Response, *, anonymous: bool = False) -> DealPulseError:
        """What to do about an answer that is no success; closes it."""
        try:
            async with vendor_faults(self._vendor.name):
                body = await response.aread()
        except DealPulseError as fault:
            return fault
        finally:
            await response.aclose()
        status, reason, name = response.status_code, reason_of(body), self._vendor.name
        said = f"status {status}" + (f", {reason}" if reason else "")
        wait = retry_after(response)
        if status == HTTPStatus.TOO_MANY_REQUESTS or (status == 403 and reason in self._vendor.slow_down_reasons):
            seconds = _DEFAULT_CLOSING_SECONDS if wait is None else wait
            await self._limits.close(self._budget.bucket, seconds)
            return RateLimited(
                f"{name} asks us to slow down ({said}).", bucket=self._budget.bucket, retry_after=seconds
            )
        if status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT:
            if wait is not None:
                await self._limits.close(self._budget.bucket, wait)
            return Unavailable(f"{name} is not available ({said}).", dependency=name, retry_after=wait)
        if status == HTTPStatus.UNAUTHORIZED and not anonymous:
            return NeedsConsent(f"{name} no longer accepts the account's authorisation; connect it again.")
        return Refused(f"{name} refused the request ({said}).", status=status, reason=reason)


class _Parts:
    """One download, in as many parts as it takes."""

    def __init__(
        self,
        client: VendorClient,
        stack: AsyncExitStack,
        path: str,
        params: Parameters | None,
        headers: Mapping[str, str],
        by_link: bool,
        units: float,
    ) -> None:
        self._client = client
        self._stack = stack
        self._path = path
        self._params = params
        self._headers = headers
        self._by_link = by_link
        self._units = units
        self._etag = ""

    async def open(self, offset: int) -> httpx.Response:
        """The rest of the content from ``offset`` on."""
        headers = {"range": f"bytes={offset}-"} if offset else {}
        if offset and self._etag:
            headers["if-range"] = self._etag
        asked = self._headers if self._by_link else {**self._headers, **headers}
        request = self._client.part_request(self._path, self._params, asked)
        response = await self._client.send(request, self._units)
        if response.has_redirect_location:
            target = str(response.url.join(response.headers["location"]))
            await response.aclose()
            response = await self._client.send_bare(self._client.part_request(target, None, headers))
        self._stack.push_async_callback(response.aclose)
        if offset and not response.headers.get("content-range", "").startswith(f"bytes {offset}-"):
            # It is another content by now, or the vendor cannot begin in the middle: either way not the rest of this.
            raise Transient("The download was cut off and cannot be taken up again.", code="answer_cut_off")
        if response.headers.get("etag", "").startswith('"'):
            self._etag = response.headers["etag"]
        return response

    async def chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """All bytes from the first on. Each part must bring some, or the last error stands."""
        done = 0
        for resumed in range(_RESUMED_AT_MOST + 1):
            before = done
            # Who packs it although asked not to gets it unpacked, but a range would count other bytes.
            packed = response.headers.get("content-encoding", "identity") != "identity"
            try:
                async for chunk in response.aiter_bytes() if packed else response.aiter_raw():
                    done += len(chunk)
                    yield chunk
                return
            except (httpx.TransportError, httpx.DecodingError) as error:
                if packed or done == before or resumed == _RESUMED_AT_MOST:
                    raise Transient("The download was cut off.", code="answer_cut_off") from error
            response = await self.open(done)
