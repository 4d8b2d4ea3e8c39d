"""Documents, e-mails and an engine that answers offline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from dealpulse.ai.contract import Answer, Question, SchemaT
from dealpulse.models import Address, Confidence, EngineName, Origin, Page, PageKind, Usage
from dealpulse.processors.operations import DocumentText, EmailText


class OfflineEngine:
    """Answers every question with its offline answer, and remembers it."""

    def __init__(self) -> None:
        self.questions: list[object] = []

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        self.questions.append(question)
        origin = Origin(engine=EngineName.local, model="offline", confidence=Confidence.low)
        return Answer(value=question.offline(), origin=origin, usage=Usage(operation=question.operation, origin=origin))

    async def aclose(self) -> None: ...


class Make:
    """Builds what operations read."""

    @staticmethod
    def pages(*texts: str, kind: PageKind = PageKind.page) -> tuple[Page, ...]:
        made: list[Page] = []
        start = 0
        for number, text in enumerate(texts, start=1):
            made.append(Page(number=number, kind=kind, text=text, char_start=start, char_end=start + len(text)))
            start += len(text) + 1
        return tuple(made)

    def document(self, *texts: str, name: str = "file.pdf", kind: PageKind = PageKind.page) -> DocumentText:
        return DocumentText(name=name, pages=self.pages(*texts, kind=kind))

    @staticmethod
    def email(
        body: str,
        *,
        sender: str = "Priya Nair",
        to: Sequence[str] = ("Tom Becker",),
        cc: Sequence[str] = (),
        thread: Sequence[EmailText] = (),
        sent_at: datetime = datetime(2024, 11, 12, 9, tzinfo=UTC),
    ) -> EmailText:
        return EmailText(
            subject="Closing",
            sender=_address(sender),
            sent_at=sent_at,
            body_text=body,
            thread_key="thread-1",
            to=tuple(map(_address, to)),
            cc=tuple(map(_address, cc)),
            thread=tuple(thread),
        )


def _address(name: str) -> Address:
    return Address(address=f"{name.lower().replace(' ', '.')}@example.com", name=name)


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def engine() -> OfflineEngine:
    return OfflineEngine()
