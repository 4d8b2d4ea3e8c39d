"""What operators did."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from dealpulse.models import AuditEntry
from dealpulse.store.database import Database, storable

_COLUMNS: Final = "actor,action,target,outcome,peer,request_id,at"


class AuditRows:
    """Rows are added and read, never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, entry: AuditEntry) -> None:
        """Keep an entry; its time is the database server's."""
        row = {name: getattr(entry, name) for name in ("actor", "action", "target", "outcome", "peer", "request_id")}
        await self._database.write(self._database.client.table("audit_log").insert(storable(row)).select("id"))

    async def latest(self, *, limit: int = 100, before: datetime | None = None) -> list[AuditEntry]:
        """The latest entries, newest first."""
        query = self._database.client.table("audit_log").select(_COLUMNS).order("at", desc=True).order("id", desc=True)
        narrowed = query if before is None else query.lt("at", before.isoformat())
        return await self._database.rows(narrowed.limit(limit), AuditEntry)
