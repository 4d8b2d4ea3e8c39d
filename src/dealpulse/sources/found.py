"""What a connector gathers from one page of its vendor's."""

from __future__ import annotations

from dataclasses import dataclass, field

from dealpulse.models import SourceFolder
from dealpulse.sources.contract import ItemFailure, SourceItem, SourcePage


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

    def page(self, cursor: str) -> SourcePage:
        return SourcePage(
            items=tuple(self.items.values()),
            cursor=cursor,
            removed=tuple(self.removed),
            failures=tuple(self.failures.values()),
            folders=tuple(self.folders.values()),
        )
