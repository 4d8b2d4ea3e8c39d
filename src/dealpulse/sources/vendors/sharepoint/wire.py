"""What Graph sends of sites, libraries and what is in them: learn.microsoft.com/graph/api/resources/driveitem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

ITEM_FIELDS: Final = (
    "id,name,size,webUrl,lastModifiedDateTime,parentReference,file,folder,package,malware,remoteItem,root,deleted"
)

REASONS: Final[Mapping[str, str]] = {
    "itemNotFound": "It is gone, or no longer shared with the account.",
    "accessDenied": "The account may not read it.",
    "malwareDetected": "Microsoft found malware in it and does not hand it out.",
    "notSupported": "SharePoint does not hand out this kind of file.",
    "resourceLocked": "It is locked.",
}
"""Why one file cannot be had."""

UNITS: Final[Mapping[str, int]] = {"item": 1, "delta": 1, "first delta": 2, "list": 2, "permissions": 5}
"""Resource units of learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled..."""


class Facet(Struct, frozen=True):
    """Only that it is there says something."""


class Hashes(Struct, frozen=True, rename="camel"):
    quick_xor_hash: str = ""
    sha256_hash: str = ""
    sha1_hash: str = ""


class File(Struct, frozen=True, rename="camel"):
    mime_type: str | None = None
    hashes: Hashes = Hashes()


class Parent(Struct, frozen=True, rename="camel"):
    drive_id: str = ""
    id: str = ""


class Item(Struct, frozen=True, rename="camel"):
    """``driveItem``, as far as :data:`ITEM_FIELDS` go; a deleted one has no name."""

    id: str
    name: str = ""
    size: int = 0
    web_url: str | None = None
    last_modified_date_time: datetime | None = None
    parent_reference: Parent = Parent()
    file: File | None = None
    folder: Facet | None = None
    package: Facet | None = None
    malware: Facet | None = None
    remote_item: Facet | None = None
    root: Facet | None = None
    deleted: Facet | None = None

    @property
    def version(self) -> str:
        """Changes with the content, and with it alone where there is a hash."""
        hashes = self.file.hashes if self.file is not None else Hashes()
        for name, value in (("xor", hashes.quick_xor_hash), ("256", hashes.sha256_hash), ("1", hashes.sha1_hash)):
            if value:
                return f"{name} {value}"
        return f"{self.size}-{self.last_modified_date_time}"

    @property
    def left_out(self) -> str | None:
        """Why it is not taken in, if it is not."""
        if self.malware is not None:
            return "Microsoft found malware in it and does not hand it out."
        if self.package is not None:
            return "It is a OneNote notebook or another package, which SharePoint does not hand out as a file."
        if self.remote_item is not None:
            return "It is a link to somewhere else, which is not followed; connect that as a source of its own."
        return None


class Site(Struct, frozen=True, rename="camel"):
    id: str
    name: str = ""
    display_name: str = ""
    web_url: str = ""


class Library(Struct, frozen=True, rename="camel"):
    """``drive``."""

    id: str
    name: str = ""
    web_url: str = ""


class _Identity(Struct, frozen=True, rename="camel"):
    display_name: str = ""
    email: str = ""


class _Identities(Struct, frozen=True, rename="camel"):
    user: _Identity | None = None
    group: _Identity | None = None
    site_group: _Identity | None = None
    site_user: _Identity | None = None
    application: _Identity | None = None

    def names(self) -> Iterator[str]:
        """The one it is about, under one name: it may be told in several ways."""
        for one in (self.user, self.group, self.site_group, self.site_user, self.application):
            if one is not None and (one.email or one.display_name):
                yield one.email or one.display_name
                return


class _Link(Struct, frozen=True):
    scope: str = ""


class Permission(Struct, frozen=True, rename="camel"):
    roles: tuple[str, ...] = ()
    granted_to_v2: _Identities | None = None
    granted_to_identities_v2: tuple[_Identities, ...] = ()
    link: _Link | None = None

    def who(self) -> Iterator[str]:
        """Addresses and names; ``anyone`` and ``organization`` for links that need no more."""
        if self.granted_to_v2 is not None:
            yield from self.granted_to_v2.names()
        for one in self.granted_to_identities_v2:
            yield from one.names()
        if self.link is not None and self.link.scope in ("anonymous", "organization"):
            yield "anyone" if self.link.scope == "anonymous" else "organization"
