"""A SharePoint site, a folder in one of its libraries, and an Outlook mailbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dealpulse.models import SourceType
from dealpulse.settings import MicrosoftSettings, Secret, SourceSettings
from dealpulse.sources.contract import ItemKind
from fakes.graph import FakeGraph, fake_graph
from fakes.graph.accounts import CLIENT_ID, CLIENT_SECRET, TENANT
from sources.sites.contract import PAGE, Call


def settings_for(graph: FakeGraph, *, secret: str = CLIENT_SECRET) -> SourceSettings:
    return SourceSettings(
        microsoft=MicrosoftSettings(
            graph_url=f"{graph.url}/v1.0",
            login_url=graph.url,
            tenant=TENANT,
            client_id=CLIENT_ID,
            client_secret=Secret(secret),
        )
    )


class SharePointSite:
    type = SourceType.sharepoint
    kind = ItemKind.document
    bucket = f"sharepoint:{CLIENT_ID}"

    def __init__(self, graph: FakeGraph, *, below: str = "") -> None:
        """``below``: the folder that is the source; otherwise the whole library is."""
        self.graph = graph
        self.faults = graph.faults
        self.fake = graph.drives
        self.fake.page_size = PAGE
        self.library = self.fake.library("Shared Documents", self.fake.site("sites/Kestrel"))
        root = self.fake.drives[self.library].root
        self.top = self.fake.folder(below, root) if below else root
        self.location = self.fake.web_url(self.library, below)
        self.settings = settings_for(graph)
        self._drive = f"/v1.0/drives/{self.library}"

    def put(self, path: str, content: bytes) -> None:
        known = self.find(path)
        if known is not None:
            self.fake.edit(known, content)
            return
        self.fake.file(path.rpartition("/")[2], content, self.folder(path.rpartition("/")[0]))

    def move(self, path: str, to: str) -> None:
        item_id = self.at(path)
        folder, _, name = to.rpartition("/")
        self.fake.items[item_id].name = name
        self.fake.move(item_id, self.folder(folder))

    def delete(self, path: str) -> None:
        self.fake.delete(self.at(path))

    def restore(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        parent = self.at(folder)
        found = next(
            one for one in self.fake.items.values() if (one.parent, one.name, one.deleted) == (parent, name, True)
        )
        self.fake.delete(found.id, back=True)

    def place(self, external_id: str, path: str) -> str:
        return path

    def grow(self, items: int) -> None:
        self.fake.page_size = 200
        folders = [self.fake.folder(str(number), self.top) for number in range(40)]
        for number in range(items):
            self.fake.file(f"{number}.txt", b"", folders[number % 40])

    def request(self, call: Call, path: str = "") -> str:
        whole = self.fake.items[self.top].parent is None
        return {
            Call.describe: f"{self._drive}/root" if whole else f"{self._drive}/root:/Deal room",
            Call.listing: f"{self._drive}/root/delta" if whole else f"{self._drive}/items/{self.top}/children",
            Call.changes: f"{self._drive}/root/delta",
            Call.content: f"{self._drive}/items/{self.find(path)}/content",
        }[call]

    def expire_tokens(self) -> None:
        self.graph.accounts.expire_tokens()

    def forget_changes(self) -> None:
        self.fake.forget_changes()

    def lose(self) -> None:
        del self.fake.drives[self.library]

    @property
    def downloads(self) -> int:
        return sum(count for name, count in self.faults.requests.items() if name.endswith("/content"))

    def folder(self, path: str) -> str:
        """The id of the folder at ``path``, made if it is not there."""
        known = self.find(path)
        if known is not None:
            return known
        above, _, name = path.rpartition("/")
        return self.fake.folder(name, self.folder(above))

    def at(self, path: str) -> str:
        found = self.find(path)
        assert found is not None, path
        return found

    def find(self, path: str) -> str | None:
        place: str | None = self.top
        for name in path.split("/") if path else ():
            place = next(
                (
                    one.id
                    for one in self.fake.items.values()
                    if (one.parent, one.name, one.deleted) == (place, name, False)
                ),
                None,
            )
        return place


@contextmanager
def library(folder: Path) -> Iterator[SharePointSite]:
    """An empty one."""
    with fake_graph() as graph:
        yield SharePointSite(graph)


@contextmanager
def library_folder(folder: Path) -> Iterator[SharePointSite]:
    """An empty folder in a library with more in it."""
    with fake_graph() as graph:
        site = SharePointSite(graph, below="Deal room")
        elsewhere = site.fake.folder("Elsewhere", site.fake.drives[site.library].root)
        site.fake.file("not ours.txt", b"not ours", elsewhere)
        yield site
