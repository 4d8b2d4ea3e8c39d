"""The folders of a source whose vendor names a file's folder by id: by them a change is known to concern it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from dealpulse.models import SourceFolder

_FOLLOWED: Final = "/"
"""Behind the target's id in a shortcut that stands for the folder it points to."""


def following(shortcut: SourceFolder) -> SourceFolder:
    """The shortcut as a folder of the source, still to be listed: what is in its target is in it."""
    return replace(shortcut, target_id=f"{shortcut.target_id}{_FOLLOWED}", listed=False)


class Tree:
    """What is known of the folders below the source's top, and of shortcuts in them.

    A shortcut to a folder that is not in the source itself counts as a folder with all that is in its target. One to a
    folder that is, or that another leads to already, is only remembered: so nothing is there twice, and none leads in
    a circle.
    """

    def __init__(self, top: SourceFolder, known: Iterable[SourceFolder]) -> None:
        self.top_id = top.external_id
        self._folders: dict[str, SourceFolder] = {}
        self._shortcuts: dict[str, SourceFolder] = {}
        self._unlisted: dict[str, None] = {}
        self._leading_to: dict[str, str] = {}
        for folder in (top, *known):
            self.put(folder)

    def put(self, folder: SourceFolder) -> None:
        """Remember a folder or shortcut as it is now."""
        if folder.target_id is not None and not folder.target_id.endswith(_FOLLOWED):
            self._shortcuts[folder.external_id] = folder
            return
        if folder.target_id is not None:
            self._shortcuts.pop(folder.external_id, None)
            self._leading_to[folder.target_id.removesuffix(_FOLLOWED)] = folder.external_id
        self._folders[folder.external_id] = folder
        if folder.listed:
            self._unlisted.pop(folder.external_id, None)
        else:
            self._unlisted[folder.external_id] = None

    def get(self, folder_id: str) -> SourceFolder | None:
        return self._folders.get(folder_id)

    def parent_among(self, ids: Sequence[str]) -> str | None:
        """The folder of this source among ``ids``; None if what has these parents is elsewhere."""
        in_folders = (one for one in ids if one in self._folders)
        return next(in_folders, None) or next((self._leading_to[one] for one in ids if one in self._leading_to), None)

    def listed_as(self, folder_id: str) -> str:
        """The folder to ask Drive for: a followed shortcut's target, else itself."""
        target = None if (folder := self._folders.get(folder_id)) is None else folder.target_id
        return folder_id if target is None else target.removesuffix(_FOLLOWED)

    def leading_to(self, target_id: str) -> SourceFolder | None:
        """The followed shortcut to a folder."""
        return self._folders.get(self._leading_to.get(target_id, ""))

    def unlisted(self, at_most: int) -> tuple[str, ...]:
        """Folders whose content is not known yet."""
        return tuple(one for one, _ in zip(self._unlisted, range(at_most), strict=False))

    def listed(self, ids: Iterable[str]) -> list[SourceFolder]:
        """Those folders, their content being known now."""
        done = [replace(self._folders[one], listed=True) for one in ids if one in self._folders]
        for folder in done:
            self.put(folder)
        return done

    def shortcuts_to(self, target_id: str) -> list[SourceFolder]:
        return [one for one in self._shortcuts.values() if one.target_id == target_id]

    def remove(self, item_id: str) -> None:
        """Forget a folder with all below it, or a shortcut."""
        self._shortcuts.pop(item_id, None)
        if item_id not in self._folders:
            return
        below = {item_id}
        while more := {one.external_id for one in self._folders.values() if one.parent_id in below} - below:
            below |= more
        for folder_id in below:
            self._leading_to.pop(self.listed_as(folder_id), None)
            self._folders.pop(folder_id, None)
            self._unlisted.pop(folder_id, None)
        for shortcut in [one for one in self._shortcuts.values() if one.parent_id in below]:
            del self._shortcuts[shortcut.external_id]

    def path(self, folder_id: str | None, name: str) -> str:
        """Where ``name`` is, below the top; for people."""
        parts = [name]
        while folder_id is not None and folder_id != self.top_id and len(parts) < 100:
            folder = self._folders.get(folder_id)
            if folder is None:
                break
            parts.append(folder.name)
            folder_id = folder.parent_id
        return "/".join(reversed(parts))
