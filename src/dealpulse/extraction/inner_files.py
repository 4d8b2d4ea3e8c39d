"""Files found inside a file: an archive's members, a message's attachments, what a PDF carries with it.

They are written out by number, never by the name they were given, within limits. Nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from dealpulse.extraction.contract import Attachment, Limits
from dealpulse.extraction.pages import one_line

BINARY = "application/octet-stream"
DAMAGED = "they are damaged"
_TOO_DEEP = "they lie too deep, in files inside files"

_PATH_SIGNS = re.compile(r"[\\/]+")
_DRIVE = re.compile(r"^[A-Za-z]:")
_LONGEST_NAME = 200
_LONGEST_PLACE = 400
_MOST_NAMED = 20


class InnerFiles:
    """Takes what a reader finds, as long as it may; without a ``directory`` it names everything and takes nothing."""

    def __init__(self, directory: Path | None, limits: Limits) -> None:
        self._directory = directory
        self._limits = limits
        self._taken: list[Attachment] = []
        self._bytes = 0
        self._places: set[str] = set()
        self._left_out: dict[str, list[str]] = {}

    @property
    def taken(self) -> tuple[Attachment, ...]:
        return tuple(self._taken)

    @property
    def found_any(self) -> bool:
        """Whether there were files inside, taken or not."""
        return bool(self._places)

    def add(self, place: str, chunks: Iterable[bytes], *, mime_type: str = BINARY) -> None:
        """Write the file out, or say why not. ``place`` is its path inside, as found; what ``chunks`` raises passes."""
        name, place = safe_name(place), self._claim(place)
        if self._directory is None:
            self._note(_TOO_DEEP, place)
        elif len(self._taken) >= self._limits.max_inner_files:
            self._note(f"there are more than {self._limits.max_inner_files:,} files", place)
        else:
            path = self._directory / f"{len(self._taken) + 1:04d}"
            size = self._written(path, chunks, place)
            if size is not None:
                name = name or place.rpartition("/")[2]
                self._taken.append(Attachment(name=name, place=place, mime_type=mime_type, path=path, size_bytes=size))

    def leave_out(self, place: str, why: str) -> None:
        """``why`` follows "because"."""
        self._note(why, self._claim(place))

    def warnings(self) -> tuple[str, ...]:
        """A sentence for each reason why files were left out, with their names."""
        return tuple(
            f"Files inside were left out because {why}: {_listed(places)}." for why, places in self._left_out.items()
        )

    def _written(self, path: Path, chunks: Iterable[bytes], place: str) -> int | None:
        """The file's size; None if it is larger than it may be, and noted."""
        size = 0
        most = min(self._limits.max_file_bytes, self._limits.max_inner_bytes - self._bytes)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("wb") as file:
                for chunk in chunks:
                    size += len(chunk)
                    if size > most:
                        self._note(self._too_large(size), place)
                        return None
                    file.write(chunk)
        except Exception:
            path.unlink()
            self._places.discard(place)  # for whoever says next that it was left out
            raise
        self._bytes += size
        return size

    def _too_large(self, size: int) -> str:
        if size > self._limits.max_file_bytes:
            return f"they are larger than {self._limits.max_file_bytes >> 20:,} MB"
        return f"all together they are larger than {self._limits.max_inner_bytes >> 20:,} MB"

    def _claim(self, place: str) -> str:
        """A path that leads nowhere else, and that no other file inside has."""
        parts = [safe_name(part) for part in _PATH_SIGNS.split(_DRIVE.sub("", place.strip()))]
        parts = [part for part in parts if part] or [f"file-{len(self._places) + 1}"]
        while len(parts) > 1 and sum(map(len, parts)) + len(parts) > _LONGEST_PLACE:
            parts = parts[1:]
        wanted = claimed = "/".join(parts)
        stem, dot, extension = wanted.rpartition(".") if "." in parts[-1] else (wanted, "", "")
        again = 1
        while claimed in self._places:
            again += 1
            claimed = f"{stem} ({again}){dot}{extension}"
        self._places.add(claimed)
        return claimed

    def _note(self, why: str, place: str) -> None:
        self._left_out.setdefault(why, []).append(place)


def _listed(places: list[str]) -> str:
    more = len(places) - _MOST_NAMED
    return ", ".join([*places[:_MOST_NAMED], *([f"{more:,} more"] if more > 0 else [])])


def safe_name(name: str) -> str:
    """The last part of a file name, on one line, without control characters; empty where nothing is left."""
    last = one_line(_PATH_SIGNS.split(name.strip().rstrip("\\/"))[-1])
    if last.strip(".") == "":
        return ""
    stem, dot, extension = last.rpartition(".")
    if len(last) > _LONGEST_NAME and dot:
        return f"{stem[: _LONGEST_NAME - len(extension) - 1]}.{extension}"[:_LONGEST_NAME]
    return last[:_LONGEST_NAME]
