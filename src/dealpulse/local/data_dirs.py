"""Data folders of embedded stacks that are used once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dealpulse.local.processes import sole_user_of

_ENTERABLE = 0o711


def emptied(data_dir: Path) -> Path:
    """``data_dir`` with nothing of an earlier stack left in it; LocalStackError if one still runs there."""
    if data_dir.exists():
        with sole_user_of(data_dir):
            remove_contents(data_dir)
    return data_dir


@contextmanager
def passing_data_dir(*, keep_logs_in: Path) -> Iterator[Path]:
    """A folder that is gone after the block; if the block fails, its logs are then in ``keep_logs_in``.

    It lies where user nobody can reach it, whom root runs Postgres as.
    """
    folder = Path(tempfile.mkdtemp(prefix="dealpulse-run-"))
    folder.chmod(_ENTERABLE)
    try:
        yield folder
    except Exception:
        if (folder / "logs").is_dir():
            shutil.copytree(folder / "logs", keep_logs_in, dirs_exist_ok=True)
        raise
    finally:
        remove_contents(folder)
        folder.rmdir()


def remove_contents(data_dir: Path) -> None:
    """Remove what a stack keeps in ``data_dir``, and the cluster where that is a link to a folder elsewhere."""
    for path in data_dir.iterdir():
        if path.is_symlink():
            shutil.rmtree(path.resolve(), ignore_errors=True)
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
