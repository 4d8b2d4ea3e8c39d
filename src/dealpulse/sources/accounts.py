"""Whose account reads a source: the one a person connected for it, or the service's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from dealpulse.models import Source
from dealpulse.settings import SourceSettings
from dealpulse.sources.contract import Locks
from dealpulse.sources.http import Tokens
from dealpulse.sources.sealing import Seal
from dealpulse.sources.tokens import (
    ClientCredentialTokens,
    OAuthClient,
    ServiceAccountTokens,
    StoredTokens,
    Vault,
)


@dataclass(frozen=True)
class Account:
    """``name`` tells accounts apart: each has a budget of its own at its vendor."""

    name: str
    tokens: Tokens


class Accounts:
    """Hands out accounts; one a process, so that all syncs of an account share its token."""

    def __init__(
        self,
        settings: SourceSettings,
        *,
        http: httpx.AsyncClient,
        vault: Vault,
        locks: Locks,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._http = http
        self._vault = vault
        self._locks = locks
        self._seal = Seal(settings.encryption_keys)
        self._known: dict[str, Account] = {}

    def google(self, source: Source, *, scope: str, subject: str | None = None) -> Account:
        """For a Google source; without a connection the service account reads, as ``subject`` or as settings say.

        Raises ``NeedsConsent`` where there is neither, ``Permanent`` for wrong settings.
        """
        if source.connection_id is not None:
            return self._connected(source.connection_id, OAuthClient.google(self._settings.google))
        name = subject or self._settings.google.impersonate
        key = f"google {scope} {name}"
        if key not in self._known:
            tokens = ServiceAccountTokens(
                self._settings.google, scope=scope, subject=name, http=self._http, clock=self._clock
            )
            self._known[key] = Account(tokens.account, tokens)
        return self._known[key]

    def microsoft(self, source: Source) -> Account:
        """For a Microsoft source; without a connection the registered app reads in its own name. Raises as above."""
        client = OAuthClient.microsoft(self._settings.microsoft)
        if source.connection_id is not None:
            return self._connected(source.connection_id, client)
        key = f"microsoft {client.client_id}"
        if key not in self._known:
            tokens = ClientCredentialTokens(client, http=self._http, clock=self._clock)
            self._known[key] = Account(client.client_id, tokens)
        return self._known[key]

    def _connected(self, connection_id: str, client: OAuthClient) -> Account:
        if connection_id not in self._known:
            tokens = StoredTokens(
                connection_id,
                client=client,
                vault=self._vault,
                seal=self._seal,
                locks=self._locks,
                http=self._http,
                clock=self._clock,
            )
            self._known[connection_id] = Account(connection_id, tokens)
        return self._known[connection_id]
