"""Supervised children."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dealpulse.local.errors import LocalStackError
from dealpulse.local.processes import (
    Command,
    Supervisor,
    child_environment,
    is_running,
    refuse_leftovers,
    unwinding_on_termination,
)

WATCHED_CHILD = """
import os, signal, sys, time
from dealpulse.local.processes import exit_when_parent_dies
exit_when_parent_dies(interval=0.01)
print(os.getpid(), flush=True)
time.sleep(600)
"""
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], "watched-child-of-a-test"])
time.sleep(600)
"""


def shell(script: str, name: str = "part") -> Command:
    """A child that runs a shell script."""
    return Command(name, ("/bin/sh", "-c", script), mark=script)


def supervisor(folder: Path, **options: float) -> Supervisor:
    """A supervisor with its files in `folder`."""
    return Supervisor(logs=folder / "logs", record=folder / "processes.json", **options)


def test_a_child_that_ends_while_starting_is_quoted(tmp_path: Path) -> None:
    with supervisor(tmp_path) as children:
        children.start(shell("echo cannot bind; exit 2"))
        with pytest.raises(LocalStackError, match="part stopped while starting") as failed:
            children.wait_until(lambda: False, name="part")
        assert "| cannot bind" in failed.value.message
        assert failed.value.code == "part_failed"


def test_a_child_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with supervisor(tmp_path) as children:
        children.start(shell("echo thinking; exec sleep 600"))
        with pytest.raises(LocalStackError, match="did not answer within 0 s"):
            children.wait_until(lambda: False, name="part", timeout=0.05)


def test_only_the_end_of_a_long_log_is_quoted(tmp_path: Path) -> None:
    with supervisor(tmp_path) as children:
        children.start(shell("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done"))
        with pytest.raises(LocalStackError) as failed:
            children.wait_until(lambda: False, name="part")
    assert "line 12" in failed.value.message
    assert "line 4\n" not in failed.value.message


def test_children_stop_last_started_first(tmp_path: Path) -> None:
    order = tmp_path / "order"
    with supervisor(tmp_path) as children:
        for name in ("first", "second"):
            ready = tmp_path / name
            script = f"trap 'echo {name} >> {order}; exit' TERM; touch {ready}; while :; do sleep 0.01; done"
            children.start(shell(script, name))
            children.wait_until(ready.exists, name=name)
    assert order.read_text().split() == ["second", "first"]


def test_a_child_that_ignores_its_signal_is_killed_with_all_it_started(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    stubborn = f"trap '' TERM; sleep 612.75 & touch {ready}; while :; do sleep 0.01; done"
    with supervisor(tmp_path, stop_timeout=0.1) as children:
        children.start(shell(stubborn))
        children.wait_until(ready.exists, name="part")
        grandchild = subprocess.run(["pgrep", "-f", "^sleep 612.75$"], capture_output=True, text=True, check=True)
    deadline = time.monotonic() + 10
    while any(is_running(int(pid), mark="sleep 612.75") for pid in grandchild.stdout.split()):
        assert time.monotonic() < deadline


def test_a_child_still_running_from_an_earlier_stack_is_named(tmp_path: Path) -> None:
    with supervisor(tmp_path) as children:
        children.start(shell("exec sleep 600 # earlier", "redis"))
        record = tmp_path / "processes.json"
        pid = record.read_text().split('"pid":')[1].split(",")[0]
        kept = record.read_text().replace("exec sleep 600 # earlier", "sleep")
        record.write_text(kept)
        with pytest.raises(LocalStackError, match=f"redis of an earlier stack still runs as process {pid}") as refused:
            refuse_leftovers(record, patience=0.05)
        assert refused.value.code == "data_in_use"


def test_a_damaged_record_of_processes_is_no_obstacle(tmp_path: Path) -> None:
    record = tmp_path / "processes.json"
    record.write_text('{"redis": {"pi')
    refuse_leftovers(record)
    assert not record.exists()


def test_a_process_that_watches_its_parent_ends_with_it() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, WATCHED_CHILD], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_running(child, mark="watched-child-of-a-test")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while is_running(child, mark="watched-child-of-a-test"):
        assert time.monotonic() < deadline


def test_a_process_that_watches_its_parent_ends_when_its_terminal_is_closed() -> None:
    terminal, inside = pty.openpty()
    argv = [sys.executable, "-c", WATCHED_CHILD, "watched-child-of-a-test"]
    with subprocess.Popen(argv, stdin=inside, stdout=subprocess.PIPE, start_new_session=True) as child:
        os.close(inside)
        assert child.stdout is not None
        assert int(child.stdout.readline()) == child.pid
        os.close(terminal)
        assert child.wait(timeout=10) == -signal.SIGTERM


def test_handlers_of_others_are_left_alone_and_defaults_restored() -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGHUP, signal.SIGTERM)}
    with unwinding_on_termination():
        with pytest.raises(SystemExit) as ended:
            os.kill(os.getpid(), signal.SIGTERM)
        assert ended.value.code == 128 + signal.SIGTERM
    assert {each: signal.getsignal(each) for each in before} == before


def test_children_see_neither_secrets_nor_settings_of_their_kind() -> None:
    seen = child_environment({"PATH": "/bin", "PGDATA": "/x", "PGRST_DB_URI": "y", "ANTHROPIC_API_KEY": "z"})
    assert seen == {"PATH": "/bin"}
