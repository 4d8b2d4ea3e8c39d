"""Random lives of sources and their vendor: never two subscriptions of a source, and always one while it is wanted."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping
from datetime import timedelta
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dealpulse.errors import Unavailable
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, SourceState, SourceType
from dealpulse.processors.subscriptions import Keeper
from dealpulse.queue import QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.store import Store, open_store
from processors.notifying import Vendor
from processors.test_subscriptions import ADDRESSES, HOUR

which = st.integers(0, 5)
states = st.sampled_from([SourceState.paused, SourceState.active, SourceState.needs_confirmation])

STEPS: Mapping[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "a_source_is_connected": st.tuples(st.sampled_from([*ADDRESSES])),
    "a_source_is_paused_or_goes_on": st.tuples(which, states),
    "a_source_is_removed": st.tuples(which),
    "the_vendor_loses_one": st.tuples(which, st.booleans()),
    "the_vendor_goes_away": st.tuples(),
    "the_vendor_is_back": st.tuples(),
    "hours_pass": st.tuples(st.integers(1, 30)),
}
OFTEN = ("a_source_is_connected",) * 2 + ("hours_pass",) * 5
steps = st.sampled_from((*OFTEN, *STEPS)).flatmap(lambda what: st.tuples(st.just(what), STEPS[what]))


class Loop(Protocol):
    def run(self, work: Coroutine[Any, Any, Any]) -> Any: ...


class Lives(RuleBasedStateMachine):
    """What people, the vendor and time do; the keeper looks once an hour. One rule, so that all may happen in each."""

    loop: Loop
    store: Store
    queue: QueueClient

    @initialize()
    def begin(self) -> None:
        self.vendor = Vendor(lives={SourceType.gdrive: 25.5 * HOUR, SourceType.sharepoint: 10.5 * HOUR})
        self.deal: Deal = self.loop.run(self.store.deals.create("Kestrel"))
        self.sources: dict[str, SourceState] = {}
        self.lost_in_silence: set[str] = set()
        self.keeper = Keeper(
            store=self.store,
            queue=self.queue,
            connect=self.vendor.connect,
            addresses=ADDRESSES,
            clock=self.vendor.clock,
        )

    def teardown(self) -> None:
        for source in getattr(self, "sources", {}):
            self.loop.run(self.store.sources.remove(source, delete_items=False))
        if hasattr(self, "vendor"):
            self.vendor.fault = None
            self.vendor.pass_time(HOUR)
            self.loop.run(self.keeper.see_to_all())
            assert self.vendor.live == {}, "nothing is left at the vendor when the last source is gone"

    def a_source_is_connected(self, kind: SourceType) -> None:
        place = f"room {len(self.sources)} of {self.deal.id}"
        source = self.loop.run(self.store.sources.create(self.deal.id, kind, "Room", place))
        self.sources[source.id] = SourceState.active

    def a_source_is_paused_or_goes_on(self, which: int, state: SourceState) -> None:
        if self.sources:
            source = [*self.sources][which % len(self.sources)]
            self.loop.run(self.store.sources.set_state(source, state))
            self.sources[source] = state

    def a_source_is_removed(self, which: int) -> None:
        if self.sources:
            source = [*self.sources][which % len(self.sources)]
            self.loop.run(self.store.sources.remove(source, delete_items=False))
            del self.sources[source]

    def the_vendor_loses_one(self, which: int, told: bool) -> None:
        if self.vendor.live:
            known = [*self.vendor.live][which % len(self.vendor.live)]
            agreed = self.vendor.live.pop(known)
            if told:
                kept = self.loop.run(self.store.subscriptions.find([known]))
                for one in kept:
                    self.loop.run(self.store.subscriptions.lost(one.id, known))
            else:
                self.lost_in_silence.add(agreed.source_id)

    def the_vendor_goes_away(self) -> None:
        self.vendor.fault = Unavailable("away", dependency="vendor")

    def the_vendor_is_back(self) -> None:
        self.vendor.fault = None

    def hours_pass(self, hours: int) -> None:
        for _ in range(hours):
            ended = self.vendor.pass_time(HOUR - timedelta(seconds=1))
            assert self.vendor.fault or not self._wanted(ended), "it was renewed before it ended"
            self.vendor.now += timedelta(seconds=1)
            self.loop.run(self.keeper.see_to_all())
            if self.vendor.fault is None:
                for source in self._wanted(self.sources):
                    assert self.vendor.of(source) or source in self.lost_in_silence
        self.lost_in_silence = {one for one in self.lost_in_silence if not self.vendor.of(one)}

    @rule(step=steps)
    def step(self, step: tuple[str, tuple[Any, ...]]) -> None:
        what, arguments = step
        getattr(self, what)(*arguments)

    @invariant()
    def no_source_has_two(self) -> None:
        for source in getattr(self, "sources", {}):
            assert len(self.vendor.of(source)) <= 1

    def _wanted(self, sources: Any) -> list[str]:
        return [one for one in sources if self.sources.get(one, SourceState.paused) is not SourceState.paused]


@pytest.fixture
def opened(clean_stack: Stack, fixture_loop: Loop) -> Iterator[tuple[Store, QueueClient]]:
    settings = Settings.load(environ=clean_stack.environment(), directory=clean_stack.data_dir)
    pool = fixture_loop.run(create_pool(settings.redis))
    opening = open_store(settings.supabase)
    store = fixture_loop.run(opening.__aenter__())
    yield store, QueueClient(pool)
    fixture_loop.run(opening.__aexit__(None, None, None))
    fixture_loop.run(pool.aclose(close_connection_pool=True))


def test_random_lives(opened: tuple[Store, QueueClient], fixture_loop: Loop) -> None:
    store, queue = opened
    machine = type("OneStack", (Lives,), {"loop": fixture_loop, "store": store, "queue": queue})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
