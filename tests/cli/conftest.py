"""The command line as a stranger uses it: the installed program, its own folder, and only the variables given."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from dealpulse.local import binaries
from dealpulse.local.processes import Recorded, is_running
from dealpulse.local.stack import Stack

PROGRAM = str(Path(sys.executable).with_name("dealpulse"))
PATIENCE = 60.0
"""Seconds; reached only by a test that fails."""


class CommandLine:
    """Runs `dealpulse` in ``folder`` with ``variables`` and hardly any others."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        postgrest = binaries.postgrest(binaries.default_cache_dir(), environment=os.environ)
        self._variables = {**kept, "POSTGREST_BIN": str(postgrest), **variables}

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env={**self._variables, **variables},
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE,
            check=False,
        )

    @contextmanager
    def started(
        self, *arguments: str, under_a_shell: bool = False, **variables: str
    ) -> Iterator[subprocess.Popen[str]]:
        """Run a command beside the block; whatever is left of it then is stopped.

        ``under_a_shell`` makes the process a shell that waits for the command, as make does.
        """
        shell = ["sh", "-c", '"$@"; exit $?', "sh"] if under_a_shell else []
        process = subprocess.Popen(
            [*shell, PROGRAM, *arguments],
            cwd=self.folder,
            env={**self._variables, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Return once ``condition()``; fail, naming ``what``, when it does not come about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)


def servers_of(data_dir: Path) -> list[Recorded]:
    """The processes that a stack and its services have noted down."""
    found: list[Recorded] = []
    for record in (data_dir / "processes.json", data_dir / "services.json"):
        found += msgspec.json.decode(record.read_bytes(), type=dict[str, Recorded]).values()
    return found


def none_runs(servers: list[Recorded]) -> bool:
    return not any(is_running(server.pid, mark=server.mark) for server in servers)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of one's own, which user nobody can reach too."""
    made = Path(tempfile.mkdtemp(prefix="dealpulse-cli-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def stranger(folder: Path) -> CommandLine:
    """The command line where nothing is set."""
    return CommandLine(folder, {})


@pytest.fixture
def dealpulse(folder: Path, clean_stack: Stack) -> CommandLine:
    """The command line with an empty running stack in its environment."""
    return CommandLine(folder, clean_stack.environment())
