"""Stored objects on disk: an SQLite index of names and facts, and one file per content.

An object's name is only ever a value in the index, never a path, so no name can reach outside the folder. Contents
are immutable: a write makes a new file and then swings the index to it, so a reader sees the old content or the new.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

_SCHEMA = """
create table if not exists buckets (
  id text primary key, public integer not null, file_size_limit integer, created_at text not null,
  updated_at text not null
) without rowid;
create table if not exists objects (
  bucket text not null references buckets (id), key text not null, id text not null, blob text not null,
  size integer not null, content_type text not null, cache_control text not null, etag text not null,
  metadata text not null, created_at text not null, updated_at text not null,
  primary key (bucket, key)
) without rowid;
"""
_OBJECT = "key, id, blob, size, content_type, cache_control, etag, metadata, created_at, updated_at"
_AFTER_EVERY_KEY = "\x7f"  # keys are ASCII


@dataclass(frozen=True)
class Bucket:
    """`file_size_limit` is in bytes; times are ISO 8601 in UTC."""

    id: str
    public: bool
    file_size_limit: int | None
    created_at: str
    updated_at: str


@dataclass(frozen=True)
class Content:
    """What an upload says of itself: `etag` is the quoted MD5 of the bytes, `metadata` a JSON object as text."""

    size: int
    etag: str
    content_type: str
    cache_control: str
    metadata: str


@dataclass(frozen=True)
class StoredObject:
    """`id` stays over updates, `blob` names the current content."""

    key: str
    id: str
    blob: str
    content: Content
    created_at: str
    updated_at: str


class BucketMissing(Exception):
    """There is no such bucket."""


class ObjectMissing(Exception):
    """There is no such object in the bucket."""


class AlreadyExists(Exception):
    """A bucket or object of that name is there, and may not be replaced."""


class NotEmpty(Exception):
    """The bucket still holds objects."""


class ObjectStore:
    """Buckets and objects below one folder, for one process at a time. Calls are short and block.

    `durable` promises that what was stored survives a power failure; without it, a crash of the process only.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._blobs = folder / "blobs"
        self._incoming = folder / "incoming"
        self.durable = durable
        for each in (folder, self._blobs, self._incoming):
            each.mkdir(exist_ok=True, mode=0o700)
        self._index = sqlite3.connect(folder / "index.sqlite", isolation_level=None)
        self._index.execute("pragma journal_mode = wal")
        self._index.execute(f"pragma synchronous = {'full' if durable else 'off'}")
        self._index.execute("pragma foreign_keys = on")
        self._index.executescript(_SCHEMA)
        self._sweep()

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def create_bucket(self, name: str, *, public: bool, file_size_limit: int | None) -> None:
        """Make a bucket; AlreadyExists if there is one."""
        now = _now()
        try:
            row = (name, public, file_size_limit, now, now)
            self._index.execute("insert into buckets values (?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError as fault:
            raise AlreadyExists(name) from fault

    def update_bucket(self, name: str, *, public: bool, file_size_limit: int | None) -> None:
        """Change a bucket's settings."""
        row = (public, file_size_limit, _now(), self.bucket(name).id)
        self._index.execute("update buckets set public = ?, file_size_limit = ?, updated_at = ? where id = ?", row)

    def buckets(self) -> list[Bucket]:
        """All buckets by name."""
        return [_bucket(row) for row in self._index.execute("select * from buckets order by id")]

    def bucket(self, name: str) -> Bucket:
        """One bucket; BucketMissing."""
        row = self._index.execute("select * from buckets where id = ?", (name,)).fetchone()
        if row is None:
            raise BucketMissing(name)
        return _bucket(row)

    def delete_bucket(self, name: str) -> None:
        """Remove an empty bucket; NotEmpty if it is not."""
        try:
            self._index.execute("delete from buckets where id = ?", (self.bucket(name).id,))
        except sqlite3.IntegrityError as fault:
            raise NotEmpty(name) from fault

    def empty_bucket(self, name: str) -> None:
        """Remove every object of a bucket."""
        self.remove(name, [found.key for found in self.under(name, "")])

    def find(self, bucket: str, key: str) -> StoredObject:
        """One object; BucketMissing or ObjectMissing."""
        name = self.bucket(bucket).id
        query = f"select {_OBJECT} from objects where bucket = ? and key = ?"  # noqa: S608 - column names, ours
        row = self._index.execute(query, (name, key)).fetchone()
        if row is None:
            raise ObjectMissing(key)
        return _object(row)

    def open(self, found: StoredObject) -> BinaryIO:
        """The object's bytes; they stay readable even if it is replaced or removed meanwhile."""
        return (self._blobs / found.blob).open("rb")

    def under(self, bucket: str, prefix: str) -> list[StoredObject]:
        """The bucket's objects whose key starts with `prefix`, by key."""
        span = (self.bucket(bucket).id, prefix, prefix + _AFTER_EVERY_KEY)
        query = f"select {_OBJECT} from objects where bucket = ? and key >= ? and key < ? order by key"  # noqa: S608
        return [_object(row) for row in self._index.execute(query, span)]

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A path to write an upload to; what is still there afterwards is removed."""
        path = self._incoming / str(uuid.uuid4())
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def put(self, bucket: str, key: str, staged: Path, content: Content, *, replace: bool) -> StoredObject:
        """Take the file at `staged` as the object's content; AlreadyExists if it exists and not `replace`."""
        blob = str(uuid.uuid4())
        staged.rename(self._blobs / blob)
        try:
            previous = self._swing(bucket, key, blob, content, replace=replace)
        except BaseException:
            self._drop(blob)
            raise
        if previous is not None:
            self._drop(previous)
        return self.find(bucket, key)

    def remove(self, bucket: str, keys: list[str]) -> list[StoredObject]:
        """Remove those of `keys` that exist, and say which they were."""
        name, removed = self.bucket(bucket).id, []
        with self._transaction():
            for key in dict.fromkeys(keys):
                try:
                    removed.append(self.find(name, key))
                except ObjectMissing:
                    continue
                self._index.execute("delete from objects where bucket = ? and key = ?", (name, key))
        for gone in removed:
            self._drop(gone.blob)
        return removed

    def _swing(self, bucket: str, key: str, blob: str, content: Content, *, replace: bool) -> str | None:
        """Point the index at `blob`; the name of the blob it pointed at before."""
        now = _now()
        facts = (content.size, content.content_type, content.cache_control, content.etag, content.metadata)
        with self._transaction():
            try:
                known = self.find(bucket, key)
            except ObjectMissing:
                row = (bucket, key, str(uuid.uuid4()), blob, *facts, now, now)
                self._index.execute("insert into objects values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
                return None
            if not replace:
                raise AlreadyExists(key)
            self._index.execute(
                "update objects set blob = ?, size = ?, content_type = ?, cache_control = ?, etag = ?, metadata = ?,"
                " updated_at = ? where bucket = ? and key = ?",
                (blob, *facts, now, bucket, key),
            )
            return known.blob

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._index.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._index.execute("rollback")
            raise
        self._index.execute("commit")

    def _drop(self, blob: str) -> None:
        (self._blobs / blob).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what a killed process left: unfinished uploads, and contents the index does not know."""
        for unfinished in self._incoming.iterdir():
            unfinished.unlink()
        known = {name for (name,) in self._index.execute("select blob from objects")}
        for blob in self._blobs.iterdir():
            if blob.name not in known:
                blob.unlink()


def _bucket(row: tuple[str, int, int | None, str, str]) -> Bucket:
    name, public, limit, created_at, updated_at = row
    return Bucket(name, bool(public), limit, created_at, updated_at)


def _object(row: tuple[str, str, str, int, str, str, str, str, str, str]) -> StoredObject:
    key, identity, blob, size, content_type, cache_control, etag, metadata, created_at, updated_at = row
    content = Content(size, etag, content_type, cache_control, metadata)
    return StoredObject(key, identity, blob, content, created_at, updated_at)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
