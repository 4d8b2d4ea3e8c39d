"""The object store against the simplest model of one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealpulse.local.objects import AlreadyExists, Content, ObjectMissing, ObjectStore

KEYS = st.sampled_from(["a", "a/", "a/b", "a/b/c", "ab", "A", "~", "!", "z z"])
STEPS = st.lists(st.tuples(st.sampled_from(["put", "replace", "remove", "reopen"]), KEYS, st.binary(max_size=20)))


def content(data: bytes) -> Content:
    """Facts of an upload."""
    return Content(size=len(data), etag="", content_type="x/y", cache_control="", metadata="{}")


def put(store: ObjectStore, key: str, data: bytes, *, replace: bool) -> None:
    """Store `data` the way an upload does."""
    with store.incoming() as staged:
        staged.write_bytes(data)
        store.put("bucket", key, staged, content(data), replace=replace)


def opened(folder: Path) -> ObjectStore:
    """The store in `folder`, with a bucket."""
    store = ObjectStore(folder, durable=False)
    if not store.buckets():
        store.create_bucket("bucket", public=False, file_size_limit=None)
    return store


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, prefix=st.sampled_from(["", "a", "a/", "b", "z"]))
def test_it_behaves_as_a_dictionary_that_survives_reopening(steps: list[tuple[str, str, bytes]], prefix: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, model = Path(name), dict[str, bytes]()
        store = opened(folder)
        for step, key, data in steps:
            if step == "reopen":
                store.close()
                store = opened(folder)
            elif step == "remove":
                assert [gone.key for gone in store.remove("bucket", [key])] == ([key] if key in model else [])
                model.pop(key, None)
            elif step == "put" and key in model:
                with pytest.raises(AlreadyExists):
                    put(store, key, data, replace=False)
            else:
                put(store, key, data, replace=step == "replace")
                model[key] = data
        found = store.under("bucket", prefix)
        assert [each.key for each in found] == sorted(key for key in model if key.startswith(prefix))
        for each in found:
            with store.open(each) as file:
                assert file.read() == model[each.key]
        assert len(list((folder / "blobs").iterdir())) == len(model)
        assert not list((folder / "incoming").iterdir())
        store.close()


def test_a_reader_keeps_the_content_it_opened(tmp_path: Path) -> None:
    store = opened(tmp_path / "store")
    put(store, "a", b"old", replace=False)
    with store.open(store.find("bucket", "a")) as file:
        put(store, "a", b"new", replace=True)
        assert file.read() == b"old"
    store.remove("bucket", ["a"])
    with pytest.raises(ObjectMissing):
        store.find("bucket", "a")
    store.close()


def test_what_a_killed_process_left_unfinished_is_swept(tmp_path: Path) -> None:
    store = opened(tmp_path / "store")
    put(store, "a", b"kept", replace=False)
    store.close()
    (tmp_path / "store" / "incoming" / "half").write_bytes(b"ha")
    (tmp_path / "store" / "blobs" / "unknown").write_bytes(b"never indexed")
    store = opened(tmp_path / "store")
    assert [each.blob for each in store.under("bucket", "")] == [
        path.name for path in (tmp_path / "store" / "blobs").iterdir()
    ]
    store.close()
