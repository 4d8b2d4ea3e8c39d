"""A Drive folder as a source.

A listing takes the change log's position first, then lists folder after folder (many in one question), and then follows
the change log from that position: what moved while it was listed is found there. An incremental sync is the last part
alone. A folder that is new to the source (made, moved in, taken out of the trash) is listed too: Drive does not tell
of what is in it. A change of something else concerns the source if its folder is one of the source's.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx
from msgspec.structs import replace

from dealpulse.errors import DealPulseError, Permanent, Transient
from dealpulse.models import Provider, Source, SourceAccess, SourceFolder
from dealpulse.settings import GoogleSettings
from dealpulse.sources.accounts import Accounts
from dealpulse.sources.contract import (
    CursorExpired,
    ItemFailure,
    RateLimits,
    SourceItem,
    SourcePage,
    SourcePlace,
)
from dealpulse.sources.found import Found
from dealpulse.sources.http import Budget, Refused, Vendor, VendorClient
from dealpulse.sources.notifications import Callback, Subscription
from dealpulse.sources.tree import Tree, following
from dealpulse.sources.vendors.gdrive import wire
from dealpulse.sources.vendors.gdrive.items import item_of, shortcut_item, unavailable
from dealpulse.sources.vendors.gdrive.position import Position

SCOPE: Final = "https://www.googleapis.com/auth/drive.readonly"

GOOGLE: Final = Vendor(
    Provider.google.value, slow_down_reasons=frozenset({"userRateLimitExceeded", "rateLimitExceeded"})
)
_UNITS_PER_SECOND: Final = 195.0
_BURST: Final = 300.0
"""Together the 12,000 queries a minute and user of guides/limits."""

_PAGE_SIZE: Final = 1000
_FOLDERS_AT_ONCE: Final = 20
"""Asked about in one question, which Drive refuses when it grows too long."""
_ALL_DRIVES: Final[Mapping[str, str]] = {"supportsAllDrives": "true"}
_LISTED_DRIVES: Final[Mapping[str, str]] = {**_ALL_DRIVES, "includeItemsFromAllDrives": "true"}
_CHANNEL_LASTS: Final = timedelta(days=7)
"""The most that Drive grants for changes."""
_ID = re.compile(r"[A-Za-z0-9_-]+")
_ADDRESS = re.compile(r"/folders/([A-Za-z0-9_-]+)|[?&]id=([A-Za-z0-9_-]+)")
_TARGET_GONE: Final = "What this shortcut points to is gone, or not shared."
_EXPIRED: Final = frozenset({400, 404, 410})


class DriveConnector:
    """Reads the folder ``location`` names: its id, its address in the browser, or ``root``."""

    def __init__(self, location: str, *, client: VendorClient, api_url: str) -> None:
        self._folder = _folder_id(location)
        self._client = client
        self._api_url = api_url
        self._top: wire.File | None = None

    @classmethod
    def of(
        cls, source: Source, google: GoogleSettings, *, http: httpx.AsyncClient, accounts: Accounts, limits: RateLimits
    ) -> DriveConnector:
        """The connector of ``source``. Raises ``NeedsConsent`` or ``Permanent`` where it has no account."""
        account = accounts.google(source, scope=SCOPE)
        client = VendorClient(
            http,
            vendor=GOOGLE,
            base_url=f"{google.api_url}/drive/v3",
            budget=Budget(f"gdrive:{account.name}", _UNITS_PER_SECOND, _BURST),
            tokens=account.tokens,
            limits=limits,
        )
        return cls(source.location, client=client, api_url=google.api_url)

    async def describe(self) -> SourcePlace:
        top = await self._locate()
        return SourcePlace(name=top.name, access=await self._access(top))

    async def pages(self, *, cursor: str | None, folders: Sequence[SourceFolder] = ()) -> AsyncIterator[SourcePage]:
        top = await self._locate()
        tree = Tree(SourceFolder(external_id=top.id, name=top.name), folders)
        position = Position(await self._start_token(top)) if cursor is None else Position.decoded(cursor)
        while True:
            async for reached, found in self._crawl(position, tree):
                position = reached
                yield found.page(position.encoded())
            async for reached, found in self._follow(position, tree):
                quiet, position = reached == position, reached
                if not quiet:
                    yield found.page(position.encoded())
            if not tree.unlisted(1):
                break
        yield SourcePage(items=(), cursor=position.encoded(), last=True, complete_listing=not position.missed)

    async def find(self, external_id: str) -> SourceItem | None:
        file = await self._file(external_id)
        if file is None or file.trashed or file.mime_type == wire.FOLDER:
            return None
        folder_id = file.parents[0] if file.parents else None
        if file.shortcut_details is None:
            return item_of(file, folder_id=folder_id, path=file.name)
        target = await self._file(file.shortcut_details.target_id, key=file.shortcut_details.target_resource_key)
        if target is None or target.trashed or target.mime_type == wire.FOLDER:
            return None
        return shortcut_item(file, target, folder_id, path=file.name)

    @asynccontextmanager
    async def content(self, item: SourceItem) -> AsyncIterator[AsyncIterator[bytes]]:
        try:
            async with self._client.content(item.content_ref) as chunks:
                yield chunks
        except Refused as error:
            if error.reason != "exportSizeLimitExceeded" or (link := await self._export_link(item)) is None:
                raise unavailable(error) from error
        else:
            return
        try:
            async with self._client.content(link) as chunks:
                yield chunks
        except Refused as error:
            raise unavailable(error) from error

    async def aclose(self) -> None:
        """Nothing to close: connections are shared."""

    # Being told of changes ---------------------------------------------------------------------------------------

    async def subscribe(self, callback: Callback) -> Subscription:
        """Of every change the account is told of: a folder alone cannot be watched."""
        top = await self._locate()
        wanted = datetime.now(UTC) + _CHANNEL_LASTS
        channel = await self._client.post(
            "/changes/watch",
            wire.Channel,
            params=self._in_drive(top, {"pageToken": await self._start_token(top), **_LISTED_DRIVES}),
            json={
                "id": str(uuid.uuid4()),
                "type": "web_hook",
                "address": callback.address,
                "token": callback.secret,
                "expiration": int(wanted.timestamp() * 1000),
            },
        )
        expires_at = datetime.fromtimestamp(int(channel.expiration) / 1000, UTC)
        return Subscription(channel.id, resource=channel.resource_id, expires_at=expires_at)

    async def renew(self, subscription: Subscription, callback: Callback) -> Subscription:
        """A channel cannot be kept for longer: another takes its place, and is there before it goes."""
        another = await self.subscribe(callback)
        with suppress(DealPulseError):  # it ends by itself, and what it tells until then is not listened to
            await self.unsubscribe(subscription)
        return another

    async def unsubscribe(self, subscription: Subscription) -> None:
        try:
            await self._client.tell(
                "/channels/stop", json={"id": subscription.external_id, "resourceId": subscription.resource}
            )
        except Refused as error:
            if error.status != 404:
                raise

    # Where the source is -----------------------------------------------------------------------------------------

    async def _locate(self) -> wire.File:
        """The source's top, asked for once."""
        if self._top is not None:
            return self._top
        file = await self._file(self._folder)
        if file is None or file.trashed:
            raise Permanent(
                "The Drive folder does not exist (any more), or is not shared with the account.", code="folder_missing"
            )
        if file.mime_type != wire.FOLDER:
            raise Permanent("What the source names is no Drive folder.", code="folder_missing")
        self._top = file
        return file

    async def _file(self, file_id: str, *, key: str = "") -> wire.File | None:
        headers = {"X-Goog-Drive-Resource-Keys": f"{file_id}/{key}"} if key else None
        try:
            return await self._client.get(
                f"/files/{file_id}", wire.File, params={"fields": wire.FILE_FIELDS, **_ALL_DRIVES}, headers=headers
            )
        except Refused as error:
            if error.status == 404:
                return None
            raise

    async def _access(self, top: wire.File) -> tuple[SourceAccess, ...]:
        """Who may read the folder; nobody known where the account may not know."""
        found: list[SourceAccess] = []
        params: dict[str, str | int] = {
            "fields": "nextPageToken,permissions(type,role,emailAddress,domain)",
            "pageSize": 100,
            **_ALL_DRIVES,
        }
        token: str | None = ""
        try:
            while token is not None:
                answer = await self._client.get(
                    f"/files/{top.id}/permissions",
                    wire.PermissionList,
                    params={**params, "pageToken": token} if token else params,
                )
                found += [
                    SourceAccess(who=one.email_address or one.domain or one.type, role=one.role)
                    for one in answer.permissions
                ]
                token = answer.next_page_token
        except Refused as error:
            if error.status not in (403, 404):
                raise
        return tuple(sorted(found, key=lambda one: (one.who, one.role)))

    async def _start_token(self, top: wire.File) -> str:
        params = self._in_drive(top, _ALL_DRIVES)
        answer = await self._client.get("/changes/startPageToken", wire.StartPageToken, params=params)
        return answer.start_page_token

    def _in_drive(self, top: wire.File, params: Mapping[str, str | int]) -> Mapping[str, str | int]:
        """A shared drive has a change log of its own."""
        return {**params, "driveId": top.drive_id} if top.drive_id else params

    # Listing -----------------------------------------------------------------------------------------------------

    async def _crawl(self, position: Position, tree: Tree) -> AsyncIterator[tuple[Position, Found]]:
        """List every folder whose content is not known yet."""
        at_once = _FOLDERS_AT_ONCE
        while batch := position.batch or tree.unlisted(at_once):
            try:
                answer = await self._list([tree.listed_as(one) for one in batch], position.page)
            except Refused as error:
                if position.page is not None and error.status == 400:
                    # Page tokens are valid for some hours only.
                    position = replace(position, page=None)
                    continue
                if error.status != 404 or batch == (tree.top_id,):
                    raise
                if len(batch) > 1:
                    at_once, position = 1, replace(position, batch=(), page=None)
                    continue
                answer = wire.FileList(incomplete_search=True)
            found = await self._sorted(answer.files, tree)
            if answer.incomplete_search:
                path = "" if (folder := tree.get(batch[0])) is None else tree.path(folder.parent_id, folder.name)
                found.fail(ItemFailure(path, "What is in this folder could not be listed completely."))
            if tree.top_id in batch and (top := tree.get(tree.top_id)) is not None:
                found.folders[tree.top_id] = top
            token = answer.next_page_token
            if token is None:
                found.folders |= {folder.external_id: folder for folder in tree.listed(batch)}
            elif token == position.page:
                raise Transient("Drive's listing repeats itself.", code="listing_repeats")
            position = Position(
                position.token,
                batch=() if token is None else batch,
                page=token,
                missed=position.missed or answer.incomplete_search,
            )
            yield position, found

    async def _list(self, folder_ids: Sequence[str], page_token: str | None) -> wire.FileList:
        top = await self._locate()
        parents = " or ".join(f"'{folder_id}' in parents" for folder_id in folder_ids)
        params: dict[str, str | int] = {
            "q": f"({parents}) and trashed = false",
            "pageSize": _PAGE_SIZE,
            "fields": f"nextPageToken,incompleteSearch,files({wire.FILE_FIELDS})",
            **_LISTED_DRIVES,
        }
        if top.drive_id:
            params |= {"corpora": "drive", "driveId": top.drive_id}
        if page_token is not None:
            params["pageToken"] = page_token
        return await self._client.get("/files", wire.FileList, params=params)

    async def _sorted(self, files: Sequence[wire.File], tree: Tree) -> Found:
        found = Found()
        for file in files:
            await self._put(file, tree, found)
        return found

    async def _put(self, file: wire.File, tree: Tree, found: Found) -> None:
        """Take a file, folder or shortcut as it is now for what it is to this source."""
        parent = tree.parent_among(file.parents)
        if file.id == tree.top_id:
            return
        if parent is None or file.trashed:
            tree.remove(file.id)
            found.remove(file.id)
        elif file.mime_type == wire.FOLDER:
            if (shortcut := tree.leading_to(file.id)) is not None:
                # It is in the source itself by now, and listed there.
                tree.remove(shortcut.external_id)
                found.remove(shortcut.external_id)
            known = tree.get(file.id)
            folder = SourceFolder(
                external_id=file.id, parent_id=parent, name=file.name, listed=known is not None and known.listed
            )
            found.removed.pop(file.id, None)
            if folder != known:
                tree.put(folder)
                found.folders[file.id] = folder
        elif file.shortcut_details is not None:
            await self._put_shortcut(file, parent, tree, found)
        else:
            found.put(item_of(file, folder_id=parent, path=tree.path(parent, file.name)))

    async def _put_shortcut(self, file: wire.File, parent: str, tree: Tree, found: Found) -> None:
        details, path = file.shortcut_details, tree.path(parent, file.name)
        if details is None:
            return
        target = await self._target(file)
        if target is None or target.trashed:
            found.fail(ItemFailure(path, _TARGET_GONE, file.id))
        elif target.mime_type == wire.FOLDER:
            await self._put_folder_shortcut(file, target, parent, tree, found)
        elif tree.parent_among(target.parents) is None:
            shortcut = SourceFolder(
                external_id=file.id, parent_id=parent, name=file.name, target_id=target.id, listed=True
            )
            tree.put(shortcut)
            found.folders[file.id] = shortcut
            found.put(shortcut_item(file, target, parent, path=path))

    async def _put_folder_shortcut(
        self, file: wire.File, target: wire.File, parent: str, tree: Tree, found: Found
    ) -> None:
        if target.drive_id != (await self._locate()).drive_id:
            reason = "It leads to another drive, whose changes are told elsewhere; connect that folder as a source."
            found.fail(ItemFailure(tree.path(parent, file.name), reason, file.id, retry=False))
            return
        shortcut = SourceFolder(external_id=file.id, parent_id=parent, name=file.name, target_id=target.id, listed=True)
        known, leading = tree.get(file.id), tree.leading_to(target.id)
        if tree.get(target.id) is None and (leading is None or leading == known):
            shortcut = replace(following(shortcut), listed=known is not None and known.listed)
        found.removed.pop(file.id, None)
        if shortcut != known:
            tree.put(shortcut)
            found.folders[file.id] = shortcut

    async def _target(self, shortcut: wire.File) -> wire.File | None:
        details = shortcut.shortcut_details
        if details is None:
            return None
        try:
            return await self._file(details.target_id, key=details.target_resource_key)
        except Refused as error:
            if error.status == 403:
                return None
            raise

    # Following changes -------------------------------------------------------------------------------------------

    async def _follow(self, position: Position, tree: Tree) -> AsyncIterator[tuple[Position, Found]]:
        """Every change from the position on; the last position is where the next sync begins."""
        while True:
            answer = await self._changes(position.token)
            found = Found()
            for change in answer.changes:
                await self._put_change(change, tree, found)
            token = answer.next_page_token or answer.new_start_page_token
            if token is None or answer.next_page_token == position.token:
                raise Transient("Drive's change log repeats itself or ends nowhere.", code="listing_repeats")
            position = replace(position, token=token)
            yield position, found
            if answer.next_page_token is None:
                return

    async def _changes(self, token: str) -> wire.ChangeList:
        top = await self._locate()
        params: dict[str, str | int] = {
            "pageToken": token,
            "pageSize": _PAGE_SIZE,
            "fields": f"nextPageToken,newStartPageToken,changes(fileId,removed,file({wire.FILE_FIELDS}))",
            "includeRemoved": "true",
            **_LISTED_DRIVES,
        }
        try:
            return await self._client.get("/changes", wire.ChangeList, params=self._in_drive(top, params))
        except Refused as error:
            if error.status in _EXPIRED:
                raise CursorExpired("Drive no longer knows the position in its change log.") from error
            raise

    async def _put_change(self, change: wire.Change, tree: Tree, found: Found) -> None:
        if change.file_id is None or change.file_id == tree.top_id:
            return  # of a shared drive itself, or of the top: whether that can be read was asked first
        shortcuts = tree.shortcuts_to(change.file_id)
        followed, gone = tree.leading_to(change.file_id), change.file is None or change.file.trashed
        if followed is not None and gone:
            tree.remove(followed.external_id)
            found.remove(followed.external_id)
            path = tree.path(followed.parent_id, followed.name)
            found.fail(ItemFailure(path, _TARGET_GONE, followed.external_id, retry=False))
        if change.removed or change.file is None:
            tree.remove(change.file_id)
            found.remove(change.file_id)
        else:
            await self._put(change.file, tree, found)
        for shortcut in shortcuts:
            if change.file is None or change.file.trashed:
                found.remove(shortcut.external_id)
            elif change.file.mime_type == wire.FOLDER:
                # Out of the source by itself, it may still be led to.
                if tree.get(change.file_id) is None and tree.leading_to(change.file_id) is None:
                    tree.put(following(shortcut))
                    found.folders[shortcut.external_id] = following(shortcut)
            else:
                as_file = wire.File(id=shortcut.external_id, name=shortcut.name)
                path = tree.path(shortcut.parent_id, shortcut.name)
                found.put(shortcut_item(as_file, change.file, shortcut.parent_id, path=path))

    # Content -----------------------------------------------------------------------------------------------------

    async def _export_link(self, item: SourceItem) -> str | None:
        """Where a document too large for the export call can be had; our token goes to Google alone."""
        file_id = item.content_ref.split("/")[2]
        answer = await self._client.get(
            f"/files/{file_id}", wire.ExportLinks, params={"fields": "exportLinks", **_ALL_DRIVES}
        )
        link = answer.export_links.get(item.mime_type or "")
        if link is None:
            return None
        address, api = urlsplit(link), urlsplit(self._api_url)
        google = address.scheme == "https" and (address.hostname or "").endswith((".google.com", ".googleapis.com"))
        return link if google or (address.scheme, address.netloc) == (api.scheme, api.netloc) else None


def _folder_id(location: str) -> str:
    if _ID.fullmatch(location):
        return location
    match = _ADDRESS.search(location)
    if match is None:
        raise Permanent("Name a Drive folder by its id or its address in the browser.", code="wrong_location")
    return match[1] or match[2]
