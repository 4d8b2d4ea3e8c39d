"""Gmail v1, as developers.google.com/workspace/gmail/api says: reference/rest/v1 (parameters, shapes, paging,
which scope), guides/sync (history and its 404), guides/filtering and support.google.com/mail/answer/7190 (search),
guides/push (watch, stop, what Pub/Sub posts), reference/quota (units), guides/handle-errors (reasons).
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fakes.google.accounts import GMAIL_READ, KEY_NAME, PERSON, Accounts
from fakes.google.answers import Json, masked, refused
from fakes.posting import Posting

UNITS: Final = {"profile": 1, "labels": 1, "list": 5, "get": 5, "history": 2, "watch": 100, "stop": 50}
_PARAMETERS: Final = {
    "profile": {"fields"},
    "labels": {"fields"},
    "list": {"q", "labelIds", "maxResults", "pageToken", "includeSpamTrash", "fields"},
    "get": {"format", "metadataHeaders", "fields"},
    "history": {"startHistoryId", "maxResults", "pageToken", "labelId", "historyTypes", "fields"},
    "watch": set[str](),
    "stop": set[str](),
}
_SYSTEM_LABELS: Final = ("INBOX", "SENT", "DRAFT", "SPAM", "TRASH", "UNREAD", "STARRED", "IMPORTANT", "CHAT")
_HIDDEN: Final = {"SPAM", "TRASH"}
_WORD: Final = re.compile(r'\s*([()]|-?\w+:(?:"[^"]*"|[^\s()]+))')


@dataclass
class Message:
    id: str
    subject: str
    raw: bytes
    labels: set[str]
    received_at: float
    sender: str
    number: int


@dataclass(frozen=True)
class _Event:
    """One history record: ``kind`` as its array is called, the labels it is about, and those the message then had."""

    id: int
    kind: str
    message: str
    labels: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Push:
    """A Pub/Sub topic's push subscription."""

    address: str
    audience: str
    account: str = "gmail-push@deal.iam.gserviceaccount.com"


@dataclass
class FakeGmail:
    """The mailbox of ``PERSON``."""

    accounts: Accounts
    posting: Posting
    page_size: int = 500
    tells_labels: bool = True
    """History records say which labels the message has."""
    hollow_pages: bool = False
    """History begins with a page on which there is nothing, as it may."""
    messages: dict[str, Message] = field(default_factory=dict)
    topics: dict[str, Push | None] = field(default_factory=dict)
    """Those that exist, each with who is told of what is published there."""
    watched: Json | None = None
    """What is to be told, and where: a mailbox has one watch."""
    units: int = 0
    """What was asked so far costs so much."""
    closed: bool = False
    """The mailbox is no more."""
    _labels: dict[str, str] = field(default_factory=lambda: dict(zip(_SYSTEM_LABELS, _SYSTEM_LABELS, strict=True)))
    _events: list[_Event] = field(default_factory=list)
    _history: int = 1_000
    _oldest: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # What happens in the mailbox ---------------------------------------------------------------------------------

    def label(self, name: str) -> str:
        """Its id; made if it is not there."""
        known = next((one for one, its_name in self._labels.items() if its_name == name), None)
        if known is None:
            known = f"Label_{next(self._numbers)}"
            self._labels[known] = name
        return known

    def name_of(self, label: str) -> str:
        return self._labels[label]

    def rename_label(self, label: str, name: str) -> None:
        self._labels[label] = name

    def remove_label(self, label: str) -> None:
        """From the mailbox, and so from every message."""
        del self._labels[label]
        for message in self.messages.values():
            if label in message.labels:
                self.relabel(message.id, remove=(label,))

    def receive(
        self, subject: str, raw: bytes, *labels: str, sender: str = "pat@example.com", received_at: float | None = None
    ) -> str:
        number = next(self._numbers)
        message = Message(
            f"{0x18C0000000000000 + number:x}", subject, raw, set(labels), received_at or time.time(), sender, number
        )
        self.messages[message.id] = message
        self._note("messagesAdded", message)
        return message.id

    def relabel(self, message_id: str, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> None:
        message = self.messages[message_id]
        if add:
            message.labels |= set(add)
            self._note("labelsAdded", message, add)
        if remove:
            message.labels -= set(remove)
            self._note("labelsRemoved", message, remove)

    def trash(self, message_id: str, *, back: bool = False) -> None:
        if back:
            self.relabel(message_id, remove=("TRASH",))
        else:
            self.relabel(message_id, add=("TRASH",))

    def delete(self, message_id: str) -> None:
        """For good; labels alone tell of what is put in the trash."""
        self._note("messagesDeleted", self.messages.pop(message_id))

    def forget_history(self) -> None:
        """What was before is not known any more."""
        self._history += 7
        self._oldest = self._history
        self._events.clear()

    def _note(self, kind: str, message: Message, labels: tuple[str, ...] = ()) -> None:
        self._history += 7  # they increase, and not by one
        self._events.append(_Event(self._history, kind, message.id, labels, tuple(sorted(message.labels))))
        self._publish(message)

    def _publish(self, message: Message) -> None:
        watch = self.watched
        if watch is None or watch["until"] <= time.time():
            return
        told = {"emailAddress": PERSON, "historyId": str(self._history)}
        push = self.topics.get(watch["topicName"])
        if push is not None and (not watch["labelIds"] or message.labels & set(watch["labelIds"])):
            self.push(push, json.dumps(told).encode())

    def push(self, push: Push, data: bytes) -> None:
        """What Pub/Sub posts, with a token that Google signed."""
        now = int(time.time())
        claims = {
            "iss": "https://accounts.google.com",
            "aud": push.audience,
            "email": push.account,
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
        }
        token = jwt.encode(claims, self.accounts.key, algorithm="RS256", headers={"kid": KEY_NAME})
        message = {"data": base64.b64encode(data).decode(), "messageId": str(next(self._numbers))}
        body = {"message": message, "subscription": "projects/deal/subscriptions/push"}
        self.posting.send(
            push.address,
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
            body=json.dumps(body).encode(),
        )

    # What it answers ---------------------------------------------------------------------------------------------

    def routes(self) -> list[Route]:
        user = "/gmail/v1/users/{user}"
        return [
            Route(f"{user}/profile", self._profile),
            Route(f"{user}/labels", self._list_labels),
            Route(f"{user}/messages", self._list),
            Route(f"{user}/messages/{{id}}", self._get),
            Route(f"{user}/history", self._list_history),
            Route(f"{user}/watch", self._watch, methods=["POST"]),
            Route(f"{user}/stop", self._stop, methods=["POST"]),
            Route("/oauth2/v3/certs", self._certs),
        ]

    def _refusal(self, request: Request, endpoint: str) -> Response | None:
        if (no := self.accounts.refusal(request, scope=GMAIL_READ)) is not None:
            return no
        self.units += UNITS[endpoint]
        user = request.path_params["user"]
        if user not in ("me", self.accounts.user(request)):
            return refused(403, "forbidden")  # "Delegation denied"
        if self.accounts.user(request) != PERSON or self.closed:
            return refused(400, "failedPrecondition")  # "Mail service not enabled"
        if set(request.query_params) - _PARAMETERS[endpoint]:
            return refused(400, "invalidArgument")
        return None

    async def _profile(self, request: Request) -> Response:
        if (no := self._refusal(request, "profile")) is not None:
            return no
        answer: Json = {"emailAddress": PERSON, "messagesTotal": len(self.messages), "historyId": str(self._history)}
        return masked(answer, request.query_params.get("fields"))

    async def _list_labels(self, request: Request) -> Response:
        if (no := self._refusal(request, "labels")) is not None:
            return no
        labels = [
            {"id": one, "name": name, "type": "system" if one == name else "user"} for one, name in self._labels.items()
        ]
        return masked({"labels": labels}, request.query_params.get("fields"))

    async def _list(self, request: Request) -> Response:
        if (no := self._refusal(request, "list")) is not None:
            return no
        asked = request.query_params
        labels = set(asked.getlist("labelIds"))
        try:
            wanted = self._search(asked.get("q", ""))
        except ValueError:
            return refused(400, "invalidArgument")
        if not labels <= set(self._labels):
            return refused(400, "invalidArgument")
        hidden = set() if asked.get("includeSpamTrash") == "true" else _HIDDEN - labels
        before = asked.get("pageToken", str(1 << 60))
        if not before.isdigit():
            return refused(400, "invalidArgument")
        size = min(int(asked.get("maxResults", "100")), 500, self.page_size)
        # Newest first; what comes meanwhile does not move the others.
        found = [
            one
            for one in reversed(list(self.messages.values()))
            if one.number < int(before) and labels <= one.labels and not hidden & one.labels and wanted(one)
        ]
        answer: Json = {"resultSizeEstimate": len(found)}
        if found:
            answer["messages"] = [{"id": one.id, "threadId": one.id} for one in found[:size]]
        if len(found) > size:
            answer["nextPageToken"] = str(found[size - 1].number)
        return masked(answer, asked.get("fields"))

    async def _get(self, request: Request) -> Response:
        if (no := self._refusal(request, "get")) is not None:
            return no
        message, asked = self.messages.get(request.path_params["id"]), request.query_params
        if message is None:
            return refused(404, "notFound")
        answer: Json = {
            "id": message.id,
            "threadId": message.id,
            "snippet": 'They wrote "raw": "not this" & <more>',
            "historyId": str(self._history),
            "internalDate": str(int(message.received_at * 1000)),
            "sizeEstimate": len(message.raw),
        }
        if message.labels:
            answer["labelIds"] = sorted(message.labels)
        if asked.get("format") == "raw":
            answer["raw"] = base64.urlsafe_b64encode(message.raw).decode()
        elif asked.get("format") != "minimal":
            return refused(400, "invalidArgument")  # a whole message, taken apart, is nothing we should ask for
        return masked(answer, asked.get("fields"))

    async def _list_history(self, request: Request) -> Response:
        if (no := self._refusal(request, "history")) is not None:
            return no
        asked = request.query_params
        start = asked.get("startHistoryId", "")
        if not start.isdigit():
            return refused(400, "invalidArgument")
        if not self._oldest <= int(start) <= self._history:
            return refused(404, "notFound")
        after = asked.get("pageToken", start)
        if not after.isdigit():
            return refused(400, "invalidArgument")
        label = asked.get("labelId")
        found = [one for one in self._events if one.id > int(after) and (label is None or label in one.after)]
        size = min(int(asked.get("maxResults", "100")), 500, self.page_size)
        answer: Json = {"historyId": str(self._history)}
        if self.hollow_pages and "pageToken" not in asked:
            return masked({**answer, "nextPageToken": start}, asked.get("fields"))
        if found:
            answer["history"] = [self._record(one) for one in found[:size]]
        if len(found) > size:
            answer["nextPageToken"] = str(found[size - 1].id)
        return masked(answer, asked.get("fields"))

    def _record(self, event: _Event) -> Json:
        message: Json = {"id": event.message, "threadId": event.message}
        if self.tells_labels and event.after:
            message["labelIds"] = list(event.after)
        change: Json = {"message": message}
        if event.labels:
            change["labelIds"] = list(event.labels)
        return {"id": str(event.id), "messages": [{"id": event.message}], event.kind: [change]}

    async def _watch(self, request: Request) -> Response:
        if (no := self._refusal(request, "watch")) is not None:
            return no
        asked = await request.json()
        topic = asked.get("topicName", "")
        if asked.keys() - {"topicName", "labelIds", "labelFilterBehavior"} or topic not in self.topics:
            return refused(400, "invalidArgument")
        until = time.time() + 7 * 86400
        self.watched = {"topicName": topic, "labelIds": asked.get("labelIds", []), "until": until}
        return JSONResponse({"historyId": str(self._history), "expiration": str(int(until * 1000))})

    async def _stop(self, request: Request) -> Response:
        if (no := self._refusal(request, "stop")) is not None:
            return no
        self.watched = None
        return Response(status_code=204)

    async def _certs(self, request: Request) -> Response:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.accounts.key.public_key()))
        return JSONResponse({"keys": [{**key, "kid": KEY_NAME, "use": "sig", "alg": "RS256"}]})

    # Search ------------------------------------------------------------------------------------------------------

    def _search(self, query: str) -> Callable[[Message], bool]:
        """Operators and parentheses, all of which must hold. Raises ``ValueError`` for what is none of them."""
        words, at = [], 0
        while at < len(query.rstrip()):
            match = _WORD.match(query, at)
            if match is None:
                raise ValueError(query)
            words.append(match[1])
            at = match.end()
        return self._all(iter(words))

    def _all(self, words: Iterator[str]) -> Callable[[Message], bool]:
        tests: list[Callable[[Message], bool]] = []
        for word in words:
            if word == ")":
                break
            tests.append(self._all(words) if word == "(" else self._operator(word))
        return lambda message: all(test(message) for test in tests)

    def _operator(self, word: str) -> Callable[[Message], bool]:
        negated, (name, _, value) = word.startswith("-"), word.removeprefix("-").partition(":")
        value = value.strip('"')
        operators: dict[str, Callable[[Message], bool]] = {
            "in": lambda message: {"drafts": "DRAFT", "chats": "CHAT"}[value] in message.labels,
            "label": lambda message: value in {self._labels[one] for one in message.labels},
            "from": lambda message: value in message.sender,
            "subject": lambda message: value in message.subject,
            "after": lambda message: int(message.received_at) >= int(value),
            "before": lambda message: int(message.received_at) < int(value),
        }
        if name not in operators:
            raise ValueError(word)
        test = operators[name]
        return (lambda message: not test(message)) if negated else test
