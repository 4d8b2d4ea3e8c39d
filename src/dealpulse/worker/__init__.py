"""The arq entry points.

    arq dealpulse.worker.WorkerSettings               every queue in one process
    arq dealpulse.worker.DailyBriefWorkerSettings     one queue each
    arq dealpulse.worker.DocumentWorkerSettings
    arq dealpulse.worker.EmailWorkerSettings
    arq dealpulse.worker.SourceSyncWorkerSettings

The classes are built when they are asked for: only then are the settings read, logging configured and uvloop set, so
importing this module changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealpulse.logs import configure
from dealpulse.settings import LogSettings

if TYPE_CHECKING:
    WorkerSettings: type
    DailyBriefWorkerSettings: type
    DocumentWorkerSettings: type
    EmailWorkerSettings: type
    SourceSyncWorkerSettings: type


def __getattr__(name: str) -> type:
    if not name[:1].isupper():
        # No class: Python itself asks like this, when a module of ours is imported.
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Before anything else is imported: whatever fails from here on is one JSON line.
    configure(LogSettings(), service="worker")
    from dealpulse.worker.entry import CLASS_NAMES, settings_class

    if name not in CLASS_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(CLASS_NAMES)}")
    return settings_class(name)
