"""Drive v3, as developers.google.com/workspace/drive/api says: reference/rest/v3 (parameters, shapes, paging),
guides/manage-changes, guides/enable-shareddrives, guides/manage-downloads (ranges, exports and their limit),
guides/handle-errors (reasons), guides/fields-parameter, guides/push (channels).
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fakes.google.accounts import DRIVE_READ, Accounts
from fakes.google.answers import Json, masked, refused
from fakes.posting import Posting

FOLDER = "application/vnd.google-apps.folder"
SHORTCUT = "application/vnd.google-apps.shortcut"
DOCUMENT = "application/vnd.google-apps.document"
TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token"
"""For which Google's own clients sign, wherever they send it."""

_EXPORTABLE = {
    DOCUMENT: ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/pdf"),
    "application/vnd.google-apps.drawing": ("application/pdf",),
}
_STANDARD = {("alt", "json"), ("prettyPrint", "false")}
"""Understood everywhere (system parameters of Google APIs)."""
_PARAMETERS = {
    "list": {
        "q",
        "pageSize",
        "pageToken",
        "fields",
        "corpora",
        "driveId",
        "supportsAllDrives",
        "includeItemsFromAllDrives",
        "orderBy",
        "spaces",
    },
    "get": {"fields", "alt", "supportsAllDrives", "acknowledgeAbuse"},
    "export": {"mimeType", "fields"},
    "permissions": {"fields", "pageSize", "pageToken", "supportsAllDrives"},
    "start": {"driveId", "supportsAllDrives", "fields"},
    "stop": set(),
    "changes": {
        "pageToken",
        "pageSize",
        "fields",
        "driveId",
        "includeRemoved",
        "supportsAllDrives",
        "includeItemsFromAllDrives",
    },
}


@dataclass
class File:
    """One file, folder or shortcut, as its owner sees it."""

    id: str
    name: str
    mime_type: str
    parent: str | None
    content: bytes = b""
    drive: str | None = None
    version: int = 1
    trashed: bool = False
    deleted: bool = False
    """Or no longer shared with us: nobody can tell the two apart."""
    target: str | None = None
    abusive: bool = False
    modified: str = "2026-11-02T09:00:00.000Z"


@dataclass(frozen=True)
class Channel:
    """Where somebody wants to be told of changes."""

    id: str
    resource_id: str
    address: str
    token: str
    expires_at: float
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def headers(self, state: str) -> dict[str, str]:
        return {
            "x-goog-channel-id": self.id,
            "x-goog-channel-token": self.token,
            "x-goog-resource-id": self.resource_id,
            "x-goog-resource-state": state,
            "x-goog-resource-uri": "https://www.googleapis.com/drive/v3/changes",
            "x-goog-message-number": str(next(self.numbers)),
        }


@dataclass
class FakeDrive:
    accounts: Accounts
    posting: Posting
    page_size: int = 1000
    """At most so many entries come on a page, whatever was asked for."""
    export_limit: int = 10 << 20
    files: dict[str, File] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    """Those that are open, by their id."""
    _log: list[str] = field(default_factory=list)
    _oldest: int = 0
    _unlistable: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # What people do in Drive -------------------------------------------------------------------------------------

    def folder(self, name: str, parent: str | None = None, *, drive: bool = False) -> str:
        """A folder's id; without a parent it is at the top of somebody's My Drive, or with ``drive`` a shared drive."""
        folder = self._add(File(self._new_id("folder"), name, FOLDER, parent))
        if drive:
            folder.drive = folder.id
        return folder.id

    def file(self, name: str, content: bytes, parent: str, *, mime_type: str = "text/plain") -> str:
        return self._add(File(self._new_id("file"), name, mime_type, parent, content)).id

    def shortcut(self, name: str, target: str, parent: str) -> str:
        return self._add(File(self._new_id("shortcut"), name, SHORTCUT, parent, target=target)).id

    def edit(self, file_id: str, content: bytes) -> None:
        self.files[file_id].content = content
        self._touch(file_id)

    def rename(self, file_id: str, name: str) -> None:
        self.files[file_id].name = name
        self._touch(file_id)

    def move(self, file_id: str, parent: str) -> None:
        self.files[file_id].parent = parent
        self._touch(file_id)

    def trash(self, file_id: str, *, back: bool = False) -> None:
        """What is below a trashed folder is trashed with it, without a change of its own."""
        self.files[file_id].trashed = not back
        self._touch(file_id)

    def delete(self, file_id: str) -> None:
        self.files[file_id].deleted = True
        self._touch(file_id)

    def _add(self, file: File) -> File:
        if file.parent is not None:
            file.drive = self.files[file.parent].drive
        self.files[file.id] = file
        self._note(file.id)
        return file

    def _touch(self, file_id: str) -> None:
        self.files[file_id].version += 1
        self._note(file_id)

    def _note(self, file_id: str) -> None:
        self._log.append(file_id)
        for channel in list(self.channels.values()):
            if channel.expires_at > time.time():
                self.posting.send(channel.address, headers=channel.headers("change"))

    def _new_id(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"

    # What goes wrong ---------------------------------------------------------------------------------------------

    def refuse_listing(self, folder_id: str) -> None:
        """Its children cannot be asked for, though it is there."""
        self._unlistable.add(folder_id)

    def forget_changes(self) -> None:
        """Positions in the change log handed out so far are not known any more."""
        self._oldest = len(self._log) + 1
        self._log.append("")

    # What it answers ---------------------------------------------------------------------------------------------

    def routes(self) -> list[Route]:
        return [
            Route("/drive/v3/files", self._list),
            Route("/drive/v3/files/{id}", self._get),
            Route("/drive/v3/files/{id}/export", self._export),
            Route("/drive/v3/files/{id}/permissions", self._permissions),
            Route("/drive/v3/changes/startPageToken", self._start),
            Route("/drive/v3/changes", self._changes),
            Route("/drive/v3/changes/watch", self._watch, methods=["POST"]),
            Route("/drive/v3/channels/stop", self._stop, methods=["POST"]),
            Route("/export-link/{id}", self._export_link),
        ]

    async def _list(self, request: Request) -> Response:
        if (no := self._refusal(request, "list")) is not None:
            return no
        asked = request.query_params
        parents = re.findall(r"'([\w-]+)' in parents", asked.get("q", ""))
        query = "(" + " or ".join(f"'{one}' in parents" for one in parents) + ") and trashed = false"
        if asked.get("q") != query:
            return refused(400, "invalid")
        if asked.get("corpora") == "drive" and "driveId" not in asked:
            return refused(400, "required")
        if any(one in self._unlistable or not self._visible(one, request) for one in parents):
            return refused(404, "notFound")
        found = [
            one
            for one in self.files.values()
            if one.parent in parents and self._visible(one.id, request, listing=True) and not self._is_trashed(one)
        ]
        start = asked.get("pageToken", f"{len(query)}:0")
        owner, _, offset = start.partition(":")
        if owner != str(len(query)) or not offset.isdigit():
            return refused(400, "invalid")
        size = min(int(asked.get("pageSize", "100")), self.page_size)
        page = found[int(offset) : int(offset) + size]
        answer: Json = {"files": [self._resource(one) for one in page], "incompleteSearch": False}
        if int(offset) + size < len(found):
            answer["nextPageToken"] = f"{owner}:{int(offset) + size}"
        return masked(answer, asked.get("fields", "nextPageToken,files(id,name,mimeType)"))

    async def _get(self, request: Request) -> Response:
        if (no := self._refusal(request, "get")) is not None:
            return no
        file_id = request.path_params["id"]
        if not self._visible(file_id, request):
            return refused(404, "notFound")
        file = self.files[file_id]
        if request.query_params.get("alt") != "media":
            return masked(self._resource(file), request.query_params.get("fields", "id,name,mimeType"))
        if file.mime_type.startswith("application/vnd.google-apps."):
            return refused(403, "fileNotDownloadable")
        if file.abusive:
            return refused(403, "cannotDownloadAbusiveFile")
        return self._bytes(file, request)

    def _bytes(self, file: File, request: Request) -> Response:
        start, total, etag = 0, len(file.content), f'"{_md5(file.content)}"'
        match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if match and request.headers.get("if-range", etag) == etag:
            start = int(match[1])
        headers = {"etag": etag, "content-length": str(total - start), "accept-ranges": "bytes"}
        if start:
            headers["content-range"] = f"bytes {start}-{total - 1}/{total}"

        async def chunks() -> AsyncIterator[bytes]:
            for offset in range(start, total, 1 << 16):
                yield file.content[offset : offset + (1 << 16)]

        return StreamingResponse(chunks(), 206 if start else 200, headers=headers, media_type=file.mime_type)

    async def _export(self, request: Request) -> Response:
        if (no := self._refusal(request, "export")) is not None:
            return no
        file = self.files.get(request.path_params["id"])
        if file is None or file.deleted:
            return refused(404, "notFound")
        if request.query_params.get("mimeType") not in _EXPORTABLE.get(file.mime_type, ()):
            return refused(403, "cannotExportFile")
        if len(file.content) > self.export_limit:
            return refused(403, "exportSizeLimitExceeded")
        return Response(file.content, media_type=request.query_params["mimeType"])

    async def _export_link(self, request: Request) -> Response:
        if (no := self.accounts.refusal(request, scope=DRIVE_READ)) is not None:
            return no
        return Response(self.files[request.path_params["id"]].content)

    async def _permissions(self, request: Request) -> Response:
        if (no := self._refusal(request, "permissions")) is not None:
            return no
        permissions = [
            {"type": "user", "role": "owner", "emailAddress": "dana@example.com"},
            {"type": "domain", "role": "reader", "domain": "example.com"},
        ]
        return masked({"permissions": permissions}, request.query_params["fields"])

    async def _start(self, request: Request) -> Response:
        if (no := self._refusal(request, "start")) is not None:
            return no
        return JSONResponse({"kind": "drive#startPageToken", "startPageToken": str(len(self._log))})

    async def _changes(self, request: Request) -> Response:
        if (no := self._refusal(request, "changes")) is not None:
            return no
        asked = request.query_params
        if not asked.get("pageToken", "").isdigit() or not self._oldest <= int(asked["pageToken"]) <= len(self._log):
            return refused(400, "invalid")
        start, drive = int(asked["pageToken"]), asked.get("driveId")
        end = min(len(self._log), start + min(int(asked.get("pageSize", "100")), self.page_size))
        # Each file once, as it is now, where it changed last.
        last = dict.fromkeys(one for one in self._log[start:end] if one and one not in self._log[end:])
        changes = [self._change(self.files[one]) for one in last if drive is None or self.files[one].drive == drive]
        answer: Json = {"changes": changes}
        answer["nextPageToken" if end < len(self._log) else "newStartPageToken"] = str(end)
        return masked(answer, asked.get("fields", "changes(fileId)"))

    async def _watch(self, request: Request) -> Response:
        if (no := self._refusal(request, "changes")) is not None:
            return no
        asked = await request.json()
        known = asked.keys() <= {"id", "type", "address", "token", "expiration"}
        if not known or "pageToken" not in request.query_params or asked.get("type") != "web_hook":
            return refused(400, "invalid")
        if not re.fullmatch(r"[A-Za-z0-9\-_+/=]{1,64}", asked.get("id", "")) or len(asked.get("token", "")) > 256:
            return refused(400, "invalid")
        if not asked.get("address", "").startswith(("https://", "http://127.0.0.1")):
            return refused(400, "push.webhookUrlNotHttps")
        if asked["id"] in self.channels:
            return refused(400, "channelIdNotUnique")
        now = time.time()
        wanted = int(asked["expiration"]) / 1000 if "expiration" in asked else now + 3600
        channel = Channel(
            asked["id"], uuid.uuid4().hex, asked["address"], asked.get("token", ""), min(wanted, now + 7 * 86400)
        )
        self.channels[channel.id] = channel
        self.posting.send(channel.address, headers=channel.headers("sync"))
        return JSONResponse(
            {
                "kind": "api#channel",
                "id": channel.id,
                "resourceId": channel.resource_id,
                "resourceUri": "https://www.googleapis.com/drive/v3/changes",
                "token": channel.token,
                "expiration": str(int(channel.expires_at * 1000)),
            }
        )

    async def _stop(self, request: Request) -> Response:
        if (no := self._refusal(request, "stop")) is not None:
            return no
        asked = await request.json()
        channel = self.channels.get(asked.get("id", ""))
        if channel is None or channel.resource_id != asked.get("resourceId"):
            return refused(404, "channelNotFound")
        del self.channels[channel.id]
        return Response(status_code=204)

    def _change(self, file: File) -> Json:
        if file.deleted:
            return {"changeType": "file", "fileId": file.id, "removed": True}
        return {"changeType": "file", "fileId": file.id, "removed": False, "file": self._resource(file)}

    def _refusal(self, request: Request, endpoint: str) -> Response | None:
        """401, 403 and 400, in the order in which Google finds them."""
        if (no := self.accounts.refusal(request, scope=DRIVE_READ)) is not None:
            return no
        asked = request.query_params
        if {name for name, value in asked.items() if (name, value) not in _STANDARD} - _PARAMETERS[endpoint]:
            return refused(400, "invalidParameter")
        if asked.get("includeItemsFromAllDrives") == "true" and asked.get("supportsAllDrives") != "true":
            return refused(403, "teamDrivesParameterRequired")
        return None

    def _visible(self, file_id: str, request: Request, *, listing: bool = False) -> bool:
        """What is in a shared drive is there only for those who say they know of such."""
        file = self.files.get(file_id)
        if file is None or file.deleted:
            return False
        asked = request.query_params
        all_drives = asked.get("includeItemsFromAllDrives" if listing else "supportsAllDrives") == "true"
        return file.drive is None or all_drives

    def _is_trashed(self, file: File) -> bool:
        return file.trashed or (file.parent is not None and self._is_trashed(self.files[file.parent]))

    def _resource(self, file: File) -> Json:
        resource: Json = {
            "kind": "drive#file",
            "id": file.id,
            "name": file.name,
            "mimeType": file.mime_type,
            "parents": [file.parent] if file.parent else [],
            "trashed": self._is_trashed(file),
            "version": str(file.version),
            "modifiedTime": file.modified,
            "webViewLink": f"https://drive.google.com/open?id={file.id}",
        }
        if file.drive is not None:
            resource["driveId"] = file.drive
        if file.target is not None:
            target = self.files[file.target]
            resource["shortcutDetails"] = {"targetId": target.id, "targetMimeType": target.mime_type}
        elif file.mime_type in _EXPORTABLE:
            link = f"{self.accounts.url}/export-link/{file.id}?exportFormat=x"
            resource["exportLinks"] = dict.fromkeys(_EXPORTABLE[file.mime_type], link)
        elif not file.mime_type.startswith("application/vnd.google-apps."):
            resource |= {
                "size": str(len(file.content)),
                "md5Checksum": hashlib.md5(file.content, usedforsecurity=False).hexdigest(),
            }
        return resource


@functools.lru_cache(maxsize=4096)
def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()  # noqa: S324
