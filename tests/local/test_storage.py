"""Storage as supabase-py sees it."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import httpx
import jwt
import pytest
from storage3.exceptions import StorageApiError
from supabase import AsyncClient

from dealpulse.local.stack import Stack
from dealpulse.local.storage import MAX_OBJECT_BYTES

NOT_KEYS = ["Vertrag-für-Müller.pdf", "合同.pdf", "a%b", "a#b", "tab\there", "a[1]", "curly{}", "back\\slash", "tilde~"]
AWKWARD_KEYS = [
    "a/b/c.txt",
    "with space & more (1)!.pdf",
    "a",
    "x@y=z;1:2+3,4",
    "what?.txt",
    "it's*.txt",
    "$/_-.bin",
]


@pytest.fixture
async def bucket(service: AsyncClient) -> str:
    """A bucket of this test's own."""
    name = f"bucket-{uuid.uuid4()}"
    await service.storage.create_bucket(name)
    return name


async def test_an_uploaded_object_comes_back_byte_for_byte(service: AsyncClient, bucket: str) -> None:
    content = bytes(range(256)) * 5000
    files = service.storage.from_(bucket)
    stored = await files.upload("deal/doc.pdf", content, {"content-type": "application/pdf"})
    assert stored.full_path == f"{bucket}/deal/doc.pdf"
    assert await files.download("deal/doc.pdf") == content
    info = await files.info("deal/doc.pdf")
    assert (info["size"], info["content_type"]) == (len(content), "application/pdf")
    assert info["etag"].strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest()


async def test_an_empty_object_is_an_object(service: AsyncClient, bucket: str) -> None:
    await service.storage.from_(bucket).upload("empty", b"")
    assert await service.storage.from_(bucket).download("empty") == b""


async def test_a_file_on_disk_can_be_uploaded(service: AsyncClient, bucket: str, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(b"closing on Friday")
    await service.storage.from_(bucket).upload("note.txt", path)
    assert await service.storage.from_(bucket).download("note.txt") == b"closing on Friday"


async def test_a_second_upload_is_a_duplicate_and_changes_nothing(service: AsyncClient, bucket: str) -> None:
    files = service.storage.from_(bucket)
    await files.upload("a", b"first")
    with pytest.raises(StorageApiError) as refused:
        await files.upload("a", b"second")
    assert (refused.value.status, refused.value.code) == ("409", "Duplicate")
    assert await files.download("a") == b"first"


async def test_an_upsert_replaces_and_keeps_the_objects_id(service: AsyncClient, bucket: str) -> None:
    files = service.storage.from_(bucket)
    await files.upload("a", b"first")
    before = await files.info("a")
    await files.upload("a", b"second", {"upsert": "true"})
    after = await files.info("a")
    assert await files.download("a") == b"second"
    assert before["id"] == after["id"]
    assert before["version"] != after["version"]


async def test_update_replaces_what_exists_and_nothing_else(service: AsyncClient, bucket: str) -> None:
    files = service.storage.from_(bucket)
    await files.upload("a", b"first")
    await files.update("a", b"second")
    assert await files.download("a") == b"second"
    with pytest.raises(StorageApiError) as refused:
        await files.update("b", b"x")
    assert refused.value.status == "404"


async def test_users_metadata_is_kept(service: AsyncClient, bucket: str) -> None:
    await service.storage.from_(bucket).upload("a", b"x", {"metadata": {"pages": 3}})
    assert (await service.storage.from_(bucket).info("a"))["metadata"] == {"pages": 3}


@pytest.mark.parametrize("key", AWKWARD_KEYS)
async def test_keys_that_supabase_takes_are_taken(service: AsyncClient, bucket: str, key: str) -> None:
    files = service.storage.from_(bucket)
    await files.upload(key, key.encode())
    assert await files.download(key) == key.encode()


@pytest.mark.parametrize("key", NOT_KEYS)
async def test_keys_that_supabase_refuses_are_refused(service: AsyncClient, bucket: str, key: str) -> None:
    with pytest.raises(StorageApiError) as refused:
        await service.storage.from_(bucket).upload(key, b"x")
    assert (refused.value.status, refused.value.code) == ("400", "InvalidKey")
    assert await service.storage.from_(bucket).list() == []


@pytest.mark.parametrize("path", ["..%2f..%2fkeys.json", "%2e%2e/keys.json", "a/%2e%2e/%2e%2e/%2e%2e/etc/passwd"])
async def test_a_path_out_of_the_storage_folder_leads_nowhere(clean_stack: Stack, bucket: str, path: str) -> None:
    headers = {"apikey": clean_stack.service_role_key}
    async with httpx.AsyncClient(headers=headers) as http:
        url = httpx.URL(clean_stack.supabase_url).copy_with(raw_path=f"/storage/v1/object/{bucket}/{path}".encode())
        assert (await http.post(url, content=b"x")).json()["error"] == "InvalidKey"
        assert (await http.get(url)).json()["statusCode"] == "404"


async def test_a_name_and_a_folder_of_the_same_name_live_side_by_side(service: AsyncClient, bucket: str) -> None:
    files = service.storage.from_(bucket)
    await files.upload("a", b"object")
    await files.upload("a/b", b"below")
    assert [await files.download("a"), await files.download("a/b")] == [b"object", b"below"]


async def test_remove_says_what_it_removed(service: AsyncClient, bucket: str) -> None:
    files = service.storage.from_(bucket)
    await files.upload("a", b"1")
    await files.upload("b/c", b"2")
    removed = await files.remove(["a", "b/c", "never-there"])
    assert [gone["name"] for gone in removed] == ["a", "b/c"]
    assert await files.exists("a") is False
    with pytest.raises(StorageApiError) as missing:
        await files.download("a")
    assert (missing.value.status, missing.value.code) == ("404", "not_found")


async def test_exists_answers_for_the_object_and_raises_for_the_bucket(service: AsyncClient, bucket: str) -> None:
    await service.storage.from_(bucket).upload("a", b"1")
    assert await service.storage.from_(bucket).exists("a") is True
    assert await service.storage.from_(bucket).exists("b") is False
    with pytest.raises(StorageApiError):
        await service.storage.from_("no-such-bucket").exists("a")


async def test_a_listing_is_one_level_folders_first(service: AsyncClient, bucket: str) -> None:
    files = service.storage.from_(bucket)
    for key in ("z", "deal/1", "deal/2", "deal/sub/3", "alpha"):
        await files.upload(key, b"x")
    assert [(entry["name"], entry["id"] is None) for entry in await files.list()] == [
        ("deal", True),
        ("alpha", False),
        ("z", False),
    ]
    assert [entry["name"] for entry in await files.list("deal")] == ["sub", "1", "2"]
    assert (await files.list("deal"))[1]["metadata"]["size"] == 1
    page = await files.list("deal", {"limit": 1, "offset": 1, "sortBy": {"column": "name", "order": "desc"}})
    assert [entry["name"] for entry in page] == ["2"]
    assert [entry["name"] for entry in await files.list(None, {"search": "AL"})] == ["alpha"]


async def test_buckets_are_made_once_changed_emptied_and_removed(service: AsyncClient, bucket: str) -> None:
    with pytest.raises(StorageApiError) as refused:
        await service.storage.create_bucket(bucket)
    assert (refused.value.status, refused.value.code) == ("409", "Duplicate")
    await service.storage.update_bucket(bucket, {"public": False, "file_size_limit": 3})
    assert (await service.storage.get_bucket(bucket)).file_size_limit == 3
    await service.storage.from_(bucket).upload("a", b"123")
    with pytest.raises(StorageApiError):
        await service.storage.delete_bucket(bucket)
    await service.storage.empty_bucket(bucket)
    await service.storage.delete_bucket(bucket)
    assert bucket not in [known.id for known in await service.storage.list_buckets()]
    with pytest.raises(StorageApiError) as missing:
        await service.storage.get_bucket(bucket)
    assert missing.value.status == "404"


async def test_a_bucket_name_with_a_slash_is_refused(service: AsyncClient) -> None:
    with pytest.raises(StorageApiError) as refused:
        await service.storage.create_bucket("a/b")
    assert refused.value.status == "400"


async def test_the_buckets_size_limit_holds(service: AsyncClient) -> None:
    name = f"small-{uuid.uuid4()}"
    await service.storage.create_bucket(name, options={"file_size_limit": 10})
    await service.storage.from_(name).upload("fits", b"x" * 10)
    with pytest.raises(StorageApiError) as refused:
        await service.storage.from_(name).upload("does-not", b"x" * 11)
    assert (refused.value.status, refused.value.code) == ("413", "Payload too large")


async def test_objects_over_50_mb_are_refused_with_the_reason(service: AsyncClient, bucket: str) -> None:
    with pytest.raises(StorageApiError) as refused:
        await service.storage.from_(bucket).upload("huge", b"\0" * (MAX_OBJECT_BYTES + 1))
    assert refused.value.status == "413"
    assert await service.storage.from_(bucket).list() == []


async def test_a_plain_body_is_stored_too(clean_stack: Stack, bucket: str) -> None:
    headers = {"apikey": clean_stack.service_role_key, "content-type": "application/pdf"}
    url = f"{clean_stack.supabase_url}/storage/v1/object/{bucket}/plain.pdf"
    async with httpx.AsyncClient(headers=headers) as http:
        (await http.post(url, content=b"%PDF")).raise_for_status()
        answer = await http.get(url.replace("/object/", "/object/authenticated/"))
        head = await http.head(url)
    assert (answer.content, answer.headers["content-type"]) == (b"%PDF", "application/pdf")
    assert (head.status_code, head.headers["content-length"]) == (200, "4")


async def test_a_body_that_is_not_what_storage_expects_is_refused(clean_stack: Stack, bucket: str) -> None:
    async with httpx.AsyncClient(headers={"apikey": clean_stack.service_role_key}) as http:
        base = f"{clean_stack.supabase_url}/storage/v1"
        fileless = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n"
        form = {"content-type": "multipart/form-data; boundary=x"}
        for answer in (
            await http.post(f"{base}/bucket", content=b"not json"),
            await http.request("DELETE", f"{base}/object/{bucket}", json={"prefixes": "a"}),
            await http.post(f"{base}/object/{bucket}/a", content=fileless, headers=form),
            await http.post(f"{base}/object/{bucket}/a", content=b"not a form", headers=form),
        ):
            assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")


async def test_only_the_service_role_passes(clean_stack: Stack, bucket: str) -> None:
    forged = jwt.encode({"role": "service_role"}, "another secret, long enough to sign with it", algorithm="HS256")
    expired = jwt.encode({"role": "service_role", "exp": 1}, clean_stack.jwt_secret, algorithm="HS256")
    unsigned = jwt.encode({"role": "service_role"}, "", algorithm="none")
    for key in (clean_stack.anon_key, clean_stack.publishable_key, forged, expired, unsigned, ""):
        async with httpx.AsyncClient(headers={"apikey": key}) as http:
            answer = await http.post(f"{clean_stack.supabase_url}/storage/v1/object/{bucket}/a", content=b"x")
        assert answer.json()["statusCode"] == "403"
