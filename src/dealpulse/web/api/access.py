"""Tokens of the API and the audit log: ``/api/tokens``, ``/api/audit``."""

from __future__ import annotations

import datetime
from typing import Final

from dealpulse.models import ApiToken
from dealpulse.web.access.identity import Scope
from dealpulse.web.access.tokens import digest_of, new_token
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, delete, get, get_query, post_json
from dealpulse.web.wire import (
    AuditAnswer,
    AuditLine,
    AuditQuery,
    TokenAnswer,
    TokenCreatedAnswer,
    TokenRequest,
    TokensAnswer,
    TokenView,
)

_LONGEST_NAME: Final = 64
_LINES: Final = 200


async def create_token(request: ApiRequest, asked: TokenRequest) -> TokenCreatedAnswer:
    """Make a token; it is in this answer and nowhere else."""
    name = asked.name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise invalid("A token's name has 1 to 64 printable characters.", code="invalid_name", field="name")
    if asked.scope not in tuple(Scope):
        raise invalid("There is no such scope.", code="unknown_scope", valid=list(Scope))
    expires = asked.expires_at
    if expires is not None and (expires.tzinfo is None or expires <= datetime.datetime.now(datetime.UTC)):
        raise invalid("A token expires in the future, at a time with its zone.", code="invalid_time", field="expiresAt")
    made = new_token()
    kept = await request.state["store"].tokens.add(
        name=name, scope=asked.scope, digest=digest_of(made.encode()), expires_at=expires
    )
    return TokenCreatedAnswer(token=made, kept=_view(kept))


async def tokens(request: ApiRequest) -> TokensAnswer:
    """The tokens that were made, revoked and expired ones too, without what they are."""
    return TokensAnswer(tokens=[_view(one) for one in await request.state["store"].tokens.all()])


async def revoke_token(request: ApiRequest) -> TokenAnswer:
    """Make a token worth nothing, within 15 seconds."""
    return TokenAnswer(token=_view(await request.state["store"].tokens.revoke(request.path_params["token_id"])))


async def audit(request: ApiRequest, asked: AuditQuery) -> AuditAnswer:
    """What operators did, newest first: the latest 200."""
    try:
        before = None if asked.before is None else datetime.datetime.fromisoformat(asked.before)
    except ValueError as error:
        raise invalid("Say `before` as an ISO 8601 time.", code="invalid_time", field="before") from error
    entries = await request.state["store"].audit.latest(limit=_LINES, before=before)
    return AuditAnswer(
        entries=[
            AuditLine(
                at=entry.at,
                actor=entry.actor,
                action=entry.action,
                target=entry.target,
                outcome=entry.outcome,
                peer=entry.peer,
                request_id=entry.request_id,
            )
            for entry in entries
        ]
    )


def _view(token: ApiToken) -> TokenView:
    return TokenView(
        id=token.id,
        name=token.name,
        scope=token.scope,
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
        last_used_at=token.last_used_at,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/tokens", create_token, takes=TokenRequest, status=201, once=True, scope=Scope.admin),
    get("/tokens", tokens, scope=Scope.admin),
    delete("/tokens/{token_id}", revoke_token, scope=Scope.admin),
    get_query("/audit", audit, asks=AuditQuery, scope=Scope.admin),
)
