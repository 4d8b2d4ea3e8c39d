"""One risk, many citations; blockers across their thread; and what people said stays said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dealpulse.errors import NotFound
from dealpulse.models import (
    Blocker,
    BlockerReview,
    BlockerStatus,
    BlockerVerdict,
    Deal,
    Document,
    Email,
    EmailAnalysis,
    Finding,
    FindingStatus,
    FindingVerdict,
    RecordedBlocker,
    RecordedFinding,
    Review,
    RiskCategory,
    Severity,
    Verification,
)
from dealpulse.processors.fingerprints import blocker_fingerprint, clause_terms, finding_fingerprint, topic_terms
from dealpulse.store import Store
from store.samples import LOCAL, NOBODY, blocker, blockers, content, finding, findings, sha256

CLAUSE = (
    "Upon any Change of Control of Larkspur, Halbrook may terminate this Agreement on thirty (30) days' written notice "
    "without liability."
)
SAME_CLAUSE = (
    "If a Change of Control of Larkspur occurs, Halbrook may terminate the Agreement upon thirty (30) days' prior "
    "written notice, without any liability."
)
OTHER_PERIOD = CLAUSE.replace("thirty (30)", "ninety (90)")
OTHER_NAME = CLAUSE.replace("Halbrook", "Veyra")


def risk(clause: str, *, severity: Severity = Severity.P1, title: str = "Halbrook may leave") -> Finding:
    category = RiskCategory.change_of_control
    told = finding(finding_fingerprint(category, clause), severity=severity, title=title, quote=clause)
    return replace(told, category=category, terms=clause_terms(clause))


async def a_document(store: Store, deal: Deal, name: str) -> Document:
    return await store.documents.create(
        deal.id,
        name=name,
        path=name,
        mime_type="text/plain",
        size_bytes=1,
        content_hash=sha256(name),
        storage_key=f"deals/{deal.id}/{sha256(name)}",
    )


async def an_email(store: Store, deal: Deal, name: str, *, sent_at: datetime) -> Email:
    email = await store.emails.create(
        deal.id, name=name, path=name, content_hash=sha256(name), storage_key=f"deals/{deal.id}/{sha256(name)}"
    )
    await store.emails.save_content(email.id, content(name, sent_at=sent_at))
    return email


async def told(store: Store, deal: Deal, *clauses: str) -> list[RecordedFinding]:
    """Each clause in a document of its own."""
    for number, clause in enumerate(clauses):
        document = await a_document(store, deal, f"{number}.txt")
        await store.documents.save_analysis(document.id, findings(risk(clause)), LOCAL)
    return await store.findings.of_deal(deal.id)


# --- one risk, many citations -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations((CLAUSE, SAME_CLAUSE, CLAUSE.upper()))))
async def test_a_risk_in_other_words_is_one_risk_with_more_citations(
    store: Store, deal: Deal, order: tuple[str, ...]
) -> None:
    (merged,) = await told(store, deal, *order)
    assert len(merged.citations) == 3


@pytest.mark.parametrize("other", [OTHER_PERIOD, OTHER_NAME])
async def test_another_number_or_another_name_is_another_risk(store: Store, deal: Deal, other: str) -> None:
    assert len(await told(store, deal, CLAUSE, other)) == 2


async def test_the_same_words_about_another_kind_of_risk_are_another_risk(store: Store, deal: Deal) -> None:
    document = await a_document(store, deal, "1.txt")
    both = (risk(CLAUSE), replace(risk(SAME_CLAUSE), category=RiskCategory.anti_assignment))
    await store.documents.save_analysis(document.id, findings(*both), LOCAL)
    assert len(await store.findings.of_deal(deal.id)) == 2


async def test_a_run_that_quotes_another_sentence_of_it_keeps_the_findings_id(store: Store, deal: Deal) -> None:
    document = await a_document(store, deal, "1.txt")
    ids = set()
    for clause in (CLAUSE, SAME_CLAUSE, CLAUSE):
        await store.documents.save_analysis(document.id, findings(risk(clause)), LOCAL)
        (kept,) = await store.findings.of_deal(deal.id)
        ids.add(kept.id)
    assert len(ids) == 1


async def test_what_cannot_be_quoted_does_not_raise_the_severity(store: Store, deal: Deal) -> None:
    first, second = await a_document(store, deal, "1.txt"), await a_document(store, deal, "2.txt")
    await store.documents.save_analysis(first.id, findings(risk(CLAUSE, severity=Severity.P2)), LOCAL)
    grave = risk(CLAUSE, severity=Severity.P0, title="The end")
    invented = replace(grave, citation=replace(grave.citation, verification=Verification.unverified))
    await store.documents.save_analysis(second.id, findings(invented), LOCAL)
    (kept,) = await store.findings.of_deal(deal.id)
    assert (kept.severity, kept.title) == (Severity.P2, "Halbrook may leave")
    assert [one.citation.verification for one in kept.citations] == [Verification.verified, Verification.unverified]


async def test_a_change_of_severity_is_dated(store: Store, deal: Deal) -> None:
    document = await a_document(store, deal, "1.txt")
    await store.documents.save_analysis(document.id, findings(risk(CLAUSE)), LOCAL)
    (before,) = await store.findings.of_deal(deal.id)
    await store.documents.save_analysis(document.id, findings(risk(CLAUSE)), LOCAL)
    (same,) = await store.findings.of_deal(deal.id)
    await store.documents.save_analysis(document.id, findings(risk(CLAUSE, severity=Severity.P0)), LOCAL)
    (after,) = await store.findings.of_deal(deal.id)
    assert before.changed_at == same.changed_at
    assert after.changed_at is not None
    assert before.changed_at is not None
    assert after.changed_at > before.changed_at
    assert after.first_seen_at == before.first_seen_at


VOCABULARY = "customer terminates notice control liability consent assign exclusive penalty renew"
words = st.sampled_from(VOCABULARY.split())
clauses = st.builds(
    lambda parts, number, name: f"The {' '.join(parts)} {number} of {name}.",
    st.lists(words, min_size=1, max_size=10),
    st.sampled_from(["30", "90", "1,000,000"]),
    st.sampled_from(["Halbrook", "Veyra"]),
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=clauses, other=clauses)
async def test_likeness_is_mutual_and_stops_at_numbers_and_names(
    database: asyncpg.Connection, one: str, other: str
) -> None:
    terms = (list(clause_terms(one)), list(clause_terms(other)))
    alike = await database.fetchval("select tells_the_same($1, $2)", *terms)
    assert alike == await database.fetchval("select tells_the_same($2, $1)", *terms)
    for sign in "#@":
        if {term for term in terms[0] if term[0] == sign} != {term for term in terms[1] if term[0] == sign}:
            assert not alike
    long_enough = sum(term[0] not in "#@" for term in terms[0]) >= 4
    assert await database.fetchval("select tells_the_same($1, $1)", terms[0]) == long_enough


# --- an e-mail's own findings -----------------------------------------------------------------------------------------


async def test_a_finding_may_be_cited_from_an_email_and_goes_with_it(store: Store, deal: Deal) -> None:
    email = await an_email(store, deal, "Please read", sent_at=datetime(2026, 3, 2, tzinfo=UTC))
    for _ in range(2):
        await store.emails.save_analysis(email.id, EmailAnalysis(findings=(risk(CLAUSE),)), LOCAL)
    (kept,) = await store.findings.of_deal(deal.id)
    (cited,) = kept.citations
    assert (cited.email_id, cited.document_id, cited.document_name) == (email.id, None, "Please read")
    await store.emails.mark_failed(email.id, code="corrupt", reason="Broken off.")
    (gone,) = await store.findings.of_deal(deal.id)
    assert (gone.status, gone.citations) == (FindingStatus.resolved, ())


# --- what people say of findings --------------------------------------------------------------------------------------


async def test_a_rejected_risk_stays_rejected_whoever_states_it_again(store: Store, deal: Deal) -> None:
    (known,) = await told(store, deal, CLAUSE)
    await store.findings.review(known.id, FindingVerdict.reject, reason="Waived in 2024.", author="anna")
    document = await a_document(store, deal, "later.txt")
    await store.documents.save_analysis(document.id, findings(risk(SAME_CLAUSE, severity=Severity.P0)), LOCAL)
    (kept,) = await store.findings.of_deal(deal.id)
    assert (kept.status, kept.review, len(kept.citations)) == (FindingStatus.rejected, Review.rejected, 2)
    await store.findings.review(known.id, FindingVerdict.accept, author="anna")
    (kept,) = await store.findings.of_deal(deal.id)
    assert (kept.status, kept.review) == (FindingStatus.open, Review.accepted)


async def test_a_correction_wins_over_every_later_run(store: Store, deal: Deal) -> None:
    (known,) = await told(store, deal, CLAUSE)
    await store.findings.review(
        known.id, FindingVerdict.correct, corrections={"severity": "P3", "title": "Halbrook will stay"}, author="anna"
    )
    await store.findings.review(known.id, FindingVerdict.correct, corrections={"action": "price"}, author="ben")
    for clause in (CLAUSE, SAME_CLAUSE):
        document = await a_document(store, deal, f"{len(clause)}.txt")
        await store.documents.save_analysis(document.id, findings(risk(clause, severity=Severity.P0)), LOCAL)
        (kept,) = await store.findings.of_deal(deal.id)
        assert (kept.severity, kept.title, kept.action) == (Severity.P3, "Halbrook will stay", "price")
    said = await store.findings.feedback(deal.id)
    assert [(one.author, one.corrections) for one in said] == [
        ("anna", {"severity": "P3", "title": "Halbrook will stay"}),
        ("ben", {"action": "price"}),
    ]


async def test_of_what_is_not_there_nothing_can_be_said(store: Store, deal: Deal) -> None:
    for nobody in (NOBODY, "x"):
        with pytest.raises(NotFound):
            await store.findings.review(nobody, FindingVerdict.accept, author="anna")
        with pytest.raises(NotFound):
            await store.blockers.review(nobody, BlockerVerdict.resolve, author="anna")


# --- blockers across the thread ---------------------------------------------------------------------------------------

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def waiting(title: str, day: int, *, status: BlockerStatus = BlockerStatus.open) -> Blocker:
    made = blocker(
        blocker_fingerprint("<root@larkspur.example>", title),
        title=title,
        opened_on=date(2026, 3, 2 + day),
        status=status,
    )
    return replace(made, terms=topic_terms(title))


async def mailed(store: Store, deal: Deal, *mails: Blocker) -> list[RecordedBlocker]:
    """One a day, each in a mail of one thread."""
    for day, said in enumerate(mails):
        email = await an_email(store, deal, f"{day}.eml", sent_at=MONDAY + timedelta(days=day))
        await store.emails.save_analysis(email.id, blockers(said), LOCAL)
    return await store.blockers.of_deal(deal.id)


async def test_a_blocker_in_other_words_of_the_same_thread_is_still_open(store: Store, deal: Deal) -> None:
    (still,) = await mailed(
        store, deal, waiting("Landlord's consent to the assignment", 0), waiting("Consent of landlord missing", 1)
    )
    assert (still.blocker.title, still.blocker.opened_on) == ("Consent of landlord missing", date(2026, 3, 2))


async def test_it_is_resolved_and_opened_again_by_later_mails_in_other_words(store: Store, deal: Deal) -> None:
    (resolved,) = await mailed(
        store,
        deal,
        waiting("Landlord's consent to the assignment", 0),
        waiting("Landlord consent", 1, status=BlockerStatus.resolved),
    )
    assert resolved.blocker.status is BlockerStatus.resolved
    email = await an_email(store, deal, "again.eml", sent_at=MONDAY + timedelta(days=5))
    await store.emails.save_analysis(email.id, blockers(waiting("The landlord's consent", 5)), LOCAL)
    (again,) = await store.blockers.of_deal(deal.id)
    assert (again.blocker.status, again.blocker.opened_on) == (BlockerStatus.open, date(2026, 3, 2))


async def test_two_consents_in_one_thread_are_two_blockers(store: Store, deal: Deal) -> None:
    both = await mailed(store, deal, waiting("Landlord's consent", 0), waiting("Lender's consent", 1))
    assert len(both) == 2


async def test_what_cannot_be_quoted_does_not_hide_what_can(store: Store, deal: Deal) -> None:
    later = waiting("Landlord's consent", 1)
    invented = replace(later, owner="Nobody", citation=replace(later.citation, verification=Verification.unverified))
    (kept,) = await mailed(store, deal, waiting("Landlord's consent", 0), invented)
    assert (kept.blocker.owner, kept.blocker.citation.verification) == ("Dana Whitlock", Verification.verified)


async def test_what_was_dismissed_for_good_stays_so(store: Store, deal: Deal) -> None:
    (known,) = await mailed(store, deal, waiting("Landlord's consent", 0))
    await store.blockers.review(known.id, BlockerVerdict.dismiss, author="anna")
    email = await an_email(store, deal, "later.eml", sent_at=datetime.now(UTC) + timedelta(days=1))
    await store.emails.save_analysis(email.id, blockers(waiting("Landlord's consent", 9)), LOCAL)
    (kept,) = await store.blockers.of_deal(deal.id)
    assert (kept.blocker.status, kept.review) == (BlockerStatus.dismissed, BlockerReview.dismissed)


@pytest.mark.parametrize(
    ("verdict", "then"),
    [(BlockerVerdict.dismiss_once, BlockerStatus.dismissed), (BlockerVerdict.resolve, BlockerStatus.resolved)],
)
async def test_what_a_person_settled_is_open_again_when_a_later_mail_raises_it(
    store: Store, deal: Deal, verdict: BlockerVerdict, then: BlockerStatus
) -> None:
    (known,) = await mailed(store, deal, waiting("Landlord's consent", 0))
    await store.blockers.review(known.id, verdict, author="anna")
    (same,) = await mailed(store, deal, waiting("Landlord's consent", 0))
    assert same.blocker.status is then
    email = await an_email(store, deal, "later.eml", sent_at=datetime.now(UTC) + timedelta(days=1))
    await store.emails.save_analysis(email.id, blockers(waiting("Landlord's consent", 9)), LOCAL)
    (again,) = await store.blockers.of_deal(deal.id)
    assert again.blocker.status is BlockerStatus.open


async def test_a_corrected_owner_and_date_win_over_later_mails(store: Store, deal: Deal) -> None:
    (known,) = await mailed(store, deal, waiting("Landlord's consent", 0))
    corrections = {"owner": "Lee Moreno", "due_date": "2026-04-01"}
    await store.blockers.review(known.id, BlockerVerdict.correct, corrections=corrections, author="anna")
    email = await an_email(store, deal, "later.eml", sent_at=MONDAY + timedelta(days=9))
    await store.emails.save_analysis(email.id, blockers(waiting("Landlord's consent", 9)), LOCAL)
    (kept,) = await store.blockers.of_deal(deal.id)
    assert (kept.blocker.owner, kept.blocker.due_date) == ("Lee Moreno", date(2026, 4, 1))
    await store.blockers.review(known.id, BlockerVerdict.reopen, author="anna")
    (kept,) = await store.blockers.of_deal(deal.id)
    assert (kept.blocker.owner, kept.blocker.status) == ("Lee Moreno", BlockerStatus.open)
