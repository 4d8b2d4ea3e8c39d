"""What briefs and reports are made of, out of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from dealpulse.models import Operation, Page
from dealpulse.processors.brief_evidence import PageKey, annotated, cited_pages
from dealpulse.processors.brief_facts import BriefFacts
from dealpulse.processors.brief_room import Room
from dealpulse.store import Store

FAINT_BELOW: Final = 0.7
"""Confidence (0..1) below which a scanned page is named for a person to look at."""
_PAGES_AT_ONCE: Final = 8


async def room_of(deal_id: str, operations: Sequence[Operation], *, store: Store) -> Room:
    """All that is known of the deal's documents, e-mails and sources."""
    documents, emails, sources, gone, faint = await asyncio.gather(
        store.documents.of_deal(deal_id),
        store.emails.of_deal(deal_id),
        store.sources.of_deal(deal_id),
        store.documents.gone(deal_id),
        store.documents.faintly_read(deal_id, below=FAINT_BELOW),
    )
    return Room(documents=documents, emails=emails, operations=operations, sources=sources, gone=gone, faint=faint)


async def with_evidence(facts: BriefFacts, room: Room, *, store: Store) -> BriefFacts:
    """The facts, every shown citation with its number and the text around it."""
    return annotated(facts, pages=await _pages(facts, store), emails=room.emails)


async def _pages(facts: BriefFacts, store: Store) -> dict[PageKey, Page]:
    gate = asyncio.Semaphore(_PAGES_AT_ONCE)

    async def read(document_id: str, numbers: set[int]) -> list[tuple[PageKey, Page]]:
        async with gate:
            pages = await store.documents.some_pages(document_id, numbers)
        return [((document_id, page.number), page) for page in pages]

    found = await asyncio.gather(*(read(*wanted) for wanted in cited_pages(facts).items()))
    return dict(pair for pairs in found for pair in pairs)
