"""A fake Google: its token endpoint, Drive v3 and Gmail v1, over real HTTP, as strict about requests as the real ones.

    with fake_google() as google:
        room = google.drive.folder("Deal room")
        google.drive.file("Lease.pdf", b"...", parent=room)
        google.faults.fail("/drive/v3/changes", status=410)   # the next such request
        ...                                                   # talk to google.url with google.accounts.key_file(folder)

Tokens follow developers.google.com/identity/protocols/oauth2 (web-server for refresh tokens, service-account for signed
assertions); what the others follow stands in their modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fakes.faults import Faults
from fakes.google.accounts import (
    CLIENT_ID,
    CLIENT_SECRET,
    DRIVE_READ,
    GMAIL_READ,
    PERSON,
    SERVICE_ACCOUNT,
    Accounts,
)
from fakes.google.answers import refused
from fakes.google.drive import DOCUMENT, FOLDER, SHORTCUT, FakeDrive
from fakes.google.gmail import FakeGmail
from fakes.posting import Posting
from fakes.serving import serving

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "DOCUMENT",
    "DRIVE_READ",
    "FOLDER",
    "GMAIL_READ",
    "PERSON",
    "SERVICE_ACCOUNT",
    "SHORTCUT",
    "FakeDrive",
    "FakeGmail",
    "FakeGoogle",
    "fake_google",
]


def _named(request: Request) -> str:
    """By its path, and what tells a file's content from what is known about it."""
    asked = request.query_params
    content = next((f" {name}={asked[name]}" for name, of in _CONTENT.items() if asked.get(name) == of), "")
    return f"{request.url.path}{content}"


_CONTENT = {"alt": "media", "format": "raw"}


@dataclass
class FakeGoogle:
    accounts: Accounts = field(default_factory=Accounts)
    posting: Posting = field(default_factory=Posting)
    faults: Faults = field(default_factory=lambda: Faults(refused=refused, named=_named))

    def __post_init__(self) -> None:
        self.drive = FakeDrive(self.accounts, self.posting)
        self.gmail = FakeGmail(self.accounts, self.posting)
        self._app = Starlette(
            routes=[
                Route("/token", self.accounts.answer, methods=["POST"]),
                *self.drive.routes(),
                *self.gmail.routes(),
            ]
        )

    @property
    def url(self) -> str:
        return self.accounts.url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.faults.serve(self._app, scope, receive, send)


@contextmanager
def fake_google() -> Iterator[FakeGoogle]:
    """A Google with nothing in it."""
    google = FakeGoogle()
    with serving(google) as url, google.posting:
        google.accounts.url = url
        yield google
