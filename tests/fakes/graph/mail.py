"""Mailboxes.

learn.microsoft.com/graph: api/user-list-mailfolders and mailfolder-list-childfolders (ten at a time, direct children
only, search folders among them), api/message-delta and delta-query-messages (a log a folder, $skiptoken and
$deltatoken, odata.maxpagesize, a moved message is ``@removed`` from where it was), delta-query-overview (an old token
is a 40x with syncStateNotFound), outlook-immutable-id (only with the Prefer header, and for that request alone),
outlook-get-mime-message ($value).
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fakes.graph.accounts import MAIL_READ, Accounts
from fakes.graph.answers import GRAPH, Json, opened, page, refused, sealed, selected, unknown_parameters

DANA = "dana@contoso.example"
OWN_NAMES = {
    "inbox": "Inbox",
    "sentitems": "Sent Items",
    "drafts": "Drafts",
    "deleteditems": "Deleted Items",
    "junkemail": "Junk Email",
    "outbox": "Outbox",
}
_NOT_FOUND = "ErrorItemNotFound"


@dataclass
class Folder:
    id: str
    name: str
    parent: str
    search: bool = False
    log: list[str] = field(default_factory=list)
    """Of messages that came, changed or left."""
    oldest: int = 0


@dataclass
class Message:
    id: str
    """The immutable one."""
    subject: str
    content: bytes
    folder: str
    draft: bool = False
    changed: int = 0
    gone: bool = False


@dataclass
class FakeMail:
    accounts: Accounts
    changed: Callable[[str], None]
    """Told the resource that changed."""
    page_size: int = 100
    closed: bool = False
    """There is no such mailbox any more."""
    user: str = DANA
    top: str = "AQMk-top"
    folders: dict[str, Folder] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    own_names: dict[str, str] = field(default_factory=dict)
    """Folder ids."""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        for own_name, name in OWN_NAMES.items():
            self.own_names[own_name] = self.folder(name, self.top)

    # What people do in Outlook -----------------------------------------------------------------------------------

    def folder(self, name: str, parent: str, *, search: bool = False) -> str:
        folder = Folder(f"AQMk-{next(self._numbers)}=", name, parent, search)
        self.folders[folder.id] = folder
        return folder.id

    def receive(self, subject: str, content: bytes, folder: str, *, draft: bool = False) -> str:
        message = Message(f"AAkA-{next(self._numbers)}=", subject, content, folder, draft)
        self.messages[message.id] = message
        self._touch(message, folder)
        return message.id

    def read(self, message_id: str) -> None:
        """Mark it as read."""
        self._touch(self.messages[message_id], self.messages[message_id].folder)

    def rewrite(self, message_id: str, content: bytes) -> None:
        """Go on writing a draft."""
        self.messages[message_id].content = content
        self.read(message_id)

    def move(self, message_id: str, folder: str) -> None:
        message = self.messages[message_id]
        was, message.folder = message.folder, folder
        self._touch(message, was, folder)

    def destroy(self, message_id: str) -> None:
        """Not into the deleted items, but for good."""
        self.messages[message_id].gone = True
        self._touch(self.messages[message_id], self.messages[message_id].folder)

    def move_folder(self, folder_id: str, parent: str) -> None:
        """With all that is in it, of which nothing is told."""
        self.folders[folder_id].parent = parent

    def destroy_folder(self, folder_id: str) -> None:
        del self.folders[folder_id]
        for message in self.messages.values():
            message.gone = message.gone or message.folder == folder_id

    def forget_changes(self) -> None:
        for folder in self.folders.values():
            folder.oldest = len(folder.log) + 1
            folder.log.append("")

    def _touch(self, message: Message, *folders: str) -> None:
        message.changed = next(self._numbers)
        for folder_id in folders:
            self.folders[folder_id].log.append(message.id)
        self.changed(f"users/{self.user}/messages/{message.id}")

    # What it answers ---------------------------------------------------------------------------------------------

    def routes(self) -> list[Route]:
        routes = []
        for user in (f"{GRAPH}/me", f"{GRAPH}/users/{{user}}"):
            routes += [
                Route(f"{user}/mailFolders", self._asked(self._top_folders)),
                Route(f"{user}/mailFolders/{{folder}}", self._asked(self._folder)),
                Route(f"{user}/mailFolders/{{folder}}/childFolders", self._asked(self._child_folders)),
                Route(f"{user}/mailFolders/{{folder}}/messages/delta", self._asked(self._delta)),
                Route(f"{user}/messages/{{message}}", self._asked(self._message)),
                Route(f"{user}/messages/{{message}}/$value", self._asked(self._content)),
            ]
        return routes

    def _asked(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        @functools.wraps(answer)
        def allowed(request: Request) -> Response:
            if (no := self.accounts.refusal(request, MAIL_READ)) is not None:
                return no
            person, asked = self.accounts.user(request), request.path_params.get("user")
            if asked is None and person is None:
                return refused(400, "BadRequest")  # /me is for delegated tokens alone
            if (asked or person) != self.user or self.closed:
                return refused(404, "ErrorInvalidUser")
            return refused(403, "ErrorAccessDenied") if person not in (None, self.user) else answer(request)

        return allowed

    def _folder(self, request: Request) -> Response:
        if (no := unknown_parameters(request, "$select")) is not None:
            return no
        if request.path_params["folder"] == "msgfolderroot":
            return JSONResponse({"id": self.top, "displayName": "Top of Information Store", "parentFolderId": "root"})
        folder = self._known(request)
        if folder is None:
            return refused(404, _NOT_FOUND)
        return JSONResponse(selected(self._folder_resource(folder), request.query_params.get("$select")))

    def _top_folders(self, request: Request) -> Response:
        return self._folders(request, self.top)

    def _child_folders(self, request: Request) -> Response:
        folder = self._known(request)
        return refused(404, _NOT_FOUND) if folder is None else self._folders(request, folder.id)

    def _folders(self, request: Request, parent: str) -> Response:
        no = unknown_parameters(request, "$select", "$top", "$skip", "includeHiddenFolders")
        if no is not None:
            return no
        asked = request.query_params
        start, size, select = int(asked.get("$skip", 0)), int(asked.get("$top", 10)), asked.get("$select")
        entries = [self._folder_resource(one) for one in self.folders.values() if one.parent == parent]
        more = start + size < len(entries)
        link = f"{self._here(request)}?$top={size}&$skip={start + size}" + (f"&$select={select}" if select else "")
        part = [selected(one, select) for one in entries[start : start + size]]
        return page(part, next_link=link if more else None)

    def _delta(self, request: Request) -> Response:
        folder, asked = self._known(request), request.query_params
        if (no := unknown_parameters(request, "$select", "$skiptoken", "$deltatoken")) is not None:
            return no
        if folder is None:
            return refused(404, _NOT_FOUND)
        token = asked.get("$skiptoken") or asked.get("$deltatoken")
        if token is None:
            first = {"folder": folder.id, "select": asked.get("$select"), "now": len(folder.log), "after": ""}
            return self._changes(request, folder, first)
        state = opened(token)
        if state is None or state["folder"] != folder.id:
            return refused(400, "ErrorInvalidParameter")
        if state["now"] < folder.oldest:
            return refused(410, "syncStateNotFound")
        if "after" not in state:
            state = {**state, "since": state["now"], "now": len(folder.log), "after": ""}
        return self._changes(request, folder, state)

    def _changes(self, request: Request, folder: Folder, state: Json) -> Response:
        """What is in the folder, by a state without ``since``, or what changed in it from then until ``now``."""
        match = re.search(r"odata\.maxpagesize=(\d+)", request.headers.get("prefer", ""))
        size = min(int(match[1]) if match else 10, self.page_size)
        if "since" in state:
            ids = list(dict.fromkeys(one for one in folder.log[state["since"] : state["now"]] if one))
        else:
            ids = [one.id for one in self.messages.values() if one.folder == folder.id and not one.gone]
            ids.sort(key=_order)
        ids = [one for one in ids if "since" in state or _order(one) > _order(state["after"])]
        start = int(state["after"] or 0) if "since" in state else 0
        part, rest = ids[start : start + size], ids[start + size :]
        told = []
        for message_id in part:
            message = self.messages[message_id]
            if message.folder == folder.id and not message.gone:
                told.append(selected(self._resource(message, request), state["select"]))
            else:
                told.append({"id": self._id(message, request, folder.id), "@removed": {"reason": "deleted"}})
        here = self._here(request)
        if rest:
            after = str(start + size) if "since" in state else part[-1]
            return page(told, next_link=f"{here}?$skiptoken={sealed(**{**state, 'after': after})}")
        kept = {name: state[name] for name in ("folder", "select", "now")}
        return page(told, delta_link=f"{here}?$deltatoken={sealed(**kept)}")

    def _message(self, request: Request) -> Response:
        if (no := unknown_parameters(request, "$select")) is not None:
            return no
        message = self._found(request)
        if message is None:
            return refused(404, _NOT_FOUND)
        return JSONResponse(selected(self._resource(message, request), request.query_params.get("$select")))

    def _content(self, request: Request) -> Response:
        message = self._found(request)
        return refused(404, _NOT_FOUND) if message is None else Response(message.content, media_type="text/plain")

    def _known(self, request: Request) -> Folder | None:
        named = request.path_params["folder"]
        return self.folders.get(self.own_names.get(named.lower(), named))

    def _found(self, request: Request) -> Message | None:
        asked = request.path_params["message"]
        found = (one for one in self.messages.values() if self._id(one, request, one.folder) == asked)
        return next((one for one in found if not one.gone), None)

    def _id(self, message: Message, request: Request, folder: str) -> str:
        """Without the header, an id that is another one in each folder."""
        immutable = 'IdType="ImmutableId"' in request.headers.get("prefer", "")
        return message.id if immutable else f"AAMk-{folder}-{message.id}"

    def _here(self, request: Request) -> str:
        return f"{self.accounts.url}{quote(request.url.path)}"

    def _folder_resource(self, folder: Folder) -> Json:
        resource: Json = {
            "id": folder.id,
            "displayName": folder.name,
            "parentFolderId": folder.parent,
            "childFolderCount": sum(one.parent == folder.id for one in self.folders.values()),
        }
        return {"@odata.type": "#microsoft.graph.mailSearchFolder", **resource} if folder.search else resource

    def _resource(self, message: Message, request: Request) -> Json:
        return {
            "@odata.etag": f'W/"{message.changed}"',
            "id": self._id(message, request, message.folder),
            "subject": message.subject,
            "parentFolderId": message.folder,
            "internetMessageId": f"<{message.id}@contoso.example>",
            "receivedDateTime": "2026-11-02T09:00:00Z",
            "lastModifiedDateTime": f"2026-11-02T09:{message.changed // 60 % 60:02}:{message.changed % 60:02}Z",
            "isDraft": message.draft,
            "webLink": f"https://outlook.office365.com/owa/?ItemID={message.id}",
        }


def _order(message_id: str) -> int:
    """Messages as they came."""
    return int(message_id.removeprefix("AAkA-").removesuffix("=") or 0)
