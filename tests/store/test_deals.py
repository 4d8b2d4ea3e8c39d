"""Deals, sources' basic facts, briefs, usage and cached answers."""

from __future__ import annotations

from datetime import date

import asyncpg
import pytest

from dealpulse.errors import DealPulseError, NotFound
from dealpulse.models import Deal, SourceState, SourceType, Usage
from dealpulse.store import Store
from store.samples import LOCAL, NOBODY, brief

NO_ID = "42'; drop table deals"


async def test_a_created_deal_is_active_and_found_again(store: Store) -> None:
    deal = await store.deals.create("Project Larkspur", time_zone="Europe/Vienna")

    assert deal.is_active
    assert deal.time_zone == "Europe/Vienna"
    assert await store.deals.get(deal.id) == deal


async def test_creating_a_deal_with_the_id_of_one_that_exists_changes_nothing(store: Store, deal: Deal) -> None:
    assert await store.deals.create("Another name", deal_id=deal.id) == deal


async def test_an_archived_deal_is_listed_but_not_active(store: Store, deal: Deal) -> None:
    other = await store.deals.create("Project Aster")

    archived = await store.deals.archive(deal.id)

    assert not archived.is_active
    assert await store.deals.all() == [other, archived]
    assert await store.deals.active() == [other]
    assert await store.deals.all(status="archived") == [archived]


@pytest.mark.parametrize("wrong_id", [NOBODY, NO_ID, "", "{" + NOBODY + "}"])
async def test_ids_that_name_nothing_are_not_found(store: Store, wrong_id: str) -> None:
    asked = [
        (store.deals.get(wrong_id), "deal_not_found"),
        (store.deals.archive(wrong_id), "deal_not_found"),
        (store.deals.add_member(wrong_id, NOBODY, "viewer"), "deal_not_found"),
        (store.sources.get(wrong_id), "source_not_found"),
        (store.sources.set_state(wrong_id, SourceState.active), "source_not_found"),
        (store.sources.save_page(wrong_id, sync_id="1", items=[], removed=[], cursor=None), "source_not_found"),
        (store.sources.finish_sync(wrong_id, sync_id="1", complete_listing=True), "source_not_found"),
        (store.documents.get(wrong_id), "document_not_found"),
        (store.documents.mark_failed(wrong_id, code="corrupt", reason="It is broken."), "document_not_found"),
        (store.documents.save_content(wrong_id, mime_type="text/plain", pages=[]), "document_not_found"),
        (store.emails.get(wrong_id), "email_not_found"),
        (store.emails.mark_failed(wrong_id, code="corrupt", reason="It is broken."), "email_not_found"),
    ]
    for question, code in asked:
        with pytest.raises(NotFound) as refusal:
            await question
        assert refusal.value.code == code


@pytest.mark.parametrize("wrong_id", [NOBODY, NO_ID])
async def test_nothing_is_listed_for_a_deal_that_does_not_exist(store: Store, wrong_id: str) -> None:
    assert await store.documents.of_deal(wrong_id) == []
    assert await store.documents.pages(wrong_id) == ()
    assert await store.emails.of_deal(wrong_id) == []
    assert await store.emails.thread(wrong_id, "<root>") == []
    assert await store.findings.of_deal(wrong_id) == []
    assert await store.blockers.of_deal(wrong_id) == []
    assert await store.sources.of_deal(wrong_id) == []
    assert await store.operations.of_deal(wrong_id) == []
    assert await store.briefs.get(wrong_id, date(2026, 3, 3)) is None
    assert await store.briefs.latest_before(wrong_id, date.max) is None


async def test_what_belongs_to_an_unknown_deal_cannot_be_made(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.sources.create(NOBODY, SourceType.folder, "Share", "/srv/share")
    with pytest.raises(NotFound):
        await store.briefs.save(brief(NOBODY))
    with pytest.raises(NotFound):
        await store.usage.record(NOBODY, Usage(operation="summarize", origin=LOCAL))


async def test_columns_the_app_left_empty_do_not_hide_its_deals(store: Store, database: asyncpg.Connection) -> None:
    await database.execute("alter table deals alter column name drop not null")
    try:
        await database.execute("insert into deals (name) values (null)")
        assert [deal.name for deal in await store.deals.active()] == [""]
    finally:
        await database.execute("delete from deals")
        await database.execute("alter table deals alter column name set not null")


async def test_a_member_added_again_only_changes_role(store: Store, deal: Deal, database: asyncpg.Connection) -> None:
    await store.deals.add_member(deal.id, NOBODY, "viewer")
    await store.deals.add_member(deal.id, NOBODY, "lead")

    members = await database.fetch("select user_id::text, role from deal_members")
    assert [tuple(member) for member in members] == [(NOBODY, "lead")]
    with pytest.raises(NotFound, match="user"):
        await store.deals.add_member(deal.id, "dana", "lead")


async def test_connecting_the_same_place_again_is_the_same_source(store: Store, deal: Deal) -> None:
    first = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    again = await store.sources.create(deal.id, SourceType.folder, "Data room", "/srv/share")
    other = await store.sources.create(deal.id, SourceType.gmail, "Inbox", "deals@larkspur.example")

    assert again.id == first.id
    assert await store.sources.of_deal(deal.id) == [again, other]
    assert await store.sources.of_deal(deal.id, SourceType.gmail) == [other]


async def test_a_source_remembers_its_state_and_last_error(store: Store, deal: Deal) -> None:
    source = await store.sources.create(deal.id, SourceType.gdrive, "Drive", "folder-1")

    await store.sources.set_state(source.id, SourceState.needs_consent, error="Access was revoked.")
    broken = await store.sources.get(source.id)
    await store.sources.set_state(source.id, SourceState.active)

    assert (broken.state, broken.last_error) == (SourceState.needs_consent, "Access was revoked.")
    assert await store.sources.get(source.id) == source


async def test_a_brief_saved_again_replaces_that_days(store: Store, deal: Deal) -> None:
    await store.briefs.save(brief(deal.id, date(2026, 3, 3)))
    await store.briefs.save(brief(deal.id, date(2026, 3, 3), markdown="# Better"))
    await store.briefs.save(brief(deal.id, date(2026, 3, 5)))

    assert await store.briefs.get(deal.id, date(2026, 3, 3)) == brief(deal.id, date(2026, 3, 3), markdown="# Better")
    assert await store.briefs.get(deal.id, date(2026, 3, 4)) is None
    assert await store.briefs.latest_before(deal.id, date(2026, 3, 5)) == brief(deal.id, markdown="# Better")
    assert await store.briefs.latest_before(deal.id, date.max) == brief(deal.id, date(2026, 3, 5))
    assert await store.briefs.latest_before(deal.id, date(2026, 3, 3)) is None


async def test_usage_is_one_row_a_call(store: Store, deal: Deal, database: asyncpg.Connection) -> None:
    usage = Usage(operation="summarize", origin=LOCAL, input_tokens=12, cost_usd=0.001234, stop_reason="end_turn")

    await store.usage.record(deal.id, usage)
    await store.usage.record(deal.id, usage)

    rows = await database.fetch("select deal_id::text, engine, model, input_tokens, cost_usd::float8 from ai_usage")
    assert [tuple(row) for row in rows] == [(deal.id, "local", "local-1", 12, 0.001234)] * 2


async def test_an_answer_is_kept_letter_for_letter_until_replaced(store: Store) -> None:
    assert await store.answers.get("k1") is None

    await store.answers.put("k1", '{"b": 1,  "a": 2}', operation="summarize", model="m")
    assert await store.answers.get("k1") == '{"b": 1,  "a": 2}'

    await store.answers.put("k1", "{}", operation="summarize", model="m")
    assert await store.answers.get("k1") == "{}"


async def test_text_no_database_can_hold_keeps_its_length(store: Store) -> None:
    deal = await store.deals.create("a\x00b\ud800c")

    assert deal.name == "a\ufffdb\ufffdc"


async def test_errors_say_nothing_of_the_content(store: Store, deal: Deal, database: asyncpg.Connection) -> None:
    await database.execute("alter table briefs add constraint no_secrets check (markdown not like '%secret%')")
    try:
        with pytest.raises(DealPulseError) as refusal:
            await store.briefs.save(brief(deal.id, markdown="the secret price"))
    finally:
        await database.execute("alter table briefs drop constraint no_secrets")
    assert "secret price" not in str(refusal.value)
    assert refusal.value.code == "supabase_23514"
