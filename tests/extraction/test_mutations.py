"""Five hundred damaged documents and five hundred damaged e-mails: each is read, or refused in words."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from dealpulse.errors import Unreadable
from dealpulse.extraction import Limits, extract_document, extract_email
from extraction import mutations

COUNT = 500
AT_ONCE = 4
LIMITS = Limits(seconds=30)

Read = Callable[[Path, str], Awaitable[object]]


async def as_document(path: Path, name: str) -> object:
    files = path.with_suffix(".files")
    files.mkdir()
    return await extract_document(path, name=name, limits=LIMITS, files_dir=files)


async def as_email(path: Path, name: str) -> object:
    files = path.with_suffix(".files")
    files.mkdir()
    return await extract_email(path, name=name, attachments_dir=files, limits=LIMITS)


async def endings(folder: Path, files: Sequence[tuple[str, bytes]], read: Read) -> Counter[str]:
    """How many were read, and how many refused with each code. Anything else is raised, with the file's number."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def ending(number: int, name: str, data: bytes) -> str:
        path = folder / f"{number}.in"
        path.write_bytes(data)
        async with slots:
            try:
                await read(path, name)
            except Unreadable as error:
                reasons[error.code] = error.message
                return error.code
            except Exception as error:
                raise AssertionError(f"file {number} ({name}) ended in {error!r}") from error
            return "read"

    reasons: dict[str, str] = {}
    ended = Counter(await asyncio.gather(*(ending(number, *file) for number, file in enumerate(files))))
    assert all(reason.endswith(".") for reason in reasons.values()), reasons
    return ended


async def test_no_damaged_document_ends_in_anything_but_text_or_a_reason(tmp_path: Path) -> None:
    ended = await endings(tmp_path, mutations.documents(COUNT), as_document)

    assert ended.total() == COUNT
    assert ended["read"] > COUNT // 10
    assert ended.total() - ended["read"] > COUNT // 10


async def test_no_damaged_email_ends_in_anything_but_text_or_a_reason(tmp_path: Path) -> None:
    ended = await endings(tmp_path, mutations.emails(COUNT), as_email)

    assert ended.total() == COUNT
    assert ended["read"] > COUNT // 10
