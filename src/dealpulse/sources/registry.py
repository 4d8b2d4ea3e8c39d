"""Which connector serves which type of source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from dealpulse.errors import Permanent
from dealpulse.models import Source, SourceType
from dealpulse.sources.contract import Connector
from dealpulse.sources.vendors.folder import FolderConnector

CONNECTORS: Final[Mapping[SourceType, Callable[[Source], Connector]]] = {
    SourceType.folder: FolderConnector.of,
}


def connect(source: Source) -> Connector:
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
    return build(source)
