"""Data folders of embedded stacks that are used once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dealpulse.local.processes import sole_user_of


def emptied(data_dir: Path) -> Path:
    """``data_dir`` with nothing of an earlier stack left in it; LocalStackError if one still runs there."""
    if data_dir.exists():
        with sole_user_of(data_dir):
            _remove_contents(data_dir)
    return data_dir


@contextmanager
def passing(data_dir: Path) -> Iterator[Path]:
    """``data_dir``, emptied; after the block it is gone, but for its logs if the block fails."""
    emptied(data_dir)
    try:
        yield data_dir
    except Exception:
        _remove_contents(data_dir, but="logs")
        raise
    except BaseException:  # interrupted: nobody will look for the cause
        _remove(data_dir)
        raise
    _remove(data_dir)


def _remove(data_dir: Path) -> None:
    if data_dir.exists():
        _remove_contents(data_dir)
        data_dir.rmdir()


def _remove_contents(data_dir: Path, *, but: str | None = None) -> None:
    """Also the cluster, where that is a link to a folder elsewhere."""
    for path in data_dir.iterdir() if data_dir.exists() else ():
        if path.name == but:
            continue
        if path.is_symlink():
            shutil.rmtree(path.resolve(), ignore_errors=True)
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
