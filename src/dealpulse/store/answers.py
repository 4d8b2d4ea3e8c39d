"""Answers of models, kept so that the same question is never paid for twice."""

from __future__ import annotations

from msgspec import Struct

from dealpulse.store.database import Database, storable


class _Kept(Struct):
    value: str


class Answers:
    """An ``AnswerCache`` (see ``dealpulse.ai.contract``) in the database, shared by all workers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str) -> str | None:
        """The answer kept under ``key``."""
        query = self._database.client.table("ai_cache").select("value").eq("key", key).limit(1)
        kept = await self._database.first(query, _Kept)
        return None if kept is None else kept.value

    async def put(self, key: str, value: str, *, operation: str, model: str) -> None:
        """Keep an answer in place of any earlier one."""
        row = {"key": key, "value": value, "operation": operation, "model": model}
        table = self._database.client.table("ai_cache")
        await self._database.write(table.upsert(storable(row), on_conflict="key").select("key"))
