"""The part of Supabase Storage's HTTP API that the workers use, over an ObjectStore.

Faults look as Supabase's do: almost always HTTP 400, with the true status as text in the JSON body.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dealpulse.local.objects import (
    AlreadyExists,
    Bucket,
    BucketMissing,
    Content,
    NotEmpty,
    ObjectMissing,
    ObjectStore,
    StoredObject,
)

MAX_OBJECT_BYTES = 50 * 1024 * 1024
_MULTIPART_OVERHEAD = 64 * 1024
_MAX_KEY_LENGTH = 1024
_CHUNK = 256 * 1024
_UNTYPED = "application/octet-stream"
_OBJECT_KEY = re.compile(r"(\w|/|!|-|\.|\*|'|\(|\)| |&|\$|@|=|;|:|\+|,|\?)+", re.ASCII)
_BUCKET_NAME = re.compile(r"(\w|!|-|\.|\*|'|\(|\)| |&|\$|@|=|;|:|\+|,|\?){1,100}", re.ASCII)

Body = TypeVar("Body")
Answer = Coroutine[None, None, Response]


class StorageFault(Exception):
    """A request Storage refuses: `status` is what the body says, `error` Supabase's name for the fault."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message

    def response(self) -> Response:
        """The fault as Supabase words it."""
        body = {"statusCode": str(self.status), "error": self.error, "message": self.message}
        return JSONResponse(body, status_code=400)


class _BucketWanted(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    public: bool = False
    file_size_limit: int | None = None


class _SortBy(msgspec.Struct):
    column: str = "name"
    order: str = "asc"


class _Listing(msgspec.Struct, rename="camel"):
    prefix: str = ""
    limit: int = 100
    offset: int = 0
    search: str = ""
    sort_by: _SortBy = msgspec.field(default_factory=_SortBy)


class _Removal(msgspec.Struct):
    prefixes: list[str]


@dataclass(frozen=True)
class StorageApi:
    """The routes below `/storage/v1`. Only the service role passes: there are no storage policies here."""

    store: ObjectStore
    role_of: Callable[[Request], str | None]

    def routes(self) -> list[Route]:
        """Most specific first."""
        return [
            self._route("/bucket", self.list_buckets, "GET"),
            self._route("/bucket", self.create_bucket, "POST"),
            self._route("/bucket/{bucket}", self.get_bucket, "GET"),
            self._route("/bucket/{bucket}", self.update_bucket, "PUT"),
            self._route("/bucket/{bucket}", self.delete_bucket, "DELETE"),
            self._route("/bucket/{bucket}/empty", self.empty_bucket, "POST"),
            self._route("/object/list/{bucket}", self.list_objects, "POST"),
            self._route("/object/info/{bucket}/{key:path}", self.info, "GET"),
            self._route("/object/authenticated/{bucket}/{key:path}", self.download, "GET"),
            self._route("/object/{bucket}/{key:path}", self.download, "GET"),
            self._route("/object/{bucket}/{key:path}", self.upload, "POST"),
            self._route("/object/{bucket}/{key:path}", self.update, "PUT"),
            self._route("/object/{bucket}/{key:path}", self.remove_one, "DELETE"),
            self._route("/object/{bucket}", self.remove, "DELETE"),
        ]

    async def list_buckets(self, request: Request) -> Response:
        """Every bucket."""
        return JSONResponse([_bucket_json(bucket) for bucket in self.store.buckets()])

    async def create_bucket(self, request: Request) -> Response:
        """Make a bucket; 409 Duplicate if there is one."""
        wanted = await _body(request, _BucketWanted)
        name = wanted.id or wanted.name or ""
        if not _BUCKET_NAME.fullmatch(name):
            raise StorageFault(400, "InvalidBucketName", "Bucket name invalid")
        self.store.create_bucket(name, public=wanted.public, file_size_limit=wanted.file_size_limit)
        return JSONResponse({"name": name})

    async def get_bucket(self, request: Request) -> Response:
        """One bucket."""
        return JSONResponse(_bucket_json(self.store.bucket(request.path_params["bucket"])))

    async def update_bucket(self, request: Request) -> Response:
        """Change a bucket's settings."""
        wanted = await _body(request, _BucketWanted)
        name = request.path_params["bucket"]
        self.store.update_bucket(name, public=wanted.public, file_size_limit=wanted.file_size_limit)
        return JSONResponse({"message": "Successfully updated"})

    async def delete_bucket(self, request: Request) -> Response:
        """Remove an empty bucket."""
        self.store.delete_bucket(request.path_params["bucket"])
        return JSONResponse({"message": "Successfully deleted"})

    async def empty_bucket(self, request: Request) -> Response:
        """Remove every object of a bucket."""
        self.store.empty_bucket(request.path_params["bucket"])
        return JSONResponse({"message": "Successfully emptied"})

    async def list_objects(self, request: Request) -> Response:
        """One level of a bucket: folders first (no id), then objects."""
        wanted = await _body(request, _Listing)
        prefix = wanted.prefix.lstrip("/")
        prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        entries = _one_level(self.store.under(request.path_params["bucket"], prefix), prefix, wanted)
        return JSONResponse(entries[wanted.offset : wanted.offset + wanted.limit])

    async def info(self, request: Request) -> Response:
        """An object's facts."""
        return JSONResponse(_info_json(self._find(request), request.path_params["bucket"]))

    async def download(self, request: Request) -> Response:
        """An object's bytes, streamed; for HEAD its headers."""
        found = self._find(request)
        headers = {
            "content-length": str(found.content.size),
            "content-type": found.content.content_type,
            "cache-control": found.content.cache_control,
            "etag": found.content.etag,
        }
        if request.method == "HEAD":
            return Response(headers=headers)
        return StreamingResponse(_chunks(self.store.open(found)), headers=headers)

    async def upload(self, request: Request) -> Response:
        """Store a new object; 409 Duplicate if it exists, unless `x-upsert: true`."""
        return await self._receive(request, replace=request.headers.get("x-upsert", "").lower() == "true")

    async def update(self, request: Request) -> Response:
        """Replace an object, which must exist."""
        self._find(request)
        return await self._receive(request, replace=True)

    async def remove_one(self, request: Request) -> Response:
        """Remove the object in the path."""
        self.store.remove(request.path_params["bucket"], [self._find(request).key])
        return JSONResponse({"message": "Successfully deleted"})

    async def remove(self, request: Request) -> Response:
        """Remove the objects whose keys the body lists; the answer says which there were."""
        wanted = await _body(request, _Removal)
        bucket = request.path_params["bucket"]
        removed = self.store.remove(bucket, wanted.prefixes)
        return JSONResponse([_entry_json(gone, gone.key) | {"bucket_id": bucket} for gone in removed])

    def _route(self, path: str, endpoint: Callable[[Request], Answer], method: str) -> Route:
        async def guarded(request: Request) -> Response:
            try:
                if self.role_of(request) != "service_role":
                    raise StorageFault(403, "Unauthorized", "new row violates row-level security policy")
                return await endpoint(request)
            except StorageFault as fault:
                return fault.response()
            except BucketMissing:
                return StorageFault(404, "Bucket not found", "Bucket not found").response()
            except ObjectMissing:
                return StorageFault(404, "not_found", "Object not found").response()
            except AlreadyExists:
                return StorageFault(409, "Duplicate", "The resource already exists").response()
            except NotEmpty:
                return StorageFault(409, "InvalidRequest", "The bucket you tried to delete is not empty").response()

        return Route(path, guarded, methods=[method])

    def _find(self, request: Request) -> StoredObject:
        return self.store.find(request.path_params["bucket"], request.path_params["key"])

    async def _receive(self, request: Request, *, replace: bool) -> Response:
        bucket, key = request.path_params["bucket"], request.path_params["key"]
        limit = self.store.bucket(bucket).file_size_limit or MAX_OBJECT_BYTES
        _check_key(key)
        with self.store.incoming() as staged:
            upload = _Upload(staged, limit=min(limit, MAX_OBJECT_BYTES), durable=self.store.durable)
            content = await upload.receive(request)
            stored = self.store.put(bucket, key, staged, content, replace=replace)
        return JSONResponse({"Id": stored.id, "Key": f"{bucket}/{key}"})


@dataclass(frozen=True)
class _Upload:
    """Takes a request's body, plain or as a multipart form with one file, to the path `staged`."""

    staged: Path
    limit: int
    durable: bool

    async def receive(self, request: Request) -> Content:
        """Write the bytes; they are never all in memory at once."""
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            return await self._receive_form(request)
        return await self._receive_plain(request)

    async def _receive_form(self, request: Request) -> Content:
        stream = _within(request.stream(), self.limit + _MULTIPART_OVERHEAD)
        try:
            form = await MultiPartParser(request.headers, stream, max_files=1, max_fields=8).parse()
        except MultiPartException as fault:
            raise StorageFault(400, "InvalidRequest", fault.message) from fault
        try:
            file = next((part for _, part in form.multi_items() if isinstance(part, UploadFile)), None)
            if file is None:
                raise StorageFault(400, "InvalidRequest", "The form holds no file")
            size, etag = await run_in_threadpool(self._copy, file.file)
            return Content(
                size=size,
                etag=etag,
                content_type=file.content_type or _UNTYPED,
                cache_control=_cache_control(str(form.get("cacheControl", "3600"))),
                metadata=_object_text(str(form.get("metadata", "{}"))),
            )
        finally:
            await form.close()

    async def _receive_plain(self, request: Request) -> Content:
        digest, size = hashlib.md5(usedforsecurity=False), 0
        with self.staged.open("wb") as file:
            async for chunk in _within(request.stream(), self.limit):
                digest.update(chunk)
                size += len(chunk)
                await run_in_threadpool(file.write, chunk)
            await run_in_threadpool(self._settle, file)
        return Content(
            size=size,
            etag=_etag(digest),
            content_type=request.headers.get("content-type") or _UNTYPED,
            cache_control=request.headers.get("cache-control") or "no-cache",
            metadata="{}",
        )

    def _copy(self, source: BinaryIO) -> tuple[int, str]:
        digest, size = hashlib.md5(usedforsecurity=False), 0
        with self.staged.open("wb") as file:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                size += file.write(chunk)
            self._settle(file)
        if size > self.limit:
            raise _too_large()
        return size, _etag(digest)

    def _settle(self, file: BinaryIO) -> None:
        file.flush()
        if self.durable:
            os.fsync(file.fileno())


async def _within(stream: AsyncGenerator[bytes, None], limit: int) -> AsyncGenerator[bytes, None]:
    """The stream; if it is longer than `limit` bytes the rest is read, so that the client hears why, and refused."""
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size <= limit:
            yield chunk
    if size > limit:
        raise _too_large()


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while chunk := await run_in_threadpool(file.read, _CHUNK):
            yield chunk


async def _body(request: Request, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(await request.body(), type=shape)
    except msgspec.MsgspecError as fault:
        raise StorageFault(400, "InvalidRequest", str(fault)) from fault


def _check_key(key: str) -> None:
    dotted = any(step in {".", ".."} for step in key.split("/"))
    if dotted or len(key) > _MAX_KEY_LENGTH or not _OBJECT_KEY.fullmatch(key):
        raise StorageFault(400, "InvalidKey", f"Invalid key: {key}")


def _too_large() -> StorageFault:
    return StorageFault(413, "Payload too large", "The object exceeded the maximum allowed size")


def _etag(digest: hashlib._Hash) -> str:
    return f'"{digest.hexdigest()}"'


def _cache_control(seconds: str) -> str:
    return f"max-age={seconds}" if seconds.isdigit() else seconds


def _object_text(text: str) -> str:
    """`text` if it is a JSON object."""
    try:
        msgspec.json.decode(text, type=dict[str, object])
    except msgspec.MsgspecError as fault:
        raise StorageFault(400, "InvalidRequest", f"metadata: {fault}") from fault
    return text


def _one_level(found: list[StoredObject], prefix: str, wanted: _Listing) -> list[dict[str, object]]:
    files: list[tuple[str, StoredObject]] = []
    folders: set[str] = set()
    for each in found:
        name, slash, _ = each.key[len(prefix) :].partition("/")
        if not name.lower().startswith(wanted.search.lower()):
            continue
        if slash:
            folders.add(name)
        else:
            files.append((name, each))
    backwards = wanted.sort_by.order == "desc"
    files.sort(key=lambda entry: _sort_key(entry[1], wanted.sort_by.column), reverse=backwards)
    entries = [_folder_json(name) for name in sorted(folders, reverse=backwards)]
    return entries + [_entry_json(each, name) for name, each in files]


def _sort_key(found: StoredObject, column: str) -> str:
    return {"created_at": found.created_at, "updated_at": found.updated_at}.get(column, found.key)


def _folder_json(name: str) -> dict[str, object]:
    return {
        "name": name,
        "id": None,
        "updated_at": None,
        "created_at": None,
        "last_accessed_at": None,
        "metadata": None,
    }


def _entry_json(found: StoredObject, name: str) -> dict[str, object]:
    content = found.content
    return {
        "name": name,
        "id": found.id,
        "updated_at": found.updated_at,
        "created_at": found.created_at,
        "last_accessed_at": found.updated_at,
        "metadata": {
            "eTag": content.etag,
            "size": content.size,
            "mimetype": content.content_type,
            "cacheControl": content.cache_control,
            "lastModified": found.updated_at,
            "contentLength": content.size,
            "httpStatusCode": 200,
        },
    }


def _info_json(found: StoredObject, bucket: str) -> dict[str, object]:
    content = found.content
    return {
        "id": found.id,
        "name": found.key,
        "bucket_id": bucket,
        "version": found.blob,
        "size": content.size,
        "content_type": content.content_type,
        "cache_control": content.cache_control,
        "etag": content.etag,
        "metadata": msgspec.json.decode(content.metadata, type=dict[str, object]),
        "last_modified": found.updated_at,
        "created_at": found.created_at,
    }


def _bucket_json(bucket: Bucket) -> dict[str, object]:
    return {
        "id": bucket.id,
        "name": bucket.id,
        "owner": "",
        "public": bucket.public,
        "type": "STANDARD",
        "file_size_limit": bucket.file_size_limit,
        "allowed_mime_types": None,
        "created_at": bucket.created_at,
        "updated_at": bucket.updated_at,
    }
