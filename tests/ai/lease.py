"""A small question for the tests of this room: what does this lease say?"""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from dealpulse.ai.contract import Material, Question


class Lease(BaseModel):
    """The schema of the answer."""

    title: str
    ends_on: date | None = None
    monthly_rent: float = Field(ge=0)
    clauses: list[str] = []


LEASE: dict[str, Any] = {"title": "Lease of Unit 4", "ends_on": "2027-03-31", "monthly_rent": 4200.5, "clauses": []}
OFFLINE_LEASE = Lease(title="a lease, perhaps", monthly_rent=0)


def lease_question(
    text: str = "The rent is 4,200.50 a month.",
    *,
    instructions: str = "Read the lease.",
    max_tokens: int = 1_000,
    operation: str = "read_lease",
    version: str = "1",
    label: str = "Lease.pdf, page 1",
) -> Question[Lease]:
    return Question(
        operation=operation,
        version=version,
        instructions=instructions,
        material=(Material(label=label, text=text),),
        schema=Lease,
        offline=lambda: OFFLINE_LEASE,
        max_tokens=max_tokens,
    )
