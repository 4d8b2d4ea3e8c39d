"""The risks of a deal, each cited from every document and e-mail that says so, and what people said of them.

Written by ``Documents.save_analysis`` and ``Emails.save_analysis``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from dealpulse.errors import NotFound
from dealpulse.models import Feedback, FindingVerdict, RecordedFinding
from dealpulse.store.database import Database, is_uuid

_FEEDBACK: Final = "id,deal_id,finding_id,blocker_id,verdict,corrections,reason,author,created_at"


class _Owner(Struct, frozen=True):
    deal_id: str


class Findings:
    """What was found in a deal's documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_deal(self, deal_id: str) -> list[RecordedFinding]:
        """All findings, resolved and rejected ones too, gravest first, with all their citations."""
        if not is_uuid(deal_id):
            return []
        return await self._database.call("deal_findings", list[RecordedFinding], deal_id=deal_id)

    async def deal_of(self, finding_id: str) -> str:
        """The id of its deal. Raises NotFound (``finding_not_found``)."""
        table = self._database.client.table("findings")
        row = None
        if is_uuid(finding_id):
            row = await self._database.first(table.select("deal_id").eq("id", finding_id).limit(1), _Owner)
        if row is None:
            raise NotFound("There is no such finding.", code="finding_not_found")
        return row.deal_id

    async def review(
        self,
        finding_id: str,
        verdict: FindingVerdict,
        *,
        corrections: Mapping[str, str] | None = None,
        reason: str = "",
        author: str,
    ) -> None:
        """Keep what a person says of it; what they corrected wins over what any later run says.

        ``corrections`` may name ``category``, ``severity``, ``action`` and ``title``. Raises NotFound
        (``finding_not_found``).
        """
        await self.deal_of(finding_id)
        await self._database.perform(
            "give_finding_feedback",
            finding_id=finding_id,
            verdict=verdict.value,
            corrections=dict(corrections or {}),
            reason=reason,
            author=author,
        )

    async def feedback(self, deal_id: str) -> list[Feedback]:
        """All that people said of a deal's findings and blockers, oldest first."""
        if not is_uuid(deal_id):
            return []
        found = await self._database.every(
            "feedback", _FEEDBACK, Feedback, narrow=lambda query: query.eq("deal_id", deal_id)
        )
        return sorted(found, key=lambda one: one.created_at)
