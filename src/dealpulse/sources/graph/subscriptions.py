"""Change notifications of Graph: learn.microsoft.com/graph/api/resources/subscription and change-notifications-*."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from dealpulse.sources.graph.client import Graph
from dealpulse.sources.http import Refused
from dealpulse.sources.notifications import Callback, Subscription, SubscriptionLost


class _Subscription(Struct, frozen=True, rename="camel"):
    id: str
    expiration_date_time: datetime
    resource: str = ""

    def agreed(self) -> Subscription:
        at = self.expiration_date_time
        return Subscription(self.id, self.resource, at if at.tzinfo else at.replace(tzinfo=UTC))


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Watch:
    """Being told of changes of one kind of resource. ``longest`` is what Graph grants for it at most."""

    graph: Graph
    change_type: str
    longest: timedelta
    clock: Callable[[], datetime] = _now

    async def subscribe(self, resource: str, callback: Callback) -> Subscription:
        """Graph calls ``callback``'s address before it answers, and wants to hear what it said there."""
        made = await self.graph.post(
            "/subscriptions",
            _Subscription,
            json={
                "changeType": self.change_type,
                "notificationUrl": callback.address,
                "lifecycleNotificationUrl": callback.address,
                "resource": resource,
                "expirationDateTime": self._until(),
                "clientState": callback.secret,
            },
        )
        return made.agreed()

    async def renew(self, subscription: Subscription) -> Subscription:
        """Raises ``SubscriptionLost``."""
        try:
            renewed = await self.graph.patch(
                f"/subscriptions/{subscription.external_id}",
                _Subscription,
                json={"expirationDateTime": self._until()},
            )
        except Refused as error:
            if error.status == 404:
                raise SubscriptionLost("Microsoft does not know the subscription any more.") from error
            raise
        return renewed.agreed()

    async def unsubscribe(self, subscription: Subscription) -> None:
        """One that is gone already is fine."""
        try:
            await self.graph.delete(f"/subscriptions/{subscription.external_id}")
        except Refused as error:
            if error.status != 404:
                raise

    def _until(self) -> str:
        return (self.clock() + self.longest).strftime("%Y-%m-%dT%H:%M:%SZ")
