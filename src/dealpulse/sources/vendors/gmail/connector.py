"""A Gmail mailbox as a source.

A listing takes the history's position first, then lists the ids of what belongs to the source, and then follows the
history from that position: what came or went meanwhile is found there. An incremental sync is the last part alone.
A message never changes, so an id that is known is never fetched again; only its labels decide whether it belongs here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dealpulse.errors import Permanent, Transient
from dealpulse.models import Provider, Source, SourceAccess, SourceFolder
from dealpulse.settings import GoogleSettings
from dealpulse.sources.accounts import Accounts
from dealpulse.sources.contract import CursorExpired, ItemKind, RateLimits, SourceItem, SourcePage, SourcePlace
from dealpulse.sources.http import Budget, Refused, Vendor, VendorClient
from dealpulse.sources.notifications import Callback, Subscription
from dealpulse.sources.vendors.gmail import wire
from dealpulse.sources.vendors.gmail.content import raw_message
from dealpulse.sources.vendors.gmail.location import Location
from dealpulse.sources.vendors.gmail.wire import UNITS

SCOPE: Final = "https://www.googleapis.com/auth/gmail.readonly"

GOOGLE: Final = Vendor(
    Provider.google.value, slow_down_reasons=frozenset({"userRateLimitExceeded", "rateLimitExceeded"})
)
_UNITS_PER_SECOND: Final = 240.0
_BURST: Final = 600.0
"""Together the 15,000 units a minute and user of reference/quota."""

_PAGE_SIZE: Final = 500
_LEFT_OUT_OF_SEARCH: Final = "-in:drafts -in:chats"
"""Spam and the trash are left out of listings anyway."""
_VERSION: Final = "1"


class _Position(Struct, frozen=True, omit_defaults=True):
    """The cursor: where the history is followed from, and how far a listing or the history's pages are read."""

    history: str
    listing: bool = False
    page: str | None = None
    reached: str | None = None
    """Where the next sync begins, once the history's last page is read."""

    def encoded(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def decoded(cls, cursor: str) -> _Position:
        try:
            return msgspec.json.decode(cursor, type=cls)
        except msgspec.MsgspecError as error:
            raise CursorExpired("The stored position is none of Gmail's.") from error


class GmailConnector:
    """Reads the messages ``location`` names; how it does stands in ``location.py``."""

    def __init__(self, location: Location, *, client: VendorClient) -> None:
        self._location = location
        self._client = client
        self._mailbox = f"/users/{quote(location.mailbox, safe='@')}"
        self._profile: wire.Profile | None = None
        self._labels: frozenset[str] | None = None

    @classmethod
    def of(
        cls, source: Source, google: GoogleSettings, *, http: httpx.AsyncClient, accounts: Accounts, limits: RateLimits
    ) -> GmailConnector:
        """The connector of ``source``. Raises ``NeedsConsent`` or ``Permanent`` where it has no account."""
        location = Location.of(source.location)
        account = accounts.google(source, scope=SCOPE, subject=None if location.mailbox == "me" else location.mailbox)
        client = VendorClient(
            http,
            vendor=GOOGLE,
            base_url=f"{google.api_url}/gmail/v1",
            budget=Budget(f"gmail:{account.name}", _UNITS_PER_SECOND, _BURST),
            tokens=account.tokens,
            limits=limits,
        )
        return cls(location, client=client)

    async def describe(self) -> SourcePlace:
        profile = await self._open()
        await self._label_ids()
        return SourcePlace(
            name=profile.email_address, access=(SourceAccess(who=profile.email_address.lower(), role="owner"),)
        )

    async def pages(self, *, cursor: str | None, folders: Sequence[SourceFolder] = ()) -> AsyncIterator[SourcePage]:
        profile = await self._open()
        position = _Position(profile.history_id, listing=True) if cursor is None else _Position.decoded(cursor)
        while position.listing:
            items, position = await self._list(position)
            yield SourcePage(items, cursor=position.encoded())
        while True:
            items, removed, position = await self._follow(position)
            # Only a page of the middle has one: the last is where the next sync begins.
            last = position.page is None
            yield SourcePage(items, cursor=position.encoded(), removed=removed, last=last, complete_listing=last)
            if last:
                return

    async def find(self, external_id: str) -> SourceItem | None:
        message = await self._message(external_id)
        return self._item(external_id) if message is not None and await self._belongs(message) else None

    @asynccontextmanager
    async def content(self, item: SourceItem) -> AsyncIterator[AsyncIterator[bytes]]:
        try:
            async with self._client.content(
                f"{self._mailbox}/messages/{item.external_id}",
                params={"format": "raw", "fields": "raw"},
                units=UNITS["message"],
            ) as chunks:
                yield raw_message(chunks)
        except Refused as error:
            reason = wire.REASONS.get(error.reason, error.message)
            raise Permanent(reason, code=error.code) from error

    async def aclose(self) -> None:
        """Nothing to close: connections are shared."""

    # Being told of changes ---------------------------------------------------------------------------------------

    async def subscribe(self, callback: Callback) -> Subscription:
        """Of the whole mailbox: it has one watch for all who read it, and a label taken away must be told of too."""
        profile = await self._open()
        watch = await self._client.post(
            f"{self._mailbox}/watch", wire.Watch, json={"topicName": callback.address}, units=UNITS["watch"]
        )
        expires_at = datetime.fromtimestamp(int(watch.expiration) / 1000, UTC)
        return Subscription(profile.email_address.lower(), resource="", expires_at=expires_at)

    async def renew(self, subscription: Subscription, callback: Callback) -> Subscription:
        """Asking again is renewing."""
        return await self.subscribe(callback)

    async def unsubscribe(self, subscription: Subscription) -> None:
        await self._client.tell(f"{self._mailbox}/stop", json={}, units=UNITS["stop"])

    # What belongs to the source ----------------------------------------------------------------------------------

    async def _open(self) -> wire.Profile:
        """The mailbox, asked for once; its position in the history is from before everything else that is asked."""
        if self._profile is None:
            try:
                self._profile = await self._client.get(f"{self._mailbox}/profile", wire.Profile, units=UNITS["profile"])
            except Refused as error:
                if error.reason in ("failedPrecondition", "forbidden", "notFound", "delegationDenied"):
                    raise Permanent(
                        "There is no such mailbox, or the account may not read it.", code="mailbox_missing"
                    ) from error
                raise
        return self._profile

    async def _label_ids(self) -> frozenset[str]:
        """Ids of the labels the source names. Raises ``Permanent`` (``label_missing``)."""
        if self._labels is None:
            known: dict[str, str] = {}
            if self._location.labels:
                answer = await self._client.get(f"{self._mailbox}/labels", wire.LabelList, units=UNITS["labels"])
                known = {label.name.casefold(): label.id for label in answer.labels}
                known |= {label.id.casefold(): label.id for label in answer.labels}
            missing = [name for name in self._location.labels if name.casefold() not in known]
            if missing:
                raise Permanent(
                    f"The mailbox has no label {missing[0]!r} (any more); name an existing one.", code="label_missing"
                )
            self._labels = frozenset(known[name.casefold()] for name in self._location.labels)
        return self._labels

    async def _message(self, message_id: str) -> wire.Message | None:
        try:
            message = await self._client.get(
                f"{self._mailbox}/messages/{message_id}",
                wire.Message,
                params={"format": "minimal", "fields": "id,labelIds,internalDate"},
                units=UNITS["message"],
            )
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return replace(message, label_ids=message.label_ids or ())

    async def _has_labels(self, labels: Sequence[str]) -> bool:
        return await self._label_ids() <= set(labels) and not wire.LEFT_OUT.intersection(labels)

    async def _belongs(self, message: wire.Message) -> bool:
        """Whether a message of which all is known is one of the source's; a search only Gmail can answer."""
        if not await self._has_labels(message.label_ids or ()):
            return False
        if not self._location.query:
            return True
        received = int(message.internal_date) // 1000
        found = await self._search(f"after:{received - 1} before:{received + 2}", None)
        return any(one.id == message.id for one in found.messages)

    def _item(self, message_id: str) -> SourceItem:
        """What it says, and when, is known once it is read."""
        return SourceItem(
            external_id=message_id,
            kind=ItemKind.email,
            name=f"{message_id}.eml",
            path=f"{message_id}.eml",
            version=_VERSION,
            size_bytes=0,
            mime_type="message/rfc822",
            web_link=self._web_link(message_id),
        )

    def _web_link(self, message_id: str) -> str:
        account = self._profile.email_address if self._profile is not None else ""
        return f"https://mail.google.com/mail/?authuser={quote(account)}#all/{message_id}"

    # Listing -----------------------------------------------------------------------------------------------------

    async def _list(self, position: _Position) -> tuple[tuple[SourceItem, ...], _Position]:
        try:
            answer = await self._search("", position.page)
        except Refused as error:
            if position.page is not None and error.status == 400:
                # Nobody says how long a page's token is valid.
                return (), replace(position, page=None)
            raise
        token = answer.next_page_token
        if token is not None and token == position.page:
            raise Transient("Gmail's listing repeats itself.", code="listing_repeats")
        items = tuple(self._item(message.id) for message in answer.messages)
        return items, replace(position, listing=token is not None, page=token)

    async def _search(self, more: str, page_token: str | None) -> wire.MessageList:
        query = f"({self._location.query})" if self._location.query else ""
        params: dict[str, str | int | Sequence[str]] = {
            "q": " ".join(part for part in (_LEFT_OUT_OF_SEARCH, query, more) if part),
            "maxResults": _PAGE_SIZE,
            "fields": "messages(id),nextPageToken",
        }
        if labels := await self._label_ids():
            params["labelIds"] = sorted(labels)
        if page_token is not None:
            params["pageToken"] = page_token
        return await self._client.get(
            f"{self._mailbox}/messages", wire.MessageList, params=params, units=UNITS["messages"]
        )

    # Following the history ---------------------------------------------------------------------------------------

    async def _follow(self, position: _Position) -> tuple[tuple[SourceItem, ...], tuple[str, ...], _Position]:
        """One page of the history: what came, what went, and where it goes on."""
        answer = await self._history(position)
        token = answer.next_page_token
        if token is not None and token == position.page:
            raise Transient("Gmail's history repeats itself.", code="listing_repeats")
        # The first page's: what happens while the others are read is told again, which does no harm.
        reached = position.reached or answer.history_id or position.history
        items: dict[str, SourceItem] = {}
        removed: dict[str, None] = {}
        for message_id, message in (await self._touched(answer.history)).items():
            if message is not None and await self._belongs_still(message):
                items[message_id] = self._item(message_id)
            else:
                removed[message_id] = None
        position = _Position(reached) if token is None else replace(position, page=token, reached=reached)
        return tuple(items.values()), tuple(removed), position

    async def _history(self, position: _Position) -> wire.History:
        # Not by label: a message that lost the label would be left out.
        params: dict[str, str | int | Sequence[str]] = {
            "startHistoryId": position.history,
            "maxResults": _PAGE_SIZE,
        }
        if position.page is not None:
            params["pageToken"] = position.page
        try:
            return await self._client.get(
                f"{self._mailbox}/history", wire.History, params=params, units=UNITS["history"]
            )
        except Refused as error:
            if position.page is not None and error.status == 400:
                return await self._history(replace(position, page=None))
            if error.status in (400, 404, 410):
                raise CursorExpired("Gmail no longer knows the position in the mailbox's history.") from error
            raise

    async def _touched(self, records: Sequence[wire.Record]) -> dict[str, wire.Message | None]:
        """The messages whose place in the source may have changed, each as last told; None is gone for good."""
        labels = await self._label_ids() | wire.LEFT_OUT
        touched: dict[str, wire.Message | None] = {}
        for record in records:
            for change in record.messages_added:
                touched[change.message.id] = change.message
            for change, sign in (
                *((change, True) for change in record.labels_added),
                *((change, False) for change in record.labels_removed),
            ):
                # Others, such as UNREAD, come and go all the time, and only a search can depend on them.
                if self._location.query or labels.intersection(change.label_ids):
                    touched[change.message.id] = _relabelled(change, added=sign)
            for change in record.messages_deleted:
                touched[change.message.id] = None
        return touched

    async def _belongs_still(self, message: wire.Message) -> bool:
        """As :meth:`_belongs`; asks for what the history does not tell."""
        if message.label_ids is not None and not self._location.query:
            return await self._has_labels(message.label_ids)
        known = await self._message(message.id)
        return known is not None and await self._belongs(known)


def _relabelled(change: wire.Change, *, added: bool) -> wire.Message:
    """The message with the labels it had after the change, if that is told."""
    if change.message.label_ids is None:
        return change.message
    labels = set(change.message.label_ids)
    labels = labels | set(change.label_ids) if added else labels - set(change.label_ids)
    return replace(change.message, label_ids=tuple(labels))
