"""Watching: every API and worker process asks to lead, the one that does judges, and sends what there is to say."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import structlog

from dealpulse.alerts.facts import read_queues, read_store
from dealpulse.alerts.notices import Channel, message_id, open_channels
from dealpulse.alerts.rules import QUEUE_RULES, STORE_RULES, of_queues, of_store, told_of
from dealpulse.errors import DealPulseError, Transient
from dealpulse.queue import History, Metrics, QueueClient
from dealpulse.queue.alert_book import Alert, AlertBook, Condition, Notice
from dealpulse.settings import Settings
from dealpulse.store import Store

ALERT_FIRED: Final = "alert_fired"
ALERT_CLEARED: Final = "alert_cleared"
ALERT_SENT: Final = "alert_sent"
ALERT_NOT_SENT: Final = "alert_not_sent"
ALERTS_NOT_JUDGED: Final = "alerts_not_judged"

EVERY_SECONDS: Final = 15.0
_STORE_EVERY_SECONDS: Final = 60.0

_log = structlog.get_logger("dealpulse.alerts")


class Watch:
    """One process's part in judging alerts."""

    def __init__(
        self,
        settings: Settings,
        *,
        book: AlertBook,
        queue: QueueClient,
        history: History,
        metrics: Metrics,
        store: Store,
        channels: Mapping[str, Channel],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._book = book
        self._queue = queue
        self._history = history
        self._metrics = metrics
        self._store = store
        self._channels = channels
        self._clock = clock
        self._judge = uuid.uuid4().hex
        self._store_asked_at = float("-inf")

    async def look(self) -> None:
        """Judge once, if it is this process that leads, and send what is due. What is away is logged."""
        try:
            if not await self._book.leads(self._judge):
                return
            await self._judge_all()
            for notice in await self._book.take():
                await self._send(notice)
        except DealPulseError as error:
            _log.warning(ALERTS_NOT_JUDGED, code=error.code, reason=error.message)

    async def _judge_all(self) -> None:
        settings = self._settings
        queues = await read_queues(settings, queue=self._queue, history=self._history, metrics=self._metrics)
        found, rules = of_queues(queues, settings.alerts), list(QUEUE_RULES)
        if self._clock() - self._store_asked_at >= _STORE_EVERY_SECONDS:
            about_store = await self._of_store()
            if about_store is not None:
                found, rules = [*found, *about_store], [*rules, *STORE_RULES]
        judged = await self._book.judge(found, rules=[rule.value for rule in rules], channels=list(self._channels))
        for alert in judged.fired:
            _log.warning(ALERT_FIRED, **_facts(alert))
        for alert in judged.cleared:
            _log.info(ALERT_CLEARED, **_facts(alert))

    async def _of_store(self) -> list[Condition] | None:
        """None while Supabase is away: then nothing that it tells of clears."""
        try:
            facts = await read_store(self._settings, store=self._store, now=datetime.now(UTC))
        except DealPulseError as error:
            _log.warning(ALERTS_NOT_JUDGED, code=error.code, reason=error.message)
            return None
        self._store_asked_at = self._clock()
        return of_store(facts, self._settings.alerts)

    async def _send(self, notice: Notice) -> None:
        """Send one notice; what may work later is left to be taken again."""
        facts = {"notice": message_id(notice), "channel": notice.channel.partition(":")[0], "attempt": notice.attempt}
        channel = self._channels.get(notice.channel)
        try:
            if channel is not None:  # otherwise it was taken out of the settings
                await channel(notice)
        except Transient as error:
            _log.warning(ALERT_NOT_SENT, **facts, code=error.code, again=True)
            return
        except DealPulseError as error:
            _log.error(ALERT_NOT_SENT, **facts, code=error.code, again=False)
        else:
            _log.info(ALERT_SENT, **facts)
        await self._book.sent(notice)


async def watch_alerts(
    settings: Settings,
    *,
    book: AlertBook,
    queue: QueueClient,
    history: History,
    metrics: Metrics,
    store: Store,
) -> None:
    """Watch until cancelled."""
    async with open_channels(settings) as channels:
        watch = Watch(
            settings, book=book, queue=queue, history=history, metrics=metrics, store=store, channels=channels
        )
        while True:
            # Not at once: who starts after a fall sees queues that nobody drained.
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await watch.look()
            except Exception:  # whatever it meets, it looks again
                _log.exception(ALERTS_NOT_JUDGED)


def _facts(alert: Alert) -> dict[str, object]:
    told = told_of(alert)
    return {
        "alert": alert.key,
        "rule": alert.rule,
        "severity": told.severity.value,
        "summary": told.summary,
        "since": alert.since.isoformat(),
    }
