"""A fake Microsoft: its token endpoint and Graph, over real HTTP, as strict about requests as the real ones.

    with fake_graph() as graph:
        library = graph.drives.library("Documents", graph.drives.site("sites/Kestrel"))
        graph.drives.file("Lease.pdf", b"...", graph.drives.drives[library].root)
        graph.faults.fail(f"/v1.0/drives/{library}/root/delta", status=410)   # the next such request

What each part follows stands in its module.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fakes.faults import Faults
from fakes.graph.accounts import Accounts
from fakes.graph.answers import refused
from fakes.graph.drives import FakeDrives
from fakes.graph.subscriptions import Subscriptions
from fakes.posting import Posting
from fakes.serving import serving

__all__ = ["FakeGraph", "fake_graph"]


class GraphFaults(Faults):
    """What is cut of a file's content is its download, not the redirect to it."""

    def __init__(self) -> None:
        super().__init__(refused=refused, named=lambda request: request.url.path)

    def cut(self, request: str, *after: int) -> None:
        parts = request.split("/")
        download = (
            f"/download/{parts[3]}/{parts[5]}" if parts[2:3] == ["drives"] and parts[-1] == "content" else request
        )
        super().cut(download, *after)


@dataclass
class FakeGraph:
    accounts: Accounts = field(default_factory=Accounts)
    posting: Posting = field(default_factory=Posting)
    faults: GraphFaults = field(default_factory=GraphFaults)

    def __post_init__(self) -> None:
        self.subscriptions = Subscriptions(self.accounts, self.posting)
        self.drives = FakeDrives(self.accounts, self.subscriptions.changed)
        self._app = Starlette(
            routes=[
                Route("/{tenant}/oauth2/v2.0/token", self.accounts.answer, methods=["POST"]),
                *self.subscriptions.routes(),
                *self.drives.routes(),
            ]
        )

    @property
    def url(self) -> str:
        return self.accounts.url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.faults.serve(self._app, scope, receive, send)


@contextmanager
def fake_graph() -> Iterator[FakeGraph]:
    """A Microsoft with nothing in it."""
    graph = FakeGraph()
    with serving(graph) as url, graph.posting:
        graph.accounts.url = url
        yield graph
