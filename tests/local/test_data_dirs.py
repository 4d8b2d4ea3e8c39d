"""Data folders that are used once: what stays of them, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from dealpulse.local.data_dirs import emptied, passing
from dealpulse.local.errors import LocalStackError
from dealpulse.local.processes import sole_user_of


def test_emptying_also_removes_a_cluster_that_is_kept_elsewhere(tmp_path: Path) -> None:
    elsewhere, data_dir = tmp_path / "elsewhere", tmp_path / "data"
    for made in (elsewhere / "cluster", data_dir / "logs"):
        made.mkdir(parents=True)
    (data_dir / "postgres").symlink_to(elsewhere)
    assert list(emptied(data_dir).iterdir()) == []
    assert not elsewhere.exists()


def test_a_folder_that_is_in_use_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    with sole_user_of(tmp_path), pytest.raises(LocalStackError) as refused:
        emptied(tmp_path)
    assert refused.value.code == "already_running"
    assert (tmp_path / "keys.json").exists()


def write_log(data_dir: Path, text: str) -> None:
    (data_dir / "logs").mkdir(parents=True)
    (data_dir / "logs" / "worker.log").write_text(text)
    (data_dir / "keys.json").write_text("{}")


def test_nothing_is_left_of_a_passing_folder(tmp_path: Path) -> None:
    with passing(tmp_path / "data") as data_dir:
        write_log(data_dir, "fine")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_logs_where_they_were_and_nothing_else(tmp_path: Path) -> None:
    def fail() -> None:
        with passing(tmp_path / "data") as data_dir:
            write_log(data_dir, "gone wrong")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    (left,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == tmp_path / "data" / "logs" / "worker.log"
    assert left.read_text() == "gone wrong"
