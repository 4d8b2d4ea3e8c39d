"""What the conformance suite asks of a place it runs on."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from dealpulse.models import SourceType
from dealpulse.settings import SourceSettings
from dealpulse.sources.contract import ItemKind
from fakes.faults import Faults

PAGE = 100
"""Items a page, on every site, until :meth:`Site.grow`."""


class Notion(StrEnum):
    """What not every kind of source knows. ``LACKING`` says which do not, and why."""

    account = "account"
    """It is asked over HTTP in somebody's name: a token, refusals, rate limits, outages, cut answers."""
    change_log = "change log"
    """It says what changed since; otherwise every sync lists everything."""
    identity = "identity"
    """What is moved is still the same."""
    names = "names"
    """Items have a name that can be changed."""
    ranges = "ranges"
    """A download can begin in the middle."""


class Call(StrEnum):
    """What a connector asks its vendor."""

    describe = "describe"
    listing = "listing"
    changes = "changes"
    content = "content"


class Site(Protocol):
    """Items by their path below the source's top: files in folders, messages in what their program has for folders."""

    type: SourceType
    kind: ItemKind
    location: str
    settings: SourceSettings

    def put(self, path: str, content: bytes) -> None:
        """A new item, or another in its place: where items cannot be changed, the old one goes."""
        ...

    def move(self, path: str, to: str) -> None:
        """An item or a folder, to another folder; without ``Notion.names`` an item keeps its name."""
        ...

    def delete(self, path: str) -> None:
        """An item, or a folder with all in it, as people do: into the trash, where there is one."""
        ...

    def restore(self, path: str) -> None:
        """Take it out of the trash, the same as it was."""
        ...

    def place(self, external_id: str, path: str) -> str:
        """The path, as it was given to :meth:`put` or :meth:`move`, of what the service keeps as ``path``."""
        ...

    def lose(self) -> None:
        """The source is deleted at its vendor, or not shared with us any more."""
        ...

    def grow(self, items: int) -> None:
        """So many small items at once, in some folders, on pages as large as the vendor's."""
        ...


class VendorSite(Site, Protocol):
    """A site with ``Notion.account``."""

    faults: Faults
    bucket: str
    """Of the account's budget."""

    @property
    def downloads(self) -> int:
        """How often content was asked for."""
        ...

    def request(self, call: Call, path: str = "") -> str:
        """The request ``faults`` know it by; for content, of the item at ``path``."""
        ...

    def expire_tokens(self) -> None:
        """Tokens handed out so far are refused, though they should be valid for longer."""
        ...

    def forget_changes(self) -> None:
        """Positions in the change log handed out so far are not known any more."""
        ...
