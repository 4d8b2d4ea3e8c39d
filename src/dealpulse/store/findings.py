"""The risks of a deal, each cited from every document that says so. Written by ``Documents.save_analysis``."""

from __future__ import annotations

from dealpulse.models import RecordedFinding
from dealpulse.store.database import Database, is_uuid


class Findings:
    """What was found in a deal's documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_deal(self, deal_id: str) -> list[RecordedFinding]:
        """All findings, resolved and rejected ones too, gravest first, with all their citations."""
        if not is_uuid(deal_id):
            return []
        return await self._database.call("deal_findings", list[RecordedFinding], deal_id=deal_id)
