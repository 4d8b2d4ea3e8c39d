"""What a brief counts, compares and dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.models import (
    Action,
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
    Origin,
    RecordedBlocker,
    RecordedCitation,
    RecordedFinding,
    RiskCategory,
    Sentiment,
    SentimentLabel,
    Severity,
    Verification,
    Workstream,
    WorkstreamScore,
)
from dealpulse.processors.brief_facts import BriefFacts, Direction, gather
from dealpulse.processors.brief_markdown import render

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
    return msgspec.structs.replace(plain, **changes)


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


def facts(**parts: object) -> BriefFacts:
    empty: dict[str, object] = {
        "deal_name": "Kestrel",
        "brief_date": TODAY,
        "documents": [],
        "emails": [],
        "findings": [],
        "blockers": [],
        "pending": frozenset(),
        "earlier": None,
    }
    return gather(**{**empty, **parts})  # type: ignore[arg-type]  # the defaults above are the types


def stored(brief: BriefFacts) -> Brief:
    return Brief(
        deal_id="deal",
        brief_date=brief.brief_date,
        status=BriefStatus.complete,
        markdown="",
        content=msgspec.to_builtins(brief),
        origin=ORIGIN,
    )


def page(brief: BriefFacts) -> str:
    return render(brief, headline="H", summary="S", status=BriefStatus.complete, origin=ORIGIN)


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
    assert brief.resolved == ("Old lease",)
    assert "No longer stated" in page(brief)


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
    temperature = facts(emails=mails).temperature
    assert (temperature.earlier, temperature.recent, temperature.direction) == (0.5, -0.4, Direction.cooling)
    assert facts().temperature.direction is Direction.unknown


def test_what_could_not_be_read_and_what_is_under_way_is_named() -> None:
    broken = document("broken.pdf", state=DocumentState.failed, failure_reason="The file is empty.")
    waiting = document("waiting.pdf")
    brief = facts(documents=[broken, waiting], pending=frozenset({"waiting.pdf"}))
    assert [(item.name, item.reason) for item in brief.unread] == [("broken.pdf", "The file is empty.")]
    assert brief.pending == ("waiting.pdf",)


def test_gaps_are_named_only_once_something_is_classified() -> None:
    assert facts(documents=[document()]).gaps == ()
    legal = Classification(
        primary=Workstream.corporate_legal,
        workstreams=(WorkstreamScore(workstream=Workstream.tax, score=0.4),),
    )
    gaps = " ".join(facts(documents=[document(classification=legal)]).gaps)
    assert "insurance" in gaps
    assert "tax" not in gaps


@given(st.text(max_size=200))
def test_no_text_of_others_becomes_markup(text: str) -> None:
    brief = facts(findings=[finding(title=f"[x](http://evil.example) <b> {text}")])
    told = page(brief)
    assert "[x](" not in told
    assert "<b>" not in told.replace("\\<b\\>", "")


def test_the_offline_engine_is_named() -> None:
    assert "offline engine" in page(facts())
