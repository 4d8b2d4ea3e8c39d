"""Linux's Landlock: a process gives up all files but a few, TCP, and every look into other processes.

What is forbidden stays forbidden for the process and all it starts, also for root. Who is under Landlock may not trace
a process outside, and so cannot read its memory or its environment through ``/proc`` either. Numbers and structures are
those of ``linux/landlock.h``; what an older kernel does not know is left out, as its documentation asks for.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# The same on every architecture.
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_REGULAR, _TRUNCATE = (1 << bit for bit in (1, 2, 3, 5, 8, 14))
_FILES_BY_VERSION: Final = ((1, 0x1FFF), (2, 1 << 13), (3, _TRUNCATE), (5, 1 << 15))
"""The rights over files, by the version that brought them."""
_TCP: Final = 0b11
_TCP_SINCE: Final = 4
_SIGNALS_AND_SOCKETS: Final = 0b11
_SCOPES_SINCE: Final = 6

_READING: Final = _READ_FILE | _READ_DIR
_WRITING: Final = _READING | _WRITE_FILE | _REMOVE_FILE | _MAKE_REGULAR | _TRUNCATE
_OF_A_FILE: Final = _WRITE_FILE | _READ_FILE | _TRUNCATE
"""The rest can only be granted for directories."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("path", ctypes.c_int32))


def version() -> int:
    """What this kernel knows of Landlock; 0 where there is none of it."""
    if sys.platform != "linux":
        return 0
    return max(0, _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION)))


def restrict_files(*, readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """From now on only what is at or below these paths can be read or written; False where there is no Landlock.

    Files that are open stay so. Paths that are not there are left out. The process must have given up new privileges
    (``no_new_privs``). Raises ``OSError`` when the kernel has Landlock and refuses.
    """
    known = version()
    if not known:
        return False
    rules = _Ruleset(
        files=sum(rights for since, rights in _FILES_BY_VERSION if since <= known),
        network=_TCP if known >= _TCP_SINCE else 0,
        scoped=_SIGNALS_AND_SOCKETS if known >= _SCOPES_SINCE else 0,
    )
    ruleset = _checked(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(_size(known)), ctypes.c_uint32(0))
    try:
        for paths, rights in ((readable, _READING), (writable, _WRITING)):
            for path in paths:
                _allow(ruleset, path, rights & rules.files)
        _checked(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return True


def _size(known: int) -> int:
    """Of the structure as this kernel knows it: it refuses one that ends in what it has no name for."""
    fields = 3 if known >= _SCOPES_SINCE else 2 if known >= _TCP_SINCE else 1
    return fields * ctypes.sizeof(ctypes.c_uint64)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    with _opened(path) as descriptor:
        if descriptor is None:
            return
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_A_FILE
        rule = _PathRule(allowed=rights, path=descriptor)
        numbers = (ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
        _checked(_ADD_RULE, *numbers)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _checked(number: int, *arguments: object) -> int:
    result = _syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    return result


def _syscall(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.syscall(ctypes.c_long(number), *arguments)
    return result
