"""The same question is paid for once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from ai.lease import LEASE, Lease, lease_question
from dealpulse.ai.cache import CachedEngine, answer_key
from dealpulse.ai.claude import ClaudeEngine
from dealpulse.ai.contract import Material, Question
from dealpulse.ai.local import LocalEngine
from dealpulse.errors import RateLimited, Transient, Unavailable
from dealpulse.models import Usage
from fakes.claude import FakeClaude, answer, rate_limited

IDENTITY = "claude:claude-sonnet-5-5"


class MemoryCache:
    """Keeps answers in a dict; ``entries`` and ``labels`` are what was stored."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.labels: list[tuple[str, str]] = []

    async def get(self, key: str) -> str | None:
        return self.entries.get(key)

    async def put(self, key: str, value: str, *, operation: str, model: str) -> None:
        self.entries[key] = value
        self.labels.append((operation, model))


class AbsentCache:
    """A cache whose database is away."""

    async def get(self, key: str) -> str | None:
        raise Unavailable("away", dependency="supabase")

    async def put(self, key: str, value: str, *, operation: str, model: str) -> None:
        raise Transient("away")


async def test_a_question_asked_again_is_answered_from_the_cache_at_no_cost(
    claude: FakeClaude, engine: ClaudeEngine
) -> None:
    claude.script(answer(LEASE))
    cached = CachedEngine(engine, cache=MemoryCache(), identity=IDENTITY)
    first = await cached.ask(lease_question())
    again = await cached.ask(lease_question())
    assert len(claude.requests) == 1
    assert (again.value, again.origin, again.cached) == (first.value, first.origin, True)
    assert again.usage == Usage(operation="read_lease", origin=first.origin)
    assert first.usage.cost_usd > 0
    assert not first.cached


async def test_stored_answers_are_labelled_with_operation_and_model(engine: ClaudeEngine) -> None:
    cache = MemoryCache()
    cached = CachedEngine(engine, cache=cache, identity=IDENTITY)
    await cached.ask(lease_question())
    await cached.kept()
    assert cache.labels == [("read_lease", "claude-sonnet-5-5")]
    assert list(cache.entries) == [answer_key(lease_question(), identity=IDENTITY)]


@pytest.mark.parametrize(
    "stored",
    ["", "null", "{}", "not JSON", '{"value": {"title": 3}, "origin": {"engine": "claude"}}', '{"value": {}}'],
)
async def test_an_entry_that_cannot_be_read_is_asked_again_and_replaced(
    claude: FakeClaude, engine: ClaudeEngine, stored: str
) -> None:
    cache = MemoryCache()
    key = answer_key(lease_question(), identity=IDENTITY)
    cache.entries[key] = stored
    claude.script(answer(LEASE))
    cached = CachedEngine(engine, cache=cache, identity=IDENTITY)
    given = await cached.ask(lease_question())
    assert (given.value.title, given.cached) == ("Lease of Unit 4", False)
    await cached.kept()
    assert cache.entries[key] != stored


async def test_an_entry_of_a_valid_shape_that_no_longer_fits_the_schema_is_asked_again(
    claude: FakeClaude, engine: ClaudeEngine
) -> None:
    cache = MemoryCache()
    cached = CachedEngine(engine, cache=cache, identity=IDENTITY)
    claude.script(answer(LEASE), answer(LEASE))
    await cached.ask(lease_question())
    await cached.kept()
    key = answer_key(lease_question(), identity=IDENTITY)
    cache.entries[key] = cache.entries[key].replace("4200.5", "-1")
    assert not (await cached.ask(lease_question())).cached


async def test_a_cache_that_is_away_never_fails_a_question(claude: FakeClaude, engine: ClaudeEngine) -> None:
    claude.script(answer(LEASE))
    given = await CachedEngine(engine, cache=AbsentCache(), identity=IDENTITY).ask(lease_question())
    assert given.value.title == "Lease of Unit 4"


async def test_a_failed_question_is_not_remembered(claude: FakeClaude, engine: ClaudeEngine) -> None:
    cache = MemoryCache()
    cached = CachedEngine(engine, cache=cache, identity=IDENTITY)
    claude.script(rate_limited(1), answer(LEASE))
    with pytest.raises(RateLimited):
        await cached.ask(lease_question())
    assert cache.entries == {}
    assert (await cached.ask(lease_question())).value.title == "Lease of Unit 4"


async def test_the_same_question_asked_many_times_at_once_is_put_to_claude_once(
    claude: FakeClaude, engine: ClaudeEngine
) -> None:
    cached = CachedEngine(engine, cache=MemoryCache(), identity=IDENTITY)
    answers = await asyncio.gather(*(cached.ask(lease_question()) for _ in range(5)))
    assert len(claude.requests) == 1
    assert sorted(given.cached for given in answers) == [False, True, True, True, True]


async def test_one_asker_giving_up_does_not_take_the_others_along(claude: FakeClaude, engine: ClaudeEngine) -> None:
    cached = CachedEngine(engine, cache=MemoryCache(), identity=IDENTITY)
    first, second = (asyncio.create_task(cached.ask(lease_question())) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).value == Lease(title="text", monthly_rent=1)


async def test_answers_whose_fields_have_aliases_survive_the_cache() -> None:
    class Party(BaseModel):
        full_name: str = Field(alias="fullName")

    question = Question(
        operation="name", version="1", instructions="", material=(), schema=Party,
        offline=lambda: Party(fullName="Ortega"),
    )  # fmt: skip
    cached = CachedEngine(LocalEngine(), cache=MemoryCache(), identity="local")
    assert (await cached.ask(question)).value == (await cached.ask(question)).value
    await cached.aclose()


class Tenancy(BaseModel):
    title: str


QUESTION = lease_question()
CHANGED: dict[str, Question[Lease]] = {
    "operation": replace(QUESTION, operation="other"),
    "version": replace(QUESTION, version="2"),
    "instructions": replace(QUESTION, instructions="Read closely."),
    "label": replace(QUESTION, material=(replace(QUESTION.material[0], label="Other"),)),
    "text": replace(QUESTION, material=(replace(QUESTION.material[0], text="Other"),)),
    "more material": replace(QUESTION, material=(*QUESTION.material, *QUESTION.material)),
}


def test_the_key_changes_with_every_part_of_the_question() -> None:
    keys = {answer_key(question, identity=IDENTITY) for question in (QUESTION, *CHANGED.values())}
    keys.add(answer_key(QUESTION, identity="claude:claude-opus-5-5"))
    keys.add(
        answer_key(
            Question(
                operation=QUESTION.operation,
                version=QUESTION.version,
                instructions=QUESTION.instructions,
                material=QUESTION.material,
                schema=Tenancy,
                offline=lambda: Tenancy(title=""),
            ),
            identity=IDENTITY,
        )
    )
    assert len(keys) == len(CHANGED) + 3


def test_the_key_does_not_change_with_how_much_room_the_answer_has() -> None:
    assert answer_key(replace(QUESTION, max_tokens=7), identity=IDENTITY) == answer_key(QUESTION, identity=IDENTITY)


pieces = st.lists(st.builds(Material, label=st.text(max_size=3), text=st.text(max_size=3)), max_size=3).map(tuple)


@given(pieces, pieces)
def test_different_material_never_shares_a_key(one: tuple[Material, ...], other: tuple[Material, ...]) -> None:
    keys = [answer_key(replace(QUESTION, material=material), identity=IDENTITY) for material in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)
