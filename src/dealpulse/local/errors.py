"""What can keep the embedded stack from running, each with what to do about it."""

from __future__ import annotations

from typing import Literal

from dealpulse.errors import DealPulseError

Fault = Literal[
    "already_running",  # another stack holds this data folder
    "data_in_use",  # a server of an earlier stack is still running on it
    "data_unusable",  # made by another Postgres, or its keys are gone
    "download_failed",
    "integrity_mismatch",
    "no_network",
    "npm_missing",
    "part_failed",  # a server ended, or did not answer in time
    "port_taken",
    "unsupported_platform",
]


class LocalStackError(DealPulseError):
    """The embedded stack cannot run; the message says what to do about it."""

    def __init__(self, code: Fault, message: str) -> None:
        super().__init__(message, code=code)
