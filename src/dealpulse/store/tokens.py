"""API tokens that were handed out, by their digests."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from dealpulse.errors import NotFound
from dealpulse.models import ApiToken
from dealpulse.store.database import SERVER_NOW, Database, is_uuid, storable

_COLUMNS: Final = "id,name,scope,created_at,expires_at,revoked_at,last_used_at"


class Tokens:
    """Whoever reads this table learns no token."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, *, name: str, scope: str, digest: str, expires_at: datetime | None) -> ApiToken:
        """Keep a new token, whose SHA-256 is ``digest`` (hex)."""
        row = {
            "name": name,
            "scope": scope,
            "token_sha256": digest,
            "expires_at": expires_at and expires_at.isoformat(),
        }
        query = self._database.client.table("api_tokens").insert(storable(row)).select(_COLUMNS)
        added = await self._database.first(query, ApiToken)
        if added is None:
            raise NotFound("The token was not kept.", code="token_not_found")
        return added

    async def all(self) -> list[ApiToken]:
        """Every token there ever was, oldest first."""
        tokens = await self._database.every("api_tokens", _COLUMNS, ApiToken, narrow=lambda query: query)
        return sorted(tokens, key=lambda token: (token.created_at, token.id))

    async def revoke(self, token_id: str) -> ApiToken:
        """It is valid no longer. Raises NotFound (``token_not_found``)."""
        found = None
        if is_uuid(token_id):
            table = self._database.client.table("api_tokens")
            query = table.update({"revoked_at": SERVER_NOW}).eq("id", token_id).select(_COLUMNS)
            found = await self._database.first(query, ApiToken)
        if found is None:
            raise NotFound("There is no such token.", code="token_not_found")
        return found

    async def used(self, digest: str) -> ApiToken | None:
        """The token with this digest that is valid now; notes, to the minute, that it was used."""
        found = await self._database.call("use_api_token", list[ApiToken], digest=digest)
        return found[0] if found else None
