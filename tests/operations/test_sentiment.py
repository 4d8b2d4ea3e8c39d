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
