"""What holds a deal up, as its e-mails tell it. Written by ``Emails.save_analysis``."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from dealpulse.errors import NotFound
from dealpulse.models import BlockerVerdict, RecordedBlocker
from dealpulse.store.database import Database, is_uuid


class _Owner(Struct, frozen=True):
    deal_id: str


class Blockers:
    """What was found in a deal's e-mails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_deal(self, deal_id: str) -> list[RecordedBlocker]:
        """All blockers, resolved and dismissed ones too, longest open first."""
        if not is_uuid(deal_id):
            return []
        return await self._database.call("deal_blockers", list[RecordedBlocker], deal_id=deal_id)

    async def deal_of(self, blocker_id: str) -> str:
        """The id of its deal. Raises NotFound (``blocker_not_found``)."""
        table = self._database.client.table("blockers")
        row = None
        if is_uuid(blocker_id):
            row = await self._database.first(table.select("deal_id").eq("id", blocker_id).limit(1), _Owner)
        if row is None:
            raise NotFound("There is no such blocker.", code="blocker_not_found")
        return row.deal_id

    async def review(
        self,
        blocker_id: str,
        verdict: BlockerVerdict,
        *,
        corrections: Mapping[str, str] | None = None,
        reason: str = "",
        author: str,
    ) -> None:
        """Keep what a person says of it; what they corrected wins over what any later e-mail says.

        ``corrections`` may name ``title``, ``owner``, ``due_date`` (ISO) and ``needed_action``. Raises NotFound
        (``blocker_not_found``).
        """
        await self.deal_of(blocker_id)
        await self._database.perform(
            "give_blocker_feedback",
            blocker_id=blocker_id,
            verdict=verdict.value,
            corrections=dict(corrections or {}),
            reason=reason,
            author=author,
        )
