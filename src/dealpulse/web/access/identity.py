"""Who a request speaks for, and how much that one may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """What may be done; each contains those before it."""

    read = "read"
    """Look at everything."""
    enqueue = "enqueue"
    """Ask for work."""
    operate = "operate"
    """Cancel, retry, pause, replay, discard; connect and remove sources."""
    admin = "admin"
    """Hand out tokens."""

    def contains(self, other: Scope) -> bool:
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER: Final = tuple(Scope)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """``name`` stands in log lines, in the audit log and in the jobs asked for."""

    name: str
    scope: Scope
    user_id: str | None = None
    """Of a user of the app, who sees only the deals they are a member of."""
    email: str | None = None
    """Of a user of the app, as their token says."""


LOOPBACK: Final = Identity(name="loopback", scope=Scope.admin)
