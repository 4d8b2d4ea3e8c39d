"""What a message newly says, in the styles of the usual mail programs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.extraction.quotes import new_text

OUTLOOK_BLOCK = "From: Jane Roe <j@x.com>\nSent: Monday, March 4, 2024 9:12 AM\nTo: Tom\nSubject: RE: SPA\n\nOld text"


@pytest.mark.parametrize(
    "history",
    [
        "On Mon, Mar 4, 2024 at 9:12 AM Jane Roe <jane@x.com> wrote:\n\n> Can we close?\n>\n> J",
        "On Mon, Mar 4, 2024 at 9:12 AM Jane Roe of the long firm <jane.roe@x.com>\nwrote:\n> Can we close?",
        "On Mon, Mar 4, 2024 at 9:12 AM Jane Roe <jane@x.com> wrote:\n\nCan we close?\nJ",
        "> On Mar 4, 2024, at 9:12 AM, Jane <j@x.com> wrote:\n> \n> Can we close?",
        "-----Original Message-----\nFrom: Jane\nSent: Monday\nTo: Tom\nSubject: RE: x\n\nOld text",
        "-----Ursprüngliche Nachricht-----\nVon: Jane\nOld text",
        OUTLOOK_BLOCK,
        "________________________________\n" + OUTLOOK_BLOCK,
        "*From:* Jane Roe\n*Sent:* Monday\n*To:* Tom\n*Subject:* SPA\n\nOld text",
        "Von: Jane <j@x>\nGesendet: Montag\nAn: Tom\nBetreff: AW: SPA\n\nAlt",
        "De : Jane <j@x>\nEnvoyé : lundi\nÀ : Tom\nObjet : RE: SPA\n\nVieux",
        "Am 04.03.2024 um 09:12 schrieb Jane Roe:\n> Alt\n> Alt",
        "Le lun. 4 mars 2024 à 09:12, Jane Roe <j@x> a écrit :\n\n> Vieux",
        "El lun, 4 mar 2024 a las 9:12, Jane (<j@x>) escribió:\n> Viejo",
        "---------- Forwarded message ---------\nFrom: Jane <j@x>\nDate: Mon\nSubject: hi\nTo: Tom\n\nOld text",
        "Begin forwarded message:\n\nFrom: Jane\nOld text",
        "---------------------- Forwarded by Jane Roe/HOU/ECT on 09/26/2000 \n02:01 PM -------------------\n\nOld",
        '"Jane" <j@x.com> on 09/26/2000 01:18:45 PM\nPlease respond to <j@x.com>\nTo: Tom\ncc: Al\nSubject: SPA\n\nOld',
    ],
)
def test_history_below_an_answer_is_left_out(history: str) -> None:
    assert new_text(f"Agreed, subject to the escrow.\n\n{history}") == "Agreed, subject to the escrow."


@pytest.mark.parametrize(
    "history",
    [
        "> On Mar 4, 2024, at 9:12 AM, Jane <j@x.com> wrote:\n> \n> Can we close?",
        "On Mon, Mar 4, 2024 at 9:12 AM Jane Roe <jane@x.com> wrote:\n> Can we close?",
        "On Mon, Mar 4, 2024 at 9:12 AM Jane Roe\n<jane@x.com> wrote:\n> Can we close?",
        "Am 04.03.2024 um 09:12 schrieb Jane Roe:\n> Alt",
    ],
)
def test_an_answer_directly_above_its_history_is_kept(history: str) -> None:
    assert new_text(f"Agreed.\n{history}") == "Agreed."


def test_answers_between_quotes_stay() -> None:
    text = "On 4 March 2024, Jane <j@x.com> wrote:\n> Point 1?\nYes to 1.\n> Point 2?\nNo to 2."

    assert new_text(text) == "Yes to 1.\nNo to 2."


def test_an_answer_below_the_quote_stays() -> None:
    assert new_text("Jane <j@x.com> wrote:\n> Can we?\n\nYes we can.") == "Yes we can."


@pytest.mark.parametrize(
    "text",
    [
        "From: the Closing Date\nthe Buyer shall own all shares.\nTo: be agreed.",
        "From: the Closing Date\nTo: the end of the earn-out\nthe Seller shall not compete.",
        "Open points:\n- escrow not agreed\n- MAC clause\n\nWe need this by Friday.",
        "Hi Bob,\n\nThanks, received. The SPA is blocked by the bank's consent.",
        "As our counsel wrote:\nthe clause is void under section 5 and must go.",
        "The 2023 accounts show:\n1) revenue of 5 m\n2) a loss",
    ],
)
def test_the_senders_own_words_stay_whole(text: str) -> None:
    assert new_text(text) == text


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nTom Poe\nPartner",
        "Best regards,\nTom Poe\nPartner, Poe LLP\n+1 555 0100",
        "Thanks,\nTom",
        "Mit freundlichen Grüßen\nTom Poe",
        "Sent from my iPhone",
        "Regards\nTom\n\nThis e-mail is confidential and intended only for its addressee. "
        + "If not you, delete. " * 20,
    ],
)
def test_a_signature_is_left_out(signature: str) -> None:
    assert new_text(f"We need the schedule.\n\n{signature}") == "We need the schedule."


def test_a_postscript_below_the_name_is_kept() -> None:
    text = "We need the schedule.\n\nBest,\nTom\n\nPS: the lender still objects."

    assert "the lender still objects" in new_text(text)


def test_a_closing_formula_in_the_middle_ends_nothing() -> None:
    text = (
        "Thanks\n" + "The lender has refused its consent and wants a further guarantee from the parent company.\n" * 3
    )

    assert new_text(f"Hello\n{text}").count("lender") == 3


@pytest.mark.parametrize(
    "text",
    [
        "---------- Forwarded message ---------\nFrom: Jane\nDate: Mon\nSubject: hi\nTo: Tom\n\nThe lender objects.",
        "> quoted only",
        OUTLOOK_BLOCK,
        "Thanks,\nTom",
    ],
)
def test_a_message_that_is_all_quotation_keeps_its_text(text: str) -> None:
    assert new_text(text).strip()


@given(st.lists(st.sampled_from(["> a", "On 3/4/2024 J <j@x> wrote:", "Own words", "", "-- ", "From: x", "Thanks,"])))
def test_lines_are_only_ever_left_out_never_changed_and_never_all(lines: list[str]) -> None:
    text = "\n".join(lines)

    found = new_text(text)

    remaining = iter(lines)
    assert all(line in remaining for line in found.split("\n") if line)
    assert bool(found.strip()) == bool(text.strip())
