"""The API and the worker beside an embedded stack: child processes, run as they are in production."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dealpulse.local.errors import LocalStackError
from dealpulse.local.keys import write_privately
from dealpulse.local.ports import LOOPBACK, Ports, chosen, is_free
from dealpulse.local.processes import Command, Supervisor, is_running, refuse_leftovers
from dealpulse.local.stack import Stack
from dealpulse.settings import Settings, read_environment
from dealpulse.settings.variables import SECTIONS

ADDRESSES: Final = frozenset(variable.name for section in ("Supabase", "Redis") for variable in SECTIONS[section])
"""The variables that say which Redis and which Supabase is meant."""

_API: Final = "dealpulse.web.app:create_app"
_WORKER: Final = "dealpulse.worker.WorkerSettings"
_RECORD: Final = "services.json"
_ENVIRONMENT_FILE: Final = "env"
_GRACE_SECONDS: Final = "5"
_START_SECONDS: Final = 60.0
_HAND_BACK_SECONDS: Final = 12.0
"""What a worker takes at most after its grace."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """Running services. ``environment`` is theirs; ``api_url`` is None where the API was not asked for."""

    settings: Settings
    api_url: str | None
    environment: Mapping[str, str] = field(repr=False)
    _faults: tuple[Callable[[], str | None], ...] = field(repr=False)

    def fault(self) -> str | None:
        """Which service or part of the stack has ended by itself, and its last words; None while all run."""
        return next((fault for check in self._faults if (fault := check()) is not None), None)


def own_environment(*, environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """The user's environment and dotenv files, without what names a Redis or a Supabase of theirs.

    Raises SettingsError for a dotenv file that cannot be read.
    """
    texts = read_environment(environ=environ, directory=directory)
    return {name: text for name, text in texts.items() if name not in ADDRESSES}


@contextmanager
def running_services(stack: Stack, *, own: Mapping[str, str], api_port: int | None) -> Iterator[Services]:
    """Run a worker for all queues, and the API, until the block ends.

    The API answers when the block begins; the worker may still be starting, jobs wait for it.
    ``own`` is what :func:`own_environment` gave. ``api_port`` 0 takes a free port, None leaves the API out. Raises
    SettingsError, and LocalStackError (``port_taken``, ``part_failed``).
    """
    environment = _environment(own, stack)
    settings = Settings.load(environ=environment)
    refuse_leftovers(stack.data_dir / _RECORD)
    port = None if api_port is None else _free_port(api_port)
    supervisor = Supervisor(
        logs=stack.data_dir / "logs",
        record=stack.data_dir / _RECORD,
        stop_timeout=settings.shutdown_grace_seconds + _HAND_BACK_SECONDS,
    )
    with supervisor:
        if port is not None:
            supervisor.start(_api(environment, settings.api.host, port))
        supervisor.start(_worker(environment))
        if port is not None:
            supervisor.wait_until(lambda: _api_answers(port), name="api", timeout=_START_SECONDS)
        yield Services(
            settings=settings,
            api_url=None if port is None else f"http://localhost:{port}",
            environment=environment,
            _faults=(stack.fault, lambda: _fault(supervisor)),
        )


@contextmanager
def announced(services: Services, data_dir: Path) -> Iterator[Path]:
    """Keep a file with the services' addresses in ``data_dir`` while the block runs (see :func:`announced_in`)."""
    path = data_dir / _ENVIRONMENT_FILE
    names = [*sorted(ADDRESSES & services.environment.keys())]
    write_privately(path, "".join(f"{name}={services.environment[name]}\n" for name in names).encode())
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def announced_in(data_dir: Path) -> dict[str, str]:
    """The addresses of the stack that runs on ``data_dir``; empty when none does."""
    try:
        holder = int((data_dir / "stack.lock").read_text(encoding="ascii"))
        lines = (data_dir / _ENVIRONMENT_FILE).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    if not is_running(holder, mark="dealpulse"):
        return {}
    return dict(line.split("=", 1) for line in lines)


def _environment(own: Mapping[str, str], stack: Stack) -> dict[str, str]:
    """The stack's addresses win over all; requests to it never go through a proxy."""
    direct = {
        name: ",".join(filter(None, [own.get(name, ""), LOOPBACK, "localhost"])) for name in ("NO_PROXY", "no_proxy")
    }
    defaults = {"SHUTDOWN_GRACE_SECONDS": _GRACE_SECONDS, "API_TRUST_LOOPBACK": "true", "FOLDER_SOURCE_ROOTS": os.sep}
    return defaults | dict(own) | direct | stack.environment()


def _free_port(wanted: int) -> int:
    if wanted and not is_free(wanted):
        problem = f"Port {wanted}, wanted for the API, is taken by another program. Stop that program, or choose"
        raise LocalStackError("port_taken", f"{problem} another port: PORT={wanted + 1 if wanted < 65535 else 3000}.")
    return wanted or chosen(Ports()).gateway


def _api(environment: Mapping[str, str], host: str, port: int) -> Command:
    serve = ("-m", "uvicorn", _API, "--factory", "--host", host, "--port", str(port), "--no-access-log")
    return Command("api", (sys.executable, "-P", *serve), mark=_API, environment=environment)


def _worker(environment: Mapping[str, str]) -> Command:
    return Command("worker", (sys.executable, "-P", "-m", "arq", _WORKER), mark=_WORKER, environment=environment)


def _api_answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _fault(supervisor: Supervisor) -> str | None:
    name = supervisor.first_ended()
    return None if name is None else f"The {name} has stopped. {supervisor.last_words(name)}"
