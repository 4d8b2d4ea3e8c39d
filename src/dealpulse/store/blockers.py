"""What holds a deal up, as its e-mails tell it. Written by ``Emails.save_analysis``."""

from __future__ import annotations

from dealpulse.models import RecordedBlocker
from dealpulse.store.database import Database, is_uuid


class Blockers:
    """What was found in a deal's e-mails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_deal(self, deal_id: str) -> list[RecordedBlocker]:
        """All blockers, resolved and dismissed ones too, longest open first."""
        if not is_uuid(deal_id):
            return []
        return await self._database.call("deal_blockers", list[RecordedBlocker], deal_id=deal_id)
