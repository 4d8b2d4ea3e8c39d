"""A place in SharePoint as a source.

A whole library is listed by its delta from the beginning, and then followed by it. A folder in a library is listed by
itself, after the delta's latest position was taken: delta tells of the library as a whole, and may be a hundred times
as long. From then on a change concerns the source if its folder is one of the source's. A folder that is new to the
source (made, moved in, restored) is listed too: delta does not promise to tell of what is in it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dealpulse.errors import Permanent
from dealpulse.models import Source, SourceAccess, SourceFolder
from dealpulse.settings import MicrosoftSettings
from dealpulse.sources.accounts import Accounts
from dealpulse.sources.contract import (
    CursorExpired,
    ItemFailure,
    ItemKind,
    RateLimits,
    SourceItem,
    SourcePage,
    SourcePlace,
)
from dealpulse.sources.found import Found
from dealpulse.sources.graph import Graph, Page, Watch
from dealpulse.sources.http import Budget, Refused
from dealpulse.sources.notifications import Callback, Subscription
from dealpulse.sources.tree import Tree
from dealpulse.sources.vendors.sharepoint import wire
from dealpulse.sources.vendors.sharepoint.place import Place, Root, key, locate
from dealpulse.sources.vendors.sharepoint.wire import ITEM_FIELDS, UNITS

_UNITS_PER_SECOND: Final = 15.0
_BURST: Final = 300.0
"""Together the 1,200 resource units a minute of an app in the smallest tenant."""
_PAGE_SIZE: Final = 200
_FROM_NOW_ON: Final = {"token": "latest"}
_EMAIL_ENDINGS: Final = (".eml", ".msg")
_LONGEST_SUBSCRIPTION: Final = timedelta(minutes=42_300)


class _Position(Struct, frozen=True, omit_defaults=True):
    """The cursor: each library's link, and the folder being listed."""

    links: dict[str, str] = {}
    enumerated: str = ""
    """The library whose delta is still on its way through what was there from the beginning."""
    folder: str = ""
    page: str = ""
    missed: bool = False
    """The listing this stems from could not see everything."""

    def encoded(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def decoded(cls, cursor: str) -> _Position:
        try:
            return msgspec.json.decode(cursor, type=cls)
        except msgspec.MsgspecError as error:
            raise CursorExpired("The stored position is none of SharePoint's.") from error

    def at(self, library: str, link: str, *, enumerated: bool) -> _Position:
        return replace(self, links={**self.links, library: link}, enumerated=library if enumerated else "")


class SharePointConnector:
    """Reads the place ``location`` names; ``place.py`` says how."""

    def __init__(self, location: str, *, graph: Graph) -> None:
        self._location = location
        self._graph = graph
        self._watch = Watch(graph, change_type="updated", longest=_LONGEST_SUBSCRIPTION)
        self._place: Place | None = None

    @classmethod
    def of(
        cls,
        source: Source,
        microsoft: MicrosoftSettings,
        *,
        http: httpx.AsyncClient,
        accounts: Accounts,
        limits: RateLimits,
    ) -> SharePointConnector:
        """The connector of ``source``. Raises ``NeedsConsent`` or ``Permanent`` where it has no account."""
        account = accounts.microsoft(source)
        budget = Budget(f"sharepoint:{account.name}", _UNITS_PER_SECOND, _BURST)
        return cls(source.location, graph=Graph(account, microsoft, http=http, budget=budget, limits=limits))

    async def describe(self) -> SourcePlace:
        place = await self._locate()
        tops = [root.key for root in place.roots] if place.whole else [place.top.external_id]
        access = {one for top in tops for one in await self._access(top)}
        return SourcePlace(
            name=place.top.name, access=tuple(sorted(access, key=lambda one: (one.who.casefold(), one.who, one.role)))
        )

    async def pages(self, *, cursor: str | None, folders: Sequence[SourceFolder] = ()) -> AsyncIterator[SourcePage]:
        place = await self._locate()
        position = _Position() if cursor is None else _Position.decoded(cursor)
        tree = Tree(place.top, [*folders, *place.libraries()])
        position, found = _libraries_now(place, position, folders, tree)
        if found.folders or found.removed:
            yield found.page(position.encoded())
        while True:
            for root in place.roots:
                async for reached, found in self._follow(root, position, tree):
                    quiet, position = reached == position, reached
                    if not quiet:
                        yield found.page(position.encoded())
            if not position.folder and not tree.unlisted(1):
                break
            async for reached, found in self._crawl(position, tree):
                position = reached
                yield found.page(position.encoded())
        yield SourcePage(items=(), cursor=position.encoded(), last=True, complete_listing=not position.missed)

    async def find(self, external_id: str) -> SourceItem | None:
        library, _, item_id = external_id.partition("/")
        try:
            item = await self._graph.get(
                f"/drives/{library}/items/{item_id}", wire.Item, params={"$select": ITEM_FIELDS}, units=UNITS["item"]
            )
        except Refused as error:
            if error.status == 404:
                return None
            raise
        if item.deleted is not None or item.file is None or item.left_out:
            return None
        return _item(item, library, folder_id=key(library, item.parent_reference.id), path=item.name)

    @asynccontextmanager
    async def content(self, item: SourceItem) -> AsyncIterator[AsyncIterator[bytes]]:
        library, _, item_id = item.external_id.partition("/")
        try:
            async with self._graph.content(f"/drives/{library}/items/{item_id}/content", by_link=True) as chunks:
                yield chunks
        except Refused as error:
            raise Permanent(wire.REASONS.get(error.reason, error.message), code=error.reason or error.code) from error

    async def aclose(self) -> None:
        """Nothing to close: connections are shared."""

    # Being told of changes ---------------------------------------------------------------------------------------

    async def subscribe(self, callback: Callback) -> Subscription:
        """Of a library as a whole, which is all SharePoint offers; of a site's libraries, the first: Documents."""
        place = await self._locate()
        if not place.roots:
            raise Permanent("The site has no library to be told of.", code="folder_missing")
        return await self._watch.subscribe(f"drives/{place.roots[0].library}/root", callback)

    async def renew(self, subscription: Subscription, callback: Callback) -> Subscription:
        return await self._watch.renew(subscription)

    async def unsubscribe(self, subscription: Subscription) -> None:
        await self._watch.unsubscribe(subscription)

    # Where the source is -----------------------------------------------------------------------------------------

    async def _locate(self) -> Place:
        """The source's place, asked for once."""
        if self._place is None:
            self._place = await locate(self._location, self._graph)
        return self._place

    async def _access(self, top: str) -> list[SourceAccess]:
        """Who may read a folder; nobody known where the account may not know."""
        library, _, item_id = top.partition("/")
        try:
            granted = await self._graph.all(
                f"/drives/{library}/items/{item_id}/permissions", Page[wire.Permission], units=UNITS["permissions"]
            )
        except Refused as error:
            if error.status in (403, 404):
                return []
            raise
        return [SourceAccess(who=who, role=role) for one in granted for who in one.who() for role in one.roles]

    # Following a library -----------------------------------------------------------------------------------------

    async def _follow(self, root: Root, position: _Position, tree: Tree) -> AsyncIterator[tuple[_Position, Found]]:
        """Every change in the library from its link on, or everything from the beginning."""
        place, begun = await self._locate(), root.library in position.links
        enumerated = place.whole if not begun else position.enumerated == root.library
        while True:
            page = await self._delta(root, position, whole=place.whole)
            found = self._sorted(page.value, root, tree, enumerated=enumerated)
            enumerated = enumerated and page.delta_link is None
            position = position.at(root.library, page.delta_link or page.next_link or "", enumerated=enumerated)
            yield position, found
            if page.delta_link is not None:
                return

    async def _delta(self, root: Root, position: _Position, *, whole: bool) -> Page[wire.Item]:
        if link := position.links.get(root.library):
            return await self._graph.changes(link, Page[wire.Item], units=UNITS["delta"])
        params: dict[str, str | int | Sequence[str]] = {"$select": ITEM_FIELDS, "$top": _PAGE_SIZE}
        params |= {} if whole else _FROM_NOW_ON
        path = f"/drives/{root.library}/root/delta"
        return await self._graph.changes(path, Page[wire.Item], params=params, units=UNITS["first delta"])

    def _sorted(self, items: Iterable[wire.Item], root: Root, tree: Tree, *, enumerated: bool) -> Found:
        """What a page says; of each item the last word. Folders first: what is in them may come before them."""
        found = Found()
        last = {item.id: item for item in items}
        for item in sorted(last.values(), key=lambda one: (one.folder is None, one.deleted is not None)):
            self._put(item, root, tree, found, enumerated=enumerated)
        return found

    def _put(self, item: wire.Item, root: Root, tree: Tree, found: Found, *, enumerated: bool) -> None:
        """Take an item as it is now for what it is to this source."""
        item_key, parent = key(root.library, item.id), key(root.library, item.parent_reference.id)
        if item.root is not None or item.id == root.id:
            return  # whether the top can be read was asked first
        if item.deleted is not None or not (self._whole or tree.get(parent)):
            tree.remove(item_key)
            found.remove(item_key)
            return
        path = tree.path(parent, item.name)
        if item.left_out is not None:
            found.fail(ItemFailure(path, item.left_out, item_key, retry=False))
        elif item.folder is not None:
            known = tree.get(item_key)
            listed = enumerated or (known is not None and known.listed)
            folder = SourceFolder(external_id=item_key, parent_id=parent, name=item.name, listed=listed)
            found.removed.pop(item_key, None)
            if enumerated or folder != known:
                tree.put(folder)
                found.folders[item_key] = folder
        elif item.file is not None:
            found.put(_item(item, root.library, folder_id=parent, path=path))

    @property
    def _whole(self) -> bool:
        """Everything in the libraries belongs to the source, even what comes before the folder it is in."""
        return self._place is not None and self._place.whole

    # Listing folders ---------------------------------------------------------------------------------------------

    async def _crawl(self, position: _Position, tree: Tree) -> AsyncIterator[tuple[_Position, Found]]:
        """List every folder whose content is not known yet."""
        place = await self._locate()
        while folder_id := position.folder or next(iter(tree.unlisted(1)), ""):
            folder, missed = tree.get(folder_id), False
            if folder is None:  # gone since
                position = replace(position, folder="", page="")
                continue
            root = next(one for one in place.roots if folder_id.startswith(f"{one.library}/"))
            try:
                answer = await self._children(folder_id, position.page)
            except Refused as error:
                if position.page and error.status in (400, 410):
                    # Nobody says how long a page's link is valid.
                    position = replace(position, page="")
                    continue
                if error.status not in (403, 404) or folder_id == tree.top_id:
                    raise
                answer, missed = Page[wire.Item](), True
            found = self._sorted(answer.value, root, tree, enumerated=False)
            if missed:
                path = tree.path(folder.parent_id, folder.name)
                found.fail(ItemFailure(path, "What is in this folder could not be listed.", folder_id, retry=False))
            if answer.next_link is None:
                found.folders |= {one.external_id: one for one in tree.listed([folder_id])}
            elif folder_id == tree.top_id:
                found.folders.setdefault(folder_id, folder)
            position = replace(
                position,
                folder="" if answer.next_link is None else folder_id,
                page=answer.next_link or "",
                missed=position.missed or missed,
            )
            yield position, found

    async def _children(self, folder_id: str, link: str) -> Page[wire.Item]:
        if link:
            return await self._graph.page(link, Page[wire.Item], units=UNITS["list"])
        library, _, item_id = folder_id.partition("/")
        return await self._graph.page(
            f"/drives/{library}/items/{item_id}/children",
            Page[wire.Item],
            params={"$select": ITEM_FIELDS, "$top": _PAGE_SIZE},
            units=UNITS["list"],
        )


def _libraries_now(
    place: Place, position: _Position, folders: Sequence[SourceFolder], tree: Tree
) -> tuple[_Position, Found]:
    """The source's top and libraries, where they are not known as they are now; those that are gone."""
    found, known = Found(), {folder.external_id: folder for folder in folders}
    for folder in [place.top, *place.libraries()] if place.whole else []:
        if known.get(folder.external_id) != folder:
            found.folders[folder.external_id] = folder
    there = {root.library for root in place.roots}
    links = {library: link for library, link in position.links.items() if library in there}
    if links.keys() != position.links.keys():
        for folder in folders:
            if folder.parent_id == place.top.external_id and folder.external_id.partition("/")[0] not in there:
                tree.remove(folder.external_id)
                found.remove(folder.external_id)
        position = replace(position, links=links)
    return position, found


def _item(item: wire.Item, library: str, *, folder_id: str, path: str) -> SourceItem:
    return SourceItem(
        external_id=key(library, item.id),
        kind=ItemKind.email if item.name.lower().endswith(_EMAIL_ENDINGS) else ItemKind.document,
        name=item.name,
        path=path,
        version=item.version,
        size_bytes=item.size,
        mime_type=item.file.mime_type if item.file is not None else None,
        modified_at=item.last_modified_date_time,
        web_link=item.web_url,
        folder_id=folder_id,
    )
