"""Messages of one conversation have one key."""

from __future__ import annotations

import pytest

from dealpulse.extraction.threads import normalized_subject, thread_key


@pytest.mark.parametrize(
    "subject",
    [
        "Project Falcon",
        "RE: Project Falcon",
        "Re: Fwd: RE: project  falcon",
        "AW: WG: Project Falcon",
        "Re[2]: Project Falcon",
        "[EXT] RE: Project Falcon",
        "TR : Project Falcon",
    ],
)
def test_reply_marks_in_any_language_are_no_part_of_the_subject(subject: str) -> None:
    assert normalized_subject(subject) == "project falcon"


def test_a_word_that_begins_like_a_mark_stays() -> None:
    assert normalized_subject("Regarding: costs") == "regarding: costs"
    assert normalized_subject("Reserve") == "reserve"


def key(
    *,
    message_id: str | None = None,
    in_reply_to: str | None = None,
    references: tuple[str, ...] = (),
    subject: str = "",
) -> str:
    return thread_key(
        message_id=message_id, in_reply_to=in_reply_to, references=references, subject=subject, full_text="text"
    )


def test_all_messages_of_a_thread_share_the_key_of_its_root() -> None:
    root = key(message_id="<1@x>", subject="Falcon")
    first = key(message_id="<2@x>", in_reply_to="<1@x>", subject="Re: Falcon")
    second = key(message_id="<3@x>", in_reply_to="<2@x>", references=("<1@x>", "<2@x>"), subject="Re: Falcon")

    assert root == first == second == "<1@x>"


def test_replies_that_name_no_root_go_together_by_subject() -> None:
    assert key(message_id="<2@x>", subject="RE: Falcon") == key(message_id="<3@x>", subject="AW: falcon")


def test_a_message_without_ids_goes_by_its_subject() -> None:
    assert key(subject="Falcon") == "subject:falcon"


def test_a_message_with_neither_is_a_thread_of_its_own() -> None:
    assert key().startswith("text:")
    assert key(message_id="<1@x>", subject="Re:") == "<1@x>"
