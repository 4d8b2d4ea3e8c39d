"""Which alerts are pending and firing, and which notices of them are on their way: kept in Redis, so that they outlive
whoever judges, and so that two who judge at the same moment fire nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from redis.asyncio.client import Redis

from dealpulse.errors import Permanent
from dealpulse.queue import keys
from dealpulse.queue.connection import answer, redis_faults
from dealpulse.queue.scripts import (
    ALERTS,
    NOTICES,
    AlertRow,
    AlertsRequest,
    FoundCondition,
    NoticesRequest,
    decode_alert,
    decode_alerts,
    decode_notices,
)

LEAD_SECONDS: Final = 45.0
"""For so long who judges goes on judging without a word; then somebody else may."""
NOTICE_LEASE_SECONDS: Final = 60.0
"""After which a notice that was taken and not sent is due again; twice as long after each further attempt."""
_NOTICE_KEPT: Final = timedelta(days=1)
_NOTICES_AT_ONCE: Final = 20

_RENEW: Final = (
    "local held = redis.call('get', KEYS[1]) "
    "if held and held ~= ARGV[1] then return 0 end "
    "redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2]) return 1"
)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Something that is not as it should be. ``told`` are facts without content, in JSON."""

    key: str
    """The same for the same thing: what fires once."""
    rule: str
    hold: timedelta = timedelta()
    """For so long it must be so before it fires."""
    told: bytes = b"{}"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A condition over time. ``fired_at`` is None while it has not been so for long enough."""

    key: str
    rule: str
    since: datetime
    fired_at: datetime | None
    told: bytes


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One word about an alert for one channel, taken to be sent. ``what``: fired or cleared."""

    id: str
    channel: str
    what: str
    at: datetime
    attempt: int
    alert: Alert


@dataclass(frozen=True)
class Judged:
    fired: list[Alert]
    cleared: list[Alert]


class AlertBook:
    """Every method raises ``Unavailable`` when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def leads(self, judge: str) -> bool:
        """Whether this judge is the one to judge now; asked again within ``LEAD_SECONDS``, it goes on being."""
        milliseconds = str(round(LEAD_SECONDS * 1000))
        async with redis_faults():
            return bool(await answer(self._redis.eval(_RENEW, 1, keys.ALERT_LEADER, judge, milliseconds)))

    async def judge(self, found: Sequence[Condition], *, rules: Sequence[str], channels: Sequence[str]) -> Judged:
        """Note what is found now; returns what fires and what clears by that, each once.

        An alert clears only where its rule is among ``rules``, those that were looked at. Each channel gets a notice
        of each.
        """
        rows = [
            FoundCondition(one.key, one.rule, round(one.hold.total_seconds() * 1000), one.told.decode())
            for one in found
        ]
        async with redis_faults():
            reply = decode_alerts(await ALERTS(self._redis, AlertsRequest(rows, rules, channels)))
        return Judged([_alert(row) for row in reply.fired], [_alert(row) for row in reply.cleared])

    async def alerts(self) -> list[Alert]:
        """All that are pending or firing, oldest first."""
        async with redis_faults():
            rows: list[bytes] = await answer(self._redis.hvals(keys.ALERTS))
        return sorted((_alert(_read(row)) for row in rows), key=lambda alert: (alert.since, alert.key))

    async def take(self) -> list[Notice]:
        """Some notices that are due, for whoever takes them to send; see :meth:`sent`."""
        request = NoticesRequest(
            lease=round(NOTICE_LEASE_SECONDS * 1000),
            most=_NOTICES_AT_ONCE,
            kept=round(_NOTICE_KEPT.total_seconds() * 1000),
        )
        async with redis_faults():
            rows = decode_notices(await NOTICES(self._redis, request))
        return [
            Notice(
                id=row.id,
                channel=row.channel,
                what=row.what,
                at=_moment(row.at),
                attempt=row.attempt,
                alert=_alert(row.alert),
            )
            for row in rows
        ]

    async def sent(self, notice: Notice) -> None:
        """It arrived, or never will: forget it."""
        async with redis_faults():
            await answer(self._redis.hdel(keys.ALERT_NOTICES, notice.id))


def _read(row: bytes) -> AlertRow:
    try:
        return decode_alert(row)
    except msgspec.MsgspecError as error:
        raise Permanent("Redis keeps an alert of another version.", code="other_version") from error


def _alert(row: AlertRow) -> Alert:
    return Alert(
        key=row.key,
        rule=row.rule,
        since=_moment(row.since),
        fired_at=_moment(row.fired) if row.fired else None,
        told=row.told.encode(),
    )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
