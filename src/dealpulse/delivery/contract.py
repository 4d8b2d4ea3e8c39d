"""What is sent, and what every way of sending promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from dealpulse.errors import Permanent
from dealpulse.models import BriefStatus, DeliveryKind


@dataclass(frozen=True, kw_only=True)
class Message:
    """One brief or report. The same delivery tried again is the same message, to the byte."""

    id: str
    """The delivery's: a receiver knows by it what it has got before."""
    kind: DeliveryKind
    created_at: datetime
    deal_id: str
    deal_name: str
    date: date
    status: BriefStatus
    headline: str
    markdown: str
    html: str = ""
    csv: str = ""
    content: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Addressee:
    address: str
    secret: str = ""
    """What webhooks are signed with."""


class Gone(Permanent):
    """The recipient said that it wants nothing more."""

    code = "recipient_gone"


class Sender(Protocol):
    """One way to send."""

    async def send(self, message: Message, to: Addressee) -> None:
        """Return once the other side has taken it.

        Raises ``Transient`` or ``Unavailable`` when it may be tried again, ``Permanent`` (``Gone``) when not.
        """
        ...
