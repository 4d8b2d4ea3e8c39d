"""Kept answers of models as a file: a database that is thrown away after one run must not have them paid for twice."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Final

import asyncpg
import structlog

ANSWERS_UNREADABLE: Final = "answers_file_unreadable"
ANSWERS_NOT_KEPT: Final = "answers_file_not_written"

_COLUMNS: Final = ("key", "value", "operation", "model", "created_at")
_KEPT: Final = timedelta(days=90)

_log = structlog.get_logger("dealpulse.store.answers_file")


async def load_answers(database_url: str, path: Path) -> None:
    """Put the answers in the file into the database's empty cache.

    A file that cannot be read costs what asking again costs.
    """
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.copy_to_table("ai_cache", source=path, columns=_COLUMNS, format="binary")
            await connection.execute("delete from ai_cache where created_at < now() - $1::interval", _KEPT)
    except (asyncpg.PostgresError, OSError) as error:
        _log.warning(ANSWERS_UNREADABLE, error=type(error).__name__)
    finally:
        await connection.close()


async def save_answers(database_url: str, path: Path) -> None:
    """Write every answer of the database's cache to the file, in place of what was in it; readable by its owner.

    Where that cannot be done the run is none the worse for it; the next one asks again.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}")
    connection = await asyncpg.connect(database_url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            await connection.copy_from_table("ai_cache", output=file, columns=_COLUMNS, format="binary")
        new.replace(path)
    except (asyncpg.PostgresError, OSError) as error:
        _log.warning(ANSWERS_NOT_KEPT, error=type(error).__name__)
    finally:
        new.unlink(missing_ok=True)
        await connection.close()
