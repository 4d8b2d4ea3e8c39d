"""Run a program as a process of its own and read what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

PREAMBLE = """
import asyncio, logging, logging.config, sys, threading, warnings
import structlog
from dealpulse import logs
from dealpulse.errors import Unreadable
from dealpulse.settings import LogSettings, Secret, Settings

log = structlog.get_logger("dealpulse.test")

def configure(**settings):
    logs.configure(LogSettings(**settings), service="worker")
"""


@dataclass(frozen=True)
class Output:
    """What a process printed: the raw text of both streams together, and its lines as objects."""

    code: int
    text: str
    lines: list[dict[str, object]]

    def of(self, event: str) -> dict[str, object]:
        """The one line with this event."""
        (line,) = [line for line in self.lines if line["event"] == event]
        return line


def run(program: str, *, configured: bool = True) -> Output:
    """Run Python source. Every line it prints must be a JSON object."""
    lead = "configure()\n" if configured else ""
    return run_command([sys.executable, "-c", PREAMBLE + lead + textwrap.dedent(program)])


def run_command(command: list[str], *, directory: Path | None = None) -> Output:
    """Run a command, its standard error going where its standard output goes."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        cwd=directory,
        timeout=60,
        check=False,
    )
    text = done.stdout.decode()
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    return Output(done.returncode, text, lines)
