"""Which model answers what, as the environment says it."""

from __future__ import annotations

import pytest

from dealpulse.processors.operations import DOCUMENT_OPERATIONS, EMAIL_OPERATIONS
from dealpulse.settings import AiSettings
from dealpulse.settings.parsers import amount, models
from dealpulse.settings.values import AI_OPERATIONS


def test_the_operations_of_the_settings_are_those_models_are_asked() -> None:
    documents = {f"document.{name}" for name in DOCUMENT_OPERATIONS} | {"document.overview"}
    emails = {f"email.{name}" for name in EMAIL_OPERATIONS}
    assert set(AI_OPERATIONS) == documents | emails | {"brief.summary"}


def test_an_operation_wins_over_its_kind_and_that_over_the_rest() -> None:
    ai = AiSettings(model="dear", models=models("email=cheap, email.detect_blocker = careful"))
    assert ai.model_for("email.detect_blocker") == "careful"
    assert ai.model_for("email.analyze") == "cheap"
    assert ai.model_for("document.analyze") == ai.model_for("brief.summary") == "dear"
    assert ai.all_models == ("dear", "cheap", "careful")


@pytest.mark.parametrize(
    "text", ["email", "email=", "=haiku", "emails=haiku", "email.sing=haiku", "email=a b", "email=a,email=b"]
)
def test_what_is_no_list_of_models_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="operation"):
        models(text)


@pytest.mark.parametrize(("text", "expected"), [("0", 0.0), ("25", 25.0), ("7.50", 7.5)])
def test_an_amount_is_read(text: str, expected: float) -> None:
    assert amount(text) == expected


@pytest.mark.parametrize("text", ["-1", "1e3", "inf", "nan", "$5", "1,000", ""])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        amount(text)
