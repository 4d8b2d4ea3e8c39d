"""What an operation on a document or an e-mail is: a question and a reading of its answer.

An operation is one file in ``catalogue`` (instructions, schema, offline answer, reading), one line in its registry and
one member of its queue's enum. Nothing here does I/O: the engine is handed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from dealpulse.ai.contract import Engine, Question, SchemaT
from dealpulse.models import Address, DocumentAnalysis, EmailAnalysis, EngineName, Origin, Page, Usage

SubjectT = TypeVar("SubjectT")
AnalysisT = TypeVar("AnalysisT")


@dataclass(frozen=True)
class DocumentText:
    """A document as operations see it. ``name`` is its file name: a hint, and untrusted as its text is."""

    name: str
    pages: tuple[Page, ...]


@dataclass(frozen=True)
class EmailText:
    """A message as operations see it.

    ``sent_at`` is aware and in the deal's zone: "by Friday" and the day a blocker opened are read off it. ``thread``
    holds the thread's earlier messages, oldest first, each with an empty ``thread`` of its own.
    """

    subject: str
    sender: Address | None
    sent_at: datetime
    body_text: str
    thread_key: str
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    thread: tuple[EmailText, ...] = ()


@dataclass(frozen=True)
class Analysed(Generic[AnalysisT]):
    """What an operation found out, who answered and what each call cost."""

    analysis: AnalysisT
    origin: Origin
    usages: tuple[Usage, ...]


@dataclass(frozen=True)
class OperationSpec(Generic[SubjectT, SchemaT, AnalysisT]):
    """How one operation is done."""

    name: StrEnum
    ask: Callable[[SubjectT], tuple[Question[SchemaT], ...]]
    """One question; more only of a document longer than one question may be."""
    read: Callable[[Sequence[SchemaT], SubjectT], AnalysisT]
    """The answers, in the questions' order, as domain values: quotes looked up, fingerprints set. CPU-bound."""

    async def run(self, subject: SubjectT, *, engine: Engine) -> Analysed[AnalysisT]:
        """Ask, and read what was answered. Raises what ``engine`` raises."""
        answers = [await engine.ask(question) for question in self.ask(subject)]
        analysis = await asyncio.to_thread(self.read, [answer.value for answer in answers], subject)
        return Analysed(
            analysis=analysis,
            origin=_least_trusted([answer.origin for answer in answers]),
            usages=tuple(answer.usage for answer in answers),
        )


DocumentOperationSpec: TypeAlias = OperationSpec[DocumentText, Any, DocumentAnalysis]
EmailOperationSpec: TypeAlias = OperationSpec[EmailText, Any, EmailAnalysis]


def _least_trusted(origins: Sequence[Origin]) -> Origin:
    return next((origin for origin in origins if origin.engine is EngineName.local), origins[0])
