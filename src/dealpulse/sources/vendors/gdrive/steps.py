"""How far a sync of a Drive folder is, and what its last step found."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from dealpulse.models import SourceFolder
from dealpulse.sources.contract import CursorExpired, ItemFailure, SourceItem, SourcePage


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


@dataclass
class Found:
    """What a page of the vendor's holds for this source; of one id the last word counts."""

    items: dict[str, SourceItem] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)
    failures: dict[str, ItemFailure] = field(default_factory=dict)
    folders: dict[str, SourceFolder] = field(default_factory=dict)

    def put(self, item: SourceItem) -> None:
        self.removed.pop(item.external_id, None)
        self.items[item.external_id] = item

    def fail(self, failure: ItemFailure) -> None:
        self.failures[failure.external_id or failure.path] = failure

    def remove(self, external_id: str) -> None:
        for known in (self.items, self.failures, self.folders):
            known.pop(external_id, None)
        self.removed[external_id] = None

    def page(self, position: Position) -> SourcePage:
        return SourcePage(
            items=tuple(self.items.values()),
            cursor=position.encoded(),
            removed=tuple(self.removed),
            failures=tuple(self.failures.values()),
            folders=tuple(self.folders.values()),
        )
