"""How far a sync of a Drive folder is."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from dealpulse.sources.contract import CursorExpired


class Position(Struct, frozen=True, omit_defaults=True):
    """The cursor: where the change log is followed from, and the folders being listed before that."""

    token: str
    batch: tuple[str, ...] = ()
    page: str | None = None
    missed: bool = False
    """The listing this stems from could not see everything."""

    def encoded(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def decoded(cls, cursor: str) -> Position:
        try:
            return msgspec.json.decode(cursor, type=cls)
        except msgspec.MsgspecError as error:
            raise CursorExpired("The stored position is none of Drive's.") from error
