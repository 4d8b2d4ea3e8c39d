"""Stored files on local disk, for as long as one job needs them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """Where the deals' files are kept. Keys are ours, never a file's own name."""

    async def upload(self, key: str, path: Path, *, content_type: str) -> None: ...

    async def download(self, key: str, path: Path) -> None: ...


def storage_key(deal_id: str, content_hash: str) -> str:
    """Where bytes with this SHA-256 (hex) are kept: the same bytes are stored once a deal."""
    return f"deals/{deal_id}/{content_hash}"


@asynccontextmanager
async def scratch_folder() -> AsyncIterator[Path]:
    """An empty folder that is gone, with all it holds, when the block ends."""
    with tempfile.TemporaryDirectory(prefix="dealpulse-") as folder:
        yield Path(folder)


@asynccontextmanager
async def downloaded(files: Files, key: str) -> AsyncIterator[Path]:
    """A stored file as a local path."""
    async with scratch_folder() as folder:
        path = folder / "content"
        await files.download(key, path)
        yield path
