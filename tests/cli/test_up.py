"""`dealpulse up`: it answers, it is found, and nothing is left of it however it ends."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from cli.conftest import CommandLine, eventually, none_runs, servers_of
from dealpulse.local.ports import Ports, chosen, is_free
from dealpulse.local.processes import Recorded

DATA = Path(".dealpulse", "data")
TRIGGER = "curl -X POST http://localhost:3000/api/queue/trigger-daily-briefs"
STATS = "curl http://localhost:3000/api/queue/stats"


@contextmanager
def running_up(
    stranger: CommandLine, *, under_a_shell: bool = False, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """`dealpulse up` once it says that it is up."""
    with stranger.started("up", under_a_shell=under_a_shell, **variables) as up:
        assert up.stdout is not None
        for line in up.stdout:
            if "Logs" in line:
                break
        assert up.poll() is None, up.communicate()[1]
        yield up


def free_port() -> str:
    return str(chosen(Ports()).gateway)


def curl(command: str, port: str) -> object:
    """The answer to ``command``, word for word but for the port where 3000 is another program's."""
    words = shlex.split(command.replace(":3000/", f":{port}/"))
    return json.loads(subprocess.run([*words, "--silent"], capture_output=True, check=True, timeout=30).stdout)


@pytest.fixture
def port() -> str:
    return "3000" if is_free(3000) else free_port()


def test_the_two_curls_answer_other_commands_find_it_and_ctrl_c_ends_all(
    stranger: CommandLine, folder: Path, port: str
) -> None:
    if port != "3000":
        (folder / ".env").write_text(f"PORT={port}\n")
    with running_up(stranger) as up:
        deal_id = stranger("deal", "create", "Project Heron").stdout.strip()
        triggered = curl(TRIGGER, port)
        assert isinstance(triggered, dict)
        (job,) = triggered.pop("jobs")
        assert triggered == {"success": True, "queued": 1}
        assert (job["dealId"], job["deduplicated"]) == (deal_id, False)
        assert job["jobId"].startswith(f"brief:{deal_id}:")
        stats = curl(STATS, port)
        assert isinstance(stats, dict)
        assert stats["success"] is True
        assert {"waiting", "active", "completed", "failed"} <= stats["stats"]["dailyBrief"].keys()
        eventually(lambda: stranger("deal", "brief", deal_id).returncode == 0, "the brief the curl asked for")
        assert (folder / DATA / "env").stat().st_mode & 0o777 == 0o600
        servers = servers_of(folder / DATA)
        up.send_signal(signal.SIGINT)
        out, err = up.communicate(timeout=30)
        assert (up.returncode, err.splitlines()[-1]) == (0, "Stopped."), out + err
    assert none_runs(servers)
    assert not (folder / DATA / "env").exists()
    assert stranger("stats").returncode == 2


@pytest.mark.parametrize("under_a_shell", [False, True], ids=["itself", "what started it"])
def test_kill_9_leaves_no_process(stranger: CommandLine, folder: Path, *, under_a_shell: bool) -> None:
    with running_up(stranger, under_a_shell=under_a_shell, PORT=free_port()) as up:
        servers = servers_of(folder / DATA)
        assert len(servers) == 6
        up.kill()
        eventually(lambda: none_runs(servers), "every server ends")
    assert stranger("stats").returncode == 2


def test_a_service_that_dies_ends_it_with_its_last_words(stranger: CommandLine, folder: Path) -> None:
    with running_up(stranger, PORT=free_port()) as up:
        servers = servers_of(folder / DATA)
        services = msgspec.json.decode((folder / DATA / "services.json").read_bytes(), type=dict[str, Recorded])
        os.kill(services["worker"].pid, signal.SIGKILL)
        _, err = up.communicate(timeout=30)
        assert up.returncode == 1
        assert "Error: The worker has stopped." in err
        assert "worker.log" in err
    assert none_runs(servers)


def test_a_taken_port_is_named_with_what_to_do(stranger: CommandLine, folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = stranger("up", PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert "PORT=" in done.stderr
    assert not (folder / DATA / "processes.json").exists()


def test_a_port_that_is_none_is_a_wrong_setting(stranger: CommandLine) -> None:
    done = stranger("up", PORT="three thousand")
    assert done.returncode == 2
    assert "PORT" in done.stderr
