"""Which connector serves which type of source. To add a vendor, add its module in ``vendors`` and its line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from dealpulse.errors import Permanent
from dealpulse.models import Source, SourceType
from dealpulse.settings import SourceSettings
from dealpulse.sources.accounts import Accounts
from dealpulse.sources.contract import Connector, RateLimits
from dealpulse.sources.vendors.folder import FolderConnector
from dealpulse.sources.vendors.gdrive import DriveConnector
from dealpulse.sources.vendors.gmail import GmailConnector
from dealpulse.sources.vendors.sharepoint import SharePointConnector


@dataclass(frozen=True)
class Reach:
    """What connectors reach their vendors with; one a process."""

    http: httpx.AsyncClient
    accounts: Accounts
    limits: RateLimits


def _folder(source: Source, settings: SourceSettings, reach: Reach) -> Connector:
    return FolderConnector(Path(source.location), roots=settings.folder_roots)


def _gdrive(source: Source, settings: SourceSettings, reach: Reach) -> Connector:
    return DriveConnector.of(source, settings.google, http=reach.http, accounts=reach.accounts, limits=reach.limits)


def _gmail(source: Source, settings: SourceSettings, reach: Reach) -> Connector:
    return GmailConnector.of(source, settings.google, http=reach.http, accounts=reach.accounts, limits=reach.limits)


def _sharepoint(source: Source, settings: SourceSettings, reach: Reach) -> Connector:
    return SharePointConnector.of(
        source, settings.microsoft, http=reach.http, accounts=reach.accounts, limits=reach.limits
    )


CONNECTORS: Final[Mapping[SourceType, Callable[[Source, SourceSettings, Reach], Connector]]] = {
    SourceType.folder: _folder,
    SourceType.gdrive: _gdrive,
    SourceType.gmail: _gmail,
    SourceType.sharepoint: _sharepoint,
}


def connect(source: Source, settings: SourceSettings, reach: Reach) -> Connector:
    """The connector of one source. Opens nothing yet.

    Raises:
        Permanent: this version has no connector for the source's type, or settings it needs are missing.
        NeedsConsent: nobody connected an account for it.
    """
    try:
        build = CONNECTORS[source.type]
    except KeyError:
        raise Permanent(
            f"This version cannot sync {source.type.value!r} sources yet; it has connectors for "
            f"{', '.join(kind.value for kind in CONNECTORS)}.",
            code="no_connector",
        ) from None
    return build(source, settings, reach)
