"""Which half a file or message belongs to: patterns and lexicons are tuned on one and measured on the other."""

from __future__ import annotations

import hashlib
from enum import Enum


class Half(Enum):
    tuning = 0
    held_back = 1

    def __str__(self) -> str:
        return self.name.replace("_", " ")


def half_of(name: str) -> Half:
    """By the lowest bit of the first byte of the name's SHA-256, so nobody chooses."""
    return Half(hashlib.sha256(name.encode()).digest()[0] % 2)
