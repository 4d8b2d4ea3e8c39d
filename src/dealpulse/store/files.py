"""The bytes of documents and e-mails, in one storage bucket, under keys made of ids and hashes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from dealpulse.errors import NotFound, Permanent
from dealpulse.store.database import Database
from dealpulse.store.faults import Duplicate

BUCKET: Final = "deal-files"

_KEY = re.compile(r"[\w/!\-.*'() &$@=;:+,?]+", re.ASCII)
_DELETED_AT_ONCE: Final = 500


def storage_key(deal_id: str, content_hash: str) -> str:
    """Where bytes with this SHA-256 (hex) are kept: the same bytes are stored once a deal, however they came in."""
    return f"deals/{deal_id}/{content_hash}"


class Files:
    """Stored files. A key names its content (it holds the content's hash), so the same key is the same bytes."""

    def __init__(self, database: Database, http: httpx.AsyncClient) -> None:
        self._database = database
        self._http = http
        self._bucket = asyncio.Lock()
        self._bucket_is_there = False

    async def upload(self, key: str, path: Path, *, content_type: str) -> None:
        """Store the file at ``path``; a key that is stored already is left as it is.

        Raises Permanent (``too_large``, ``invalid_key``).
        """
        _check(key)
        await self._make_bucket()
        objects = self._database.client.storage.from_(BUCKET)
        with contextlib.suppress(Duplicate):
            await self._database.attempt(lambda: objects.upload(key, path, {"content-type": content_type}))

    async def download(self, key: str, path: Path) -> None:
        """Write the stored file to ``path``, which appears only when it is complete.

        Raises NotFound (``file_not_found``).
        """
        _check(key)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".download-") as folder:
            part = Path(folder) / "part"
            await self._database.attempt(lambda: self._receive(key, part))
            part.replace(path)

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove these files; those that are not there are gone already."""
        objects = self._database.client.storage.from_(BUCKET)
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            batch = list(keys[start : start + _DELETED_AT_ONCE])
            with contextlib.suppress(NotFound):
                await self._database.attempt(partial(objects.remove, batch))

    async def _receive(self, key: str, part: Path) -> None:
        client = self._database.client
        url = str(client.storage_url.joinpath("object", BUCKET, *key.split("/")))
        async with self._http.stream("GET", url, headers=dict(client.options.headers)) as response:
            with await asyncio.to_thread(part.open, "wb") as file:
                async for chunk in response.aiter_bytes(1 << 20):
                    await asyncio.to_thread(file.write, chunk)

    async def _make_bucket(self) -> None:
        async with self._bucket:
            if self._bucket_is_there:
                return
            storage = self._database.client.storage
            with contextlib.suppress(Duplicate):
                await self._database.attempt(lambda: storage.create_bucket(BUCKET, options={"public": False}))
            self._bucket_is_there = True


def _check(key: str) -> None:
    if not _KEY.fullmatch(key) or any(part in ("", ".", "..") for part in key.split("/")):
        raise Permanent("A storage key must be plain ASCII without dot segments.", code="invalid_key")
