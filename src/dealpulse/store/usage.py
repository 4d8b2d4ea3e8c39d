"""What the model calls cost."""

from __future__ import annotations

import uuid

import msgspec

from dealpulse.models import Usage
from dealpulse.store.database import Database, storable


class UsageLedger:
    """One row a model call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self, deal_id: str, usage: Usage, *, document_id: str | None = None, email_id: str | None = None
    ) -> None:
        """Note one call, made for a deal and perhaps for one of its documents or e-mails."""
        fields = msgspec.to_builtins(usage)
        row = fields | fields.pop("origin")
        row |= {"id": str(uuid.uuid4()), "deal_id": deal_id, "document_id": document_id, "email_id": email_id}
        table = self._database.client.table("ai_usage")
        await self._database.write(table.upsert(storable(row), on_conflict="id").select("id"))
