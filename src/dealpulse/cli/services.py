"""The commands that are services: their lines are JSON, from the first to the last."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Final

import typer
import uvicorn

from dealpulse import logs
from dealpulse.cli.connection import environment
from dealpulse.errors import Invalid
from dealpulse.jobs import DAILY_BRIEF, DOCUMENTS, EMAILS, QUEUES, SOURCE_SYNC, Queue, queue_named
from dealpulse.settings import Settings, SettingsError

_CLASSES: Final = {
    DAILY_BRIEF: "DailyBriefWorkerSettings",
    DOCUMENTS: "DocumentWorkerSettings",
    EMAILS: "EmailWorkerSettings",
    SOURCE_SYNC: "SourceSyncWorkerSettings",
}
_EXIT_BAD_SETTINGS: Final = 2


def worker(
    queue: Annotated[
        list[str] | None,
        typer.Argument(help=f"One of {', '.join(queue.slug for queue in QUEUES)}; all of them when none is named."),
    ] = None,
    burst: Annotated[bool, typer.Option("--burst", help="Stop when nothing is left to do.")] = False,
) -> None:
    """Drain queues until told to stop; becomes `arq dealpulse.worker.WorkerSettings` (or the class of one queue).

    Name no queue for all of them in one process, or one; for two or three, start one worker each.
    """
    name = _class_name(queue or [])
    arguments = ["arq", f"dealpulse.worker.{name}", *(["--burst"] if burst else [])]
    os.execve(sys.executable, [sys.executable, "-m", *arguments], {**os.environ, **environment()})  # noqa: S606 - arq


def api() -> None:
    """Serve the HTTP API on API_HOST and PORT until told to stop."""
    try:
        settings = Settings.load()
    except SettingsError as error:
        logs.report_fatal(error, service="api")
        raise typer.Exit(_EXIT_BAD_SETTINGS) from None
    uvicorn.run(
        "dealpulse.web.app:create_app",
        factory=True,
        host=settings.api.host,
        port=settings.api.port,
        log_config=None,
        access_log=False,
    )


def _class_name(names: list[str]) -> str:
    try:
        chosen: set[Queue] = {queue_named(name) for name in names}
    except Invalid as error:
        raise typer.BadParameter(error.message) from error
    if not chosen or len(chosen) == len(QUEUES):
        return "WorkerSettings"
    if len(chosen) > 1:
        raise typer.BadParameter("Name one queue, or none for all of them; for two or three start one worker each.")
    return _CLASSES[chosen.pop()]
