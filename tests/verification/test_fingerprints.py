"""Fingerprints are the same for the same thing and only for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dealpulse.models import RiskCategory
from dealpulse.processors.fingerprints import blocker_fingerprint, finding_fingerprint

CLAUSE = "Upon a Change of Control, Customer may terminate this Agreement on 30 days' notice."


@given(st.sampled_from([" ", "\n", "  \r\n"]), st.booleans())
def test_layout_and_case_do_not_matter(space: str, upper: bool) -> None:
    other = CLAUSE.replace(" ", space).replace("'", "’")
    same = finding_fingerprint(RiskCategory.change_of_control, other.upper() if upper else other)
    assert same == finding_fingerprint(RiskCategory.change_of_control, CLAUSE)


def test_numbers_names_and_the_category_matter() -> None:
    variants = {
        finding_fingerprint(RiskCategory.change_of_control, CLAUSE),
        finding_fingerprint(RiskCategory.change_of_control, CLAUSE.replace("30", "90")),
        finding_fingerprint(RiskCategory.change_of_control, CLAUSE.replace("Customer", "Licensee")),
        finding_fingerprint(RiskCategory.anti_assignment, CLAUSE),
    }
    assert len(variants) == 4


def test_a_blocker_is_its_thread_and_its_topic() -> None:
    first = blocker_fingerprint("t1", "Awaiting the landlord's consent", "Brookfield")
    assert first == blocker_fingerprint("t1", "Still waiting for landlord consents", None)
    assert first != blocker_fingerprint("t2", "Awaiting the landlord's consent", "Brookfield")
    assert first != blocker_fingerprint("t1", "Awaiting the pay-off letter", "Brookfield")


def test_the_owner_tells_blockers_without_a_topic_apart() -> None:
    assert blocker_fingerprint("t", "Still waiting", "Dana") != blocker_fingerprint("t", "Still waiting", "Lee")
