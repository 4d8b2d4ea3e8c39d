"""Questions asked for a deal: each says who pays, and what each cost is in the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Self

from dealpulse.ai.contract import Answer, Engine, Question, SchemaT
from dealpulse.errors import DealPulseError
from dealpulse.models import Usage
from dealpulse.store import Store


class OnAccount:
    """Asks ``engine`` at the expense of a deal, for one of its documents or e-mails.

    What was paid is recorded as soon as it is known, whether or not it bought an answer, while the asker goes on. The
    block it is used in ends, however it ends, when all of it is in the ledger; raises what kept it out.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        store: Store,
        deal_id: str,
        document_id: str | None = None,
        email_id: str | None = None,
    ) -> None:
        self._engine = engine
        self._store = store
        self._deal_id = deal_id
        self._document_id = document_id
        self._email_id = email_id
        self._recording: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        try:
            answer = await self._engine.ask(replace(question, payer=self._deal_id))
        except DealPulseError as error:
            if error.usage is not None:
                await self._record(error.usage)
            raise
        self._recording.add(asyncio.create_task(self._record(answer.usage)))
        return answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._recording)

    async def aclose(self) -> None:
        await self._engine.aclose()

    async def _record(self, usage: Usage) -> None:
        await self._store.usage.record(self._deal_id, usage, document_id=self._document_id, email_id=self._email_id)
