"""Feelings, not vocabulary."""

from __future__ import annotations

import pytest

from dealpulse.processors.operations.offline.sentiment import sentiment


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Thanks for the quick turnaround, great progress today.", "positive"),
        ("We are very pleased with the constructive call.", "positive"),
        ("Everything is on track. Looking forward to signing!", "positive"),
        ("Honestly this is unacceptable. We asked three times and are losing patience.", "negative"),
        ("We are concerned about the delay and frankly surprised.", "negative"),
        ("Unless this is fixed we will walk away.", "negative"),
        ("I am not happy with the latest mark-up.", "negative"),
        ("Please find attached the draft SPA.", "neutral"),
        ("The security trust deed secures the obligations upon default and termination.", "neutral"),
        ("The liability cap is 20% and claims for damages expire after 18 months.", "neutral"),
        ("The beneficiary may demand payment under the guarantee and is entitled to the award.", "neutral"),
        ("Please send the schedules. Thank you.", "neutral"),
        ("The counterparty has been rude and evasive on every call.", "negative"),
        ("", "neutral"),
    ],
)
def test_the_label_is_what_a_person_would_say(text: str, label: str) -> None:
    assert sentiment(text).label == label


def test_negation_turns_and_emphasis_strengthens() -> None:
    assert sentiment("This is not good.").score < 0 < sentiment("This is good.").score
    assert sentiment("This is very good!").score > sentiment("This is good.").score


def test_what_follows_but_counts_more() -> None:
    assert sentiment("Good call, but the delay is unacceptable.").score < 0


def test_length_alone_is_no_emotion() -> None:
    short = sentiment("Good progress.").score
    assert abs(sentiment("Good progress. " * 40).score - short) < 0.35


def test_what_a_mail_system_adds_is_not_read() -> None:
    added = "This e-mail is confidential. If you are not the intended recipient, please delete it; thank you very much!"
    assert sentiment(f"The delay is unacceptable.\n\n{added}").score == sentiment("The delay is unacceptable.").score


def test_markup_and_links_feel_nothing() -> None:
    assert sentiment('<b class="great">The call is at ten.</b> https://love.example/happy').score == 0
