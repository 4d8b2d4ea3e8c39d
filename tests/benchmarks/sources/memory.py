"""How much memory of this process a piece of work needs. Linux only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")
_PEAK: Final = "5"
"""Resets the peak (proc_pid_clear_refs(5))."""


class Memory:
    """The peak above what was in use when the object was made."""

    def __init__(self) -> None:
        _CLEAR.write_text(_PEAK)
        self._start = _megabytes("VmRSS")

    def above_start(self) -> float:
        """Megabytes, at the worst moment so far."""
        return _megabytes("VmHWM") - self._start


def _megabytes(name: str) -> float:
    return int(_STATUS.read_text().partition(f"{name}:")[2].split()[0]) / 1024
