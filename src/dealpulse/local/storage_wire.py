"""The JSON of Supabase Storage's HTTP API: what requests hold, and how answers and faults look."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dealpulse.local.objects import Bucket, StoredObject

Body = TypeVar("Body")


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


class BucketWanted(msgspec.Struct):
    """A bucket to make, or its new settings; the size limit is in bytes."""

    id: str | None = None
    name: str | None = None
    public: bool = False
    file_size_limit: int | None = None


class _SortBy(msgspec.Struct):
    column: str = "name"
    order: str = "asc"


class Listing(msgspec.Struct, rename="camel"):
    """Which entries below the folder `prefix` to list; `search` is how their names start."""

    prefix: str = ""
    limit: int = 100
    offset: int = 0
    search: str = ""
    sort_by: _SortBy = msgspec.field(default_factory=_SortBy)


class Removal(msgspec.Struct):
    """Keys of objects to remove (whole keys, whatever the field is called)."""

    prefixes: list[str]


async def body_as(request: Request, shape: type[Body]) -> Body:
    """The request's JSON body; StorageFault if it is not of that shape."""
    try:
        return msgspec.json.decode(await request.body(), type=shape)
    except msgspec.MsgspecError as fault:
        raise StorageFault(400, "InvalidRequest", str(fault)) from fault


def one_level(found: list[StoredObject], prefix: str, wanted: Listing) -> list[dict[str, object]]:
    """What a folder shows: its folders, then the objects right in it."""
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
    return entries + [entry_json(each, name) for name, each in files]


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


def entry_json(found: StoredObject, name: str) -> dict[str, object]:
    """An object in a listing."""
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


def info_json(found: StoredObject, bucket: str) -> dict[str, object]:
    """All that is known of one object."""
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


def bucket_json(bucket: Bucket) -> dict[str, object]:
    """A bucket."""
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
