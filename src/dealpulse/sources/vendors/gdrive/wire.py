"""What the Drive API v3 sends, and what its words mean to us.

Pages of developers.google.com/workspace/drive/api: reference/rest/v3 for the shapes, guides/handle-errors for the
reasons, guides/ref-export-formats for what a native document can be had as.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

FOLDER: Final = "application/vnd.google-apps.folder"
SHORTCUT: Final = "application/vnd.google-apps.shortcut"
_NATIVE: Final = "application/vnd.google-apps."

FILE_FIELDS: Final = (
    "id,name,mimeType,parents,trashed,driveId,size,md5Checksum,version,modifiedTime,webViewLink,"
    "shortcutDetails(targetId,targetResourceKey)"
)

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_EXPORTS: Final[Mapping[str, tuple[str, str]]] = {
    f"{_NATIVE}document": (f"{_OFFICE}wordprocessingml.document", ".docx"),
    f"{_NATIVE}spreadsheet": (f"{_OFFICE}spreadsheetml.sheet", ".xlsx"),
    f"{_NATIVE}presentation": (f"{_OFFICE}presentationml.presentation", ".pptx"),
}
_ANY_OTHER: Final = ("application/pdf", ".pdf")

REASONS: Final[Mapping[str, str]] = {
    "exportSizeLimitExceeded": "Google exports no document that becomes larger than 10 MB.",
    "cannotExportFile": "Google cannot export this kind of document.",
    "fileNotExportable": "Google cannot export this kind of document.",
    "badRequest": "Google cannot export this kind of document.",
    "cannotDownloadAbusiveFile": "Google flags the file as malware or spam and does not hand it out.",
    "fileNotDownloadable": "Google does not hand out this kind of file.",
    "cannotDownloadFile": "Its owner does not allow downloads.",
    "downloadQuotaExceeded": "It was downloaded too often today; Google hands it out again tomorrow.",
    "insufficientFilePermissions": "The account may not read it.",
    "appNotAuthorizedToFile": "This service is not allowed to read it.",
    "notFound": "It is gone, or no longer shared with the account.",
}
"""Why one file cannot be had."""


class ShortcutDetails(Struct, frozen=True, rename="camel"):
    target_id: str
    target_resource_key: str = ""


class File(Struct, frozen=True, rename="camel"):
    """``files`` resource, as far as :data:`FILE_FIELDS` go."""

    id: str
    name: str = ""
    mime_type: str = ""
    parents: tuple[str, ...] = ()
    trashed: bool = False
    drive_id: str | None = None
    size: str = "0"
    md5_checksum: str | None = None
    version: str = ""
    modified_time: datetime | None = None
    web_view_link: str | None = None
    shortcut_details: ShortcutDetails | None = None

    @property
    def export(self) -> tuple[str, str] | None:
        """MIME type and file ending it is exported as; None for a file that has bytes of its own."""
        return _EXPORTS.get(self.mime_type, _ANY_OTHER) if self.mime_type.startswith(_NATIVE) else None


class FileList(Struct, frozen=True, rename="camel"):
    files: tuple[File, ...] = ()
    next_page_token: str | None = None
    incomplete_search: bool = False


class Change(Struct, frozen=True, rename="camel"):
    """``removed``: deleted, or the account lost access; then there is no ``file``. A trashed file is none of it."""

    file_id: str | None = None
    removed: bool = False
    file: File | None = None


class ChangeList(Struct, frozen=True, rename="camel"):
    changes: tuple[Change, ...] = ()
    next_page_token: str | None = None
    new_start_page_token: str | None = None


class StartPageToken(Struct, frozen=True, rename="camel"):
    start_page_token: str


class Permission(Struct, frozen=True, rename="camel"):
    type: str = ""
    role: str = ""
    email_address: str = ""
    domain: str = ""


class PermissionList(Struct, frozen=True, rename="camel"):
    permissions: tuple[Permission, ...] = ()
    next_page_token: str | None = None


class ExportLinks(Struct, frozen=True, rename="camel"):
    export_links: dict[str, str] = {}


class Channel(Struct, frozen=True, rename="camel"):
    """``expiration`` in milliseconds since the epoch."""

    id: str
    resource_id: str
    expiration: str
