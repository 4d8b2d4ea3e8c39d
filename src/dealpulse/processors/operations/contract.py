"""What an operation on a document or an e-mail is: a question and a reading of its answer.

How a document is asked about, in sections where it is long, stands in ``asking``.

An operation is one file in ``catalogue`` (instructions, schema, offline answer, reading), one line in its registry and
one member of its queue's enum. Nothing here does I/O: the engine is handed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from dealpulse.ai.contract import Answer, Engine, Question, SchemaT
from dealpulse.jobs.emails import EmailOperation
from dealpulse.models import Address, EmailAnalysis, EngineName, Origin, Page

AnalysisT = TypeVar("AnalysisT")


@dataclass(frozen=True)
class DocumentText:
    """A document as operations see it, or a section of one.

    ``name`` is its file name: a hint, and untrusted as its text is.
    """

    name: str
    pages: tuple[Page, ...]
    """Of a section the first and the last may be pieces of a page."""
    section_of: int | None = None
    """The pages of the whole document, where this is only a section of it."""
    before: str = ""
    """The end of what stands before the section, so that a sentence cut in two can still be understood."""


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
    """What an operation found out and who answered."""

    analysis: AnalysisT
    origin: Origin
    provisional: bool = False
    """Somebody stood in for an engine that could not be had: worth asking again later."""


def analysed(analysis: AnalysisT, answers: Sequence[Answer[Any]]) -> Analysed[AnalysisT]:
    """``analysis`` as read from ``answers``, on the word of the least trusted of them."""
    origins = [answer.origin for answer in answers]
    least_trusted = next((origin for origin in origins if origin.engine is EngineName.local), origins[0])
    return Analysed(analysis, least_trusted, provisional=any(answer.provisional for answer in answers))


@dataclass(frozen=True)
class EmailSpec(Generic[SchemaT]):
    """How one operation on an e-mail is done: always with one question."""

    name: EmailOperation
    ask: Callable[[EmailText], Question[SchemaT]]
    read: Callable[[SchemaT, EmailText], EmailAnalysis]
    """The answer as domain values: quotes looked up, fingerprints set. CPU-bound."""

    async def run(self, email: EmailText, *, engine: Engine) -> Analysed[EmailAnalysis]:
        """Ask, and read what was answered. Raises what ``engine`` raises."""
        answer = await engine.ask(self.ask(email))
        return analysed(await asyncio.to_thread(self.read, answer.value, email), [answer])


EmailOperationSpec: TypeAlias = EmailSpec[Any]
