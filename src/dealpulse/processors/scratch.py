"""Stored files on local disk, for as long as one job needs them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dealpulse.store.files import Files


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
