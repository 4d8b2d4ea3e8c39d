"""A local directory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dealpulse.models import SourceType
from dealpulse.settings import SourceSettings
from dealpulse.sources.contract import ItemKind


class FolderSite:
    type = SourceType.folder
    kind = ItemKind.document

    def __init__(self, root: Path, trash: Path) -> None:
        self._root = root
        self._trash = trash
        self.location = str(root)
        self.settings = SourceSettings(folder_roots=(root,))

    def put(self, path: str, content: bytes) -> None:
        file = self._root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def move(self, path: str, to: str) -> None:
        (self._root / to).parent.mkdir(parents=True, exist_ok=True)
        (self._root / path).rename(self._root / to)

    def delete(self, path: str) -> None:
        (self._trash / path).parent.mkdir(parents=True, exist_ok=True)
        (self._root / path).rename(self._trash / path)

    def restore(self, path: str) -> None:
        shutil.move(self._trash / path, self._root / path)

    def place(self, external_id: str, path: str) -> str:
        return path

    def grow(self, items: int) -> None:
        for number in range(items):
            self.put(f"{number % 1000}/{number}.txt", b"")

    def lose(self) -> None:
        self._root.rename(self._trash / "the whole")


@contextmanager
def local_folder(folder: Path) -> Iterator[FolderSite]:
    """An empty one."""
    root, trash = folder / "room", folder / "trash"
    root.mkdir()
    trash.mkdir()
    yield FolderSite(root, trash)
