"""A fake Drive that is far away, and the stack a sync of ours saves into."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dealpulse.local.stack import running_stack
from dealpulse.store.migrate import apply_migrations
from fakes.google import FakeGoogle
from fakes.serving import serving

LATENCY_SECONDS: Final = 0.08
PAGE: Final = 1000
"""Items a page: as many as Drive gives."""


@dataclass(frozen=True)
class Measured:
    """A Drive folder, and an environment in which it can be synced."""

    google: FakeGoogle
    folder: str
    environment: dict[str, str]
    scratch: Path

    def fill(self, count: int, size: int) -> list[str]:
        """The ids of ``count`` files of ``size`` bytes, no two of them alike."""
        noise = os.urandom(size - 8)
        return [
            self.google.drive.file(
                f"{number}.bin", number.to_bytes(8) + noise, self.folder, mime_type="application/pdf"
            )
            for number in range(count)
        ]

    def asked(self) -> int:
        """How many requests the vendor has had, those for a token aside."""
        return sum(count for asked, count in self.google.faults.requests.items() if asked != "POST /token")


@contextmanager
def distant_drive() -> Iterator[Measured]:
    """Every answer begins ``LATENCY_SECONDS`` after its request came."""
    google = FakeGoogle()
    google.drive.page_size = PAGE
    with (
        tempfile.TemporaryDirectory(prefix="dealpulse-bench-") as folder,
        serving(_late(google)) as google.accounts.url,
        running_stack(
            Path(folder) / "stack",
            durable=False,
            prepare_database=_migrate,
        ) as stack,
    ):
        environment = {
            **stack.environment(),
            "GOOGLE_API_URL": google.url,
            "GOOGLE_TOKEN_URL": f"{google.url}/token",
            "GOOGLE_SERVICE_ACCOUNT_FILE": str(google.accounts.key_file(Path(folder))),
        }
        yield Measured(google, google.drive.folder("Deal room"), environment, Path(folder))


def _migrate(database_url: str) -> None:
    asyncio.run(apply_migrations(database_url))


def _late(app: ASGIApp) -> ASGIApp:
    async def delayed(scope: Scope, receive: Receive, send: Send) -> None:
        clock = asyncio.get_running_loop().time
        due = clock() + LATENCY_SECONDS

        async def late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(due - clock())
            await send(message)

        await app(scope, receive, late)

    return delayed
