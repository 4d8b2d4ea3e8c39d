"""What a file of Drive's is to the service."""

from __future__ import annotations

import dataclasses
from typing import Final

from msgspec.structs import replace as altered

from dealpulse.errors import Permanent
from dealpulse.sources.contract import Checksum, ItemKind, SourceItem
from dealpulse.sources.http import Refused
from dealpulse.sources.vendors.gdrive import wire

_EMAIL_ENDINGS: Final = (".eml", ".msg")


def item_of(file: wire.File, *, folder_id: str | None, path: str) -> SourceItem:
    """A native document has no bytes of its own: it is what it is exported as, and its version counts every change."""
    export = file.export
    if export is None:
        mime_type, ending, content = file.mime_type, "", f"/files/{file.id}?alt=media&supportsAllDrives=true"
        version = file.md5_checksum or f"{file.size}-{file.modified_time}"
    else:
        (mime_type, ending), version = export, f"version {file.version}"
        content = f"/files/{file.id}/export?mimeType={mime_type}"
    return SourceItem(
        external_id=file.id,
        kind=ItemKind.email if file.name.lower().endswith(_EMAIL_ENDINGS) else ItemKind.document,
        name=file.name + ending,
        path=path + ending,
        version=version,
        size_bytes=0 if export else int(file.size),
        mime_type=mime_type,
        modified_at=file.modified_time,
        web_link=file.web_view_link,
        folder_id=folder_id,
        checksum=Checksum("md5", file.md5_checksum) if file.md5_checksum else None,
        content_ref=content,
    )


def shortcut_item(shortcut: wire.File, target: wire.File, folder_id: str | None, *, path: str) -> SourceItem:
    """What a shortcut points to, under the shortcut's own name and place."""
    content = item_of(target, folder_id=None, path=path)
    named = item_of(altered(target, id=shortcut.id, name=shortcut.name), folder_id=folder_id, path=path)
    return dataclasses.replace(named, content_ref=content.content_ref)


def unavailable(error: Refused) -> Permanent:
    return Permanent(wire.REASONS.get(error.reason, error.message), code=error.reason or error.code)
