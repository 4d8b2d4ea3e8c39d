"""The commands that are services: their lines are JSON, from the first to the last."""

from __future__ import annotations

import os
import socket
import sys
from typing import Annotated, Final

import typer
import uvicorn

from dealpulse import logs
from dealpulse.cli.connection import environment
from dealpulse.errors import Invalid, Permanent
from dealpulse.jobs import DAILY_BRIEF, DOCUMENTS, EMAILS, QUEUES, SOURCE_SYNC, queue_named
from dealpulse.settings import Settings, SettingsError

_CLASSES: Final = {
    DAILY_BRIEF: "DailyBriefWorkerSettings",
    DOCUMENTS: "DocumentWorkerSettings",
    EMAILS: "EmailWorkerSettings",
    SOURCE_SYNC: "SourceSyncWorkerSettings",
}
_EXIT_BAD_SETTINGS: Final = 2
_EXIT_CANNOT_LISTEN: Final = 1


def worker(
    queue: Annotated[
        list[str] | None,
        typer.Argument(help=f"One of {', '.join(queue.slug for queue in QUEUES)}; all of them when none is named."),
    ] = None,
    burst: Annotated[bool, typer.Option("--burst", help="Stop when nothing is left to do.")] = False,
) -> None:
    """Drain queues until told to stop; for all or one, the same as `arq dealpulse.worker.WorkerSettings`."""
    arguments = [*_program(queue or []), *(["--burst"] if burst else [])]
    try:
        variables = {**os.environ, **environment()}
    except SettingsError as error:
        raise _refused(error, service="worker") from None
    os.execve(sys.executable, [sys.executable, "-m", *arguments], variables)  # noqa: S606 - our own program


def api() -> None:
    """Serve the HTTP API on API_HOST and PORT until told to stop."""
    try:
        variables = environment()
        settings = Settings.load(environ=variables)
    except SettingsError as error:
        raise _refused(error, service="api") from None
    try:
        _try_address(settings.api.host, settings.api.port)
    except Permanent as error:
        logs.report_fatal(error, service="api")
        raise typer.Exit(_EXIT_CANNOT_LISTEN) from None
    os.environ.update(variables)  # where the application looks for its settings
    uvicorn.run(
        "dealpulse.web.app:create_app",
        factory=True,
        host=settings.api.host,
        port=settings.api.port,
        log_config=None,
        access_log=False,
    )


def _try_address(host: str, port: int) -> None:
    """Raises Permanent, saying why, if no server could listen there; uvicorn's own line only tells that it failed."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "unknown host"
        problem = f"Nothing can listen on {host}, port {port} ({reason}). Set PORT and API_HOST to what is free."
        raise Permanent(problem, code="address_unusable") from error


def _program(names: list[str]) -> list[str]:
    try:
        chosen = [queue for queue in QUEUES if queue in {queue_named(name) for name in names}]
    except Invalid as error:
        raise typer.BadParameter(error.message) from error
    if len(chosen) == 1:
        return ["arq", f"dealpulse.worker.{_CLASSES[chosen[0]]}"]
    if len(chosen) in (0, len(QUEUES)):
        return ["arq", "dealpulse.worker.WorkerSettings"]
    return ["dealpulse.worker", *(queue.slug for queue in chosen)]


def _refused(error: SettingsError, *, service: str) -> typer.Exit:
    logs.report_fatal(error, service=service)
    return typer.Exit(_EXIT_BAD_SETTINGS)
