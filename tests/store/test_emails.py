"""E-mails, their threads, and blockers told by several of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import asyncpg
import msgspec
import pytest

from dealpulse.models import BlockerStatus, Deal, DocumentState, EmailAnalysis
from dealpulse.store import Store
from store.samples import CLAUDE, LOCAL, SENTIMENT, blocker, blockers, citation, content, sha256, stored_email

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def test_an_uploaded_email_is_new_and_the_same_one_again_is_the_same(store: Store, deal: Deal) -> None:
    made = [
        await store.emails.create(deal.id, name="1.eml", path="1.eml", content_hash=sha256("1"), storage_key="k")
        for _ in range(2)
    ]

    assert made[0] == made[1]
    assert (made[0].state, made[0].to, made[0].sender) == (DocumentState.new, (), None)


async def test_what_an_email_says_comes_back_as_it_was_saved(store: Store, deal: Deal) -> None:
    email = await stored_email(store, deal)
    told = content()

    await store.emails.save_content(email.id, told)

    read = await store.emails.get(email.id)
    assert read.state is DocumentState.ready
    assert {name: getattr(read, name) for name in told.__struct_fields__} == {
        name: getattr(told, name) for name in told.__struct_fields__
    }


async def test_a_thread_is_listed_oldest_first(store: Store, deal: Deal) -> None:
    later = await stored_email(store, deal, "2.eml", sent_at=MONDAY + timedelta(hours=5))
    earlier = await stored_email(store, deal, "1.eml", sent_at=MONDAY)
    elsewhere = await store.deals.create("Project Aster")
    await stored_email(store, elsewhere, "3.eml")

    assert await store.emails.thread(deal.id, "<root@larkspur.example>") == [earlier, later]
    assert await store.emails.of_deal(deal.id) == [earlier, later]
    assert await store.emails.thread(deal.id, "<another@larkspur.example>") == []


async def test_a_thread_key_may_be_of_any_length(store: Store, deal: Deal) -> None:
    email = await stored_email(store, deal)
    key = "re: " * 20_000

    await store.emails.save_content(email.id, msgspec.structs.replace(content(), thread_key=key))

    assert [one.id for one in await store.emails.thread(deal.id, "re: short")] == []
    assert (await store.emails.get(email.id)).thread_key == key


async def test_parts_not_asked_for_leave_stored_results_alone(store: Store, deal: Deal) -> None:
    email = await stored_email(store, deal)
    await store.emails.save_analysis(email.id, EmailAnalysis(sentiment=SENTIMENT, blockers=(blocker("b1"),)), CLAUDE)

    await store.emails.save_analysis(email.id, EmailAnalysis(), LOCAL)

    read = await store.emails.get(email.id)
    assert (read.sentiment, read.origin) == (SENTIMENT, CLAUDE)
    (kept,) = await store.blockers.of_deal(deal.id)
    assert (kept.blocker, kept.origin, kept.email_id) == (blocker("b1"), CLAUDE, email.id)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_blocker_is_as_the_latest_email_tells_it_in_whatever_order_they_are_read(
    store: Store, deal: Deal, order: tuple[int, ...]
) -> None:
    told = [
        blocker("b1", title="Landlord's consent", opened_on=date(2026, 3, 2)),
        blocker("b1", title="Landlord still silent", opened_on=date(2026, 3, 4)),
        blocker("b1", title="Landlord signed", opened_on=date(2026, 3, 6), status=BlockerStatus.resolved),
    ]
    emails = [
        await stored_email(store, deal, f"{n}.eml", sent_at=MONDAY + timedelta(days=n), subject=f"Subject {n}")
        for n in range(3)
    ]

    for number in order:
        for _ in range(2):
            await store.emails.save_analysis(emails[number].id, blockers(told[number]), LOCAL)

    (recorded,) = await store.blockers.of_deal(deal.id)
    assert (recorded.email_id, recorded.email_subject) == (emails[2].id, "Subject 2")
    assert (recorded.blocker.title, recorded.blocker.status) == ("Landlord signed", BlockerStatus.resolved)
    assert recorded.blocker.opened_on == date(2026, 3, 2)
    assert recorded.blocker.citation == citation("still waiting for the landlord")


async def test_a_blocker_no_email_mentions_any_more_is_gone(store: Store, deal: Deal) -> None:
    first = await stored_email(store, deal, "1.eml", sent_at=MONDAY)
    second = await stored_email(store, deal, "2.eml", sent_at=MONDAY + timedelta(days=1))
    for email in (first, second):
        await store.emails.save_analysis(email.id, blockers(blocker("b1", title=email.name)), LOCAL)

    await store.emails.save_analysis(second.id, blockers(), LOCAL)
    (left,) = await store.blockers.of_deal(deal.id)
    assert (left.email_id, left.blocker.title) == (first.id, "1.eml")

    await store.emails.save_analysis(first.id, blockers(), LOCAL)
    assert await store.blockers.of_deal(deal.id) == []


async def test_a_dismissed_blocker_stays_dismissed(store: Store, deal: Deal, database: asyncpg.Connection) -> None:
    email = await stored_email(store, deal)
    await store.emails.save_analysis(email.id, blockers(blocker("b1")), LOCAL)
    await database.execute("update blockers set status = 'dismissed'")

    for told in ([blocker("b1", title="Again")], [], [blocker("b1")]):
        await store.emails.save_analysis(email.id, blockers(*told), LOCAL)
        (recorded,) = await store.blockers.of_deal(deal.id)
        assert recorded.blocker.status is BlockerStatus.dismissed


async def test_an_unreadable_email_takes_back_what_it_said(store: Store, deal: Deal) -> None:
    email = await stored_email(store, deal)
    await store.emails.save_analysis(email.id, EmailAnalysis(sentiment=SENTIMENT, blockers=(blocker("b1"),)), LOCAL)

    for _ in range(2):
        await store.emails.mark_failed(email.id, code="corrupt", reason="The message is broken off.")

    failed = await store.emails.get(email.id)
    assert (failed.state, failed.failure_code, failed.sentiment) == (DocumentState.failed, "corrupt", None)
    assert await store.blockers.of_deal(deal.id) == []


async def test_emails_of_one_deal_analysed_at_once_neither_fail_nor_lose_a_blocker(store: Store, deal: Deal) -> None:
    emails = [await stored_email(store, deal, f"{n}.eml", sent_at=MONDAY + timedelta(hours=n)) for n in range(8)]
    told = [blocker(f"b{n}") for n in range(10)]

    async def analyse(email_id: str, turn: int) -> None:
        for _ in range(3):
            await store.emails.save_analysis(email_id, blockers(*told[turn:], *told[:turn]), LOCAL)

    await asyncio.gather(*(analyse(email.id, turn) for turn, email in enumerate(emails)))

    recorded = await store.blockers.of_deal(deal.id)
    assert {one.blocker.fingerprint for one in recorded} == {one.fingerprint for one in told}
    assert {one.email_id for one in recorded} == {emails[-1].id}


async def test_every_email_is_listed_however_many_there_are(
    store: Store, deal: Deal, database: asyncpg.Connection
) -> None:
    await database.execute(
        "insert into emails (deal_id, name, path, content_hash, storage_key)"
        " select $1, n || '.eml', n || '.eml', n::text, n::text from generate_series(1, 1250) n",
        deal.id,
    )

    assert len({email.id for email in await store.emails.of_deal(deal.id)}) == 1250
