"""Stored files: the same bytes back, keys that name content, and what is not there."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from dealpulse.errors import NotFound, Permanent
from dealpulse.store import Store

ODD_KEY = "deal/a b!(1)-.*'&$@=;:+,?/x"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(bytes(range(256)) * 20_000)
    return path


@pytest.mark.parametrize("key", ["deal/ab12", ODD_KEY])
async def test_a_file_comes_back_byte_for_byte(store: Store, file: Path, tmp_path: Path, key: str) -> None:
    await store.files.upload(key, file, content_type="application/pdf")

    await store.files.download(key, tmp_path / "download")

    assert _digest(tmp_path / "download") == _digest(file)
    assert _names(tmp_path) == ["download", "upload"]


async def test_an_empty_file_is_a_file(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    await store.files.upload("deal/empty", tmp_path / "empty", content_type="text/plain")

    await store.files.download("deal/empty", tmp_path / "download")

    assert (tmp_path / "download").read_bytes() == b""


async def test_a_key_that_is_stored_already_is_left_as_it_is(store: Store, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"other bytes")
    await store.files.upload("deal/k", file, content_type="application/pdf")
    await store.files.upload("deal/k", other, content_type="application/pdf")

    await store.files.download("deal/k", tmp_path / "download")

    assert _digest(tmp_path / "download") == _digest(file)


async def test_the_same_key_uploaded_at_once_is_stored_once(store: Store, file: Path, tmp_path: Path) -> None:
    await asyncio.gather(*(store.files.upload("deal/k", file, content_type="a/b") for _ in range(6)))

    await store.files.download("deal/k", tmp_path / "download")

    assert _digest(tmp_path / "download") == _digest(file)


async def test_a_file_that_is_not_there_is_not_found_and_nothing_is_left_behind(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refusal:
        await store.files.download("deal/nothing", tmp_path / "download")

    assert refusal.value.code == "file_not_found"
    assert _names(tmp_path) == []


async def test_deleted_files_are_gone_and_may_be_deleted_again(store: Store, file: Path, tmp_path: Path) -> None:
    keys = ["deal/a", "deal/b"]
    for key in keys:
        await store.files.upload(key, file, content_type="a/b")

    for _ in range(2):
        await store.files.delete([*keys, "deal/never"])
    await store.files.delete([])

    for key in keys:
        with pytest.raises(NotFound):
            await store.files.download(key, tmp_path / "download")


@pytest.mark.parametrize("key", ["", "deal/größe.pdf", "../deal", "deal/./x", "deal//x", "deal/a#b", "deal/a%20b"])
async def test_keys_the_storage_would_refuse_or_misread_are_refused(store: Store, file: Path, key: str) -> None:
    with pytest.raises(Permanent) as refusal:
        await store.files.upload(key, file, content_type="a/b")
    assert refusal.value.code == "invalid_key"


async def test_a_file_over_the_buckets_limit_says_so(store: Store, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as sparse:
        sparse.truncate((50 << 20) + 1)

    with pytest.raises(Permanent) as refusal:
        await store.files.upload("deal/large", large, content_type="a/b")
    assert refusal.value.code == "too_large"


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
