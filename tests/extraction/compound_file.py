"""Writes OLE2 compound files ([MS-CFB] version 3), which no library at hand does: the container of .doc, .xls, .msg."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from itertools import pairwise
from typing import Union

Tree = Mapping[str, Union[bytes, "Tree"]]

_SECTOR, _MINI_SECTOR, _SMALL = 512, 64, 4_096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5


def compound_file(tree: Tree) -> bytes:
    """A compound file of these streams (bytes) and storages (mappings)."""
    return _Writer(tree).written()


class _Writer:
    def __init__(self, tree: Tree) -> None:
        self.sectors: list[bytes] = []
        self.chain: list[int] = []
        self.mini = b""
        self.mini_chain: list[int] = []
        self.entries: list[bytes] = [b""]
        child = self._add_all(tree)
        mini_start = self._store(self.mini)
        self.entries[0] = _entry("Root Entry", _ROOT, child=child, start=mini_start, size=len(self.mini))

    def written(self) -> bytes:
        while len(self.entries) % 4:
            self.entries.append(_entry("", 0))
        directory = self._store(b"".join(self.entries))
        mini_fat_bytes = b"".join(struct.pack("<I", each) for each in self.mini_chain)
        mini_fat = self._store(mini_fat_bytes.ljust(-(-len(mini_fat_bytes) // _SECTOR) * _SECTOR, b"\xff"))
        fat_count = 1
        while (len(self.sectors) + fat_count) * 4 > fat_count * _SECTOR:
            fat_count += 1
        fat_start = len(self.sectors)
        fat = [*self.chain, *[_FAT] * fat_count]
        packed = struct.pack(f"<{len(fat)}I", *fat).ljust(fat_count * _SECTOR, b"\xff")
        header = struct.pack(
            "<8s16xHHHHH6xIIIIIIIII",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            0x3E,
            3,
            0xFFFE,
            9,
            6,
            0,
            fat_count,
            directory,
            0,
            _SMALL,
            mini_fat,
            1 if mini_fat_bytes else 0,
            _END,
            0,
        )
        difat = [*range(fat_start, fat_start + fat_count)]
        difat += [_FREE] * (109 - len(difat))
        return header + struct.pack("<109I", *difat) + b"".join(self.sectors) + packed

    def _add_all(self, tree: Tree) -> int:
        """The index of the first of these entries; each links to the next as its right sibling."""
        indices = []
        for name in sorted(tree, key=lambda name: (len(name), name.upper())):
            indices.append(len(self.entries))
            self.entries.append(b"")
            content = tree[name]
            if isinstance(content, bytes):
                self.entries[indices[-1]] = self._stream(name, content)
            else:
                self.entries[indices[-1]] = _entry(name, _STORAGE, child=self._add_all(content))
        for index, right in pairwise(indices):
            entry = self.entries[index]
            self.entries[index] = entry[:72] + struct.pack("<I", right) + entry[76:]
        return indices[0] if indices else _FREE

    def _stream(self, name: str, content: bytes) -> bytes:
        if len(content) >= _SMALL:
            return _entry(name, _STREAM, start=self._store(content), size=len(content))
        start = len(self.mini) // _MINI_SECTOR
        count = -(-len(content) // _MINI_SECTOR)
        self.mini += content.ljust(count * _MINI_SECTOR, b"\x00")
        self.mini_chain += [*range(start + 1, start + count), _END][:count]
        return _entry(name, _STREAM, start=start if count else _END, size=len(content))

    def _store(self, content: bytes) -> int:
        if not content:
            return _END
        start = len(self.sectors)
        pieces = [content[at : at + _SECTOR].ljust(_SECTOR, b"\x00") for at in range(0, len(content), _SECTOR)]
        self.sectors += pieces
        self.chain += [*range(start + 1, start + len(pieces)), _END]
        return start


def _entry(name: str, kind: int, *, child: int = _FREE, start: int = _END, size: int = 0) -> bytes:
    encoded = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII36xIQ",
        encoded,
        len(encoded) + 2 if name else 0,
        kind,
        1,
        _FREE,
        _FREE,
        child,
        start if kind != _STORAGE else 0,
        size,
    )
