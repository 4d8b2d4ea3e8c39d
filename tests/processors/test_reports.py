"""The weekly report and the risk register: what they count, and how they come."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.errors import NotFound
from dealpulse.jobs import GenerateReport, SyncType
from dealpulse.local.stack import Stack
from dealpulse.models import (
    Action,
    Brief,
    BriefStatus,
    Citation,
    Deal,
    EmailAnalysis,
    FindingStatus,
    FindingVerdict,
    RecordedCitation,
    RecordedFinding,
    Report,
    ReportKind,
    RiskCategory,
    Sentiment,
    SentimentLabel,
    Severity,
    Usage,
    Verification,
)
from dealpulse.processors.report_register import COLUMNS, as_csv
from dealpulse.processors.report_week import Week
from dealpulse.store import Store
from processors.conftest import Run
from store.samples import (
    CLAUDE,
    LOCAL,
    blocker,
    blockers,
    brief,
    finding,
    findings,
    page,
    stored_document,
    stored_email,
)

TODAY = datetime.now(UTC).date()
LAST_WEEK = TODAY - timedelta(days=7)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
async def database(clean_stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(clean_stack.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def deal(store: Store) -> Deal:
    return await store.deals.create("Kestrel", time_zone="UTC")


async def _weekly(run: Run, store: Store, deal: Deal) -> Report:
    await run(GenerateReport(deal.id, ReportKind.weekly_report, TODAY))
    return await store.reports.get(deal.id, ReportKind.weekly_report, TODAY)


async def _age(database: asyncpg.Connection, sql: str, days: int = 10) -> None:
    """Make what the statement names older."""
    await database.execute(sql, timedelta(days=days))


async def test_a_week_tells_what_opened_changed_and_ended_and_no_more(
    run: Run, store: Store, deal: Deal, database: asyncpg.Connection
) -> None:
    document = await stored_document(store, deal)
    await store.documents.save_content(document.id, mime_type="a/b", pages=[page(1, "may terminate")])
    told = [finding(f"f{number}", title=f"Risk {number}", quote=f"quote {number}") for number in range(4)]
    await store.documents.save_analysis(document.id, findings(*told), LOCAL)
    await _age(
        database,
        "update findings set first_seen_at = first_seen_at - $1::interval, changed_at = changed_at - $1::interval,"
        " updated_at = updated_at - $1::interval",
    )
    by_name = {one.title: one for one in await store.findings.of_deal(deal.id)}
    # Risk 0 stays as it is, 1 becomes graver, 2 is rejected; 3 was rejected before, and 4 is new.
    await store.findings.review(by_name["Risk 3"].id, FindingVerdict.reject, author="anna")
    await _age(database, "update findings set updated_at = updated_at - $1::interval where title = 'Risk 3'")
    correction = {"severity": "P0"}
    await store.findings.review(by_name["Risk 1"].id, FindingVerdict.correct, corrections=correction, author="anna")
    await store.findings.review(by_name["Risk 2"].id, FindingVerdict.reject, author="anna")
    other = await stored_document(store, deal, "other.pdf", text="two")
    await store.documents.save_analysis(
        other.id, findings(finding("f4", title="Risk 4", category=RiskCategory.tax, quote="other quote")), LOCAL
    )

    report = await _weekly(run, store, deal)

    changes = report.markdown.partition("## In these seven days")[2].partition("## Risks")[0]
    assert "**New** (P2): Risk 4" in changes
    assert "**Changed** (P0): Risk 1" in changes
    assert "**No longer open** (P2): Risk 2. A person looked at it and said it is none." in changes
    assert "Risk 0" not in changes
    assert "Risk 3" not in report.markdown
    assert "Risk 0" in report.markdown
    counts = report.content["counts"]
    assert isinstance(counts, dict)
    assert (counts["risks_opened"], counts["risks_changed"], counts["risks_ended"]) == (1, 1, 1)
    assert "In these seven days" in report.html
    assert "Risk 4" in report.html
    assert "Weekly report" in report.html


async def test_a_week_counts_blockers_documents_briefs_and_costs(
    run: Run, store: Store, deal: Deal, database: asyncpg.Connection
) -> None:
    await stored_document(store, deal, "old.pdf", text="old")
    await _age(database, "update documents set created_at = created_at - $1::interval")
    failed = await stored_document(store, deal, "failed.pdf", text="failed")
    await store.documents.mark_failed(failed.id, code="encrypted", reason="It has a password.")
    email = await stored_email(store, deal)
    stalled = blocker("b1", title="Consent", opened_on=TODAY - timedelta(days=17))
    await store.emails.save_analysis(
        email.id, blockers(stalled, blocker("b2", title="Visa", opened_on=TODAY - timedelta(days=2))), LOCAL
    )
    for day, status in [(TODAY, "complete"), (TODAY - timedelta(days=1), "partial"), (LAST_WEEK, "partial")]:
        await store.briefs.save(_with_status(brief(deal.id, day), status))
    await store.usage.record(deal.id, Usage(operation="document.analyze", origin=CLAUDE, cost_usd=1.25))

    report = await _weekly(run, store, deal)

    counts = report.content["counts"]
    assert isinstance(counts, dict)
    assert counts == counts | {
        "blockers_opened": 1,
        "longest_stalled": 17,
        "documents_received": 1,
        "documents_analysed": 0,
        "documents_failed": 1,
        "emails_received": 1,
        "briefs": 2,
        "briefs_partial": 1,
        "ai_cost_usd": 1.25,
    }
    assert report.status is BriefStatus.partial
    assert "1 document came in, 0 analysed, 1 failed" in report.markdown
    assert "2 daily briefs written, 1 of them partial. Analysis by models cost USD 1.25." in report.markdown
    assert "the longest stalled 17 days" in report.headline
    assert "failed.pdf: It has a password." in report.html


async def test_a_week_compares_each_organisations_tone_with_the_week_before(run: Run, store: Store, deal: Deal) -> None:
    noon = datetime.combine(TODAY, datetime.min.time(), UTC) + timedelta(minutes=1)
    for number, (days, score) in enumerate([(0, -0.6), (1, -0.4), (8, 0.5), (9, 0.3), (30, -1.0)]):
        email = await stored_email(store, deal, f"{number}.eml", sent_at=noon - timedelta(days=days))
        tone = Sentiment(label=SentimentLabel.neutral, score=score)
        await store.emails.save_analysis(email.id, EmailAnalysis(sentiment=tone), LOCAL)

    report = await _weekly(run, store, deal)

    assert "**larkspur.example** -0.50, +0.40 the week before: cooling (2 e-mails)" in report.markdown
    assert "larkspur.example" in report.html
    assert "cooling" in report.html


async def test_the_reports_of_an_archived_deal_are_not_made(run: Run, store: Store, deal: Deal) -> None:
    await store.deals.archive(deal.id)
    await run(GenerateReport(deal.id, ReportKind.weekly_report, TODAY))
    (row,) = await store.operations.of_deal(deal.id)
    assert row.state.value == "done"
    with pytest.raises(NotFound):
        await store.reports.get(deal.id, ReportKind.weekly_report, TODAY)


@pytest.mark.parametrize(
    ("last", "hours"), [(date(2026, 3, 10), 167), (date(2026, 11, 3), 169), (date(2026, 6, 9), 168)]
)
def test_a_week_is_seven_local_days_also_where_the_clock_changes(last: date, hours: int) -> None:
    week = Week.ending(last, NEW_YORK)
    assert (week.last - week.first).days == 6
    assert week.until.astimezone(UTC) - week.since.astimezone(UTC) == timedelta(hours=hours)
    assert week.holds(datetime.combine(last, datetime.min.time(), NEW_YORK))
    assert not week.holds(week.until)


# --- the register ---------------------------------------------------------------------------------------------------


async def test_the_register_lists_every_risk_of_a_room_with_its_place_and_quote(
    room: Path, sync: Run, run: Run, store: Store, deal: Deal
) -> None:
    (room / "supply.txt").write_text("The Customer may terminate upon a change of control of the Supplier.\n")
    await sync(SyncType.full)
    await run(GenerateReport(deal.id, ReportKind.risk_register, TODAY))
    report = await store.reports.get(deal.id, ReportKind.risk_register, TODAY)
    rows = _rows(report.csv)
    assert rows
    row = rows[0]
    assert (row["category"], row["status"], row["verification"]) == ("change_of_control", "open", "verified")
    assert "supply.txt" in row["documents and pages"]
    assert "change of control" in row["quotes"]
    assert report.headline.startswith(f"{len(rows)} open risk")
    assert report.html == ""


def _rows(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def _recorded(title: str, *citations: tuple[str, Verification]) -> RecordedFinding:
    return RecordedFinding(
        id="1",
        category=RiskCategory.tax,
        severity=Severity.P1,
        action=Action.price,
        title=title,
        explanation=title,
        fingerprint="f",
        status=FindingStatus.open,
        origin=LOCAL,
        first_seen_at=datetime(2026, 3, 2, tzinfo=UTC),
        citations=tuple(
            RecordedCitation(
                document_id="d", document_name=title, citation=Citation(quote=quote, page=3, verification=verification)
            )
            for quote, verification in citations
        ),
    )


@given(st.text(), st.text(min_size=1))
def test_whatever_a_document_says_is_text_in_every_cell_and_one_line_a_risk(title: str, quote: str) -> None:
    rows = _rows(as_csv([_recorded(title, (quote, Verification.verified)), _recorded("other")]))
    assert len(rows) == 2
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0]["title"] in (title, f"'{title}")
    for cell in rows[0].values():
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize("title", ["=HYPERLINK(1)", "+1", "-2+3", "@SUM(A1)", "\t=1", "＝1"])
def test_a_formula_is_kept_as_text(title: str) -> None:
    (row,) = _rows(as_csv([_recorded(title, ("quote", Verification.repaired))]))
    assert row["title"] == f"'{title}"


def test_what_no_document_says_is_in_no_register() -> None:
    mixed = _recorded("Mixed", ("right", Verification.verified), ("made up", Verification.unverified))
    (row,) = _rows(as_csv([mixed, _recorded("Made up", ("made up", Verification.unverified))]))
    assert (row["title"], row["quotes"], row["verification"]) == ("Mixed", "right", "verified")
    assert row["documents and pages"] == "Mixed, p. 3"


def _with_status(one: Brief, status: str) -> Brief:
    return Brief(
        deal_id=one.deal_id,
        brief_date=one.brief_date,
        status=BriefStatus(status),
        markdown=one.markdown,
        origin=one.origin,
    )
