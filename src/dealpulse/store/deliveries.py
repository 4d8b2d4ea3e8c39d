"""Who is sent a deal's briefs and reports, and how each sending went."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final, TypeVar

from msgspec import Struct

from dealpulse.errors import NotFound
from dealpulse.models import Channel, Delivery, DeliveryKind, DeliveryState, Recipient, RecipientState
from dealpulse.store.database import PAGE_ROWS, Database, is_uuid, storable

Row = TypeVar("Row")

_RECIPIENT: Final = "id,deal_id,channel,address,kinds,state,created_at"
_DELIVERY: Final = (
    "id,deal_id,recipient_id,kind,subject,state,attempts,error_code,error_message,created_at,delivered_at"
)


class _Secret(Struct, frozen=True):
    secret: str = ""


class Recipients:
    """One row a deal, channel and address."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, deal_id: str, channel: Channel, address: str, *, kinds: Sequence[DeliveryKind], secret: str | None
    ) -> Recipient:
        """A new recipient; one that is there already gets these kinds and this secret, and is active again."""
        row = {
            "deal_id": deal_id,
            "channel": channel.value,
            "address": address,
            "kinds": [kind.value for kind in kinds],
            "secret": secret,
            "state": RecipientState.active.value,
        }
        table = self._database.client.table("recipients")
        query = table.upsert(storable(row), on_conflict="deal_id,channel,address").select(_RECIPIENT)
        return _there(await self._database.first(query, Recipient))

    async def of_deal(self, deal_id: str) -> list[Recipient]:
        """Oldest first."""
        if not is_uuid(deal_id):
            return []
        found = await self._database.every(
            "recipients", _RECIPIENT, Recipient, narrow=lambda query: query.eq("deal_id", deal_id)
        )
        return sorted(found, key=lambda one: (one.created_at, one.id))

    async def get(self, recipient_id: str) -> Recipient:
        """Raises NotFound (``recipient_not_found``)."""
        return _there(await self._one(recipient_id, _RECIPIENT, Recipient))

    async def secret(self, recipient_id: str) -> str:
        """What its webhooks are signed with; empty for an e-mail recipient. Raises as :meth:`get` does."""
        found = await self._one(recipient_id, "secret", _Secret)
        if found is None:
            raise _missing()
        return found.secret

    async def pause(self, recipient_id: str) -> None:
        """Nothing more is sent to it."""
        table = self._database.client.table("recipients")
        change = {"state": RecipientState.paused.value}
        await self._database.write(table.update(change).eq("id", recipient_id).select("id"))

    async def remove(self, recipient_id: str) -> None:
        """It is forgotten, and what was sent to it. Raises as :meth:`get` does."""
        table = self._database.client.table("recipients")
        if not is_uuid(recipient_id) or not await self._database.write(
            table.delete().eq("id", recipient_id).select("id")
        ):
            raise _missing()

    async def _one(self, recipient_id: str, columns: str, kind: type[Row]) -> Row | None:
        if not is_uuid(recipient_id):
            return None
        table = self._database.client.table("recipients")
        return await self._database.first(table.select(columns).eq("id", recipient_id).limit(1), kind)


class Deliveries:
    """One row a recipient and brief, report or test."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def plan(self, deal_id: str, kind: DeliveryKind, subject: str) -> list[str]:
        """Ids of what is still to be sent of this brief or report; asking twice plans nothing twice."""
        return await self._database.call(
            "plan_deliveries", list[str], deal_id=deal_id, kind=kind.value, subject=subject
        )

    async def plan_test(self, recipient: Recipient) -> Delivery:
        """A test message to one recipient, whatever it subscribes to."""
        row = {
            "deal_id": recipient.deal_id,
            "recipient_id": recipient.id,
            "kind": DeliveryKind.test.value,
            "subject": str(uuid.uuid4()),
        }
        query = self._database.client.table("deliveries").insert(row).select(_DELIVERY)
        return _known(await self._database.first(query, Delivery))

    async def get(self, delivery_id: str) -> Delivery:
        """Raises NotFound (``delivery_not_found``)."""
        if not is_uuid(delivery_id):
            raise _unknown()
        table = self._database.client.table("deliveries")
        return _known(await self._database.first(table.select(_DELIVERY).eq("id", delivery_id).limit(1), Delivery))

    async def of_deal(self, deal_id: str) -> list[Delivery]:
        """The latest thousand, newest first."""
        if not is_uuid(deal_id):
            return []
        table = self._database.client.table("deliveries")
        query = table.select(_DELIVERY).eq("deal_id", deal_id).order("created_at", desc=True).limit(PAGE_ROWS)
        return await self._database.rows(query, Delivery)

    async def note(
        self, delivery_id: str, state: DeliveryState, *, code: str | None = None, message: str | None = None
    ) -> None:
        """How one attempt went; ``pending``: it will be tried again."""
        await self._database.perform(
            "note_delivery", delivery_id=delivery_id, state=state.value, error_code=code, error_message=message
        )

    async def reopen(self, delivery_id: str) -> Delivery:
        """It is to be sent, whatever came of it before. Raises as :meth:`get` does."""
        if not is_uuid(delivery_id):
            raise _unknown()
        table = self._database.client.table("deliveries")
        change = {"state": DeliveryState.pending.value, "error_code": None, "error_message": None}
        return _known(
            await self._database.first(table.update(change).eq("id", delivery_id).select(_DELIVERY), Delivery)
        )


def _there(recipient: Recipient | None) -> Recipient:
    if recipient is None:
        raise _missing()
    return recipient


def _missing() -> NotFound:
    return NotFound("There is no such recipient.", code="recipient_not_found")


def _known(delivery: Delivery | None) -> Delivery:
    if delivery is None:
        raise _unknown()
    return delivery


def _unknown() -> NotFound:
    return NotFound("There is no such delivery.", code="delivery_not_found")
