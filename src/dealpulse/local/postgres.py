"""The Postgres of the embedded stack: its cluster on disk, how it is run, and what a Supabase project starts with.

Postgres refuses to run as root, so root runs it as `nobody`, who then owns the cluster and must be able to reach it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from dealpulse.local.binaries import reachable
from dealpulse.local.errors import LocalStackError
from dealpulse.local.keys import Keys
from dealpulse.local.ports import LOOPBACK
from dealpulse.local.processes import Account, Command, child_environment, is_running, run_to_end

NAME = "postgres"
_BOOTSTRAP = Path(__file__).with_name("bootstrap.sql")
_PROTOCOL_3 = 196608
_PRIVATE = 0o700
_ENTERABLE = 0o711


@dataclass(frozen=True)
class Cluster:
    """A data directory that is ready to be served; `install` has `bin/`, `account` is who must serve it."""

    install: Path
    folder: Path
    account: Account | None


def serving_account() -> Account | None:
    """Who must run Postgres: None for ourselves, `nobody` if we are root."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        problem = "Postgres refuses to run as root and there is no user nobody. Run as another user."
        raise LocalStackError("unsupported_platform", problem) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def open_cluster(home: Path, *, install: Path, account: Account | None, password: str, durable: bool) -> Cluster:
    """The cluster below `home`, created if there is none; `password` becomes its superuser's.

    If `account` cannot reach `home`, what is there is a link to a folder it can reach.
    """
    if not home.exists():
        _make_home(home, account)
    folder = home.resolve() / "cluster"
    cluster = Cluster(install=install, folder=folder, account=account)
    if not folder.exists():
        _initialise(cluster, password, durable=durable)
    _refuse_other_version(cluster)
    _drop_stale_lock(cluster)
    return cluster


def serve(cluster: Cluster, *, port: int, durable: bool) -> Command:
    """Postgres in the foreground on loopback; SIGINT ends it without waiting for its clients."""
    settings = [f"listen_addresses={LOOPBACK}", f"port={port}", "unix_socket_directories=", "timezone=UTC"]
    settings += ["log_error_verbosity=terse", "log_min_error_statement=panic"]  # rows are content: not for a log
    if not durable:
        settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
    flags = [word for setting in settings for word in ("-c", setting)]
    argv = (str(cluster.install / "bin" / "postgres"), "-D", str(cluster.folder), *flags)
    return Command(NAME, argv, str(cluster.folder), stop_signal=signal.SIGINT, account=cluster.account)


def accepts_connections(port: int) -> bool:
    """Whether Postgres asks a new connection to authenticate (while starting up it answers with an error)."""
    parameters = b"user\0postgres\0database\0postgres\0\0"
    startup = struct.pack("!ii", 8 + len(parameters), _PROTOCOL_3) + parameters
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1) as connection:
        connection.sendall(startup)
        return connection.recv(1) == b"R"
    return False


def bootstrap(cluster: Cluster, *, port: int, keys: Keys, schema: str) -> None:
    """Give the database the roles, grants and functions of a fresh Supabase project."""
    variables = f"\\set schema '{schema}'\n\\set authenticator_password '{keys.authenticator_password}'\n"
    address = f"host={LOOPBACK} port={port} user=postgres dbname=postgres"
    done = run_to_end(
        [str(cluster.install / "bin" / "psql"), "--no-psqlrc", "--quiet", "--dbname", address],
        stdin=(variables + _BOOTSTRAP.read_text(encoding="utf-8")).encode(),
        environment=child_environment(os.environ) | {"PGPASSWORD": keys.postgres_password},
    )
    if done.returncode:
        problem = done.stderr.decode("utf-8", "replace").strip()
        raise LocalStackError("part_failed", f"Postgres could not be set up: {problem}")


def _make_home(home: Path, account: Account | None) -> None:
    place = reachable(home.parent, account)
    real = home
    if place != home.parent:
        real = place / f"postgres-{secrets.token_hex(8)}"
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(_ENTERABLE)
        home.symlink_to(real)
    real.mkdir(mode=_PRIVATE, exist_ok=True)
    if account is not None:
        os.chown(real, account.uid, account.gid)


def _initialise(cluster: Cluster, password: str, *, durable: bool) -> None:
    """Run initdb beside the final place and rename, so that an interrupted start leaves no half cluster."""
    home = cluster.folder.parent
    staged, password_file = home / "cluster.new", home / "password"
    shutil.rmtree(staged, ignore_errors=True)
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if cluster.account is not None:
        os.chown(password_file, cluster.account.uid, cluster.account.gid)
    initdb = [str(cluster.install / "bin" / "initdb"), "-D", str(staged), "-U", "postgres", "-A", "scram-sha-256"]
    initdb += ["--pwfile", str(password_file), "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
    try:
        argv = initdb if durable else [*initdb, "--no-sync"]
        done = run_to_end(argv, environment=child_environment(os.environ), account=cluster.account)
    finally:
        password_file.unlink()
    if done.returncode:
        problem = done.stderr.decode("utf-8", "replace").strip()
        raise LocalStackError("part_failed", f"Postgres could not create its data folder: {problem}")
    staged.rename(cluster.folder)


def _refuse_other_version(cluster: Cluster) -> None:
    made_by = (cluster.folder / "PG_VERSION").read_text().strip()
    with (cluster.install / "share" / "postgres.bki").open() as catalogue:
        ours = catalogue.readline().split()[-1]  # "# PostgreSQL 18"
    if made_by != ours:
        problem = f"{cluster.folder} was made by Postgres {made_by}, and this is Postgres {ours}."
        raise LocalStackError("data_unusable", f"{problem} Move that folder away to start afresh.")


def _drop_stale_lock(cluster: Cluster) -> None:
    """Remove the lock file of a Postgres that was killed: its pid may belong to another program by now."""
    lock = cluster.folder / "postmaster.pid"
    if not lock.exists():
        return
    holder = lock.read_text().partition("\n")[0].strip()
    if holder.isdigit() and is_running(int(holder), mark=str(cluster.folder)):
        problem = f"Another Postgres (process {holder}) runs on {cluster.folder}. End it: kill -INT {holder}"
        raise LocalStackError("data_in_use", problem)
    lock.unlink()
