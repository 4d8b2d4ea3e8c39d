"""Child processes that never outlive this one.

Each child leads a session of its own, so a Ctrl-C in the terminal reaches this process only, which then stops
its children in order. On Linux the kernel also signals every child when the thread that started it ends, however
it ends: start a supervisor in a thread that lives as long as the children should (the main one).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import TypedDict

import msgspec

from dealpulse.local.errors import LocalStackError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "SSL_CERT_FILE", "TMPDIR", "TZ")


@dataclass(frozen=True)
class Account:
    """The user a child runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """A server to run in the foreground.

    `mark` is a text in its command line by which it is recognised later, when only its pid was kept.
    `stop_signal` makes it finish quickly and in good order. `environment` is added to the few variables every child
    sees.
    """

    name: str
    argv: tuple[str, ...]
    mark: str
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Recorded:
    """What is kept on disk of a running child."""

    pid: int
    mark: str


class Supervisor:
    """Starts children, waits until each answers, and stops them in reverse order.

    Output goes to `logs/<name>.log`; `record` (JSON, name to pid) exists exactly as long as children may be running.
    """

    def __init__(self, *, logs: Path, record: Path, stop_timeout: float = 10.0) -> None:
        self._logs = logs
        self._record = record
        self._stop_timeout = stop_timeout
        self._children: list[tuple[Command, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Supervisor:
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, command: Command) -> None:
        """Start `command`; returns before it is ready."""
        with self._log(command.name).open("wb") as log:
            process = _spawn(command, output=log.fileno())
        self._children.append((command, process))
        self._save()

    def wait_until(self, ready: Callable[[], bool], *, name: str, timeout: float = 30.0) -> None:
        """Return once `ready()`; LocalStackError `part_failed`, quoting the log, if the child ends or time is up."""
        deadline = time.monotonic() + timeout
        while not ready():
            if self.ended(name):
                raise LocalStackError("part_failed", f"{name} stopped while starting. {self.last_words(name)}")
            if time.monotonic() > deadline:
                problem = f"{name} did not answer within {timeout:.0f} s. {self.last_words(name)}"
                raise LocalStackError("part_failed", problem)
            time.sleep(0.01)

    def ended(self, name: str) -> bool:
        """Whether the child has ended by itself."""
        return any(command.name == name and child.poll() is not None for command, child in self._children)

    def first_ended(self) -> str | None:
        """The name of a child that has ended by itself, if any has."""
        return next((command.name for command, child in self._children if child.poll() is not None), None)

    def last_words(self, name: str, *, lines: int = 8) -> str:
        """The end of the child's log, with where to read the rest of it."""
        path = self._log(name)
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 8192))
            text = log.read().decode("utf-8", "replace")
        quoted = "\n".join(f"  | {line}" for line in text.splitlines()[-lines:])
        return f"Its log is {path}" + (f" and ends:\n{quoted}" if quoted else " and is empty.")

    def stop(self) -> None:
        """Stop every child, last started first; an interrupt while waiting kills the rest at once."""
        try:
            while self._children:
                command, process = self._children[-1]
                _stop(process, command.stop_signal, timeout=self._stop_timeout)
                self._children.pop()
        finally:
            for _, process in self._children:
                _kill_group(process)
                process.wait()
            self._children.clear()
            self._record.unlink(missing_ok=True)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _save(self) -> None:
        children = {command.name: Recorded(child.pid, command.mark) for command, child in self._children}
        staged = self._record.with_suffix(".new")
        staged.write_bytes(msgspec.json.encode(children))
        staged.replace(self._record)


def refuse_leftovers(record: Path, *, patience: float = 10.0) -> None:
    """Wait for children of a supervisor that was killed to finish; LocalStackError `data_in_use` if one does not."""
    if not record.exists():
        return
    try:
        children = msgspec.json.decode(record.read_bytes(), type=dict[str, Recorded])
    except msgspec.DecodeError:  # the disk was full, or the machine fell over
        children = {}
    deadline = time.monotonic() + patience
    for name, child in children.items():
        while is_running(child.pid, mark=child.mark):
            if time.monotonic() > deadline:
                problem = f"{name} of an earlier stack still runs as process {child.pid}. End it: kill {child.pid}"
                raise LocalStackError("data_in_use", problem)
            time.sleep(0.02)
    record.unlink()


def is_running(pid: int, *, mark: str) -> bool:
    """Whether process `pid` exists and has `mark` in its command line (zombies have none)."""
    if sys.platform == "linux":
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:  # gone before or while reading
            return False
        return mark in b" ".join(words).decode("utf-8", "replace")
    return mark.encode() in run_to_end(["/bin/ps", "-o", "command=", "-p", str(pid)], environment={}).stdout


@contextlib.contextmanager
def sole_user_of(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process alone; LocalStackError `already_running`, naming the holder, if it is held.

    The hold ends with the process, however it ends, so a lock file left behind means nothing.
    """
    descriptor = os.open(folder / "stack.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            problem = f"A stack is already running on {folder} (process {holder})."
            problem += f" Stop it (Ctrl-C there, or kill {holder}), or use another folder."
            raise LocalStackError("already_running", problem) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def unwinding_on_termination() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the program (SystemExit 128 + n) as Ctrl-C does, where nobody handles them yet."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _unwind)
    try:
        yield
    finally:
        for number in ours:
            if signal.getsignal(number) is _unwind:
                signal.signal(number, signal.SIG_DFL)


def exit_when_parent_dies(*, interval: float = 0.5) -> None:
    """Send this process SIGTERM once the process that started it, or the terminal, is gone; call it early.

    For a program whose parent (a shell, make, `uv run`) may be killed without a chance to pass the signal on. The
    kernel tells of a closed terminal only the first process in it, and a make there waits for us, telling nobody.
    """
    parent = os.getppid()
    has_terminal = os.isatty(0)

    def watch() -> None:
        while os.getppid() == parent and os.isatty(0) == has_terminal:
            time.sleep(interval)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables a child may see: none that would reconfigure it (PGDATA, PGRST_...) and no secret."""
    return {name: environment[name] for name in _INHERITED if name in environment}


def run_to_end(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    cwd: Path = Path("/"),
    account: Account | None = None,
    stdin: bytes = b"",
    timeout: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a short program and collect what it says, whatever its exit code."""
    return subprocess.run(  # noqa: S603 - the programs are the stack's own, no shell is involved
        argv,
        cwd=cwd,
        env=dict(environment),
        input=stdin,
        capture_output=True,
        timeout=timeout,
        check=False,
        **_as_account(account),
    )


def _unwind(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _spawn(command: Command, *, output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the programs are the stack's own, no shell is involved
        command.argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        env=child_environment(os.environ) | dict(command.environment),
        start_new_session=True,
        **_as_account(command.account),
        preexec_fn=_die_with(os.getpid(), command.stop_signal),
    )


class _Credentials(TypedDict):
    user: int | None
    group: int | None
    extra_groups: list[str | int] | None


def _as_account(account: Account | None) -> _Credentials:
    if account is None:
        return {"user": None, "group": None, "extra_groups": None}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _die_with(parent: int, number: signal.Signals) -> Callable[[], None]:
    def arrange() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before the arrangement stood
            os._exit(1)

    return arrange


def _stop(process: subprocess.Popen[bytes], number: signal.Signals, *, timeout: float) -> None:
    if process.poll() is None:
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
    _kill_group(process)  # what it may have left behind, or itself
    process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
