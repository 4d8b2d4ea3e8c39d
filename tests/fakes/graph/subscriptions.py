"""Change notifications.

learn.microsoft.com/graph: api/subscription-post-subscriptions, -update, -delete and resources/subscription (fields and
longest times), change-notifications-delivery-webhooks (the validation of an address, what a notification says).
"""

from __future__ import annotations

import itertools
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fakes.graph.accounts import FILES_WRITE, MAIL_READ, TENANT, Accounts
from fakes.graph.answers import GRAPH, Json, refused
from fakes.posting import Posting

_REQUIRED = {"changeType", "notificationUrl", "resource", "expirationDateTime"}
_KNOWN = {*_REQUIRED, "lifecycleNotificationUrl", "clientState", "latestSupportedTlsVersion"}


@dataclass
class Subscriptions:
    accounts: Accounts
    posting: Posting
    known: dict[str, Json] = field(default_factory=dict)
    validated: list[str] = field(default_factory=list)
    """Addresses that were asked to say a token back, and did."""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def routes(self) -> list[Route]:
        return [
            Route(f"{GRAPH}/subscriptions", self._create, methods=["POST"]),
            Route(f"{GRAPH}/subscriptions/{{id}}", self._renew, methods=["PATCH"]),
            Route(f"{GRAPH}/subscriptions/{{id}}", self._delete, methods=["DELETE"]),
        ]

    def changed(self, resource: str) -> None:
        """Tell of a change those who asked to be told."""
        for one in self.known.values():
            if resource.startswith(one["resource"].strip("/")):
                self._send(one, one["notificationUrl"], changeType="updated", resource=resource)

    def end(self, subscription_id: str) -> None:
        """As when a password was changed: it is no more, and its lifecycle address is told."""
        one = self.known.pop(subscription_id)
        self._send(one, one["lifecycleNotificationUrl"], lifecycleEvent="subscriptionRemoved")

    def _send(self, one: Json, address: str, **said: str) -> None:
        notification = {
            "subscriptionId": one["id"],
            "subscriptionExpirationDateTime": one["expirationDateTime"],
            "clientState": one["clientState"],
            "tenantId": TENANT,
            **said,
        }
        body = json.dumps({"value": [notification]}).encode()
        self.posting.send(address, headers={"content-type": "application/json"}, body=body)

    async def _create(self, request: Request) -> Response:
        asked = await request.json()
        resource = str(asked.get("resource", "")).strip("/")
        mail = "/messages" in resource or "/mailFolders" in resource
        # api/subscription-post-subscriptions: to be told of files takes more than to read them.
        no = self.accounts.refusal(request, MAIL_READ if mail else FILES_WRITE)
        if no is not None:
            return no
        if set(asked) - _KNOWN or _REQUIRED - set(asked) or len(asked.get("clientState", "")) > 128:
            return refused(400)
        if not mail and (asked["changeType"] != "updated" or not resource.endswith("/root")):
            return refused(400)
        if not _allowed(asked["expirationDateTime"], mail=mail):
            return refused(400, "InvalidRequest")
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            if name in asked and not await self._validates(asked[name]):
                return refused(400, "ValidationError")
        one = {**asked, "id": str(uuid.uuid4()), "resource": resource}
        self.known[one["id"]] = one
        return JSONResponse(one, 201)

    async def _validates(self, address: str) -> bool:
        token = f"Validation: Testing client application reachability & more {next(self._numbers)}"
        if not address.startswith(("https://", "http://127.0.0.1:")):
            return False
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            try:
                said = await client.post(
                    address, params={"validationToken": token}, headers={"content-type": "text/plain; charset=utf-8"}
                )
            except httpx.HTTPError:
                return False
        plain = said.headers.get("content-type", "").startswith("text/plain")
        if said.status_code != 200 or not plain or said.text != token:
            return False
        self.validated.append(address)
        return True

    async def _renew(self, request: Request) -> Response:
        if (no := self.accounts.refusal(request, MAIL_READ, FILES_WRITE)) is not None:
            return no
        one = self.known.get(request.path_params["id"])
        if one is None:
            return refused(404, "ResourceNotFound")
        asked = await request.json()
        if set(asked) != {"expirationDateTime"}:
            return refused(400)
        if not _allowed(asked["expirationDateTime"], mail="/messages" in one["resource"]):
            return refused(400, "InvalidRequest")
        one["expirationDateTime"] = asked["expirationDateTime"]
        return JSONResponse(one)

    async def _delete(self, request: Request) -> Response:
        if (no := self.accounts.refusal(request, MAIL_READ, FILES_WRITE)) is not None:
            return no
        if self.known.pop(request.path_params["id"], None) is None:
            return refused(404, "ResourceNotFound")
        return Response(status_code=204)


def _allowed(until: str, *, mail: bool) -> bool:
    try:
        at = datetime.fromisoformat(until)
    except ValueError:
        return False
    now = datetime.now(UTC)
    return now < at <= now + timedelta(minutes=4_230 if mail else 42_300)
