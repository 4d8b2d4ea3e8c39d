"""The offline engine: answers without a model, for when there is no API key.

What it answers comes with the question (:attr:`~dealpulse.ai.contract.Question.offline`); this module only runs it
where it cannot block the event loop, and labels the answer so that nobody mistakes it for Claude's.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from dealpulse.ai.contract import Answer, Question, SchemaT
from dealpulse.errors import DealPulseError, Permanent
from dealpulse.models import Confidence, EngineName, Origin, Usage

LOCAL_MODEL = "offline-1"
LOCAL_ORIGIN = Origin(engine=EngineName.local, model=LOCAL_MODEL, confidence=Confidence.low)

# The work is pure Python and holds the interpreter lock: more threads would only take turns.
_THREADS = 2


class LocalEngine:
    """Answers with ``question.offline``, at most two at a time; every answer is of low confidence and costs nothing."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="offline-engine")

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        """Raises ``Permanent`` (``offline_failed``) when the offline answer has a fault: it would have it again."""
        loop = asyncio.get_running_loop()
        try:
            value = await loop.run_in_executor(self._threads, question.offline)
        except DealPulseError:
            raise
        except Exception as exc:
            raise Permanent(
                f"The offline engine cannot answer {question.operation}: {type(exc).__name__}.", code="offline_failed"
            ) from exc
        return Answer(value=value, origin=LOCAL_ORIGIN, usage=Usage(operation=question.operation, origin=LOCAL_ORIGIN))

    async def aclose(self) -> None:
        """Lets answers under way finish, drops those that have not begun."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
