"""Where a SharePoint source is: what people name it by, and what Graph knows that as.

https://contoso.sharepoint.com/sites/Kestrel                              all libraries of the site
https://contoso.sharepoint.com/sites/Kestrel/Shared%20Documents           one library
https://contoso.sharepoint.com/sites/Kestrel/Shared%20Documents/Legal     a folder
https://contoso.sharepoint.com/sites/Kestrel/.../AllItems.aspx?id=...     a folder, as the browser shows it
https://contoso.sharepoint.com/:f:/s/Kestrel/E...                         a folder, as people share it
contoso.sharepoint.com,GUID,GUID  or  b!ID  or  b!ID/ID                   the same three by Graph's ids
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from dealpulse.errors import Permanent
from dealpulse.models import SourceFolder
from dealpulse.sources.graph import Graph, Page
from dealpulse.sources.http import Refused
from dealpulse.sources.vendors.sharepoint.wire import ITEM_FIELDS, UNITS, Item, Library, Site

_SITE_ID = re.compile(r"[\w.-]+,[0-9a-fA-F-]{36},[0-9a-fA-F-]{36}")
_LIBRARY_ID = re.compile(r"(b![\w-]+)(?:/([\w!.-]+))?")
_SHARED = re.compile(r"/:\w:/")
_NAMED_SITES = ("sites", "teams", "personal")


@dataclass(frozen=True)
class Root:
    """A library, and its topmost folder."""

    library: str
    name: str
    id: str

    @property
    def key(self) -> str:
        return key(self.library, self.id)


@dataclass(frozen=True)
class Place:
    """``top`` is the site, the library or the folder; ``whole``: everything in ``roots`` belongs to the source."""

    top: SourceFolder
    roots: tuple[Root, ...]
    whole: bool

    def libraries(self) -> list[SourceFolder]:
        """The libraries of a site, as folders of it; none where the top is in a library itself."""
        return [
            SourceFolder(external_id=root.key, parent_id=self.top.external_id, name=root.name, listed=True)
            for root in self.roots
            if self.whole and root.key != self.top.external_id
        ]


def key(library: str, item_id: str) -> str:
    """What an item is known by: its id is its library's alone."""
    return f"{library}/{item_id}"


async def locate(location: str, graph: Graph) -> Place:
    """Raises ``Permanent`` (``wrong_location``, ``folder_missing``)."""
    try:
        if _SITE_ID.fullmatch(location):
            return await _site(await graph.get(f"/sites/{location}", Site), graph)
        if match := _LIBRARY_ID.fullmatch(location):
            return await _folder(match[1], f"/items/{quote(match[2])}" if match[2] else "/root", graph)
        address = urlsplit(location)
        if address.scheme != "https" or not address.hostname or "." not in address.hostname:
            raise Permanent("Name a site, library or folder by its address in SharePoint.", code="wrong_location")
        return await _at(address, location, graph)
    except Refused as error:
        if error.status == 404 or (error.status == 400 and error.reason == "invalidRequest"):
            raise _missing() from error
        raise
    except ValueError as error:
        raise Permanent("That is no address.", code="wrong_location") from error


async def _at(address: SplitResult, location: str, graph: Graph) -> Place:
    if _SHARED.match(address.path):
        token = base64.urlsafe_b64encode(location.encode()).decode().rstrip("=")
        item = await graph.get(f"/shares/u!{token}/driveItem", Item, params={"$select": ITEM_FIELDS})
        return await _place(item, item.parent_reference.drive_id, graph)
    parts = [part for part in _path(address).split("/") if part]
    depth = 2 if parts[:1] and parts[0].lower() in _NAMED_SITES else 0
    while True:
        site = await _named(address.hostname or "", parts[:depth], graph)
        libraries = await _libraries(site.id, graph)
        if depth == len(parts):
            return await _site(site, graph)
        for library in libraries:
            below = [unquote(part) for part in urlsplit(library.web_url).path.split("/") if part]
            if [part.lower() for part in parts[: len(below)]] == [part.lower() for part in below]:
                inner = "/".join(quote(part, safe="") for part in parts[len(below) :])
                return await _folder(library.id, f"/root:/{inner}" if inner else "/root", graph)
        depth += 1  # it may be a site in a site


def _path(address: SplitResult) -> str:
    """Below the host, of what the browser shows: a page of a library names the folder it shows as a parameter."""
    if not address.path.lower().endswith(".aspx"):
        return unquote(address.path)
    asked = parse_qs(address.query)
    named = asked.get("id") or asked.get("RootFolder")
    return named[0] if named else re.sub(r"(/Forms)?/[^/]+\.aspx$", "", unquote(address.path), flags=re.IGNORECASE)


async def _named(host: str, parts: list[str], graph: Graph) -> Site:
    path = "/".join(quote(part, safe="") for part in parts)
    return await graph.get(f"/sites/{host}:/{path}" if path else f"/sites/{host}", Site)


async def _libraries(site_id: str, graph: Graph) -> list[Library]:
    return await graph.all(
        f"/sites/{site_id}/drives", Page[Library], params={"$select": "id,name,webUrl"}, units=UNITS["list"]
    )


async def _site(site: Site, graph: Graph) -> Place:
    roots = []
    for library in await _libraries(site.id, graph):
        item = await graph.get(f"/drives/{library.id}/root", Item, params={"$select": ITEM_FIELDS})
        roots.append(Root(library.id, library.name, item.id))
    name = site.display_name or site.name or "SharePoint"
    return Place(SourceFolder(external_id=site.id, name=name, listed=True), tuple(roots), whole=True)


async def _folder(library: str, path: str, graph: Graph) -> Place:
    item = await graph.get(f"/drives/{library}{path}", Item, params={"$select": ITEM_FIELDS})
    return await _place(item, library, graph)


async def _place(item: Item, library: str, graph: Graph) -> Place:
    if item.folder is None or item.deleted is not None or not library:
        raise Permanent("What the source names is no folder in SharePoint.", code="folder_missing")
    top = SourceFolder(external_id=key(library, item.id), name=item.name or "SharePoint", listed=item.root is not None)
    return Place(top, (Root(library, item.name, item.id),), whole=item.root is not None)


def _missing() -> Permanent:
    return Permanent(
        "There is no such place in SharePoint (any more), or the account may not read it.", code="folder_missing"
    )
