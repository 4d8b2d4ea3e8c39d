"""What holds a deal up: found, owned, dated, and closed again."""

from __future__ import annotations

from datetime import date

import pytest

from dealpulse.processors.operations.offline.blockers import blockers

from .conftest import Make

LANDLORD = (
    "Hi Tom,\n\nWe are still waiting for the landlord's consent from Brookfield Estates. "
    "Without it we cannot sign on 20 November."
)


@pytest.mark.parametrize(
    ("body", "owner", "due"),
    [
        (LANDLORD, "Brookfield Estates", date(2024, 11, 20)),
        (
            "The bank has not sent the payoff letter yet. It was promised for 14 November. We cannot close without it.",
            "the bank",
            date(2024, 11, 14),
        ),
        (
            "We still have not received the IP assignment from Dr. Weiss despite three reminders. He"
            " has to return it by 22 November 2024.",
            "Dr. Weiss",
            date(2024, 11, 22),
        ),
        (
            "The HSR filing is on hold because the seller hasn't provided the documents. Karen Ott to"
            " deliver them by Monday.",
            "Karen Ott",
            date(2024, 11, 18),
        ),
        (
            "Your disclosure schedules are now ten days overdue. Please send them by tomorrow.",
            "Tom Becker",
            date(2024, 11, 13),
        ),
        ("The underwriter will not bind until the tax report is final and the signed form is overdue.", None, None),
        (
            "Auditors refuse to sign the opinion until the count is repeated. Owner: Deloitte. Target: end"
            " of November.",
            None,
            date(2024, 11, 30),
        ),
    ],
)
def test_a_blocker_has_an_owner_and_a_date(body: str, owner: str | None, due: date | None, make: Make) -> None:
    [found] = blockers(make.email(body)).blockers
    assert found.due_date == due
    assert owner is None or found.owner == owner
    assert found.quote in body
    assert not found.resolved


@pytest.mark.parametrize(
    "body",
    [
        "Thanks for the call yesterday. I will send the draft SPA tomorrow.",
        "Please find attached the revised disclosure schedule. Let me know if you have questions.",
        "Could you please send me the customer list by Thursday?",
        "The waiting period expired yesterday, so we are good to go.",
        "There are 12,000,000 shares outstanding. Payment is due within 30 days.",
        "I can't make it to dinner until 8 because my train is late.",
        "We can't wait to get this signed. Great work everyone!",
        "Nothing is outstanding from our side.",
        "If you have not received the documents, let me know.",
        "",
    ],
)
def test_plans_requests_and_figures_of_speech_are_no_blockers(body: str, make: Make) -> None:
    assert blockers(make.email(body)).blockers == []


def test_each_item_of_a_list_is_its_own(make: Make) -> None:
    body = (
        "1. Estoppel certificate - still outstanding from the landlord, due 18 Nov.\n2. Comfort letter"
        " - still outstanding from the auditors, due 25 Nov.\n3. NDA - signed."
    )
    found = blockers(make.email(body)).blockers
    assert [entry.due_date for entry in found] == [date(2024, 11, 18), date(2024, 11, 25)]


def test_a_reminder_is_the_same_blocker(make: Make) -> None:
    first = make.email(LANDLORD)
    [told] = blockers(first).blockers
    [again] = blockers(make.email("We are still waiting on the consent of the landlord.", thread=[first])).blockers
    assert again.title == told.title
    assert again.owner == told.owner


def test_a_reply_that_settles_it_closes_it(make: Make) -> None:
    first = make.email(LANDLORD)
    [told] = blockers(first).blockers
    reply = make.email("Good news: Brookfield has signed the landlord consent this morning.", thread=[first])
    [closed] = blockers(reply).blockers
    assert closed.resolved
    assert closed.title == told.title


@pytest.mark.parametrize(
    "reply",
    ["Noted, thanks.", "The landlord consent will be signed next week.", "Has the landlord signed the consent?"],
)
def test_a_promise_or_a_question_closes_nothing(reply: str, make: Make) -> None:
    assert not any(entry.resolved for entry in blockers(make.email(reply, thread=[make.email(LANDLORD)])).blockers)


def test_somebody_only_copied_owns_nothing(make: Make) -> None:
    body = "We cannot sign until we have the signed waiver. Please send it by Friday."
    [found] = blockers(make.email(body, to=("Tom Becker",), cc=("Ann Copied",))).blockers
    assert found.owner != "Ann Copied"


def test_pages_held_until_somebody_signs(make: Make) -> None:
    body = (
        "All,\n\nWe are holding our signature pages until Dalton has signed the escrow letter. "
        "W. Sato will get the letter from him by Friday 22 November.\n\nPriya"
    )
    [found] = blockers(make.email(body)).blockers
    assert found.title == "Awaiting the escrow letter"
    assert (found.owner, found.due_date) == ("W. Sato", date(2024, 11, 22))
    assert found.needed_action == "W. Sato to get the letter from him"


def test_a_first_name_is_the_recipients(make: Make) -> None:
    body = "We still haven't got the October trial balance. Maria to send it by Wednesday."
    [found] = blockers(make.email(body, to=("Tom Becker", "Maria Lindqvist"))).blockers
    assert (found.owner, found.due_date) == ("Maria Lindqvist", date(2024, 11, 13))
    assert found.needed_action == "Maria Lindqvist to send the October trial balance"


def test_an_owner_may_be_named_elsewhere_in_the_message(make: Make) -> None:
    body = (
        "The payoff letter: Anna Ruiz will bring it in by 20 November.\n\nThe weather is fine. Nothing else to say. "
        "We cannot close because we still have not received the payoff letter."
    )
    [found] = blockers(make.email(body)).blockers
    assert (found.owner, found.due_date) == ("Anna Ruiz", date(2024, 11, 20))


def test_a_promise_moves_the_day(make: Make) -> None:
    first = make.email("We cannot sign until we have the October trial balance. Tom to send it by Friday.")
    [told] = blockers(first).blockers
    reply = make.email(
        "I will have the trial balance with you by Wednesday 20 November.", sender="Tom Becker", thread=[first]
    )
    [moved] = blockers(reply).blockers
    assert moved.title == told.title
    assert (moved.owner, moved.due_date, moved.resolved) == ("Tom Becker", date(2024, 11, 20), False)
