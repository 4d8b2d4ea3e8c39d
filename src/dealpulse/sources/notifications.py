"""How a vendor is asked to tell us when something in a source changes.

A notification only says that it is time to sync: what changed is read from the vendor's change log. Subscriptions end
by themselves (Drive's after a week, Graph's after three days), so they are renewed before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from dealpulse.errors import Permanent


class SubscriptionLost(Permanent):
    """The vendor does not know the subscription (any more): make another."""

    code = "subscription_lost"


@dataclass(frozen=True)
class Callback:
    """Where the vendor tells us, and what it says to prove that it is the one we asked."""

    address: str
    """An https address of ours; of Gmail, the Pub/Sub topic its notifications go through."""
    secret: str
    """At most 128 characters, and repeated in each notification: Drive's channel token, Graph's ``clientState``."""


@dataclass(frozen=True)
class Subscription:
    """What a vendor agreed to tell of."""

    external_id: str
    """The vendor's id: Drive's channel, Graph's subscription, Gmail's mailbox."""
    resource: str
    """What is watched, as the vendor names it; Drive wants it to stop a channel. Empty where there is no name."""
    expires_at: datetime
    """Timezone-aware, and as the vendor says, not as we asked."""


@runtime_checkable
class Notifying(Protocol):
    """What a connector offers, if its vendor tells of changes.

    All methods raise ``NeedsConsent``, ``RateLimited``, ``Unavailable``, ``Transient``, ``Permanent``.
    """

    async def subscribe(self, callback: Callback) -> Subscription:
        """Ask to be told of changes from now on."""
        ...

    async def renew(self, subscription: Subscription, callback: Callback) -> Subscription:
        """Ask for longer. The answer may have another id; then ``callback``'s secret holds, and the old one is stopped.

        Raises also ``SubscriptionLost``.
        """
        ...

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Ask to be told no more; one that is gone already is fine."""
        ...
