"""Receiving the bytes of a stored object, plain or in a form, without ever holding all of them in memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from dealpulse.local.objects import Content
from dealpulse.local.storage_wire import StorageFault

_MULTIPART_OVERHEAD = 64 * 1024
_CHUNK = 256 * 1024
_UNTYPED = "application/octet-stream"


@dataclass(frozen=True)
class Upload:
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
