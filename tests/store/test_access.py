"""Who may see and do what: nobody, a member, another deal's member and the service, on every table and function."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import httpx
import jwt
import pytest

from dealpulse.local.stack import Stack
from dealpulse.models import (
    BriefStatus,
    Channel,
    Deal,
    DeliveryKind,
    FindingVerdict,
    Report,
    ReportKind,
    SourceType,
    SubjectType,
    Usage,
)
from dealpulse.store import Store
from dealpulse.store.schema import NEEDED
from store.samples import (
    LOCAL,
    blocker,
    blockers,
    brief,
    finding,
    findings,
    item,
    operation,
    page,
)

MEMBER = str(uuid.UUID(int=1))
OTHER_MEMBER = str(uuid.UUID(int=2))

READ_BY_MEMBERS = {
    "deals",
    "deal_members",
    "documents",
    "document_pages",
    "document_versions",
    "findings",
    "finding_citations",
    "emails",
    "blockers",
    "blocker_mentions",
    "briefs",
    "feedback",
    "report_schedules",
    "reports",
    "deliveries",
}
"""Whole rows of these; of sources all but the cursor, of recipients all but the secret; of all other tables nothing."""

SOURCE_COLUMNS = "id,deal_id,type,name,location,state,last_synced_at,last_error"
RECIPIENT_COLUMNS = "id,deal_id,channel,address,kinds,state,created_at"


class User:
    """Somebody who speaks to PostgREST as the app does in a browser."""

    def __init__(self, stack: Stack, user_id: str | None) -> None:
        token = stack.anon_key if user_id is None else _token(stack, user_id)
        headers = {"apikey": stack.anon_key, "authorization": f"Bearer {token}"}
        self.http = httpx.AsyncClient(base_url=f"{stack.supabase_url}/rest/v1", headers=headers)

    async def reads(self, table: str, columns: str = "*") -> list[object] | None:
        """The rows, or None if refused."""
        answer = await self.http.get(f"/{table}", params={"select": columns})
        return list(answer.json()) if answer.is_success else None


def _token(stack: Stack, user_id: str) -> str:
    expires = datetime.now(UTC) + timedelta(hours=1)
    claims = {"role": "authenticated", "aud": "authenticated", "sub": user_id, "exp": expires}
    return jwt.encode(claims, stack.jwt_secret, algorithm="HS256")


@pytest.fixture
async def users(clean_stack: Stack) -> AsyncIterator[dict[str, User]]:
    users = {
        "anon": User(clean_stack, None),
        "member": User(clean_stack, MEMBER),
        "other member": User(clean_stack, OTHER_MEMBER),
        "no member": User(clean_stack, str(uuid.UUID(int=3))),
    }
    yield users
    for user in users.values():
        await user.http.aclose()


@pytest.fixture
async def filled_deal(store: Store, deal: Deal) -> Deal:
    """A deal with a row in every table, and a member; another deal with another member."""
    other = await store.deals.create("Project Aster")
    await store.deals.add_member(deal.id, MEMBER, "lead")
    await store.deals.add_member(other.id, OTHER_MEMBER, "lead")
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    readings = await store.sources.save_page(
        source.id, sync_id="1", items=[item("a.pdf"), item("1.eml", kind="email")], removed=[], cursor="secret"
    )
    ids = {reading.subject_type: reading.subject_id for reading in readings}
    document_id, email_id = ids[SubjectType.document], ids[SubjectType.email]
    changed = [item("a.pdf", text="two", version="2"), item("1.eml", kind="email", text=None)]
    await store.sources.save_page(source.id, sync_id="2", items=changed, removed=[], cursor="secret")
    await store.documents.save_content(document_id, mime_type="a/b", pages=[page(1, "text")])
    await store.documents.save_analysis(document_id, findings(finding("f1")), LOCAL)
    await store.emails.save_analysis(email_id, blockers(blocker("b1")), LOCAL)
    (recorded,) = await store.findings.of_deal(deal.id)
    await store.findings.review(recorded.id, FindingVerdict.accept, author="anna")
    await store.briefs.save(brief(deal.id))
    await store.usage.record(deal.id, Usage(operation="analyze", origin=LOCAL), document_id=document_id)
    await store.answers.put("k", "{}", operation="analyze", model="m")
    await store.operations.ask([operation(document_id, deal.id)])
    await store.recipients.add(
        deal.id, Channel.webhook, "https://hooks.example/1", kinds=[DeliveryKind.daily_brief], secret="whsec_c2VjcmV0"
    )
    await store.deliveries.plan(deal.id, DeliveryKind.daily_brief, "2026-03-03")
    await store.report_schedules.add(deal.id, ReportKind.weekly_report, cron="0 8 * * 1", time_zone="Europe/Berlin")
    await store.reports.save(
        Report(
            deal_id=deal.id,
            kind=ReportKind.weekly_report,
            report_date=date(2026, 3, 3),
            status=BriefStatus.complete,
            headline="A quiet week",
            markdown="# Week",
        )
    )
    return deal


async def test_every_table_has_row_level_security(store: Store, database: asyncpg.Connection) -> None:
    rows = await database.fetch(
        "select relname from pg_class where relrowsecurity and relnamespace = $1::regnamespace", "public"
    )
    assert {row["relname"] for row in rows} >= set(NEEDED)


async def test_a_member_reads_their_deal_and_nothing_else(filled_deal: Deal, users: dict[str, User]) -> None:
    member = users["member"]
    for table in NEEDED:
        rows = await member.reads(table)
        if table in READ_BY_MEMBERS:
            assert rows is not None
            assert len(rows) == 1, table
        else:
            assert rows is None, table


@pytest.mark.parametrize("who", ["other member", "no member"])
async def test_who_is_no_member_of_the_deal_reads_nothing_of_it(
    filled_deal: Deal, users: dict[str, User], who: str
) -> None:
    for table in sorted(READ_BY_MEMBERS - {"deals", "deal_members"}):
        assert await users[who].reads(table) == [], table
    for table, column in (("deals", "id"), ("deal_members", "deal_id")):
        rows = await users[who].reads(table, column)
        assert rows is not None
        assert {column: filled_deal.id} not in rows


async def test_anonymous_callers_read_nothing(filled_deal: Deal, users: dict[str, User]) -> None:
    for table in NEEDED:
        assert await users["anon"].reads(table) is None, table


async def test_members_see_their_sources_without_the_cursor(filled_deal: Deal, users: dict[str, User]) -> None:
    assert len(await users["member"].reads("sources", SOURCE_COLUMNS) or []) == 1
    assert await users["member"].reads("sources", "cursor") is None
    assert await users["other member"].reads("sources", SOURCE_COLUMNS) == []


async def test_members_see_who_is_sent_their_briefs_but_no_secret(filled_deal: Deal, users: dict[str, User]) -> None:
    assert len(await users["member"].reads("recipients", RECIPIENT_COLUMNS) or []) == 1
    assert await users["member"].reads("recipients", "secret") is None
    assert await users["other member"].reads("recipients", RECIPIENT_COLUMNS) == []


@pytest.mark.parametrize("who", ["member", "anon"])
async def test_nobody_but_the_service_writes(
    filled_deal: Deal, users: dict[str, User], who: str, database: asyncpg.Connection
) -> None:
    before = await _everything(database)
    for table, columns in NEEDED.items():
        column = columns.split()[0]
        everything = {column: "not.is.null"}
        for answer in (
            await users[who].http.post(f"/{table}", json={}),
            await users[who].http.patch(f"/{table}", params=everything, json={column: None}),
            await users[who].http.delete(f"/{table}", params=everything),
        ):
            assert answer.status_code in (401, 403), (table, answer.text)
    assert await _everything(database) == before


async def test_only_the_service_calls_our_functions(store: Store, database: asyncpg.Connection) -> None:
    rows = await database.fetch(
        "select p.proname, p.prosecdef, has_function_privilege('anon', p.oid, 'execute') as anon,"
        " has_function_privilege('authenticated', p.oid, 'execute') as authenticated,"
        " has_function_privilege('service_role', p.oid, 'execute') as service_role"
        " from pg_proc p where p.pronamespace = 'public'::regnamespace"
        " and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')"
    )
    assert len(rows) > 20
    for name, definer, anon, authenticated, service_role in rows:
        for_policies = name == "my_deal_ids"
        assert (definer, anon, authenticated, service_role) == (for_policies, False, for_policies, True), name


async def test_the_service_reads_and_writes_every_table(filled_deal: Deal, database: asyncpg.Connection) -> None:
    for table in set(NEEDED) - {"dealpulse_migrations"}:
        kept_for_good = table == "audit_log"
        for right in ("select", "insert") if kept_for_good else ("select", "insert", "update", "delete"):
            assert await database.fetchval("select has_table_privilege('service_role', $1, $2)", table, right)


async def test_deleting_a_deal_leaves_nothing_of_it(
    store: Store, filled_deal: Deal, database: asyncpg.Connection
) -> None:
    await database.execute("delete from deals where id = $1", filled_deal.id)

    left = await _everything(database)
    left.pop("ai_cache")
    left.pop("dealpulse_migrations")
    assert {table for table, rows in left.items() if rows} == {"deals", "deal_members"}
    assert [row["id"] for row in await database.fetch("select id::text from deals")] != [filled_deal.id]


async def _everything(database: asyncpg.Connection) -> dict[str, list[str]]:
    return {
        table: [row["text"] for row in await database.fetch(f"select t::text as text from {table} t order by 1")]  # noqa: S608
        for table in NEEDED
    }
