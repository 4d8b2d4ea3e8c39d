"""Starting, stopping and restarting the whole stack."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from redis import Redis

from dealpulse.local.errors import LocalStackError
from dealpulse.local.ports import Ports
from dealpulse.local.processes import is_running
from dealpulse.local.stack import Stack, running_stack

from .conftest import OpenClient

PARTS = {"gateway", "redis", "postgres", "rest"}
HOLD_A_STACK = """
import sys, time
from pathlib import Path
from dealpulse.local.stack import running_stack
with running_stack(Path(sys.argv[1]), durable=False) as stack:
    print(stack.redis_url, flush=True)
    time.sleep(600)
"""


def recorded(data_dir: Path) -> dict[str, tuple[int, str]]:
    """Pid and mark of each part, as the running stack keeps them."""
    record = json.loads((data_dir / "processes.json").read_text())
    return {name: (child["pid"], child["mark"]) for name, child in record.items()}


def wait_until_gone(processes: dict[str, tuple[int, str]]) -> None:
    """Return once none of the processes runs; fail after ten seconds."""
    deadline = time.monotonic() + 10
    for name, (pid, mark) in processes.items():
        while is_running(pid, mark=mark):
            assert time.monotonic() < deadline, f"{name} still runs as {pid}"
            time.sleep(0.01)


@pytest.fixture
def holder(used_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs a stack on `used_dir`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_A_STACK, str(used_dir)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("redis://")
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    if (used_dir / "processes.json").exists():
        wait_until_gone(recorded(used_dir))


def test_a_stopped_stack_leaves_no_process_and_no_open_port(used_dir: Path) -> None:
    with running_stack(used_dir, durable=False) as stack:
        processes = recorded(used_dir)
        assert set(processes) == PARTS
        assert all(is_running(pid, mark=mark) for pid, mark in processes.values())
        assert stack.fault() is None
    assert not any(is_running(pid, mark=mark) for pid, mark in processes.values())
    assert not (used_dir / "processes.json").exists()


def test_secrets_are_for_their_owner_only_on_no_command_line_and_in_no_repr(stack: Stack) -> None:
    secret_files = ["keys.json", "gateway.json", "postgrest.conf", "redis.conf"]
    assert {(stack.data_dir / name).stat().st_mode & 0o777 for name in secret_files} == {0o600}
    secrets = json.loads((stack.data_dir / "keys.json").read_text()).values()
    commands = [Path(f"/proc/{pid}/cmdline").read_text() for pid, _ in recorded(stack.data_dir).values()]
    assert len(commands) == len(PARTS)
    assert not [text for text in (*commands, repr(stack)) if any(secret in text for secret in secrets)]


async def test_everything_stored_is_there_after_a_restart_at_the_same_address(
    data_dir: Path, open_client: OpenClient
) -> None:
    with running_stack(data_dir, schema="deals") as first:
        database = await asyncpg.connect(first.database_url)
        await database.execute("create table deals.kept as select 7 as n")
        await database.close()
        Redis.from_url(first.redis_url).set("kept", "yes")
        client = await open_client(first, first.service_role_key)
        await client.storage.create_bucket("kept")
        await client.storage.from_("kept").upload("a", b"yes")
    ports = Ports(gateway=int(first.supabase_url.rpartition(":")[2]))
    with running_stack(data_dir, schema="deals", ports=ports) as second:
        assert second.supabase_url == first.supabase_url
        assert (second.service_role_key, second.jwt_secret) == (first.service_role_key, first.jwt_secret)
        assert Redis.from_url(second.redis_url).get("kept") == b"yes"
        client = await open_client(second, second.service_role_key)
        assert (await client.schema("deals").table("kept").select("n").execute()).data == [{"n": 7}]
        assert await client.storage.from_("kept").download("a") == b"yes"


def test_prepare_database_runs_before_the_first_request_can(used_dir: Path) -> None:
    seen: list[tuple[str, set[str]]] = []

    def prepare(database_url: str) -> None:
        seen.append((database_url, set(recorded(used_dir))))

    with running_stack(used_dir, durable=False, prepare_database=prepare) as stack:
        assert seen == [(stack.database_url, PARTS - {"rest"})]


def test_a_killed_parent_leaves_no_orphan_and_its_folder_usable(used_dir: Path, holder: subprocess.Popen[str]) -> None:
    processes = recorded(used_dir)
    assert set(processes) == PARTS
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    wait_until_gone(processes)
    with running_stack(used_dir, durable=False) as stack:
        assert Redis.from_url(stack.redis_url).ping()


def test_sigterm_unwinds_the_parent_which_stops_its_stack(used_dir: Path, holder: subprocess.Popen[str]) -> None:
    processes = recorded(used_dir)
    holder.terminate()
    assert holder.wait(10) == 128 + signal.SIGTERM
    assert not any(is_running(pid, mark=mark) for pid, mark in processes.values())
    assert not (used_dir / "processes.json").exists()


def test_a_second_stack_on_the_same_folder_is_refused_naming_the_first(
    used_dir: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(LocalStackError) as refused, running_stack(used_dir, durable=False):
        pass
    assert refused.value.code == "already_running"
    assert f"process {holder.pid}" in refused.value.message
    assert holder.poll() is None


@pytest.mark.parametrize("part", ["redis", "postgres", "rest", "gateway"])
def test_a_taken_port_is_named_with_what_to_change(data_dir: Path, part: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other_program:
        port = other_program.getsockname()[1]
        with pytest.raises(LocalStackError) as refused, running_stack(data_dir, ports=Ports(**{part: port})):
            pass
    assert refused.value.code == "port_taken"
    assert f"Port {port}, wanted for {part}," in refused.value.message
    assert f"--{part}-port" in refused.value.message


def test_lock_files_whose_pid_is_another_programs_by_now_are_no_obstacle(used_dir: Path) -> None:
    (used_dir / "stack.lock").write_text(f"{os.getpid()}\n")
    (used_dir / "processes.json").write_text(json.dumps({"redis": {"pid": os.getpid(), "mark": str(used_dir)}}))
    (used_dir / "postgres" / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n/elsewhere\n")
    with running_stack(used_dir, durable=False) as stack:
        assert stack.fault() is None


def test_an_interrupted_first_start_is_begun_anew(data_dir: Path) -> None:
    with (
        pytest.raises(LocalStackError),
        running_stack(data_dir, durable=False, environment={"POSTGREST_BIN": shutil.which("false") or ""}),
    ):
        pass
    (data_dir / "postgres" / "cluster").rename(data_dir / "postgres" / "cluster.new")
    with running_stack(data_dir, durable=False) as stack:
        assert stack.fault() is None


def test_a_part_that_does_not_start_is_named_with_its_last_words(used_dir: Path, tmp_path: Path) -> None:
    program = tmp_path / "postgrest"
    program.write_text("#!/bin/sh\necho the schema is on fire\nexit 1\n")
    program.chmod(0o755)
    environment = {"POSTGREST_BIN": str(program)}
    with pytest.raises(LocalStackError) as failed, running_stack(used_dir, durable=False, environment=environment):
        pass
    assert failed.value.code == "part_failed"
    assert "rest stopped while starting" in failed.value.message
    assert "the schema is on fire" in failed.value.message
    assert str(used_dir / "logs" / "rest.log") in failed.value.message
    assert not (used_dir / "processes.json").exists()


def test_a_part_that_dies_later_is_reported(used_dir: Path) -> None:
    with running_stack(used_dir, durable=False) as stack:
        os.kill(recorded(used_dir)["redis"][0], signal.SIGKILL)
        deadline = time.monotonic() + 10
        while stack.fault() is None:
            assert time.monotonic() < deadline
        assert (stack.fault() or "").startswith("redis has stopped.")


def test_data_that_cannot_be_opened_is_left_alone_and_said_so(used_dir: Path) -> None:
    def refusal() -> str:
        with pytest.raises(LocalStackError) as refused, running_stack(used_dir, durable=False):
            pass
        assert refused.value.code == "data_unusable"
        return refused.value.message

    (used_dir / "postgres" / "cluster" / "PG_VERSION").write_text("12\n")
    assert "made by Postgres 12" in refusal()
    (used_dir / "keys.json").write_text("{}")
    assert "is damaged" in refusal()
    assert (used_dir / "keys.json").read_text() == "{}"
    (used_dir / "keys.json").unlink()
    assert "keys.json is gone" in refusal()
    assert not (used_dir / "keys.json").exists()


@pytest.mark.parametrize("schema", ["", "Deals", "a-b", "x'; drop", "1st"])
def test_a_schema_that_is_no_plain_name_is_refused(data_dir: Path, schema: str) -> None:
    with pytest.raises(ValueError, match="plain lower-case name"), running_stack(data_dir, schema=schema):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run Postgres as someone else")
def test_root_may_keep_project_and_data_where_nobody_else_can_look(data_dir: Path) -> None:
    private = data_dir / "private"
    private.mkdir(mode=0o700)
    with running_stack(private / "data", durable=False) as stack:
        assert Redis.from_url(stack.redis_url).ping()
    home = private / "data" / "postgres"
    assert home.is_symlink()
    with running_stack(private / "data", durable=False) as stack:
        assert stack.fault() is None
    shutil.rmtree(home.resolve())
    with suppress(OSError):  # others may use it
        home.resolve().parent.rmdir()
