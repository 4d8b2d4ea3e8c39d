"""An Outlook mailbox as a source.

Each folder has a change log of its own. A listing follows each from its beginning, and then all once more: what was
moved meanwhile, from a folder that was still to come into one that was done, is found there. An incremental sync is one
such round. A message that left a folder may have gone to another: it is asked where it is before it counts as gone.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dealpulse.errors import Permanent, Transient
from dealpulse.models import Source, SourceAccess, SourceFolder
from dealpulse.settings import MicrosoftSettings
from dealpulse.sources.accounts import Accounts
from dealpulse.sources.contract import CursorExpired, ItemKind, RateLimits, SourceItem, SourcePage, SourcePlace
from dealpulse.sources.found import Found
from dealpulse.sources.graph import Graph, Page, Watch
from dealpulse.sources.http import Budget, Refused
from dealpulse.sources.notifications import Callback, Subscription
from dealpulse.sources.vendors.outlook import wire
from dealpulse.sources.vendors.outlook.location import ME, Location
from dealpulse.sources.vendors.outlook.mailbox import Mailbox, address, open_mailbox

_UNITS_PER_SECOND: Final = 15.0
_BURST: Final = 1_000.0
"""Together the 10,000 requests in ten minutes of an app and a mailbox."""
_AT_ONCE: Final = 4
"""More requests of an app to one mailbox are refused."""
_PREFER: Final = 'IdType="ImmutableId", odata.maxpagesize=100'
"""Other ids change when a message is moved. It counts for the request it comes with alone."""
_LONGEST_SUBSCRIPTION: Final = timedelta(minutes=4_230)


class _Position(Struct, frozen=True, omit_defaults=True):
    """The cursor: each folder's link."""

    links: dict[str, str] = {}
    listing: bool = False

    def encoded(self) -> str:
        """Packed: a large mailbox has hundreds of folders, and their links have much in common."""
        return base64.b85encode(zlib.compress(msgspec.json.encode(self), 9)).decode()

    @classmethod
    def decoded(cls, cursor: str) -> _Position:
        try:
            return msgspec.json.decode(zlib.decompress(base64.b85decode(cursor)), type=cls)
        except (ValueError, zlib.error, binascii.Error, msgspec.MsgspecError) as error:
            raise CursorExpired("The stored position is none of Outlook's.") from error


class OutlookConnector:
    """Reads the mailbox, or the folders in it, that ``location`` names; ``location.py`` says how."""

    def __init__(self, location: Location, *, graph: Graph) -> None:
        self._location = location
        self._graph = graph
        self._address = address(location.mailbox)
        self._watch = Watch(graph, change_type="created,updated,deleted", longest=_LONGEST_SUBSCRIPTION)
        self._mailbox: Mailbox | None = None

    @classmethod
    def of(
        cls,
        source: Source,
        microsoft: MicrosoftSettings,
        *,
        http: httpx.AsyncClient,
        accounts: Accounts,
        limits: RateLimits,
    ) -> OutlookConnector:
        """The connector of ``source``. Raises ``NeedsConsent`` or ``Permanent`` where it has no account."""
        location = Location.of(source.location)
        if location.mailbox == ME and source.connection_id is None:
            raise Permanent("Name the mailbox by its address: nobody connected one.", code="wrong_location")
        account = accounts.microsoft(source)
        graph = Graph(
            account,
            microsoft,
            http=http,
            budget=Budget(f"outlook:{account.name}:{location.mailbox.lower()}", _UNITS_PER_SECOND, _BURST),
            limits=limits,
            headers={"prefer": _PREFER},
            at_once=_AT_ONCE,
        )
        return cls(location, graph=graph)

    async def describe(self) -> SourcePlace:
        await self._open()
        mailbox = self._location.mailbox
        access = () if mailbox == ME else (SourceAccess(who=mailbox.lower(), role="owner"),)
        return SourcePlace(name=mailbox, access=access)

    async def pages(self, *, cursor: str | None, folders: Sequence[SourceFolder] = ()) -> AsyncIterator[SourcePage]:
        position = _Position(listing=True) if cursor is None else _Position.decoded(cursor)
        once_more = position.listing
        while True:
            mailbox = await self._open()
            position, found = _folders_now(mailbox, position, folders)
            folders = mailbox.folders
            if found.folders or found.removed:
                yield found.page(position.encoded())
            for folder in mailbox.followed:
                async for reached, found in self._follow(folder, mailbox, position):
                    quiet, position = reached == position, reached
                    if not quiet:
                        yield found.page(position.encoded())
            if once_more:
                once_more, self._mailbox = False, None
            elif self._mailbox is mailbox:
                break
        position = replace(position, listing=False)
        yield SourcePage(items=(), cursor=position.encoded(), last=True, complete_listing=True)

    async def find(self, external_id: str) -> SourceItem | None:
        mailbox = await self._open()
        async for message in self._graph.several([self._message(external_id)], wire.Message):
            if message is not None and message.parent_folder_id in mailbox.followed:
                return _item(message, message.parent_folder_id, mailbox)
        return None

    @asynccontextmanager
    async def content(self, item: SourceItem) -> AsyncIterator[AsyncIterator[bytes]]:
        path = f"{self._address}/messages/{quote(item.external_id, safe='')}/$value"
        try:
            async with self._graph.content(path) as chunks:
                yield chunks
        except Refused as error:
            raise Permanent(wire.REASONS.get(error.reason, error.message), code=error.code) from error

    async def aclose(self) -> None:
        """Nothing to close: connections are shared."""

    # Being told of changes ---------------------------------------------------------------------------------------

    async def subscribe(self, callback: Callback) -> Subscription:
        """Of the whole mailbox: a message that is moved out of the source's folders must be told of, too."""
        return await self._watch.subscribe(f"{self._address[1:]}/messages", callback)

    async def renew(self, subscription: Subscription, callback: Callback) -> Subscription:
        return await self._watch.renew(subscription)

    async def unsubscribe(self, subscription: Subscription) -> None:
        await self._watch.unsubscribe(subscription)

    # Following folders -------------------------------------------------------------------------------------------

    async def _open(self) -> Mailbox:
        """The mailbox's folders, asked for once a round."""
        if self._mailbox is None:
            self._mailbox = await open_mailbox(self._location, self._graph)
        return self._mailbox

    async def _follow(
        self, folder: str, mailbox: Mailbox, position: _Position
    ) -> AsyncIterator[tuple[_Position, Found]]:
        """Every change in one folder from its link on, or everything in it from the beginning."""
        while True:
            page = await self._changes(folder, position.links.get(folder))
            found = await self._sorted(page.value, folder, mailbox)
            link = page.delta_link or page.next_link or ""
            position = replace(position, links={**position.links, folder: link})
            yield position, found
            if page.delta_link is not None:
                return

    async def _changes(self, folder: str, link: str | None) -> Page[wire.Message]:
        path = f"{self._address}/mailFolders/{quote(folder, safe='')}/messages/delta"
        params = None if link else {"$select": wire.MESSAGE_FIELDS}
        try:
            return await self._graph.changes(link or path, Page[wire.Message], params=params)
        except Refused as error:
            if error.status == 404:
                raise Transient("A folder went while the mailbox was read.", code="folder_gone") from error
            raise

    async def _sorted(self, messages: Sequence[wire.Message], folder: str, mailbox: Mailbox) -> Found:
        """What a page says; of each message the last word."""
        found = Found()
        last = {message.id: message for message in messages}
        for message in last.values():
            if message.removed is None:
                found.put(_item(message, folder, mailbox))
        left = [message.id for message in last.values() if message.removed is not None]
        now = [one async for one in self._graph.several([self._message(one) for one in left], wire.Message)]
        if any(one is not None and one.parent_folder_id not in mailbox.known for one in now):
            # Into a folder made since, or in one that is left out: pages() begins another round with the former.
            mailbox = self._mailbox = await open_mailbox(self._location, self._graph)
        for message_id, known in zip(left, now, strict=True):
            if known is not None and known.parent_folder_id in mailbox.followed:
                found.put(_item(known, known.parent_folder_id, mailbox))
            else:
                found.remove(message_id)
        return found

    def _message(self, message_id: str) -> str:
        return f"{self._address}/messages/{quote(message_id, safe='')}?$select={wire.MESSAGE_FIELDS}"


def _folders_now(mailbox: Mailbox, position: _Position, folders: Sequence[SourceFolder]) -> tuple[_Position, Found]:
    """The mailbox's folders that are new or have another name or place; those that are gone, with all in them."""
    found, known = Found(), {folder.external_id: folder for folder in folders}
    there = {folder.external_id: folder for folder in mailbox.folders}
    for folder_id, folder in there.items():
        if known.get(folder_id) != folder:
            found.folders[folder_id] = folder
    for folder_id in {*known, *position.links} - there.keys():
        found.remove(folder_id)
    links = {folder_id: link for folder_id, link in position.links.items() if folder_id in mailbox.followed}
    return replace(position, links=links), found


def _item(message: wire.Message, folder: str, mailbox: Mailbox) -> SourceItem:
    name = message.subject or "(no subject)"
    return SourceItem(
        external_id=message.id,
        kind=ItemKind.email,
        name=name,
        path=mailbox.path(folder, name),
        version=message.version,
        size_bytes=0,
        mime_type="message/rfc822",
        modified_at=message.last_modified_date_time,
        web_link=message.web_link,
        folder_id=folder,
    )
