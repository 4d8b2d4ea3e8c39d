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

if TYPE_CHECKING:
    WorkerSettings: type
    DailyBriefWorkerSettings: type
    DocumentWorkerSettings: type
    EmailWorkerSettings: type
    SourceSyncWorkerSettings: type


def __getattr__(name: str) -> type:
    from dealpulse.worker.entry import CLASS_NAMES, settings_class

    if name not in CLASS_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return settings_class(name)
