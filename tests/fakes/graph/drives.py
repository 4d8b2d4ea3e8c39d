"""Sites, libraries and files.

learn.microsoft.com/graph/api: site-getbypath, drive-list, driveitem-get, driveitem-list-children, driveitem-delta
(links are opaque; deleted items have no name; a renamed or moved folder comes without what is in it; 410 with a
Location), driveitem-get-content (302 to a link that is valid for minutes, needs no Authorization, and alone takes a
Range), driveitem-list-permissions, shares-get; resources/driveitem (facets) and resources/hashes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fakes.graph.accounts import FILES_READ, FILES_WRITE, SITES_READ, Accounts
from fakes.graph.answers import GRAPH, Json, opened, page, refused, sealed, selected, unknown_parameters

HOST = "contoso.sharepoint.com"
_LINK_SECONDS = 600.0


@dataclass
class Item:
    id: str
    drive: str
    name: str
    parent: str | None
    content: bytes | None = None
    """None for a folder."""
    facets: Json = field(default_factory=dict)
    deleted: bool = False
    modified: int = 0

    @property
    def is_folder(self) -> bool:
        return self.content is None and not self.facets.keys() & {"package", "remoteItem"}


@dataclass
class Drive:
    id: str
    name: str
    site: str
    root: str
    log: list[str] = field(default_factory=list)
    oldest: int = 0


@dataclass
class FakeDrives:
    accounts: Accounts
    changed: Callable[[str], None]
    """Told the resource that changed."""
    page_size: int = 200
    """At most so many entries come on a page, whatever was asked for."""
    sites: dict[str, str] = field(default_factory=dict)
    """Id by path below the host."""
    drives: dict[str, Drive] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    permissions: list[Json] = field(default_factory=list)
    link_seconds: float = _LINK_SECONDS
    unlistable: set[str] = field(default_factory=set)
    """Folders that may be seen, but not what is in them."""
    _links: dict[str, float] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # What people do in SharePoint --------------------------------------------------------------------------------

    def site(self, path: str) -> str:
        """The id of a site, such as ``sites/Kestrel``."""
        number = next(self._numbers)
        self.sites[path] = f"{HOST},{number:08x}-0000-4000-8000-000000000000,{number:08x}-0000-4000-8000-000000000001"
        return self.sites[path]

    def library(self, name: str, site: str) -> str:
        number = next(self._numbers)
        drive = Drive(f"b!lib{number}", name, site, f"01ROOT{number}")
        self.drives[drive.id] = drive
        self._add(Item(drive.root, drive.id, "root", None))
        return drive.id

    def folder(self, name: str, parent: str) -> str:
        return self._add(Item(self._new_id(), self.items[parent].drive, name, parent))

    def file(self, name: str, content: bytes, parent: str, **facets: Json) -> str:
        return self._add(Item(self._new_id(), self.items[parent].drive, name, parent, content, facets))

    def package(self, name: str, parent: str) -> str:
        """A OneNote notebook."""
        facets = {"package": {"type": "oneNote"}}
        return self._add(Item(self._new_id(), self.items[parent].drive, name, parent, None, facets))

    def edit(self, item_id: str, content: bytes) -> None:
        self.items[item_id].content = content
        self.touch(item_id)

    def rename(self, item_id: str, name: str) -> None:
        self.items[item_id].name = name
        self.touch(item_id)

    def move(self, item_id: str, parent: str) -> None:
        self.items[item_id].parent = parent
        self.touch(item_id)

    def delete(self, item_id: str, *, back: bool = False) -> None:
        """Into the recycle bin, or out of it: with what is in it, of which nothing is told."""
        self.items[item_id].deleted = not back
        self.touch(item_id)

    def touch(self, item_id: str) -> None:
        item = self.items[item_id]
        item.modified = next(self._numbers)
        self.drives[item.drive].log.append(item_id)
        self.changed(f"drives/{item.drive}/root")

    def forget_changes(self) -> None:
        for drive in self.drives.values():
            drive.oldest = len(drive.log) + 1
            drive.log.append(drive.root)

    def expire_links(self) -> None:
        self._links.clear()

    def web_url(self, drive_id: str, path: str = "") -> str:
        drive = self.drives[drive_id]
        site = next(name for name, known in self.sites.items() if known == drive.site)
        return f"https://{HOST}/{quote(site)}/{quote(drive.name)}" + (f"/{quote(path)}" if path else "")

    def _add(self, item: Item) -> str:
        self.items[item.id] = item
        self.touch(item.id)
        return item.id

    def _new_id(self) -> str:
        return f"01ITEM{next(self._numbers):06}"

    # What it answers ---------------------------------------------------------------------------------------------

    def routes(self) -> list[Route]:
        drive = f"{GRAPH}/drives/{{drive}}"
        return [
            Route(f"{GRAPH}/sites/{{site}}/drives", self._asked(self._drives)),
            Route(f"{GRAPH}/sites/{{site:path}}", self._asked(self._site)),
            Route(f"{GRAPH}/shares/{{token}}/driveItem", self._asked(self._shared)),
            Route(f"{drive}/root", self._asked(self._root)),
            Route(f"{drive}/root/delta", self._asked(self._delta)),
            Route(f"{drive}/root:/{{path:path}}", self._asked(self._by_path)),
            Route(f"{drive}/items/{{item}}", self._asked(self._item)),
            Route(f"{drive}/items/{{item}}/children", self._asked(self._children)),
            Route(f"{drive}/items/{{item}}/permissions", self._asked(self._permissions)),
            Route(f"{drive}/items/{{item}}/content", self._asked(self._content)),
            Route("/download/{drive}/{item}", self._download),
        ]

    def _asked(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        @functools.wraps(answer)
        def allowed(request: Request) -> Response:
            site = request.url.path.startswith(f"{GRAPH}/sites/")
            needed = (SITES_READ,) if site else (FILES_READ, FILES_WRITE, SITES_READ)
            no = self.accounts.refusal(request, *needed)
            if no is None and "drive" in request.path_params and request.path_params["drive"] not in self.drives:
                no = refused(404)
            return answer(request) if no is None else no

        return allowed

    def _site(self, request: Request) -> Response:
        named = request.path_params["site"]
        host, _, path = named.partition(":/")
        known = named if named in self.sites.values() else self.sites.get(path) if host == HOST else None
        if known is None:
            return refused(404)
        name = next(path for path, one in self.sites.items() if one == known)
        url = f"https://{HOST}/{quote(name)}"
        return JSONResponse({"id": known, "name": name, "displayName": name.rpartition("/")[2], "webUrl": url})

    def _drives(self, request: Request) -> Response:
        if (no := unknown_parameters(request, "$select")) is not None:
            return no
        if request.path_params["site"] not in self.sites.values():
            return refused(404)
        drives = [one for one in self.drives.values() if one.site == request.path_params["site"]]
        return page({"id": one.id, "name": one.name, "webUrl": self.web_url(one.id)} for one in drives)

    def _shared(self, request: Request) -> Response:
        token = request.path_params["token"].removeprefix("u!")
        address = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        match = re.fullmatch(rf"https://{HOST}/:f:/s/[^/]+/(\w+)", address)
        item = self.items.get(match[1]) if match else None
        return refused(404) if item is None or self._is_gone(item) else self._resource_of(item, request)

    def _root(self, request: Request) -> Response:
        return self._resource_of(self.items[self.drives[request.path_params["drive"]].root], request)

    def _by_path(self, request: Request) -> Response:
        place = self.items[self.drives[request.path_params["drive"]].root]
        for name in unquote(request.path_params["path"]).split("/"):
            inner = [one for one in self._in(place.id) if one.name.lower() == name.lower()]
            if not inner:
                return refused(404)
            place = inner[0]
        return self._resource_of(place, request)

    def _item(self, request: Request) -> Response:
        item = self._found(request)
        return refused(404) if item is None else self._resource_of(item, request)

    def _resource_of(self, item: Item, request: Request) -> Response:
        no = unknown_parameters(request, "$select")
        return JSONResponse(selected(self._resource(item), request.query_params.get("$select"))) if no is None else no

    def _children(self, request: Request) -> Response:
        if (no := unknown_parameters(request, "$select", "$top", "$skiptoken")) is not None:
            return no
        folder = self._found(request)
        if folder is None:
            return refused(404)
        if folder.id in self.unlistable:
            return refused(403)
        asked = request.query_params
        state = opened(asked["$skiptoken"]) if "$skiptoken" in asked else self._state(request, folder=folder.id)
        if state is None or state.get("folder") != folder.id:
            return refused(400)
        entries = self._in(folder.id)
        part = entries[state["from"] : state["from"] + state["size"]]
        more = state["from"] + state["size"] < len(entries)
        token = sealed(**{**state, "from": state["from"] + state["size"]})
        return page(
            (selected(self._resource(one), state["select"]) for one in part),
            next_link=f"{self._here(request)}?$skiptoken={token}" if more else None,
        )

    def _delta(self, request: Request) -> Response:
        if (no := unknown_parameters(request, "$select", "$top", "token")) is not None:
            return no
        drive, token = self.drives[request.path_params["drive"]], request.query_params.get("token")
        if token is None or token == "latest":
            state: Json | None = self._state(request, drive=drive.id, since=None, now=len(drive.log))
            if state is not None and token == "latest":
                return page([], delta_link=self._delta_link(request, state))
        else:
            state = opened(token)
        if state is None or state.get("drive") != drive.id:
            return refused(400)
        if state["now"] < drive.oldest:
            return refused(410, headers={"location": f"{self._here(request)}?token="})
        return self._changes(request, drive, state)

    def _changes(self, request: Request, drive: Drive, state: Json) -> Response:
        """What was there when it was first asked, or what changed from then until it is asked again."""
        if "until" not in state:
            state["until"] = len(drive.log)
        if state["since"] is None:
            ids = list(dict.fromkeys(drive.log[: state["now"]]))
            entries = [self.items[one] for one in ids if not self._is_gone(self.items[one])]
        else:
            changed = dict.fromkeys(drive.log[state["since"] : state["until"]])
            entries = [self.items[one] for one in self._with_parents(list(changed))]
        part = entries[state["from"] : state["from"] + state["size"]]
        told = [selected(self._resource(one), state["select"]) for one in part]
        if state["from"] + state["size"] < len(entries):
            token = sealed(**{**state, "from": state["from"] + state["size"]})
            return page(told, next_link=f"{self._here(request)}?token={token}")
        now = state["now"] if state["since"] is None else state["until"]
        return page(told, delta_link=self._delta_link(request, {**state, "now": now}))

    def _delta_link(self, request: Request, state: Json) -> str:
        kept = {name: state[name] for name in ("drive", "size", "select", "now")}
        return f"{self._here(request)}?token={sealed(**kept, since=kept['now'], **{'from': 0})}"

    def _with_parents(self, ids: list[str]) -> list[str]:
        """The folders above a changed item are told of as well, and in no particular order."""
        above: dict[str, None] = {}
        for item_id in ids:
            parent = self.items[item_id].parent
            while parent is not None and not self._is_gone(self.items[parent]):
                above[parent] = None
                parent = self.items[parent].parent
        return list(dict.fromkeys([*reversed(ids), *above]))

    def _permissions(self, request: Request) -> Response:
        return page(self.permissions) if self._found(request) is not None else refused(404)

    def _content(self, request: Request) -> Response:
        item = self._found(request)
        if item is None:
            return refused(404)
        if "range" in request.headers:
            return refused(400, "invalidRange")
        if "malware" in item.facets:
            return refused(403, "malwareDetected")
        if item.content is None:
            return refused(400, "notSupported")
        link = f"ticket-{next(self._numbers)}"
        self._links[f"{item.id} {link}"] = time.time() + self.link_seconds
        location = f"{self.accounts.url}/download/{item.drive}/{item.id}?tempauth={link}"
        return Response(status_code=302, headers={"location": location})

    def _download(self, request: Request) -> Response:
        """Where SharePoint keeps the bytes: another host, with another way to say no."""
        item = self.items.get(request.path_params["item"])
        link = f"{request.path_params['item']} {request.query_params.get('tempauth')}"
        if "authorization" in request.headers or self._links.get(link, 0) <= time.time():
            return Response("<html>401 UNAUTHORIZED</html>", 401)
        if item is None or item.content is None:
            return Response("<html>404</html>", 404)
        etag, start = f'"{{{item.id}}},{item.modified}"', 0
        match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if match and request.headers.get("if-range", etag) == etag:
            start = int(match[1])
        headers = {"etag": etag}
        if start:
            headers["content-range"] = f"bytes {start}-{len(item.content) - 1}/{len(item.content)}"
        return Response(item.content[start:], 206 if start else 200, headers=headers)

    def _state(self, request: Request, **more: object) -> Json | None:
        asked = request.query_params
        size = asked.get("$top", str(self.page_size))
        if not size.isdigit():
            return None
        return {"size": min(int(size), self.page_size), "select": asked.get("$select"), "from": 0, **more}

    def _here(self, request: Request) -> str:
        return f"{self.accounts.url}{quote(request.url.path)}"

    def _found(self, request: Request) -> Item | None:
        item = self.items.get(request.path_params["item"])
        gone = item is None or item.drive != request.path_params["drive"] or self._is_gone(item)
        return None if gone else item

    def _in(self, folder_id: str) -> list[Item]:
        return [one for one in self.items.values() if one.parent == folder_id and not one.deleted]

    def _is_gone(self, item: Item) -> bool:
        return item.deleted or (item.parent is not None and self._is_gone(self.items[item.parent]))

    def _resource(self, item: Item) -> Json:
        parent = {"driveId": item.drive, "driveType": "documentLibrary"}
        if item.parent is not None:
            parent["id"] = item.parent
        if self._is_gone(item):
            return {"id": item.id, "parentReference": parent, "deleted": {"state": "deleted"}}
        resource: Json = {
            "id": item.id,
            "name": item.name,
            "size": len(item.content or b""),
            "lastModifiedDateTime": f"2026-11-02T09:{item.modified // 60 % 60:02}:{item.modified % 60:02}Z",
            "webUrl": f"{self.web_url(item.drive)}/{quote(item.name)}",
            "parentReference": parent,
            **item.facets,
        }
        if item.parent is None:
            resource["root"] = {}
        if item.is_folder:
            resource["folder"] = {"childCount": 0}
        elif item.content is not None:
            digest = hashlib.sha256(item.content).digest()[:20]
            hashes = {"quickXorHash": base64.b64encode(digest).decode()}
            resource["file"] = {"mimeType": "text/plain", "hashes": hashes}
            resource["@microsoft.graph.downloadUrl"] = f"{self.accounts.url}/download/{item.drive}/{item.id}?tempauth=x"
        return resource
