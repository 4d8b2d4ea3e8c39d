"""Messages to send."""

from __future__ import annotations

from datetime import UTC, date, datetime

from dealpulse.delivery.contract import Message
from dealpulse.models import BriefStatus, DeliveryKind

ID = "6f1f2c0e-0000-4000-8000-00000000000a"


def message(
    *, kind: DeliveryKind = DeliveryKind.daily_brief, deal_name: str = "Project Alder", html: str = "", csv: str = ""
) -> Message:
    return Message(
        id=ID,
        kind=kind,
        created_at=datetime(2026, 11, 25, 13, tzinfo=UTC),
        deal_id="6f1f2c0e-0000-4000-8000-000000000001",
        deal_name=deal_name,
        date=date(2026, 11, 25),
        status=BriefStatus.partial,
        headline="One deal-breaker",
        markdown="# Brief\n\nÄ long day.\n",
        html=html,
        csv=csv,
        content={"risks": []},
    )
