"""The folders of a mailbox, and which of them belong to a source.

Pages of learn.microsoft.com/graph/api: user-list-mailfolders and mailfolder-list-childfolders (each tells only of what
is directly in a folder), resources/mailfolder (Outlook's own names).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from dealpulse.errors import Permanent
from dealpulse.models import SourceFolder
from dealpulse.sources.graph import Graph, Page
from dealpulse.sources.http import Parameters, Refused
from dealpulse.sources.vendors.outlook.location import ME, Location
from dealpulse.sources.vendors.outlook.wire import FOLDER_FIELDS, LEFT_OUT, WELL_KNOWN, Folder

_LISTING: Final[Parameters] = {"$select": FOLDER_FIELDS, "$top": 100}


@dataclass(frozen=True)
class Mailbox:
    """Its folders as they were when it was opened."""

    folders: tuple[SourceFolder, ...]
    """The mailbox itself first, then the source's and those that lead there."""
    followed: tuple[str, ...]
    """Ids of the source's own."""
    known: frozenset[str]
    """Ids of all, but for what is in those left out."""

    def path(self, folder_id: str, name: str) -> str:
        """Where ``name`` is, below the mailbox's top; for people."""
        known = {folder.external_id: folder for folder in self.folders[1:]}
        while (folder := known.get(folder_id)) is not None:
            name, folder_id = f"{folder.name}/{name}", folder.parent_id or ""
        return name


def address(mailbox: str) -> str:
    """Where Graph has it."""
    return "/me" if mailbox == ME else f"/users/{quote(mailbox, safe='@')}"


async def open_mailbox(location: Location, graph: Graph) -> Mailbox:
    """Raises ``Permanent`` (``mailbox_missing``, ``folder_missing``)."""
    base = f"{address(location.mailbox)}/mailFolders"
    try:
        top = await graph.get(f"{base}/msgfolderroot", Folder, params={"$select": FOLDER_FIELDS})
    except Refused as error:
        if error.status == 404 or (error.status == 400 and location.mailbox == ME):
            raise Permanent(
                "There is no such mailbox, or the account may not read it.", code="mailbox_missing"
            ) from error
        raise
    own_names = await _own_names(location, base, graph)
    folders = await _tree(location, base, own_names, graph)
    if location.folders:
        starts = {_start(path, top.id, folders, own_names) for path in location.folders}
    else:
        starts = {folder.id for folder in folders.values() if folder.parent_folder_id == top.id}
    followed = [one for one in folders if starts.intersection(_with_above(one, folders))]
    leading = {above for one in followed for above in _with_above(one, folders)}
    known = [
        SourceFolder(external_id=one.id, parent_id=one.parent_folder_id, name=one.display_name, listed=True)
        for one in folders.values()
        if one.id in leading
    ]
    root = SourceFolder(external_id=top.id, name=location.mailbox, listed=True)
    return Mailbox((root, *known), tuple(followed), frozenset({*folders, *own_names.values(), top.id}))


async def _own_names(location: Location, base: str, graph: Graph) -> dict[str, str]:
    """Ids by Outlook's own names: of what is left out, and of what the source names by them."""
    firsts = {path[0].lower() for path in location.folders}
    names = sorted({*LEFT_OUT, *(firsts & WELL_KNOWN)})
    found = graph.several([f"{base}/{name}?$select={FOLDER_FIELDS}" for name in names], Folder)
    ids = [None if folder is None else folder.id async for folder in found]
    return {name: folder_id for name, folder_id in zip(names, ids, strict=True) if folder_id is not None}


async def _tree(location: Location, base: str, own_names: Mapping[str, str], graph: Graph) -> dict[str, Folder]:
    """All folders by id, each after the one it is in, but those that are left out and not asked for."""
    firsts = {path[0].casefold() for path in location.folders}
    left_out = {own_names[name] for name in LEFT_OUT if name in own_names and name not in firsts}
    found: dict[str, Folder] = {}
    unlisted = [base]
    while unlisted:
        for folder in await graph.all(unlisted.pop(0), Page[Folder], params=_LISTING):
            if folder.is_search or (folder.id in left_out and folder.display_name.casefold() not in firsts):
                continue
            found[folder.id] = folder
            if folder.child_folder_count:
                unlisted.append(f"{base}/{quote(folder.id, safe='')}/childFolders")
    return found


def _start(path: tuple[str, ...], top: str, folders: Mapping[str, Folder], own_names: Mapping[str, str]) -> str:
    """The id of the folder at ``path``."""
    place: str | None = top
    for number, name in enumerate(path):
        named = (one.id for one in folders.values() if _is_called(one, name) and one.parent_folder_id == place)
        place = next(named, own_names.get(name.lower()) if number == 0 else None)
        if place is None:
            raise Permanent(
                f"The mailbox has no folder {'/'.join(path)!r} (any more); name an existing one.",
                code="folder_missing",
            )
    return place or top


def _is_called(folder: Folder, name: str) -> bool:
    return folder.display_name.casefold() == name.casefold()


def _with_above(folder_id: str, folders: Mapping[str, Folder]) -> Iterator[str]:
    while (folder := folders.get(folder_id)) is not None:
        yield folder_id
        folder_id = folder.parent_folder_id
