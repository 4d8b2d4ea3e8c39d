"""Claude: one question, one validated answer, over the Messages API with structured output.

The model gets no tools. Untrusted text reaches it only inside the fence (:mod:`dealpulse.ai.fence`); what to do stands
in the system prompt. The reply is decoded here, from its bytes, into the few fields we use: the SDK's own reply
objects take any JSON without checking it. Nothing is retried here, save one repair of an answer that does not fit the
schema and one roomier try for an answer that ran out of room: retrying is the job's business.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import anthropic
import msgspec
import structlog
from anthropic.types import CacheControlEphemeralParam, MessageParam, OutputConfigParam, TextBlockParam
from msgspec import Struct
from pydantic import BaseModel, ValidationError

from dealpulse.ai.contract import ACCOUNT_CODES, CLAUDE, Answer, CutShort, Question, SchemaT, Unanswered
from dealpulse.ai.fence import RULE, fenced
from dealpulse.ai.pricing import cost_usd
from dealpulse.ai.vendor_errors import translated
from dealpulse.errors import DealPulseError, RateLimited, Transient
from dealpulse.health import Health
from dealpulse.models import Confidence, EngineName, Origin, Usage

CALLED = "ai_called"
ANSWER_REPAIRED = "ai_answer_repaired"

ROOMY_MAX_TOKENS = 21_000
"""What an answer that ran out of room is asked for again with: the most the vendor advises without streaming."""

# The slowest a healthy model writes: a reply may be silent for as long as all its tokens take.
_SLOWEST_TOKENS_PER_SECOND = 40.0
_CONNECT_SECONDS = 5.0
_EPHEMERAL: CacheControlEphemeralParam = {"type": "ephemeral"}
# Finding and quoting needs little thought, and thinking is paid for as output and counts against max_tokens.
_EFFORT: Final = "low"

_log = structlog.get_logger(__name__)


class _Block(Struct):
    type: str
    text: str = ""


class _TokenCounts(Struct):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Reply(Struct):
    """The part of a Messages API reply we rely on."""

    content: list[_Block]
    stop_reason: str | None
    usage: _TokenCounts


@dataclass(frozen=True)
class _Completion:
    """What the model wrote, why it stopped, and the bill so far for this question."""

    text: str
    stop_reason: str | None
    usage: Usage


@dataclass(frozen=True)
class _Misfit:
    """Why an answer does not fit its schema: told to the model, never logged, because it may quote the material."""

    complaint: str


class ClaudeEngine:
    """Asks ``model``. ``timeout`` (seconds) is the least silence that counts as no answer.

    ``client`` must not retry by itself (``max_retries=0``); it is closed with the engine.
    """

    def __init__(
        self, client: anthropic.AsyncAnthropic, *, model: str, timeout: float = 90.0, health: Health | None = None
    ) -> None:
        self._client = client
        self._model = model
        self._timeout = timeout
        self._health = health
        self._origin = Origin(engine=EngineName.claude, model=model, confidence=Confidence.normal)

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        """Raises what :class:`~dealpulse.ai.contract.Engine` promises."""
        messages = _opening(question)
        completion = await self._complete(question, messages)
        value = _fitted(question.schema, completion.text)
        if isinstance(value, _Misfit):
            messages += _repair(completion.text, value)
            completion = await self._complete(question, messages, spent=completion.usage)
            value = _fitted(question.schema, completion.text)
            if isinstance(value, _Misfit):
                raise _unanswered("invalid_output", completion.usage)
            _log.info(ANSWER_REPAIRED, operation=question.operation, model=self._model)
        return Answer(value=value, origin=self._origin, usage=completion.usage)

    async def aclose(self) -> None:
        await self._client.close()

    async def _complete(
        self, question: Question[SchemaT], messages: Sequence[MessageParam], *, spent: Usage | None = None
    ) -> _Completion:
        """A reply written to its end. One that ran out of room is asked for once more with all there is."""
        completion = await self._call(question, messages, max_tokens=question.max_tokens, spent=spent)
        if completion.stop_reason == "max_tokens" and question.max_tokens < ROOMY_MAX_TOKENS:
            completion = await self._call(question, messages, max_tokens=ROOMY_MAX_TOKENS, spent=completion.usage)
        _refuse_unfinished(completion)
        return completion

    async def _call(
        self, question: Question[SchemaT], messages: Sequence[MessageParam], *, max_tokens: int, spent: Usage | None
    ) -> _Completion:
        """One request and its reply, with health, cost and log kept."""
        started = time.monotonic()
        try:
            reply, request_id = await self._send(question, messages, max_tokens)
        except DealPulseError as exc:
            self._note(exc)
            exc.usage = spent
            raise
        self._note(None)
        usage = self._usage(question.operation, reply, request_id, time.monotonic() - started)
        _log_call(usage)
        text = "".join(block.text for block in reply.content if block.type == "text")
        return _Completion(text=text, stop_reason=reply.stop_reason, usage=_plus(spent, usage))

    async def _send(
        self, question: Question[SchemaT], messages: Sequence[MessageParam], max_tokens: int
    ) -> tuple[_Reply, str | None]:
        system = _system(question)
        try:
            response = await self._client.messages.with_raw_response.create(
                model=self._model,
                max_tokens=max_tokens,
                system=[system],
                messages=messages,
                output_config=_output_config(question),
                timeout=self._patience(max_tokens),
            )
            return msgspec.json.decode(response.http_response.content, type=_Reply), response.request_id
        except anthropic.AnthropicError as exc:
            raise translated(exc, prompt_chars=_chars(system, messages)) from exc
        except msgspec.MsgspecError as exc:
            raise Transient("The Claude API's answer was cut off or garbled.", code="ai_reply_cut_off") from exc

    def _patience(self, max_tokens: int) -> anthropic.Timeout:
        """How long the API may stay silent: without streaming it is, until the last token is written."""
        return anthropic.Timeout(max(self._timeout, max_tokens / _SLOWEST_TOKENS_PER_SECOND), connect=_CONNECT_SECONDS)

    def _usage(self, operation: str, reply: _Reply, request_id: str | None, seconds: float) -> Usage:
        counts = reply.usage
        read, written = counts.cache_read_input_tokens or 0, counts.cache_creation_input_tokens or 0
        return Usage(
            operation=operation,
            origin=self._origin,
            input_tokens=counts.input_tokens,
            output_tokens=counts.output_tokens,
            cache_read_tokens=read,
            cache_write_tokens=written,
            cost_usd=cost_usd(
                self._model,
                input_tokens=counts.input_tokens,
                output_tokens=counts.output_tokens,
                cache_read_tokens=read,
                cache_write_tokens=written,
            ),
            duration_ms=round(seconds * 1000),
            request_id=request_id,
            stop_reason=reply.stop_reason,
        )

    def _note(self, error: DealPulseError | None) -> None:
        """Tells the health board. Being refused one question or slowed down does not make the API unhealthy."""
        if self._health is None or isinstance(error, RateLimited):
            return
        if isinstance(error, Transient) or (error is not None and error.code in ACCOUNT_CODES):
            self._health.failed(CLAUDE, error.message)
        else:
            self._health.succeeded(CLAUDE)


# --- the prompt -------------------------------------------------------------------------------------------------------


def _system(question: Question[SchemaT]) -> TextBlockParam:
    """Our rule, then the task. Always marked for the prompt cache: every document of one operation shares it."""
    return {"type": "text", "text": f"{RULE}\n\n{question.instructions}", "cache_control": _EPHEMERAL}


def _opening(question: Question[SchemaT]) -> list[MessageParam]:
    """The material, not marked for the prompt cache: writing it there costs a quarter more, and hardly any is read
    twice within the cache's five minutes."""
    block: TextBlockParam = {"type": "text", "text": fenced(question.material)}
    closing: TextBlockParam = {"type": "text", "text": "The material ends here. Carry out the task."}
    return [{"role": "user", "content": [block, closing]}]


def _repair(text: str, misfit: _Misfit) -> list[MessageParam]:
    return [
        {"role": "assistant", "content": text or "(no answer)"},
        {"role": "user", "content": misfit.complaint},
    ]


def _output_config(question: Question[SchemaT]) -> OutputConfigParam:
    return {"effort": _EFFORT, "format": {"type": "json_schema", "schema": _sent_schema(question.schema)}}


@functools.cache
def _sent_schema(schema: type[BaseModel]) -> dict[str, object]:
    """Made once: it takes milliseconds of the event loop."""
    return anthropic.transform_schema(schema)


def _chars(system: TextBlockParam, messages: Sequence[MessageParam]) -> int:
    contents = [message["content"] for message in messages]
    return len(system["text"]) + sum(len(str(content)) for content in contents)


# --- the reply --------------------------------------------------------------------------------------------------------


def _fitted(schema: type[SchemaT], text: str) -> SchemaT | _Misfit:
    try:
        return schema.model_validate_json(text)
    except ValidationError as exc:
        faults = exc.errors(include_url=False, include_context=False, include_input=False)
        lines = [f"- {'.'.join(map(str, fault['loc'])) or 'the answer'}: {fault['msg']}" for fault in faults]
        return _Misfit("That answer does not fit the schema:\n" + "\n".join(lines) + "\nGive the whole answer again.")


_UNANSWERED = {
    "invalid_output": "Claude's answer did not fit the schema, not even after one correction.",
    "refused": "Claude declined to answer for policy reasons.",
    "output_too_long": "Claude's answer is longer than the room it was given.",
    "context_too_long": "The material is too long for the model's context window.",
}
_UNFINISHED = {
    "refusal": "refused",
    "max_tokens": "output_too_long",
    "model_context_window_exceeded": "context_too_long",
}


def _refuse_unfinished(completion: _Completion) -> None:
    """Only an answer the model ended by itself is one."""
    reason = completion.stop_reason
    if reason in _UNFINISHED:
        raise _unanswered(_UNFINISHED[reason], completion.usage)
    if reason != "end_turn":
        raise CutShort("Claude stopped before its answer was complete.", usage=completion.usage)


def _unanswered(code: str, usage: Usage) -> Unanswered:
    return Unanswered(_UNANSWERED[code], code=code, usage=usage)


# --- the bill ---------------------------------------------------------------------------------------------------------


def _plus(spent: Usage | None, usage: Usage) -> Usage:
    """Both calls' tokens, cost and time; the later call's request id and stop reason."""
    if spent is None:
        return usage
    return msgspec.structs.replace(
        usage,
        input_tokens=spent.input_tokens + usage.input_tokens,
        output_tokens=spent.output_tokens + usage.output_tokens,
        cache_read_tokens=spent.cache_read_tokens + usage.cache_read_tokens,
        cache_write_tokens=spent.cache_write_tokens + usage.cache_write_tokens,
        cost_usd=spent.cost_usd + usage.cost_usd,
        duration_ms=spent.duration_ms + usage.duration_ms,
    )


def _log_call(usage: Usage) -> None:
    _log.info(
        CALLED,
        operation=usage.operation,
        model=usage.origin.model,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cost_usd=usage.cost_usd,
        duration_ms=usage.duration_ms,
        anthropic_request_id=usage.request_id,
        stop_reason=usage.stop_reason,
    )
