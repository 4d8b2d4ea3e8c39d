"""What fires and clears: once each, whoever judges and however often, through restarts."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
from arq.connections import ArqRedis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dealpulse.local.stack import Stack
from dealpulse.queue import create_pool, keys
from dealpulse.queue.alert_book import NOTICE_LEASE_SECONDS, AlertBook, Condition
from dealpulse.queue.connection import answer
from dealpulse.settings import Settings

HOLD = timedelta(minutes=5)
RULES = ["waiting", "budget"]
KEYS = ["waiting:a", "waiting:b", "budget:c"]


def condition(key: str, *, hold: timedelta = timedelta()) -> Condition:
    return Condition(key=key, rule=key.partition(":")[0], hold=hold, told=b'{"n":1}')


async def age(redis: ArqRedis, by: timedelta) -> None:
    """As if the alerts had been noted, and the notices taken, so much earlier."""
    ms = round(by.total_seconds() * 1000)
    for key, row in (await answer(redis.hgetall(keys.ALERTS))).items():
        alert: list[Any] = msgspec.msgpack.decode(row)
        older = msgspec.msgpack.encode([*alert[:2], alert[2] - ms, *alert[3:]])
        await answer(redis.hset(keys.ALERTS, mapping={key: older}))
    for key, row in (await answer(redis.hgetall(keys.ALERT_NOTICES))).items():
        channel, what, at, attempts, due, *rest = msgspec.msgpack.decode(row)
        notice = [channel, what, at - ms, attempts, due - ms, *rest]
        await answer(redis.hset(keys.ALERT_NOTICES, mapping={key: msgspec.msgpack.encode(notice)}))


async def test_what_is_found_for_long_enough_fires_once_and_clears_once(pool: ArqRedis, book: AlertBook) -> None:
    found = [condition("waiting:a", hold=HOLD)]
    assert (await book.judge(found, rules=RULES, channels=[])).fired == []
    (pending,) = await book.alerts()
    assert pending.fired_at is None
    await age(pool, HOLD)
    (fired,) = (await book.judge(found, rules=RULES, channels=[])).fired
    assert fired.key == "waiting:a"
    again = await book.judge(found, rules=RULES, channels=[])
    assert (again.fired, again.cleared) == ([], [])
    (cleared,) = (await book.judge([], rules=RULES, channels=[])).cleared
    assert (cleared.key, cleared.fired_at) == ("waiting:a", fired.fired_at)
    assert (await book.judge([], rules=RULES, channels=[])).cleared == []
    assert await book.alerts() == []


async def test_what_passes_before_it_fires_is_told_to_nobody(pool: ArqRedis, book: AlertBook) -> None:
    await book.judge([condition("waiting:a", hold=HOLD)], rules=RULES, channels=["chat"])
    judged = await book.judge([], rules=RULES, channels=["chat"])
    assert (judged.fired, judged.cleared) == ([], [])
    assert await book.take() == []


async def test_what_was_not_looked_at_does_not_clear(book: AlertBook) -> None:
    await book.judge([condition("budget:c")], rules=RULES, channels=[])
    assert (await book.judge([], rules=["waiting"], channels=[])).cleared == []
    assert [alert.key for alert in await book.alerts()] == ["budget:c"]


async def test_two_that_judge_at_the_same_moment_fire_once(pool: ArqRedis) -> None:
    books = [AlertBook(pool) for _ in range(8)]
    found = [condition(key) for key in KEYS]
    judged = await asyncio.gather(*(book.judge(found, rules=RULES, channels=["chat"]) for book in books))
    assert Counter(alert.key for one in judged for alert in one.fired) == dict.fromkeys(KEYS, 1)
    taken = await asyncio.gather(*(book.take() for book in books))
    assert Counter(notice.alert.key for one in taken for notice in one) == dict.fromkeys(KEYS, 1)


async def test_a_notice_that_was_not_sent_comes_again_and_one_that_was_does_not(
    pool: ArqRedis, book: AlertBook
) -> None:
    await book.judge([condition("waiting:a")], rules=RULES, channels=["chat", "mail"])
    first = await book.take()
    assert sorted(notice.channel for notice in first) == ["chat", "mail"]
    assert await book.take() == []
    await book.sent(first[0])
    await age(pool, timedelta(seconds=NOTICE_LEASE_SECONDS))
    (again,) = await book.take()
    assert (again.channel, again.attempt, again.id) == (first[1].channel, 2, first[1].id)
    await age(pool, timedelta(seconds=NOTICE_LEASE_SECONDS))
    assert await book.take() == [], "it waits twice as long"
    await age(pool, timedelta(days=1))
    assert await book.take() == [], "it is given up"
    assert await answer(pool.hlen(keys.ALERT_NOTICES)) == 0


async def test_a_channel_hears_that_it_fired_before_that_it_cleared(pool: ArqRedis, book: AlertBook) -> None:
    await book.judge([condition("waiting:a")], rules=RULES, channels=["chat"])
    await book.judge([], rules=RULES, channels=["chat"])
    (fired,) = await book.take()
    assert fired.what == "fired"
    assert await book.take() == []
    await book.sent(fired)
    (cleared,) = await book.take()
    assert cleared.what == "cleared"


async def test_one_leads_until_it_is_not_heard_of(pool: ArqRedis, book: AlertBook) -> None:
    assert await book.leads("anna")
    assert not await book.leads("bert")
    assert await book.leads("anna")
    await pool.delete(keys.ALERT_LEADER)  # as when its lease ends
    assert await book.leads("bert")
    assert not await book.leads("anna")


# --- any history ------------------------------------------------------------------------------------------------------


class AlertMachine(RuleBasedStateMachine):
    """Judges come and go, conditions too, notices are sent or lost; held against what a person would expect."""

    stack: Stack

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.pool = self.run(create_pool(Settings.load(environ=self.stack.environment()).redis))
        self.run(self.pool.flushdb())
        self.pending: set[str] = set()
        self.ripe: set[str] = set()
        """Of the pending, those that have been so for long enough."""
        self.firing: set[str] = set()
        self.expected: Counter[tuple[str, str]] = Counter()
        self.sent: Counter[tuple[str, str]] = Counter()

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        self.book = AlertBook(self.pool)

    @rule(
        found=st.sets(st.sampled_from(KEYS)),
        looked_at=st.sampled_from([RULES, ["waiting"], ["budget"]]),
        long=st.booleans(),
    )
    def judge(self, found: set[str], looked_at: list[str], long: bool) -> None:
        if long:
            self.run(age(self.pool, HOLD))
            self.ripe = set(self.pending)
        seen = {key for key in found if key.partition(":")[0] in looked_at}
        judged = self.run(
            self.book.judge([condition(key, hold=HOLD) for key in sorted(seen)], rules=looked_at, channels=["chat"])
        )
        gone = {key for key in self.pending | self.firing if key.partition(":")[0] in looked_at} - seen
        fires = seen & self.ripe
        clears = gone & self.firing
        assert {alert.key for alert in judged.fired} == fires
        assert {alert.key for alert in judged.cleared} == clears
        self.pending = (self.pending | (seen - self.firing)) - fires - gone
        self.ripe &= self.pending
        self.firing = (self.firing | fires) - gone
        for what, which in (("fired", fires), ("cleared", clears)):
            self.expected.update((what, key) for key in which)

    @rule()
    def restart(self) -> None:
        """Another process takes over: it knows nothing but what is kept."""
        self.book = AlertBook(self.pool)

    @rule(arrives=st.booleans())
    def send(self, arrives: bool) -> None:
        notices = self.run(self.book.take())
        for notice in notices:
            if arrives:
                self.run(self.book.sent(notice))
                self.sent[notice.what, notice.alert.key] += 1

    @invariant()
    def the_book_says_what_fires(self) -> None:
        alerts = self.run(AlertBook(self.pool).alerts())
        assert {one.key for one in alerts if one.fired_at is None} == self.pending
        assert {one.key for one in alerts if one.fired_at is not None} == self.firing

    @invariant()
    def nothing_is_told_twice(self) -> None:
        assert self.sent <= self.expected
        for key in KEYS:
            assert self.sent["cleared", key] <= self.sent["fired", key]

    def teardown(self) -> None:
        for _ in range(40):
            # Leases end, and everything is sent in the end.
            self.run(age(self.pool, timedelta(minutes=2)))
            self.send(arrives=True)
        assert self.sent == self.expected
        self.run(self.pool.aclose(close_connection_pool=True))
        self.loop.close()


def test_any_history_fires_and_clears_each_once(clean_stack: Stack) -> None:
    AlertMachine.stack = clean_stack
    run_state_machine_as_test(
        AlertMachine,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
