"""A fake Google: its token endpoint and Drive v3, over real HTTP, as strict about requests as the real ones.

    with fake_google() as google:
        room = google.folder("Deal room")
        google.file("Lease.pdf", b"...", parent=room)
        google.fail("/drive/v3/changes", status=410)   # the next such request
        ...                                            # talk to google.url with google.key_file(folder)

Behaviour follows developers.google.com/workspace/drive/api: reference/rest/v3 (parameters, shapes, paging),
guides/manage-changes, guides/enable-shareddrives, guides/manage-downloads (ranges, exports and their limit),
guides/handle-errors (reasons), guides/fields-parameter; tokens follow developers.google.com/identity/protocols/oauth2
(web-server for refresh tokens, service-account for signed assertions).
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fakes.serving import serving

Json = dict[str, Any]

READ = "https://www.googleapis.com/auth/drive.readonly"
FOLDER = "application/vnd.google-apps.folder"
SHORTCUT = "application/vnd.google-apps.shortcut"
DOCUMENT = "application/vnd.google-apps.document"
TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token"
"""For which Google's own clients sign, wherever they send it."""
SERVICE_ACCOUNT = "reader@deal.iam.gserviceaccount.com"
CLIENT_ID, CLIENT_SECRET = "client", "client-secret"

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


@dataclass
class _Fault:
    path: str
    answer: Response
    times: int


@dataclass
class FakeGoogle:
    url: str = ""
    page_size: int = 1000
    """At most so many entries come on a page, whatever was asked for."""
    export_limit: int = 10 << 20
    files: dict[str, File] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    """How often each method and path was asked for."""
    refresh_tokens: set[str] = field(default_factory=set)
    rotates: bool = False
    """Each refresh replaces the refresh token, as Microsoft's does and Google's may."""
    _log: list[str] = field(default_factory=list)
    _oldest: int = 0
    _faults: list[_Fault] = field(default_factory=list)
    _unlistable: set[str] = field(default_factory=set)
    _cuts: dict[str, list[int]] = field(default_factory=dict)
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

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
        self._log.append(file.id)
        return file

    def _touch(self, file_id: str) -> None:
        self.files[file_id].version += 1
        self._log.append(file_id)

    def _new_id(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"

    # What goes wrong ---------------------------------------------------------------------------------------------

    def fail(
        self, path: str, *, status: int, reason: str = "", headers: dict[str, str] | None = None, times: int = 1
    ) -> None:
        """The next ``times`` requests whose path begins with ``path`` are refused."""
        self._faults.append(_Fault(path, refused(status, reason, headers=headers), times))

    def refuse_listing(self, folder_id: str) -> None:
        """Its children cannot be asked for, though it is there."""
        self._unlistable.add(folder_id)

    def cut(self, file_id: str, *after: int) -> None:
        """The next downloads end after so many bytes each, with the connection."""
        self._cuts.setdefault(file_id, []).extend(after)

    def forget_changes(self) -> None:
        """Positions in the change log handed out so far are not known any more."""
        self._oldest = len(self._log) + 1
        self._log.append("")

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def issue(self, *, scope: str = READ, seconds: float = 3600) -> str:
        token = f"ya29.{next(self._numbers)}"
        self._tokens[token] = (time.time() + seconds, scope)
        return token

    def key_file(self, folder: Path) -> Path:
        """The service account's key, as the console hands it out."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = folder / "key.json"
        path.write_text(
            json.dumps({"type": "service_account", "client_email": SERVICE_ACCOUNT, "private_key": pem.decode()})
        )
        return path

    @property
    def downloads(self) -> int:
        return sum(count for asked, count in self.requests.items() if asked.endswith(("alt=media", "/export")))

    # What it answers ---------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = request.url.path
        media = " alt=media" if request.query_params.get("alt") == "media" else ""
        with self._lock:
            self.requests[f"{request.method} {path}{media}"] += 1
            fault = next((one for one in self._faults if f"{path}{media}".startswith(one.path)), None)
            if fault is not None:
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
        if fault is not None:
            await fault.answer(scope, receive, send)
            return
        await self._app()(scope, receive, send)

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/token", self._token, methods=["POST"]),
                Route("/drive/v3/files", self._list),
                Route("/drive/v3/files/{id}", self._get),
                Route("/drive/v3/files/{id}/export", self._export),
                Route("/drive/v3/files/{id}/permissions", self._permissions),
                Route("/drive/v3/changes/startPageToken", self._start),
                Route("/drive/v3/changes", self._changes),
                Route("/export-link/{id}", self._export_link),
            ]
        )

    async def _token(self, request: Request) -> Response:
        form = dict(await request.form())
        if form.get("grant_type") == "refresh_token":
            if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
                return JSONResponse({"error": "invalid_client"}, 401)
            if form.get("refresh_token") not in self.refresh_tokens:
                return JSONResponse({"error": "invalid_grant", "error_description": "Token has been revoked."}, 400)
            answer: Json = {"access_token": self.issue(), "expires_in": 3599, "token_type": "Bearer"}
            if self.rotates:
                self.refresh_tokens.discard(str(form["refresh_token"]))
                answer["refresh_token"] = f"refresh-{next(self._numbers)}"
                self.refresh_tokens.add(answer["refresh_token"])
            return JSONResponse(answer)
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        try:
            claims = jwt.decode(
                str(form["assertion"]),
                self._key.public_key(),
                algorithms=["RS256"],
                audience=[f"{self.url}/token", TOKEN_ENDPOINT],
                issuer=SERVICE_ACCOUNT,
                options={"require": ["iss", "scope", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError:
            return JSONResponse({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        return JSONResponse({"access_token": self.issue(scope=claims["scope"]), "expires_in": 3599})

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
        return _masked(answer, asked.get("fields", "nextPageToken,files(id,name,mimeType)"))

    async def _get(self, request: Request) -> Response:
        if (no := self._refusal(request, "get")) is not None:
            return no
        file_id = request.path_params["id"]
        if not self._visible(file_id, request):
            return refused(404, "notFound")
        file = self.files[file_id]
        if request.query_params.get("alt") != "media":
            return _masked(self._resource(file), request.query_params.get("fields", "id,name,mimeType"))
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
        cuts = self._cuts.get(file.id)
        end = min(total, start + cuts.pop(0)) if cuts else total

        async def chunks() -> AsyncIterator[bytes]:
            for offset in range(start, end, 1 << 16):
                yield file.content[offset : min(offset + (1 << 16), end)]
            if end < total:
                raise ConnectionResetError("as told")

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
        if not self._authorized(request):
            return refused(401, "authError")
        return Response(self.files[request.path_params["id"]].content)

    async def _permissions(self, request: Request) -> Response:
        if (no := self._refusal(request, "permissions")) is not None:
            return no
        permissions = [
            {"type": "user", "role": "owner", "emailAddress": "dana@example.com"},
            {"type": "domain", "role": "reader", "domain": "example.com"},
        ]
        return _masked({"permissions": permissions}, request.query_params["fields"])

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
        return _masked(answer, asked.get("fields", "changes(fileId)"))

    def _change(self, file: File) -> Json:
        if file.deleted:
            return {"changeType": "file", "fileId": file.id, "removed": True}
        return {"changeType": "file", "fileId": file.id, "removed": False, "file": self._resource(file)}

    def _refusal(self, request: Request, endpoint: str) -> Response | None:
        """401, 403 and 400, in the order in which Google finds them."""
        if not self._authorized(request):
            return refused(401, "authError")
        scopes = self._tokens[request.headers["authorization"].removeprefix("Bearer ")][1].split()
        if READ not in scopes:
            return refused(403, "insufficientPermissions")
        asked = request.query_params
        if {name for name, value in asked.items() if (name, value) not in _STANDARD} - _PARAMETERS[endpoint]:
            return refused(400, "invalidParameter")
        if asked.get("includeItemsFromAllDrives") == "true" and asked.get("supportsAllDrives") != "true":
            return refused(403, "teamDrivesParameterRequired")
        return None

    def _authorized(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return token in self._tokens and self._tokens[token][0] > time.time()

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
            link = f"{self.url}/export-link/{file.id}?exportFormat=x"
            resource["exportLinks"] = dict.fromkeys(_EXPORTABLE[file.mime_type], link)
        elif not file.mime_type.startswith("application/vnd.google-apps."):
            resource |= {
                "size": str(len(file.content)),
                "md5Checksum": hashlib.md5(file.content, usedforsecurity=False).hexdigest(),
            }
        return resource


def refused(status: int, reason: str, *, headers: dict[str, str] | None = None) -> Response:
    """An error as Google writes it."""
    detail = {"domain": "global", "reason": reason, "message": "as told"}
    return JSONResponse({"error": {"code": status, "message": "as told", "errors": [detail]}}, status, headers=headers)


@functools.lru_cache(maxsize=4096)
def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()  # noqa: S324


def _masked(answer: Json, mask: str) -> Response:
    """Only the fields that were asked for."""
    words = iter(re.findall(r"\w+|[(),]", mask))
    return JSONResponse(_only(answer, _fields(words)))


def _fields(words: Iterator[str]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    name = ""
    for word in words:
        if word == "(":
            wanted[name] = _fields(words)
        elif word == ")":
            break
        elif word != ",":
            name = word
            wanted[name] = None
    return wanted


def _only(value: Any, wanted: dict[str, Any] | None) -> Any:
    if wanted is None:
        return value
    if isinstance(value, list):
        return [_only(one, wanted) for one in value]
    return {name: _only(value[name], inner) for name, inner in wanted.items() if name in value}


@contextmanager
def fake_google() -> Iterator[FakeGoogle]:
    """A Google with nothing in it."""
    google = FakeGoogle()
    with serving(google) as url:
        google.url = url
        yield google
