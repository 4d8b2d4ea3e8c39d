"""The child is confined, killed when over its limits, and never outlives the call."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from dealpulse.errors import Transient, Unreadable
from dealpulse.extraction import Limits, extract_document, landlock
from dealpulse.extraction.sandbox import MAX_ANSWER_BYTES, run_confined
from extraction import samples


def program(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


@contextmanager
def environment_variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def ends(pid: int) -> bool:
    """A killed process that is nobody's child here is seen off by init a moment later."""
    deadline = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline:
        await asyncio.to_thread(os.sched_yield)
    return not is_running(pid)


async def test_the_child_sees_none_of_our_environment() -> None:
    with environment_variable("DEALPULSE_TEST_SECRET", "canary"):
        finished = await run_confined(program("import os; print(dict(os.environ))"), given=b"", seconds=20)

    assert b"OMP_THREAD_LIMIT" in finished.output
    assert b"canary" not in finished.output
    assert b"HOME" not in finished.output


async def test_a_child_over_its_time_is_killed_with_all_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    code = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"other = subprocess.Popen([sys.executable, '-I', '-c', 'import time; time.sleep(600)']);"
        f"open({str(note)!r}, 'w').write(f'{{os.getpid()}} {{other.pid}}'); time.sleep(600)"
    )

    with pytest.raises(Unreadable) as caught:
        await run_confined(program(code), given=b"", seconds=3)

    assert caught.value.code == "timed_out"
    assert [await ends(int(pid)) for pid in note.read_text().split()] == [True, True]


async def test_an_endless_loop_is_stopped_and_the_event_loop_stays_free() -> None:
    async def ticks() -> list[float]:
        moments = []
        while True:
            moments.append(time.monotonic())
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                return moments

    ticking = asyncio.create_task(ticks())
    with pytest.raises(Unreadable):
        await run_confined(program("while True: pass"), given=b"", seconds=1)
    ticking.cancel()

    moments = await ticking
    assert max(later - earlier for earlier, later in pairwise(moments)) < 0.5


async def test_cancelling_the_caller_kills_the_child(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    os.mkfifo(note)
    descriptor = os.open(note, os.O_RDWR | os.O_NONBLOCK)
    noted = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, noted.set)
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    running = asyncio.create_task(run_confined(program(code), given=b"", seconds=60))
    async with asyncio.timeout(60):
        await noted.wait()
    asyncio.get_running_loop().remove_reader(descriptor)
    pid = int(os.read(descriptor, 100))
    os.close(descriptor)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert not is_running(pid)


async def test_an_answer_without_end_is_cut_off() -> None:
    code = "import sys\nwhile True: sys.stdout.buffer.write(b'x' * (1 << 20))"

    with pytest.raises(Unreadable) as caught:
        await run_confined(program(code), given=b"", seconds=60)

    assert caught.value.code == "too_large"
    assert MAX_ANSWER_BYTES < 1 << 30


async def test_limits_hold_in_the_child(tmp_path: Path) -> None:
    code = """
import os, resource, sys
from pathlib import Path
from dealpulse.extraction.confine import confine, die_with_parent
from dealpulse.extraction.contract import Limits
die_with_parent(os.getppid())
confine(Limits(seconds=7, memory_bytes=400 << 20), written_bytes=0)
found = []
try:
    bytearray(500 << 20)
except MemoryError:
    found.append("memory")
try:
    Path(sys.argv[1]).write_bytes(b"x")
except OSError:
    found.append("writing")
try:
    [open("/dev/null") for _ in range(100)]
except OSError:
    found.append("files")
found.append(f"cpu {resource.getrlimit(resource.RLIMIT_CPU)[0]}")
found.append(f"core {resource.getrlimit(resource.RLIMIT_CORE)[0]}")
print(*found, sep=",")
"""
    finished = await run_confined([*program(code), str(tmp_path / "written")], given=b"", seconds=30)

    found = finished.output.strip().split(b",")
    assert found[-4:] == [b"writing", b"files", b"cpu 8", b"core 0"]
    assert found[0] == b"memory" or sys.platform != "linux"  # macOS does not bound memory


SPY = """
import ctypes, os, socket, sys
from pathlib import Path
from dealpulse.extraction.confine import die_with_parent, forbid_other_files
SEIZE = 0x4206  # as PTRACE_ATTACH, without stopping it
given, taken, secret, address = sys.argv[1:]
parent = os.getppid()
die_with_parent(parent)
if given != "-":
    forbid_other_files(readable=[Path(given)], writable=[Path(taken)])

def tried(name, action):
    try:
        action()
    except OSError:
        print("no", name)
    else:
        print("yes", name)

def look():
    with open(f"/proc/{parent}/mem", "rb") as memory:
        memory.seek(int(open(f"/proc/{parent}/maps").readline().split("-")[0], 16))
        memory.read(16)

def trace():
    if ctypes.CDLL(None).ptrace(SEIZE, parent, 0, 0):
        raise OSError

tried("environment", lambda: Path(f"/proc/{parent}/environ").read_bytes())
tried("memory", look)
tried("trace", trace)
tried("signal", lambda: os.kill(parent, 0))
tried("secret", lambda: Path(secret).read_bytes())
tried("list", lambda: os.listdir(Path(secret).parent))
tried("replace", lambda: Path(secret).write_bytes(b"x"))
tried("connect", lambda: socket.create_connection(("127.0.0.1", int(address)), timeout=5))
tried("given", lambda: Path(given).read_bytes())
tried("taken", lambda: (Path(taken) / "part").write_bytes(b"x"))
"""


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("confined", [False, True])
async def test_the_child_reaches_nothing_but_its_file(confined: bool, tmp_path: Path) -> None:
    given, secret = tmp_path / "given" / "price.pdf", tmp_path / "secrets" / ".env"
    for path in (given, secret):
        path.parent.mkdir()
        path.write_bytes(b"canary")
    taken = tmp_path / "taken"
    taken.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        given_as = str(given) if confined else "-"
        finished = await run_confined([*program(SPY), given_as, str(taken), str(secret), port], given=b"", seconds=30)

    said = [line.split(" ", 1) for line in finished.output.decode().splitlines()]
    assert len(said) == 10
    reached = {name for answer, name in said if answer == "yes"}
    if confined:
        assert reached == {"given", "taken"}
    else:  # or the test would show nothing
        assert reached >= {"environment", "memory", "trace", "signal", "secret", "list", "replace", "connect", "taken"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_a_child_ends_with_its_parent() -> None:
    grandchild = (
        "import os, time; from dealpulse.extraction.confine import die_with_parent; die_with_parent(os.getppid());"
        "print(os.getpid(), flush=True); time.sleep(600)"
    )
    parent = await asyncio.create_subprocess_exec(
        *program(f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', {grandchild!r}])"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())

    parent.send_signal(signal.SIGKILL)

    assert await parent.stdout.read() == b""  # the pipe's last holder has ended
    assert await ends(pid)
    await parent.wait()


async def test_a_file_over_its_time_is_unreadable_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    path.write_bytes(samples.picture_bytes("TIFF", *[samples.picture()] * 20))

    with pytest.raises(Unreadable) as caught:
        await extract_document(path, name="scan.tif", limits=Limits(seconds=1))

    assert caught.value.code == "timed_out"
    assert caught.value.message == "The file takes too long to read; split it into smaller files."


async def test_a_file_that_needs_too_much_memory_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    path.write_bytes(b"clause " * (40 << 20))

    with pytest.raises(Unreadable) as caught:
        await extract_document(path, name="big.txt", limits=Limits(memory_bytes=300 << 20))

    assert caught.value.code == "out_of_memory"


async def test_a_missing_file_may_be_there_next_time(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        await extract_document(tmp_path / "none.pdf", name="none.pdf", limits=Limits())


async def test_files_are_read_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Closing")

    contents = await asyncio.gather(*(extract_document(path, name="a.txt", limits=Limits()) for _ in range(6)))

    assert [content.pages[0].text for content in contents] == ["Closing"] * 6
