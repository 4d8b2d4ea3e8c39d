"""Which connector serves which type of source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from dealpulse.errors import Permanent
from dealpulse.models import Source, SourceType
from dealpulse.settings import SourceSettings
from dealpulse.sources.contract import Connector
from dealpulse.sources.vendors.folder import FolderConnector

CONNECTORS: Final[Mapping[SourceType, Callable[[Source, SourceSettings], Connector]]] = {
    SourceType.folder: lambda source, settings: FolderConnector(Path(source.location), roots=settings.folder_roots),
}


def connect(source: Source, settings: SourceSettings) -> Connector:
    """The connector of one source. Opens nothing yet.

    Raises:
        Permanent: this version has no connector for the source's type.
    """
    try:
        build = CONNECTORS[source.type]
    except KeyError:
        raise Permanent(
            f"This version cannot sync {source.type.value!r} sources yet; it has connectors for "
            f"{', '.join(kind.value for kind in CONNECTORS)}.",
            code="no_connector",
        ) from None
    return build(source, settings)
