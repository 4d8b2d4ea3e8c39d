"""Documents, their pages, and the findings of several documents merged into a deal's."""

from __future__ import annotations

import asyncio
import random

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dealpulse.errors import NotFound
from dealpulse.models import (
    Deal,
    DocumentAnalysis,
    DocumentState,
    Finding,
    FindingStatus,
    Page,
    RecordedFinding,
    Severity,
    TextMethod,
)
from dealpulse.store import Store
from store.samples import (
    CLASSIFICATION,
    CLAUDE,
    LOCAL,
    NOBODY,
    SCANNED_PAGE,
    SUMMARY,
    citation,
    finding,
    findings,
    page,
    stored_document,
    stored_email,
)


async def test_an_uploaded_document_is_new(store: Store, deal: Deal) -> None:
    document = await stored_document(store, deal)

    assert document.state is DocumentState.new
    assert document.summary is None
    assert await store.documents.get(document.id) == document
    assert await store.documents.of_deal(deal.id) == [document]


async def test_the_same_upload_again_is_the_same_document(store: Store, deal: Deal) -> None:
    email = await stored_email(store, deal)
    uploaded = [await stored_document(store, deal) for _ in range(2)]
    attached = [await stored_document(store, deal, email_id=email.id) for _ in range(2)]
    changed = await stored_document(store, deal, text="two")
    renamed = await stored_document(store, deal, "lease (1).pdf")

    assert uploaded[0].id == uploaded[1].id
    assert attached[0].id == attached[1].id
    assert len({uploaded[0].id, attached[0].id, changed.id, renamed.id}) == 4


async def test_a_document_needs_its_deal_and_its_email_to_exist(store: Store, deal: Deal) -> None:
    elsewhere = await store.deals.create("Project Aster")
    email = await stored_email(store, elsewhere)

    with pytest.raises(NotFound) as no_deal:
        await stored_document(store, Deal(id=NOBODY, name="", status=""))
    with pytest.raises(NotFound) as other_deals_email:
        await stored_document(store, deal, email_id=email.id)
    assert no_deal.value.code == "deal_not_found"
    assert other_deals_email.value.code == "email_not_found"


async def test_pages_come_back_as_they_were_saved(store: Store, deal: Deal) -> None:
    document = await stored_document(store, deal)
    pages = (page(1, "first"), SCANNED_PAGE)

    for _ in range(2):
        await store.documents.save_content(document.id, mime_type="application/pdf", pages=pages)

    assert await store.documents.pages(document.id) == pages
    read = await store.documents.get(document.id)
    assert (read.state, read.page_count) == (DocumentState.ready, 2)


async def test_new_content_replaces_every_old_page(store: Store, deal: Deal) -> None:
    document = await stored_document(store, deal)
    await store.documents.save_content(document.id, mime_type="a/b", pages=[page(n, f"old {n}") for n in range(1, 6)])

    await store.documents.save_content(document.id, mime_type="a/b", pages=[page(1, "new")])

    assert await store.documents.pages(document.id) == (page(1, "new"),)


async def test_text_the_database_cannot_hold_is_replaced_and_offsets_stay_true(store: Store, deal: Deal) -> None:
    document = await stored_document(store, deal)
    await store.documents.save_content(document.id, mime_type="a/b", pages=[page(1, "a\x00b \ud83d c")])

    (stored,) = await store.documents.pages(document.id)

    assert stored.text == "a\ufffdb \ufffd c"
    assert stored.char_end == len(stored.text)


async def test_an_unreadable_document_takes_back_what_it_said(store: Store, deal: Deal) -> None:
    document = await stored_document(store, deal)
    await store.documents.save_content(document.id, mime_type="a/b", pages=[page(1, "may terminate")])
    await store.documents.save_analysis(
        document.id, DocumentAnalysis(summary=SUMMARY, findings=(finding("f1"),)), LOCAL
    )

    for _ in range(2):
        await store.documents.mark_failed(document.id, code="encrypted", reason="The file needs a password.")

    failed = await store.documents.get(document.id)
    assert (failed.state, failed.failure_code, failed.failure_reason) == (
        DocumentState.failed,
        "encrypted",
        "The file needs a password.",
    )
    assert (failed.summary, failed.origin, failed.page_count) == (None, None, 0)
    assert await store.documents.pages(document.id) == ()
    (withdrawn,) = await store.findings.of_deal(deal.id)
    assert withdrawn.status is FindingStatus.resolved


async def test_parts_not_asked_for_leave_stored_results_alone(store: Store, deal: Deal) -> None:
    document = await stored_document(store, deal)
    await store.documents.save_analysis(
        document.id,
        DocumentAnalysis(summary=SUMMARY, classification=CLASSIFICATION, findings=(finding("f1"),)),
        CLAUDE,
    )
    analysed = await store.documents.get(document.id)
    assert (analysed.summary, analysed.classification, analysed.origin) == (SUMMARY, CLASSIFICATION, CLAUDE)

    await store.documents.save_analysis(document.id, DocumentAnalysis(), LOCAL)
    await store.documents.save_analysis(document.id, findings(finding("f2")), LOCAL)

    again = await store.documents.get(document.id)
    assert (again.summary, again.classification, again.origin) == (SUMMARY, CLASSIFICATION, CLAUDE)
    assert await _status(store, deal) == {"f1": FindingStatus.resolved, "f2": FindingStatus.open}


async def test_the_same_risk_in_two_documents_is_one_finding_told_by_its_gravest_citation(
    store: Store, deal: Deal
) -> None:
    lease = await stored_document(store, deal, "lease.pdf")
    memo = await stored_document(store, deal, "memo.pdf")

    await store.documents.save_analysis(lease.id, findings(finding("f1", title="Mild", quote="q1")), LOCAL)
    await store.documents.save_analysis(
        memo.id, findings(finding("f1", title="Grave", quote="q2", severity=Severity.P0)), CLAUDE
    )

    (merged,) = await store.findings.of_deal(deal.id)
    assert (merged.title, merged.severity, merged.origin) == ("Grave", Severity.P0, CLAUDE)
    assert [(one.document_name, one.citation) for one in merged.citations] == [
        ("memo.pdf", citation("q2")),
        ("lease.pdf", citation("q1")),
    ]

    await store.documents.save_analysis(memo.id, findings(), CLAUDE)

    (milder,) = await store.findings.of_deal(deal.id)
    assert (milder.id, milder.first_seen_at) == (merged.id, merged.first_seen_at)
    assert (milder.title, milder.severity, milder.status) == ("Mild", Severity.P2, FindingStatus.open)


async def test_a_finding_is_resolved_when_no_document_says_so_any_more_and_opens_again_when_one_does(
    store: Store, deal: Deal
) -> None:
    lease = await stored_document(store, deal)
    await store.documents.save_analysis(lease.id, findings(finding("f1")), LOCAL)
    await store.documents.save_analysis(lease.id, findings(), LOCAL)
    assert await _status(store, deal) == {"f1": FindingStatus.resolved}

    await store.documents.save_analysis(lease.id, findings(finding("f1")), LOCAL)
    assert await _status(store, deal) == {"f1": FindingStatus.open}


async def test_a_rejected_finding_stays_rejected(store: Store, deal: Deal, database: asyncpg.Connection) -> None:
    lease = await stored_document(store, deal)
    await store.documents.save_analysis(lease.id, findings(finding("f1")), LOCAL)
    await database.execute("update findings set status = 'rejected'")

    for told in ([finding("f1", severity=Severity.P0)], [], [finding("f1")]):
        await store.documents.save_analysis(lease.id, findings(*told), LOCAL)
        assert await _status(store, deal) == {"f1": FindingStatus.rejected}


async def test_a_document_may_cite_one_finding_twice(store: Store, deal: Deal) -> None:
    lease = await stored_document(store, deal)

    for _ in range(2):
        await store.documents.save_analysis(
            lease.id, findings(finding("f1", quote="a"), finding("f1", quote="b")), LOCAL
        )

    (found,) = await store.findings.of_deal(deal.id)
    assert [one.citation.quote for one in found.citations] == ["a", "b"]


async def test_a_document_the_app_deletes_takes_its_citations_along(
    store: Store, deal: Deal, database: asyncpg.Connection
) -> None:
    lease = await stored_document(store, deal)
    await store.documents.save_analysis(lease.id, findings(finding("f1")), LOCAL)

    await database.execute("delete from documents")

    (left,) = await store.findings.of_deal(deal.id)
    assert (left.status, left.citations) == (FindingStatus.resolved, ())


@pytest.mark.parametrize("seed", range(3))
async def test_documents_of_one_deal_analysed_at_once_neither_fail_nor_lose_a_citation(
    store: Store, deal: Deal, seed: int
) -> None:
    shuffler = random.Random(seed)  # noqa: S311 - repeatable shuffling
    documents = [await stored_document(store, deal, f"{n}.pdf") for n in range(8)]
    shared = [finding(f"f{n}") for n in range(12)]

    async def analyse(document_id: str) -> None:
        for _ in range(3):
            await store.documents.save_analysis(document_id, findings(*shuffler.sample(shared, 12)), LOCAL)

    await asyncio.gather(*(analyse(document.id) for document in documents))

    found = await store.findings.of_deal(deal.id)
    assert {one.fingerprint for one in found} == {one.fingerprint for one in shared}
    for one in found:
        assert {cited.document_id for cited in one.citations} == {document.id for document in documents}


_SAYINGS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(st.tuples(st.sampled_from(["f1", "f2", "f3"]), st.sampled_from(list(Severity))), max_size=3),
    ),
    max_size=6,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(sayings=_SAYINGS, twice=st.booleans())
async def test_findings_are_what_the_documents_say_last_whatever_was_said_before(
    store: Store, sayings: list[tuple[int, list[tuple[str, Severity]]]], twice: bool
) -> None:
    deal = await store.deals.create("Project Larkspur")
    documents = [await stored_document(store, deal, f"{n}.pdf") for n in range(3)]
    last: dict[int, list[Finding]] = {}
    for number, told in sayings:
        last[number] = [finding(fingerprint, severity=severity) for fingerprint, severity in told]
        for _ in range(1 + twice):
            await store.documents.save_analysis(documents[number].id, findings(*last[number]), LOCAL)

    found = await store.findings.of_deal(deal.id)

    gravest: dict[str, Severity] = {}
    for told_last in last.values():
        for one in told_last:
            gravest[one.fingerprint] = min(one.severity, gravest.get(one.fingerprint, one.severity))
    assert {one.fingerprint: one.severity for one in found if one.status is FindingStatus.open} == gravest
    assert sum(len(one.citations) for one in found) == sum(len(told) for told in last.values())


async def test_every_document_is_listed_however_many_there_are(
    store: Store, deal: Deal, database: asyncpg.Connection
) -> None:
    await database.execute(
        "insert into documents (deal_id, name, path, content_hash, storage_key)"
        " select $1, n || '.pdf', n || '.pdf', n::text, n::text from generate_series(1, 2345) n",
        deal.id,
    )
    await database.execute("insert into documents (deal_id, name) values ($1, 'of the app, without our file')", deal.id)

    listed = await store.documents.of_deal(deal.id)

    assert {document.name for document in listed} == {f"{n}.pdf" for n in range(1, 2346)}
    assert len(listed) == 2345


async def test_every_page_is_read_however_many_there_are(store: Store, deal: Deal) -> None:
    document = await stored_document(store, deal)
    pages = tuple(page(n, f"page {n}") for n in range(1, 1302))

    await store.documents.save_content(document.id, mime_type="a/b", pages=pages)

    assert await store.documents.pages(document.id) == pages


async def _status(store: Store, deal: Deal) -> dict[str, FindingStatus]:
    found: list[RecordedFinding] = await store.findings.of_deal(deal.id)
    return {one.fingerprint: one.status for one in found}


async def test_some_pages_are_read_without_the_others(store: Store, deal: Deal) -> None:
    document = await stored_document(store, deal)
    pages = [page(number, f"page {number}") for number in range(1, 6)]
    await store.documents.save_content(document.id, mime_type="a/b", pages=pages)

    assert await store.documents.some_pages(document.id, {4, 2, 9, 2**40}) == (pages[1], pages[3])
    assert await store.documents.some_pages(document.id, ()) == ()
    assert await store.documents.some_pages("none", [1]) == ()


async def test_pages_whose_scan_was_hard_to_read_are_found_worst_first(store: Store, deal: Deal) -> None:
    def scanned(number: int, confidence: float | None) -> Page:
        return msgspec.structs.replace(page(number, "x"), method=TextMethod.ocr, confidence=confidence)

    document = await stored_document(store, deal)
    scans = [scanned(1, 0.65), scanned(2, 0.95), scanned(3, 0.2), scanned(4, None)]
    await store.documents.save_content(document.id, mime_type="a/b", pages=scans)
    other = await stored_document(store, await store.deals.create("Project Aster"))
    await store.documents.save_content(other.id, mime_type="a/b", pages=[scanned(1, 0.1)])

    found = await store.documents.faintly_read(deal.id, below=0.7)

    assert [(faint.document_id, faint.number) for faint in found] == [(document.id, 3), (document.id, 1)]
