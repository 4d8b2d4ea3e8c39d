"""The one question this service asks of a model: here is a prompt and a schema, answer in that schema.

An engine knows nothing of deals. What a question is about reaches it as text; what the offline engine answers comes
with the question, because only the asker knows its own schema.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from pydantic import BaseModel

from dealpulse.errors import Permanent, Transient
from dealpulse.models import Origin, Usage

SchemaT = TypeVar("SchemaT", bound=BaseModel)


@dataclass(frozen=True)
class Material:
    """Untrusted text handed to the model as data. ``label`` (ours, trusted) tells the model what it is."""

    label: str
    text: str


@dataclass(frozen=True)
class Question(Generic[SchemaT]):
    """One question to a model.

    ``version`` changes whenever instructions or the offline answer change: it is part of the cache key, as are the
    operation, the schema, the material and the model.
    """

    operation: str
    version: str
    instructions: str
    material: tuple[Material, ...]
    schema: type[SchemaT]
    offline: Callable[[], SchemaT]
    """Answers without a model: pure, CPU-bound, run in a thread."""
    max_tokens: int = 8_000
    payer: str = ""
    """Whose budget the answer is paid from, for engines that keep to one; says nothing to the model or the cache."""


@dataclass(frozen=True)
class Answer(Generic[SchemaT]):
    """A validated answer, who gave it and what it cost (all zero when it came from the cache)."""

    value: SchemaT
    origin: Origin
    usage: Usage
    cached: bool = False
    provisional: bool = False
    """Given in place of an engine that could not be had: worth asking again later."""


CLAUDE: Final = "anthropic"
"""The dependency's and the rate limit's name on the health board and in errors."""

ACCOUNT_CODES: Final = frozenset({"ai_key_rejected", "ai_credit", "ai_model_unknown"})
"""Permanent errors that are about the account's set-up, not about the question asked."""


class Unanswered(Permanent):
    """The model was asked and paid, but there is no answer to use; ``usage`` is what the asking cost.

    Codes: ``invalid_output``, ``refused``, ``output_too_long``, ``context_too_long``.
    """

    usage: Usage

    def __init__(self, message: str, *, code: str, usage: Usage) -> None:
        super().__init__(message, code=code)
        self.usage = usage


class CutShort(Transient):
    """The model was asked and paid, but stopped before its answer was whole; asking again may help."""

    usage: Usage

    def __init__(self, message: str, *, usage: Usage) -> None:
        super().__init__(message, code="ai_reply_cut_off")
        self.usage = usage


class Engine(Protocol):
    """Answers questions.

    Raises (all implementations): ``RateLimited``, ``Unavailable``, ``BudgetExceeded``, ``Transient`` or ``Permanent``,
    never a vendor's own error. What was paid before it failed is the error's ``usage``.
    """

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]: ...

    async def aclose(self) -> None: ...


class AnswerCache(Protocol):
    """Where answers are kept. Keys are hex digests, values the answer's JSON."""

    async def get(self, key: str) -> str | None: ...

    async def put(self, key: str, value: str, *, operation: str, model: str) -> None: ...
