"""The places the conformance suite runs on: what people do there, and how a connector gets at it.

A vendor's site does with its fake what a person would do in the vendor's own program. To add one, write a class like
these and its line in :data:`SITES`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar, Final, Protocol

from dealpulse.models import SourceType
from dealpulse.settings import GoogleSettings, SourceSettings
from fakes.google import FakeGoogle, fake_google

PAGE: Final = 100
"""Items a page, on every site."""


class Site(Protocol):
    """Files by their path below the source's top."""

    type: ClassVar[SourceType]
    location: str
    settings: SourceSettings
    keeps_identity: ClassVar[bool]
    """A renamed or moved file is still the same."""
    tells_changes: ClassVar[bool]
    """An incremental sync is told what changed, and does not list everything."""

    def put(self, path: str, content: bytes) -> None: ...

    def move(self, path: str, to: str) -> None:
        """A file or a folder, to another name or folder."""
        ...

    def delete(self, path: str) -> None:
        """A file, or a folder with all in it."""
        ...


class FolderSite:
    type: ClassVar = SourceType.folder
    keeps_identity: ClassVar = False
    tells_changes: ClassVar = False

    def __init__(self, root: Path) -> None:
        self._root = root
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
        place = self._root / path
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()


class DriveSite:
    type: ClassVar = SourceType.gdrive
    keeps_identity: ClassVar = True
    tells_changes: ClassVar = True

    def __init__(self, google: FakeGoogle, folder: Path, *, shared: bool) -> None:
        self.google = google
        google.page_size = PAGE
        self.top = google.folder("Deal room", drive=shared)
        self.location = f"https://drive.google.com/drive/folders/{self.top}"
        key = google.key_file(folder)
        self.settings = SourceSettings(
            google=GoogleSettings(api_url=google.url, token_url=f"{google.url}/token", service_account=key)
        )

    def put(self, path: str, content: bytes) -> None:
        known = self.find(path)
        if known is not None:
            self.google.edit(known, content)
            return
        self.google.file(path.rpartition("/")[2], content, self.folder(path.rpartition("/")[0]))

    def move(self, path: str, to: str) -> None:
        file_id = self.at(path)
        folder, _, name = to.rpartition("/")
        self.google.files[file_id].name = name
        self.google.move(file_id, self.folder(folder))

    def delete(self, path: str) -> None:
        self.google.trash(self.at(path))

    def folder(self, path: str) -> str:
        """The id of the folder at ``path``, made if it is not there."""
        known = self.find(path)
        if known is not None:
            return known
        above, _, name = path.rpartition("/")
        return self.google.folder(name, self.folder(above))

    def at(self, path: str) -> str:
        found = self.find(path)
        assert found is not None, path
        return found

    def find(self, path: str) -> str | None:
        place: str | None = self.top
        for name in path.split("/") if path else ():
            place = next(
                (
                    one.id
                    for one in self.google.files.values()
                    if (one.parent, one.name) == (place, name) and not (one.trashed or one.deleted)
                ),
                None,
            )
        return place


@contextmanager
def _folder(folder: Path) -> Iterator[Site]:
    root = folder / "room"
    root.mkdir()
    yield FolderSite(root)


@contextmanager
def _my_drive(folder: Path) -> Iterator[Site]:
    with fake_google() as google:
        yield DriveSite(google, folder, shared=False)


@contextmanager
def _shared_drive(folder: Path) -> Iterator[Site]:
    with fake_google() as google:
        yield DriveSite(google, folder, shared=True)


SITES: Final[Mapping[str, Callable[[Path], AbstractContextManager[Site]]]] = {
    "folder": _folder,
    "my drive": _my_drive,
    "shared drive": _shared_drive,
}
