"""The part of Supabase Storage's HTTP API that the workers use, over an ObjectStore.

Faults look as Supabase's do: almost always HTTP 400, with the true status as text in the JSON body.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dealpulse.local.objects import AlreadyExists, BucketMissing, NotEmpty, ObjectMissing, ObjectStore, StoredObject
from dealpulse.local.storage_wire import (
    BucketWanted,
    Listing,
    Removal,
    StorageFault,
    body_as,
    bucket_json,
    entry_json,
    info_json,
    one_level,
)
from dealpulse.local.uploads import Upload

MAX_OBJECT_BYTES = 50 * 1024 * 1024
_MAX_KEY_LENGTH = 1024
_CHUNK = 256 * 1024
_OBJECT_KEY = re.compile(r"(\w|/|!|-|\.|\*|'|\(|\)| |&|\$|@|=|;|:|\+|,|\?)+", re.ASCII)
_BUCKET_NAME = re.compile(r"(\w|!|-|\.|\*|'|\(|\)| |&|\$|@|=|;|:|\+|,|\?){1,100}", re.ASCII)

Answer = Coroutine[None, None, Response]


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
        return JSONResponse([bucket_json(bucket) for bucket in self.store.buckets()])

    async def create_bucket(self, request: Request) -> Response:
        """Make a bucket; 409 Duplicate if there is one."""
        wanted = await body_as(request, BucketWanted)
        name = wanted.id or wanted.name or ""
        if not _BUCKET_NAME.fullmatch(name):
            raise StorageFault(400, "InvalidBucketName", "Bucket name invalid")
        self.store.create_bucket(name, public=wanted.public, file_size_limit=wanted.file_size_limit)
        return JSONResponse({"name": name})

    async def get_bucket(self, request: Request) -> Response:
        """One bucket."""
        return JSONResponse(bucket_json(self.store.bucket(request.path_params["bucket"])))

    async def update_bucket(self, request: Request) -> Response:
        """Change a bucket's settings."""
        wanted = await body_as(request, BucketWanted)
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
        wanted = await body_as(request, Listing)
        prefix = wanted.prefix.lstrip("/")
        prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        entries = one_level(self.store.under(request.path_params["bucket"], prefix), prefix, wanted)
        return JSONResponse(entries[wanted.offset : wanted.offset + wanted.limit])

    async def info(self, request: Request) -> Response:
        """An object's facts."""
        return JSONResponse(info_json(self._find(request), request.path_params["bucket"]))

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
        wanted = await body_as(request, Removal)
        bucket = request.path_params["bucket"]
        removed = self.store.remove(bucket, wanted.prefixes)
        return JSONResponse([entry_json(gone, gone.key) | {"bucket_id": bucket} for gone in removed])

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
            upload = Upload(staged, limit=min(limit, MAX_OBJECT_BYTES), durable=self.store.durable)
            content = await upload.receive(request)
            stored = self.store.put(bucket, key, staged, content, replace=replace)
        return JSONResponse({"Id": stored.id, "Key": f"{bucket}/{key}"})


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while chunk := await run_in_threadpool(file.read, _CHUNK):
            yield chunk


def _check_key(key: str) -> None:
    dotted = any(step in {".", ".."} for step in key.split("/"))
    if dotted or len(key) > _MAX_KEY_LENGTH or not _OBJECT_KEY.fullmatch(key):
        raise StorageFault(400, "InvalidKey", f"Invalid key: {key}")
