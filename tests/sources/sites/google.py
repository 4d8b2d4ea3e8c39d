"""A folder in My Drive, a shared drive, and a Gmail mailbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dealpulse.models import SourceType
from dealpulse.settings import GoogleSettings, SourceSettings
from dealpulse.sources.contract import ItemKind
from fakes.faults import Faults
from fakes.google import PERSON, SERVICE_ACCOUNT, FakeGoogle, fake_google
from sources.sites.contract import PAGE, Call


def _settings(google: FakeGoogle, folder: Path) -> SourceSettings:
    return SourceSettings(
        google=GoogleSettings(
            api_url=google.url, token_url=f"{google.url}/token", service_account=google.accounts.key_file(folder)
        )
    )


def _downloads(faults: Faults) -> int:
    asked = faults.requests.items()
    return sum(count for name, count in asked if name.endswith((" alt=media", "/export", " format=raw")))


class DriveSite:
    type = SourceType.gdrive
    kind = ItemKind.document
    bucket = f"gdrive:{SERVICE_ACCOUNT}"

    def __init__(self, google: FakeGoogle, folder: Path, *, shared: bool) -> None:
        self.google = google
        self.faults = google.faults
        self.fake = google.drive
        self.fake.page_size = PAGE
        self.top = self.fake.folder("Deal room", drive=shared)
        self.location = f"https://drive.google.com/drive/folders/{self.top}"
        self.settings = _settings(google, folder)

    def put(self, path: str, content: bytes) -> None:
        known = self.find(path)
        if known is not None:
            self.fake.edit(known, content)
            return
        self.fake.file(path.rpartition("/")[2], content, self.folder(path.rpartition("/")[0]))

    def move(self, path: str, to: str) -> None:
        file_id = self.at(path)
        folder, _, name = to.rpartition("/")
        self.fake.files[file_id].name = name
        self.fake.move(file_id, self.folder(folder))

    def delete(self, path: str) -> None:
        self.fake.trash(self.at(path))

    def restore(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        parent = self.at(folder)
        found = next(
            one for one in self.fake.files.values() if (one.parent, one.name, one.trashed) == (parent, name, True)
        )
        self.fake.trash(found.id, back=True)

    def place(self, external_id: str, path: str) -> str:
        return path

    def grow(self, items: int) -> None:
        self.fake.page_size = 1000
        folders = [self.fake.folder(str(number), self.top) for number in range(items // 20)]
        for number in range(items):
            self.fake.file(f"{number}.txt", b"", folders[number // 20])

    def request(self, call: Call, path: str = "") -> str:
        return {
            Call.describe: f"/drive/v3/files/{self.top}",
            Call.listing: "/drive/v3/files",
            Call.changes: "/drive/v3/changes",
            Call.content: f"/drive/v3/files/{self.find(path)} alt=media",
        }[call]

    def expire_tokens(self) -> None:
        self.google.accounts.expire_tokens()

    def forget_changes(self) -> None:
        self.fake.forget_changes()

    def lose(self) -> None:
        self.fake.delete(self.top)

    @property
    def downloads(self) -> int:
        return _downloads(self.faults)

    def folder(self, path: str) -> str:
        """The id of the folder at ``path``, made if it is not there."""
        known = self.find(path)
        if known is not None:
            return known
        above, _, name = path.rpartition("/")
        return self.fake.folder(name, self.folder(above))

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
                    for one in self.fake.files.values()
                    if (one.parent, one.name) == (place, name) and not (one.trashed or one.deleted)
                ),
                None,
            )
        return place


class GmailSite:
    """Messages with the label Kestrel; another label is their folder, the subject their name."""

    type = SourceType.gmail
    kind = ItemKind.email
    bucket = f"gmail:{PERSON}"

    def __init__(self, google: FakeGoogle, folder: Path) -> None:
        self.google = google
        self.faults = google.faults
        self.fake = google.gmail
        self.fake.page_size = PAGE
        self.label = self.fake.label("Kestrel")
        self.location = f"{PERSON}?label=Kestrel"
        self.settings = _settings(google, folder)

    def put(self, path: str, content: bytes) -> None:
        known = self.find(path)
        if known is not None:
            self.fake.delete(known)
        folder, _, subject = path.rpartition("/")
        self.fake.receive(subject, content, self.label, *((self.fake.label(folder),) if folder else ()))

    def move(self, path: str, to: str) -> None:
        for message_id, place in self._below(path):
            old, new = place.rpartition("/")[0], (to + place.removeprefix(path)).rpartition("/")[0]
            self.fake.relabel(
                message_id,
                add=(self.fake.label(new),) if new else (),
                remove=(self.fake.label(old),) if old else (),
            )

    def delete(self, path: str) -> None:
        for message_id, _ in self._below(path):
            self.fake.trash(message_id)

    def restore(self, path: str) -> None:
        for message_id in list(self.fake.messages):
            if self.place(message_id, "") == path:
                self.fake.trash(message_id, back=True)

    def place(self, external_id: str, path: str) -> str:
        message = self.fake.messages.get(external_id)
        if message is None:
            return path
        folders = [self.fake.name_of(one) for one in message.labels - {self.label} if one.startswith("Label_")]
        return "/".join([*folders, message.subject])

    def grow(self, items: int) -> None:
        self.fake.page_size = 500
        for number in range(items):
            self.fake.receive(f"{number}", b"", self.label)

    def request(self, call: Call, path: str = "") -> str:
        mailbox = f"/gmail/v1/users/{PERSON}"
        return {
            Call.describe: f"{mailbox}/profile",
            Call.listing: f"{mailbox}/messages",
            Call.changes: f"{mailbox}/history",
            Call.content: f"{mailbox}/messages/{self.find(path)} format=raw",
        }[call]

    def expire_tokens(self) -> None:
        self.google.accounts.expire_tokens()

    def forget_changes(self) -> None:
        self.fake.forget_history()

    def lose(self) -> None:
        self.fake.closed = True

    @property
    def downloads(self) -> int:
        return _downloads(self.faults)

    def find(self, path: str) -> str | None:
        return next((message_id for message_id, place in self._below(path) if place == path), None)

    def at(self, path: str) -> str:
        found = self.find(path)
        assert found is not None, path
        return found

    def _below(self, path: str) -> list[tuple[str, str]]:
        """Messages at the path and below it, with their own."""
        there = [(one.id, self.place(one.id, "")) for one in self.fake.messages.values() if "TRASH" not in one.labels]
        return [(message_id, place) for message_id, place in there if f"{place}/".startswith(f"{path}/")]


@contextmanager
def my_drive(folder: Path) -> Iterator[DriveSite]:
    """An empty folder at the top of it."""
    with fake_google() as google:
        yield DriveSite(google, folder, shared=False)


@contextmanager
def shared_drive(folder: Path) -> Iterator[DriveSite]:
    """An empty one."""
    with fake_google() as google:
        yield DriveSite(google, folder, shared=True)


@contextmanager
def gmail(folder: Path) -> Iterator[GmailSite]:
    """An empty mailbox."""
    with fake_google() as google:
        yield GmailSite(google, folder)
