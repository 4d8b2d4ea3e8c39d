"""Microsoft Graph in the name of one account.

Pages of learn.microsoft.com/graph: paging and delta-query-overview (links are opaque and followed as they are),
json-batching (20 at a time, each with a status of its own).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Generic, TypeVar

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dealpulse.errors import Transient
from dealpulse.models import Provider
from dealpulse.settings import MicrosoftSettings
from dealpulse.sources.accounts import Account
from dealpulse.sources.contract import CursorExpired, RateLimits
from dealpulse.sources.http import Budget, Parameters, Refused, Vendor, VendorClient

Entry = TypeVar("Entry")
Answer = TypeVar("Answer")

MICROSOFT: Final = Vendor(Provider.microsoft.value)
_FORGOTTEN: Final = frozenset(
    {
        "resyncrequired",
        "resyncchangesapplydifferences",
        "resyncchangesuploaddifferences",
        "syncstatenotfound",
        "syncstateinvalid",
    }
)
"""Codes for a position that is not known any more, whatever the status, in small letters."""
_BATCH: Final = 20


class Page(Struct, Generic[Entry], frozen=True):
    """One page of a collection, or of what changed in it."""

    value: tuple[Entry, ...] = ()
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")
    delta_link: str | None = msgspec.field(default=None, name="@odata.deltaLink")


class _Reply(Struct, frozen=True):
    id: str
    status: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Replies(Struct, frozen=True):
    responses: tuple[_Reply, ...] = ()


class Graph:
    """Answers of Graph as what is asked for.

    Links are handed out, and taken, without the address they all begin with, so that they are short where they are
    kept, and our token goes to Graph alone. Raises as ``VendorClient`` does.
    """

    def __init__(
        self,
        account: Account,
        microsoft: MicrosoftSettings,
        *,
        http: httpx.AsyncClient,
        budget: Budget,
        limits: RateLimits,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``headers`` go with every request."""
        self._address = microsoft.graph_url
        self._headers = headers or {}
        self._client = VendorClient(
            http, vendor=MICROSOFT, base_url=self._address, budget=budget, tokens=account.tokens, limits=limits
        )

    async def get(
        self, path: str, answer: type[Answer], *, params: Parameters | None = None, units: float = 1
    ) -> Answer:
        return await self._client.get(path, answer, params=params, headers=self._headers, units=units)

    async def page(
        self, link: str, answer: type[Page[Entry]], *, params: Parameters | None = None, units: float = 1
    ) -> Page[Entry]:
        """The page at ``link``. One that leads to itself is refused (``Transient``)."""
        page = await self.get(link, answer, params=params, units=units)
        page = replace(page, next_link=self._short(page.next_link), delta_link=self._short(page.delta_link))
        if page.next_link is not None and page.next_link == link:
            raise Transient("Microsoft's listing repeats itself.", code="listing_repeats")
        return page

    async def all(
        self, path: str, answer: type[Page[Entry]], *, params: Parameters | None = None, units: float = 1
    ) -> list[Entry]:
        """Everything in the collection at ``path``."""
        page = await self.page(path, answer, params=params, units=units)
        found = list(page.value)
        while page.next_link is not None:
            page = await self.page(page.next_link, answer, units=units)
            found += page.value
        return found

    async def changes(
        self, link: str, answer: type[Page[Entry]], *, params: Parameters | None = None, units: float = 1
    ) -> Page[Entry]:
        """As :meth:`page`, of a delta. Raises ``CursorExpired`` for a position that is not known any more."""
        try:
            page = await self.page(link, answer, params=params, units=units)
        except Refused as error:
            if error.status == 410 or error.reason.lower() in _FORGOTTEN:
                raise CursorExpired("Microsoft no longer knows the position in its changes.") from error
            raise
        if page.next_link is None and page.delta_link is None:
            raise Transient("Microsoft's changes end nowhere.", code="listing_repeats")
        return page

    async def several(self, paths: Sequence[str], answer: type[Answer]) -> AsyncIterator[Answer | None]:
        """What is at each of ``paths``, in their order; None where nothing is.

        They are asked for together. One that is refused for any other reason is asked for once more by itself, so that
        its refusal is understood as any other: a 429 in here closes the account, too.
        """
        for start in range(0, len(paths), _BATCH):
            portion = paths[start : start + _BATCH]
            requests = [
                {"id": str(number), "method": "GET", "url": path, "headers": self._headers}
                for number, path in enumerate(portion)
            ]
            replies = await self._client.post(
                "/$batch", _Replies, json={"requests": requests}, headers=self._headers, units=len(portion)
            )
            told = {reply.id: reply for reply in replies.responses}
            for number, path in enumerate(portion):
                yield await self._understood(told.get(str(number)), path, answer)

    async def _understood(self, reply: _Reply | None, path: str, answer: type[Answer]) -> Answer | None:
        if reply is not None and reply.status == 200:
            try:
                return msgspec.json.decode(reply.body, type=answer)
            except msgspec.MsgspecError as error:
                raise Transient("Microsoft answered with something else than expected.") from error
        try:
            return None if reply is not None and reply.status == 404 else await self.get(path, answer)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def content(self, path: str, *, by_link: bool = False) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes at ``path``; see ``VendorClient.content``."""
        return self._client.content(path, headers=self._headers, by_link=by_link)

    async def post(self, path: str, answer: type[Answer], *, json: object) -> Answer:
        return await self._client.post(path, answer, json=json, headers=self._headers)

    async def patch(self, path: str, answer: type[Answer], *, json: object) -> Answer:
        return await self._client.patch(path, answer, json=json, headers=self._headers)

    async def delete(self, path: str) -> None:
        await self._client.delete(path, headers=self._headers)

    def _short(self, link: str | None) -> str | None:
        if link is None:
            return None
        if not link.startswith(f"{self._address}/"):
            raise Transient("Microsoft named a page that is not at its own address.", code="unexpected_answer")
        return link.removeprefix(self._address)
