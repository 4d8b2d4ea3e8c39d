"""Whether a source can be read: asked of its vendor, without reading it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from dealpulse.errors import DealPulseError, NotFound
from dealpulse.jobs import CheckSource
from dealpulse.models import Source
from dealpulse.sources.contract import Connector
from dealpulse.store import Store

_SECONDS: Final = 30.0


async def check_source(job: CheckSource, *, store: Store, connect: Callable[[Source], Connector]) -> dict[str, object]:
    """``readable``, and either what the vendor calls the source or the code and reason why it cannot be read.

    Nothing is retried and no state changes: it is an answer to whoever asks now.

    Raises:
        NotFound: there is no such source in this deal (any more).
    """
    source = await store.sources.get(job.source_id)
    if source.deal_id != job.deal_id:
        raise NotFound("The source belongs to another deal.", code="source_not_found")
    try:
        async with asyncio.timeout(_SECONDS):
            connector = connect(source)
            try:
                place = await connector.describe()
            finally:
                await connector.aclose()
    except TimeoutError:
        return _unreadable("timed_out", f"The vendor did not answer within {_SECONDS:g} seconds.")
    except DealPulseError as error:
        return _unreadable(error.code, error.message)
    return {"readable": True, "name": place.name, "code": None, "message": None}


def _unreadable(code: str, message: str) -> dict[str, object]:
    return {"readable": False, "name": None, "code": code, "message": message}
