"""The answers' schemas: what a model must write, and what the offline engine writes too.

Lists of an answer are lenient entry by entry: one entry with an unknown category is dropped, the others stand. There is
no ``dict``: structured output cannot express one.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from dealpulse.models import Action, RiskCategory, SentimentLabel, Severity, Workstream

SUMMARY_LINES = 5


class Entry(BaseModel):
    """One entry of an answer's list."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)


EntryT = TypeVar("EntryT", bound=Entry)


def _readable(entry_type: type[Entry]) -> BeforeValidator:
    """Keeps the entries that are valid."""

    def keep(entries: object) -> object:
        if not isinstance(entries, list | tuple):
            return entries
        return [kept for entry in entries if (kept := _parsed(entry_type, entry)) is not None]

    return BeforeValidator(keep)


def _parsed(entry_type: type[EntryT], entry: object) -> EntryT | None:
    try:
        return entry_type.model_validate(entry)
    except ValidationError:
        return None


class NamedValue(Entry):
    """One named fact, in the document's own words: ``purchase price``, ``USD 48,000,000``."""

    name: str
    value: str


class RiskEntry(Entry):
    category: RiskCategory
    severity: Severity
    action: Action
    title: str = Field(min_length=1, description="At most ten words, naming who and what")
    explanation: str = Field(description="Why it matters to the buyer, one or two sentences")
    quote: str = Field(min_length=1, description="Verbatim from the document, one sentence where possible")
    page: int | None = Field(default=None, description="The number of the page the quote stands on")


class WorkstreamEntry(Entry):
    workstream: Workstream
    score: float = Field(description="0 to 1")


class BlockerEntry(Entry):
    title: str = Field(min_length=1, description="What is awaited, at most ten words, no names or dates")
    owner: str | None = Field(default=None, description="The person or party who has to act; null where not told")
    due_date: date | None = Field(default=None, description="ISO date; null where none is told")
    needed_action: str = Field(description="The next thing the owner has to do")
    quote: str = Field(min_length=1, description="Verbatim from the message")
    resolved: bool = Field(default=False, description="True where this message says that it is settled")


NamedValues = Annotated[list[NamedValue], _readable(NamedValue)]
RiskEntries = Annotated[list[RiskEntry], _readable(RiskEntry)]
WorkstreamEntries = Annotated[list[WorkstreamEntry], _readable(WorkstreamEntry)]
BlockerEntries = Annotated[list[BlockerEntry], _readable(BlockerEntry)]


class SummaryAnswer(Entry):
    document_type: str = Field(description="For example: share purchase agreement, board minutes, lease")
    summary: str = Field(description="Five lines for a deal team, one sentence each")
    parties: list[str] = Field(default_factory=list)
    dates: NamedValues = Field(default_factory=list)
    amounts: NamedValues = Field(default_factory=list)
    obligations: list[str] = Field(default_factory=list, description="Who must do what, one sentence each")
    key_terms: NamedValues = Field(default_factory=list)


class OverviewAnswer(Entry):
    """Of a document whose sections were summarised one by one."""

    document_type: str = Field(description="For example: share purchase agreement, board minutes, lease")
    summary: str = Field(description="Five lines for a deal team, one sentence each")


class RisksAnswer(Entry):
    risks: RiskEntries = Field(default_factory=list)


class ClassificationAnswer(Entry):
    primary: Workstream
    confidence: float | None = Field(default=None, description="0 to 1: how sure you are of the primary workstream")
    workstreams: WorkstreamEntries = Field(default_factory=list, description="All that apply, the primary included")


class DocumentAnswer(Entry):
    """Summary, risks and workstreams in one reading."""

    summary: SummaryAnswer
    classification: ClassificationAnswer
    risks: RiskEntries = Field(default_factory=list)


class SentimentAnswer(Entry):
    label: SentimentLabel
    score: float = Field(description="-1 (hostile) to 1 (warm)")
    reason: str = Field(default="", description="One sentence")


class BlockersAnswer(Entry):
    blockers: BlockerEntries = Field(default_factory=list)


class EmailAnswer(Entry):
    """Sentiment and blockers in one reading."""

    sentiment: SentimentAnswer
    blockers: BlockerEntries = Field(default_factory=list)


class BriefAnswer(Entry):
    headline: str = Field(description="At most fifteen words: the state of the deal today")
    summary: str = Field(description="Three to six sentences")
