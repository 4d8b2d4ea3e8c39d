"""What vendors agreed to tell of: at most one subscription a source, and when it is to be looked after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from dealpulse.models import Source, SourceType
from dealpulse.store.database import SERVER_NOW, Database, is_uuid, storable

_TABLE: Final = "source_subscriptions"
_COLUMNS: Final = "id,source_id,external_id,resource,secret_sha256,expires_at,last_error"
_AT_ONCE: Final = "-infinity"


class KeptSubscription(Struct, frozen=True, kw_only=True):
    """A subscription as it is known here. Without ``external_id`` there is none yet, or none any more."""

    id: str
    source_id: str | None = None
    """None: the source is gone, and the vendor was not told yet."""
    external_id: str | None = None
    resource: str = ""
    secret_sha256: str | None = None
    """Hex; of what the vendor repeats in each notification."""
    expires_at: datetime | None = None
    last_error: str | None = None
    """Why it could not be made or renewed, for a person."""


class DueSubscription(Struct, frozen=True, kw_only=True):
    """A subscription to see to: to make or renew where it is ``wanted``, else to end."""

    id: str
    claim: str
    wanted: bool
    source: Source
    external_id: str | None = None
    resource: str = ""
    expires_at: datetime | None = None
    failures: int = 0
    """How often in a row it could not be seen to."""


class Subscriptions:
    """One row a source whose vendor tells of changes, or is to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, types: Sequence[SourceType], *, now: datetime, lease_seconds: float, limit: int
    ) -> list[DueSubscription]:
        """What is to be done by ``now``; nobody else is given it for ``lease_seconds``.

        Every active source of ``types`` is to have a subscription. Those of sources that are paused or gone, or whose
        deal is not active, are to be ended.
        """
        return await self._database.call(
            "claim_subscriptions",
            list[DueSubscription],
            types=[kind.value for kind in types],
            now=now,
            lease_seconds=lease_seconds,
            limit=limit,
        )

    async def save(
        self,
        due: DueSubscription,
        *,
        external_id: str,
        resource: str,
        secret_sha256: str | None,
        expires_at: datetime,
        due_at: datetime,
    ) -> bool:
        """Keep what the vendor agreed to, until ``due_at``; without a digest the secret stays what it was.

        False where the claim does not stand any more: then somebody else sees to it, and nothing was kept.
        """
        return await self._database.call(
            "save_subscription",
            bool,
            id=due.id,
            claim=due.claim,
            external_id=external_id,
            resource=resource,
            secret_sha256=secret_sha256,
            expires_at=expires_at,
            due_at=due_at,
        )

    async def postpone(self, due: DueSubscription, *, until: datetime, error: str) -> None:
        """It could not be seen to, for the reason ``error``."""
        change = {
            "due_at": until.isoformat(),
            "failures": due.failures + 1,
            "last_error": error,
            "claim": None,
            "updated_at": SERVER_NOW,
        }
        query = (
            self._database.client.table(_TABLE)
            .update(storable(change))
            .eq("id", due.id)
            .eq("claim", due.claim)
            .select("id")
        )
        await self._database.write(query)

    async def ended(self, due: DueSubscription) -> None:
        """The vendor tells no more; what is wanted again meanwhile stays."""
        query = self._database.client.table(_TABLE).delete().eq("id", due.id).eq("claim", due.claim).select("id")
        await self._database.write(query)

    async def renew_now(self, subscription_id: str) -> None:
        """Have it renewed as soon as somebody looks."""
        await self._note(subscription_id, due_at=_AT_ONCE)

    async def lost(self, subscription_id: str, external_id: str) -> None:
        """The vendor ended it: another is to be made, unless that was done already."""
        change = {"external_id": None, "expires_at": None, "due_at": _AT_ONCE, "updated_at": SERVER_NOW}
        query = (
            self._database.client.table(_TABLE)
            .update(change)
            .eq("id", subscription_id)
            .eq("external_id", external_id)
            .select("id")
        )
        await self._database.write(query)

    async def find(self, external_ids: Sequence[str]) -> list[KeptSubscription]:
        """Those the vendors know by these ids. Several sources may share one: of a mailbox there is one only."""
        query = (
            self._database.client.table(_TABLE)
            .select(_COLUMNS)
            .in_("external_id", [storable(one) for one in external_ids])
        )
        return await self._database.rows(query, KeptSubscription) if external_ids else []

    async def of_sources(self, source_ids: Sequence[str]) -> dict[str, KeptSubscription]:
        """By source, where there is one or was to be."""
        known = [one for one in source_ids if is_uuid(one)]
        if not known:
            return {}
        rows = await self._database.rows(
            self._database.client.table(_TABLE).select(_COLUMNS).in_("source_id", known), KeptSubscription
        )
        return {row.source_id: row for row in rows if row.source_id is not None}

    async def _note(self, subscription_id: str, **change: str) -> None:
        query = (
            self._database.client.table(_TABLE)
            .update({**change, "updated_at": SERVER_NOW})
            .eq("id", subscription_id)
            .select("id")
        )
        await self._database.write(query)
