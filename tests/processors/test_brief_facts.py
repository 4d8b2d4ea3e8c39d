"""What a brief counts, compares and dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dealpulse.models import (
    Action,
    Address,
    Blocker,
    BlockerStatus,
    Brief,
    BriefStatus,
    Citation,
    Classification,
    Confidence,
    Document,
    DocumentState,
    Email,
    EngineName,
    FindingStatus,
    Operation,
    OperationState,
    Origin,
    RecordedBlocker,
    RecordedCitation,
    RecordedFinding,
    RiskCategory,
    Sentiment,
    SentimentLabel,
    Severity,
    SkippedItem,
    Source,
    SourceState,
    SourceType,
    SubjectType,
    Verification,
    Workstream,
    WorkstreamScore,
)
from dealpulse.processors.brief_evidence import annotated
from dealpulse.processors.brief_facts import BriefFacts, Direction
from dealpulse.processors.brief_gathering import gather
from dealpulse.processors.brief_markdown import Written, render
from dealpulse.processors.brief_room import Room
from dealpulse.store.documents import FaintlyRead

TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORIGIN = Origin(engine=EngineName.local, model="offline-1", confidence=Confidence.low)


def document(name: str = "msa.pdf", **changes: object) -> Document:
    plain = Document(
        id=name,
        deal_id="deal",
        name=name,
        path=name,
        content_hash="0",
        storage_key="k",
        state=DocumentState.ready,
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(plain, **changes)


def email(score: float, sent_at: datetime, number: int = 1) -> Email:
    return Email(
        id=f"mail-{number}",
        deal_id="deal",
        name="m.eml",
        path="m.eml",
        content_hash="0",
        storage_key="k",
        state=DocumentState.ready,
        sent_at=sent_at,
        sentiment=Sentiment(label=SentimentLabel.neutral, score=score),
        created_at=NOON,
        updated_at=NOON,
    )


def finding(
    fingerprint: str = "f",
    *,
    severity: Severity = Severity.P1,
    verification: Verification = Verification.verified,
    status: FindingStatus = FindingStatus.open,
    title: str = "Consent needed",
) -> RecordedFinding:
    citation = Citation(quote="may terminate upon a change of control", page=3, verification=verification)
    return RecordedFinding(
        id=fingerprint,
        category=RiskCategory.change_of_control,
        severity=severity,
        action=Action.investigate,
        title=title,
        explanation="The customer may walk.",
        fingerprint=fingerprint,
        status=status,
        origin=ORIGIN,
        first_seen_at=NOON,
        citations=(RecordedCitation(document_id="msa.pdf", document_name="msa.pdf", citation=citation),),
    )


def blocker(opened_on: date, *, due: date | None = None, status: BlockerStatus = BlockerStatus.open) -> RecordedBlocker:
    return RecordedBlocker(
        id=str(opened_on),
        email_id="mail-1",
        email_subject="Open items",
        blocker=Blocker(
            title=f"Since {opened_on}",
            owner="Maria",
            due_date=due,
            needed_action="Send the certificate",
            opened_on=opened_on,
            citation=Citation(quote="we still wait for it", page=None, verification=Verification.verified),
            fingerprint=str(opened_on),
            status=status,
        ),
        origin=ORIGIN,
    )


def operation(
    subject_id: str, state: OperationState, *, code: str | None = None, message: str | None = None
) -> Operation:
    return Operation(
        subject_type=SubjectType.document,
        subject_id=subject_id,
        name="analyze",
        deal_id="deal",
        state=state,
        error_code=code,
        error_message=message,
    )


def facts(
    *,
    findings: Sequence[RecordedFinding] = (),
    blockers: Sequence[RecordedBlocker] = (),
    earlier: Brief | None = None,
    expected: EngineName = EngineName.local,
    public_url: str | None = None,
    room: Room = Room(),  # noqa: B008 - frozen
) -> BriefFacts:
    return gather(
        deal_name="Kestrel",
        brief_date=TODAY,
        room=room,
        findings=findings,
        blockers=blockers,
        earlier=earlier,
        expected=expected,
        public_url=public_url,
    )


def stored(brief: BriefFacts) -> Brief:
    return Brief(
        deal_id="deal",
        brief_date=brief.brief_date - timedelta(days=1),
        status=BriefStatus.complete,
        markdown="",
        content=msgspec.json.decode(msgspec.json.encode(brief)),
        origin=ORIGIN,
    )


def page(brief: BriefFacts) -> str:
    written = Written(
        facts=annotated(brief, pages={}, emails=()),
        headline="H",
        summary="S",
        note=None,
        status=BriefStatus.complete,
        origin=ORIGIN,
    )
    return render(written)


def test_an_unverified_finding_is_counted_and_never_told() -> None:
    brief = facts(findings=[finding("a"), finding("b", verification=Verification.unverified, title="Invented")])
    assert [risk.fingerprint for risk in brief.risks] == ["a"]
    assert brief.unverified == 1
    assert "Invented" not in page(brief)


def test_risks_stand_worst_first() -> None:
    severities = [Severity.P3, Severity.P0, Severity.P2, Severity.P1]
    brief = facts(findings=[finding(str(severity), severity=severity) for severity in severities])
    assert [risk.severity for risk in brief.risks] == sorted(severities)


def test_a_rejected_or_resolved_finding_is_no_risk() -> None:
    assert (
        facts(findings=[finding(status=FindingStatus.rejected), finding("b", status=FindingStatus.resolved)]).risks
        == ()
    )


def test_the_next_brief_says_what_is_new_and_what_is_gone() -> None:
    yesterday = stored(facts(findings=[finding("stays"), finding("goes", title="Old lease")]))
    brief = facts(findings=[finding("stays"), finding("comes")], earlier=yesterday)
    assert {risk.fingerprint: risk.is_new for risk in brief.risks} == {"stays": False, "comes": True}
    assert [(ended.title, ended.reason) for ended in brief.resolved] == [
        ("Old lease", "Nothing in the room says so any more.")
    ]
    assert "No longer open" in page(brief)


def test_the_next_brief_says_what_changed_about_a_risk_that_stays() -> None:
    before = finding("stays", severity=Severity.P2, title="Consent may be needed")
    now = finding("stays", severity=Severity.P0, title="Consent needed")
    second = replace(now.citations[0], document_id="lease.pdf", document_name="lease.pdf")
    now = replace(now, action=Action.walk, citations=(*now.citations, second))
    (risk,) = facts(findings=[now], earlier=stored(facts(findings=[before]))).risks
    assert not risk.is_new
    assert risk.changes == (
        "raised from P2",
        "action investigate is now walk",
        "was called “Consent may be needed”",
        "now also in lease.pdf",
    )
    (same,) = facts(findings=[now], earlier=stored(facts(findings=[now]))).risks
    assert same.changes == ()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (FindingStatus.resolved, "No document says so any more."),
        (FindingStatus.rejected, "A person looked at it and said it is none."),
    ],
)
def test_a_risk_that_is_gone_says_why(status: FindingStatus, reason: str) -> None:
    earlier = stored(facts(findings=[finding()]))
    (ended,) = facts(findings=[finding(status=status)], earlier=earlier).resolved
    assert (ended.title, ended.severity, ended.reason) == ("Consent needed", Severity.P1, reason)


def test_a_brief_of_another_version_is_compared_as_far_as_it_can_be_read() -> None:
    odd = replace(stored(facts()), content={"risks": [{"what": "ever"}]})
    brief = facts(findings=[finding()], earlier=odd)
    assert (brief.first, [risk.is_new for risk in brief.risks]) == (False, [True])


def test_blockers_are_new_stay_or_are_settled_by_an_email() -> None:
    stays, settles, comes = blocker(date(2026, 11, 1)), blocker(date(2026, 11, 2)), blocker(date(2026, 11, 19))
    earlier = stored(facts(blockers=[stays, settles]))
    done = blocker(date(2026, 11, 2), status=BlockerStatus.resolved)
    brief = facts(blockers=[stays, done, comes], earlier=earlier, room=Room(emails=[email(0.1, NOON)]))
    assert {told.title: told.is_new for told in brief.blockers} == {"Since 2026-11-01": False, "Since 2026-11-19": True}
    (ended,) = brief.settled
    assert (ended.title, ended.reason) == ("Since 2026-11-02", "An e-mail says that it is settled.")
    assert ended.citation is not None
    assert "Blocker gone" in page(brief)


def test_what_came_in_since_the_last_brief_is_named() -> None:
    old = document("old.pdf")
    new = document("new.pdf", created_at=NOON + timedelta(hours=20))
    earlier = stored(facts(room=Room(documents=[old])))
    assert facts(room=Room(documents=[old, new]), earlier=earlier).received == ("new.pdf",)
    assert facts(room=Room(documents=[old, new])).received == ()


def test_a_document_that_went_away_is_told_once() -> None:
    gone = document("gone.pdf", state=DocumentState.deleted)
    before = stored(facts())
    brief = facts(room=Room(gone=[gone]), earlier=before)
    assert brief.gone == ("gone.pdf",)
    assert facts(room=Room(gone=[gone]), earlier=stored(brief)).gone == ()


def test_citations_stand_in_an_order_no_id_decides() -> None:
    cited = finding().citations[0]
    places = [
        replace(cited, document_id=identity, document_name=name)
        for identity, name in (("9", "a.pdf"), ("1", "b.pdf"), ("5", "c.pdf"))
    ]
    for order in (places, places[::-1]):
        (risk,) = facts(findings=[replace(finding(), citations=tuple(order))]).risks
        assert [place.name for place in risk.citations] == ["a.pdf", "b.pdf", "c.pdf"]


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("https://files.example/a b.pdf", "https://files.example/a%20b.pdf#page=3"),
        ("https://files.example/x#part", "https://files.example/x#part"),
        ("file:///room/a.pdf", "file:///room/a.pdf#page=3"),
        ("javascript:alert(1)", None),
        ("https://x.example/>)[y](z", "https://x.example/%3E%29[y]%28z#page=3"),
        (None, None),
    ],
)
def test_a_pdf_is_linked_at_its_page_and_only_to_where_a_click_may_lead(link: str | None, told: str | None) -> None:
    room = Room(documents=[document(web_link=link, mime_type="application/pdf")])
    (risk,) = facts(findings=[finding()], room=room).risks
    assert risk.citations[0].link == told


def test_with_a_public_address_every_citation_leads_to_our_viewer() -> None:
    mail = email(0.1, NOON)
    brief = facts(
        findings=[finding()], blockers=[blocker(TODAY)], room=Room(emails=[mail]), public_url="https://d.example"
    )
    assert brief.risks[0].citations[0].viewer == "https://d.example/documents/msa.pdf?page=3"
    assert brief.blockers[0].citation.viewer == "https://d.example/emails/mail-1"


def test_an_attachment_leads_to_the_mail_it_came_with() -> None:
    mail = replace(email(0.1, NOON), web_link="https://mail.example/1")
    (risk,) = facts(findings=[finding()], room=Room(documents=[document(email_id="mail-1")], emails=[mail])).risks
    assert risk.citations[0].link == "https://mail.example/1"


@given(st.integers(0, 400), st.integers(-30, 30))
def test_days_stalled_and_overdue_are_arithmetic(stalled: int, due_in: int) -> None:
    due = TODAY + timedelta(days=due_in)
    (told,) = facts(blockers=[blocker(TODAY - timedelta(days=stalled), due=due)]).blockers
    assert told.days_stalled == stalled
    assert told.overdue == (due < TODAY)


def test_blockers_stand_by_days_stalled_and_settled_ones_are_left_out() -> None:
    rows = [blocker(TODAY), blocker(date(2026, 11, 1)), blocker(date(2026, 10, 1), status=BlockerStatus.resolved)]
    assert [told.days_stalled for told in facts(blockers=rows).blockers] == [19, 0]


def test_the_temperature_has_a_direction() -> None:
    old, new = NOON - timedelta(days=20), NOON
    mails = [email(0.6, old, 1), email(0.4, old, 2), email(-0.4, new, 3)]
    temperature = facts(room=Room(emails=mails)).temperature
    assert (temperature.earlier, temperature.recent, temperature.direction) == (0.5, -0.4, Direction.cooling)
    assert [(week.score, week.emails) for week in temperature.weeks] == [(0.5, 2), (-0.4, 1)]
    assert facts().temperature.direction is Direction.unknown


def test_each_organisation_has_a_temperature_and_the_coldest_comes_first() -> None:
    def mails(address: str, *scores: float) -> list[Email]:
        return [
            replace(
                email(score, NOON - timedelta(days=10 * (len(scores) - at)), hash((address, at))),
                sender=Address(address=address),
                body_text=f"{score}: {'so it is, ' * 60}",
            )
            for at, score in enumerate(scores)
        ]

    everybody = [*mails("ana@buyer.example", 0.3, 0.3, 0.3), *mails("ben@seller.example", 0.4, 0.2, -0.5)]
    everybody += [*mails("someone@gmail.com", 0.1), *mails("other@gmail.com", -0.1)]
    parties = facts(room=Room(emails=everybody)).temperature.parties
    assert [(party.name, party.recent, party.earlier, party.direction.value, party.emails) for party in parties] == [
        ("seller.example", -0.5, 0.3, "cooling", 3),
        ("other@gmail.com", -0.1, None, "unknown", 1),
        ("someone@gmail.com", 0.1, None, "unknown", 1),
        ("buyer.example", 0.3, 0.3, "steady", 3),
    ]
    assert parties[0].coldest.quote.startswith("-0.5: so it is")
    assert len(parties[0].coldest.quote) < 300


@given(st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 400)), min_size=1, max_size=30))
def test_every_mean_lies_between_its_mails(scored: list[tuple[float, int]]) -> None:
    mails = [
        replace(email(score, NOON - timedelta(hours=hours), at), sender=Address(address=f"x@{at % 3}.example"))
        for at, (score, hours) in enumerate(scored)
    ]
    temperature = facts(room=Room(emails=mails)).temperature
    low, high = min(score for score, _ in scored) - 0.005, max(score for score, _ in scored) + 0.005
    means = [temperature.recent, temperature.earlier, *(party.recent for party in temperature.parties)]
    assert all(low <= mean <= high for mean in means if mean is not None)
    assert sum(party.emails for party in temperature.parties) == len(scored)
    assert sum(week.emails for week in temperature.weeks) == len(scored)


def test_what_failed_is_named_with_what_to_do_and_what_is_under_way_is_not_called_failed() -> None:
    broken = document(
        "locked.pdf", state=DocumentState.failed, failure_code="encrypted", failure_reason="It is locked."
    )
    refused, forgotten, waiting = document("refused.pdf"), document("forgotten.pdf"), document("waiting.pdf")
    read = document("read.pdf", origin=ORIGIN)
    operations = [
        operation("refused.pdf", OperationState.failed, code="refused", message="The model would not answer."),
        operation("waiting.pdf", OperationState.running),
    ]
    brief = facts(room=Room(documents=[broken, refused, forgotten, waiting, read], operations=operations))
    assert [(item.name, item.advice) for item in brief.unread] == [
        ("locked.pdf", "Ask for it without its password."),
        ("refused.pdf", "Read it yourself: the model would not answer."),
        ("forgotten.pdf", "Read it yourself, and have its analysis run again."),
    ]
    assert brief.pending == ("waiting.pdf",)
    assert brief.shortcomings == ("1 still being worked on.", "3 could not be read or analysed.")


def test_an_archive_is_not_called_unread_for_what_only_its_files_can_be_asked() -> None:
    archive = document("room.zip", mime_type="application/zip")
    inside = document("lease.pdf", parent_id="room.zip", origin=ORIGIN)
    brief = facts(room=Room(documents=[archive, inside]))
    assert (brief.documents, brief.analysed, brief.unread) == (1, 1, ())


def test_what_sources_left_out_and_sources_in_trouble_are_named() -> None:
    source = Source(
        id="s",
        deal_id="deal",
        type=SourceType.gdrive,
        name="Drive",
        location="x",
        skipped=(SkippedItem(path="video.mp4", reason="The file is larger than the limit of 50 MB."),),
    )
    closed = replace(source, name="Mailbox", skipped=(), state=SourceState.needs_consent)
    brief = facts(room=Room(sources=[source, closed]))
    assert [item.name for item in brief.not_looked_at] == ["video.mp4", "Mailbox"]
    assert "Not looked at:** video.mp4: The file is larger" in page(brief)


def test_scans_that_were_hard_to_read_are_named() -> None:
    room = Room(documents=[document("scan.pdf")], faint=[FaintlyRead("scan.pdf", 7, 0.512)])
    assert "scan.pdf, p. 7 (51% sure)" in page(facts(room=room))


def test_what_the_offline_engine_did_in_place_of_claude_makes_the_brief_partial() -> None:
    room = Room(documents=[document(origin=ORIGIN)])
    assert facts(room=room, expected=EngineName.claude).shortcomings == (
        "1 analysed by the offline engine in place of Claude.",
    )
    assert facts(room=room).shortcomings == ()


def test_gaps_are_requests_and_are_named_only_once_something_is_classified() -> None:
    assert facts(room=Room(documents=[document()])).gaps == ()
    legal = Classification(
        primary=Workstream.corporate_legal,
        workstreams=(WorkstreamScore(workstream=Workstream.tax, score=0.4),),
    )
    gaps = facts(room=Room(documents=[document(classification=legal)])).gaps
    assert Workstream.tax not in {gap.workstream for gap in gaps}
    (insurance,) = [gap.request for gap in gaps if gap.workstream is Workstream.insurance]
    assert "loss runs" in insurance


@given(st.text(max_size=200))
def test_no_text_of_others_becomes_markup(text: str) -> None:
    brief = facts(findings=[finding(title=f"[x](http://evil.example) <b> {text}")])
    told = page(brief)
    assert "[x](" not in told
    assert "<b>" not in told.replace("\\<b\\>", "")


def test_the_offline_engine_is_named() -> None:
    assert "offline engine" in page(facts())
