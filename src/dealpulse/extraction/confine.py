"""How a process gives up, for good, what reading a file does not need."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

from dealpulse.extraction.contract import Limits
from dealpulse.extraction.landlock import restrict_files

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_OPEN_FILES = 64
_PROGRAM = tuple(
    map(
        Path,
        (
            *(sys.prefix, sys.base_prefix),
            *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/mime.types"),
            "/dev/urandom",
        ),
    )
)
"""What Python, its packages and the system's libraries read. Nothing of it is secret."""
_NOWHERE = Path("/dev/null")
"""Where Tesseract writes what it would say."""


def die_with_parent(parent_pid: int) -> None:
    """Linux only: be killed when the parent ends. Elsewhere the CPU limit ends an orphan."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent_pid:  # it ended before the line above could take effect
        os._exit(1)


def confine(limits: Limits, *, written_bytes: int) -> None:
    """Bound memory, CPU seconds, bytes written per file and open files; no core dumps. There is no way back."""
    cpu_seconds = math.ceil(limits.seconds) + 1
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    _limit(resource.RLIMIT_FSIZE, written_bytes)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)


def forbid_other_files(*, readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Leave only these paths, Python's own and the system's libraries, no TCP, and no other process to look into.

    Where the kernel has no Landlock this does nothing: see :func:`hide_from_equals`.
    """
    restrict_files(readable=(*_PROGRAM, *map(Path, sys.path), *readable), writable=(_NOWHERE, *writable))


def hide_from_equals() -> None:
    """Linux only: other processes of the same user cannot read this one's memory and environment, nor trace it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _limit(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(what, (value, value))
    except (ValueError, OSError):
        if sys.platform == "linux":  # macOS refuses some of them; there the wall clock is what protects
            raise
