"""The embedded stack as one context manager: a Redis, a Postgres, a PostgREST, and the gateway in front of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dealpulse.local import binaries, postgres, servers
from dealpulse.local.errors import LocalStackError
from dealpulse.local.keys import Keys, keys_of
from dealpulse.local.ports import LOOPBACK, Ports, chosen, is_free
from dealpulse.local.processes import (
    Account,
    Supervisor,
    refuse_leftovers,
    sole_user_of,
    unwinding_on_termination,
)

_TRIES_FOR_PORTS = 3
_PRIVATE = 0o700
_ENTERABLE = 0o711


@dataclass(frozen=True)
class Stack:
    """Addresses and keys of a running stack.

    `service_role_key` and `anon_key` are JWTs; `secret_key` and `publishable_key` are the opaque keys (`sb_...`)
    that stand for them.
    """

    redis_url: str = field(repr=False)
    database_url: str = field(repr=False)
    supabase_url: str
    service_role_key: str = field(repr=False)
    anon_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    data_dir: Path
    secret_key: str = field(repr=False)
    publishable_key: str = field(repr=False)
    _supervisor: Supervisor = field(repr=False, compare=False)

    def environment(self) -> dict[str, str]:
        """The settings with which our services use this stack."""
        return {
            "REDIS_URL": self.redis_url,
            "DATABASE_URL": self.database_url,
            "SUPABASE_URL": self.supabase_url,
            "SUPABASE_SERVICE_ROLE_KEY": self.service_role_key,
        }

    def fault(self) -> str | None:
        """Which part has ended by itself, and its last words; None while all run."""
        name = self._supervisor.first_ended()
        return None if name is None else f"{name} has stopped. {self._supervisor.last_words(name)}"


def _nothing(_: str) -> None:
    """The hook that does nothing."""


@contextmanager
def running_stack(
    data_dir: Path,
    *,
    ports: Ports = Ports(),  # noqa: B008 - frozen
    durable: bool = True,
    schema: str = "public",
    cache_dir: Path | None = None,
    environment: Mapping[str, str] | None = None,
    prepare_database: Callable[[str], None] = _nothing,
    on_step: Callable[[str], None] = _nothing,
) -> Iterator[Stack]:
    """Run the stack on `data_dir` until the block ends; what is in it is there again next time.

    Call it in the main thread: the servers end when the thread that started them does. `durable=False` trades
    safety against power failure for speed. `schema` is exposed beside `public`. What must be fetched is kept in
    `cache_dir`; `environment` (PATH, POSTGREST_BIN) is where programs are looked for.

    `prepare_database` gets the database URL before PostgREST starts: the place for migrations, since PostgREST
    answers writes to a table made later with 404 until it has heard of it. `on_step` hears in plain words what is
    being done. Raises LocalStackError.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema):
        raise ValueError(f"schema must be a plain lower-case name, not {schema!r}")
    account = postgres.serving_account()
    data_dir = _opened(data_dir, enterable=account is not None)
    with ExitStack() as cleanup:
        cleanup.enter_context(unwinding_on_termination())
        cleanup.enter_context(sole_user_of(data_dir))
        refuse_leftovers(data_dir / "processes.json")
        programs = _find_programs(cache_dir, account, os.environ if environment is None else environment, on_step)
        supervisor = Supervisor(logs=data_dir / "logs", record=data_dir / "processes.json")
        starter = _Starter(
            supervisor=cleanup.enter_context(supervisor),
            programs=programs,
            account=account,
            keys=keys_of(data_dir),
            data_dir=data_dir,
            durable=durable,
            schema=schema,
            prepare_database=prepare_database,
            on_step=on_step,
        )
        yield starter.start(ports)


@dataclass(frozen=True)
class _Programs:
    valkey: Path
    postgres: Path
    postgrest: Path


@dataclass(frozen=True, kw_only=True)
class _Starter:
    supervisor: Supervisor
    programs: _Programs
    account: Account | None
    keys: Keys
    data_dir: Path
    durable: bool
    schema: str
    prepare_database: Callable[[str], None]
    on_step: Callable[[str], None]

    def start(self, wanted: Ports) -> Stack:
        """All parts up and answering. A free port may be lost before its server listens: then others are taken."""
        for _ in range(_TRIES_FOR_PORTS - 1):
            ports = chosen(wanted)
            try:
                return self._start(ports)
            except LocalStackError:
                self.supervisor.stop()
                if all(is_free(port) for port in ports.named().values()):
                    raise
        return self._start(chosen(wanted))

    def _start(self, ports: Ports) -> Stack:
        """Start first what takes longest; wait only where one part needs another."""
        supervisor, keys = self.supervisor, self.keys
        self.on_step("starting Redis and the gateway")
        supervisor.start(servers.gateway(self.data_dir, ports=ports, keys=keys, durable=self.durable))
        redis = servers.redis(self.programs.valkey, self.data_dir, port=ports.redis, keys=keys, durable=self.durable)
        supervisor.start(redis)
        self._start_postgres(ports)
        self.prepare_database(self._database_url(ports))
        self.on_step("starting PostgREST")
        supervisor.start(
            servers.rest(self.programs.postgrest, self.data_dir, ports=ports, keys=keys, schema=self.schema)
        )
        supervisor.wait_until(lambda: servers.redis_answers(ports.redis, keys), name="redis")
        supervisor.wait_until(lambda: servers.rest_answers(ports.rest, keys), name="rest")
        supervisor.wait_until(lambda: servers.gateway_answers(ports.gateway, keys), name="gateway")
        return self._stack(ports)

    def _start_postgres(self, ports: Ports) -> None:
        self.on_step("starting Postgres")
        cluster = postgres.open_cluster(
            self.data_dir / "postgres",
            install=self.programs.postgres,
            account=self.account,
            password=self.keys.postgres_password,
            durable=self.durable,
        )
        self.supervisor.start(postgres.serve(cluster, port=ports.postgres, durable=self.durable))
        self.supervisor.wait_until(lambda: postgres.accepts_connections(ports.postgres), name="postgres")
        postgres.bootstrap(cluster, port=ports.postgres, keys=self.keys, schema=self.schema)

    def _database_url(self, ports: Ports) -> str:
        return f"postgresql://postgres:{self.keys.postgres_password}@{LOOPBACK}:{ports.postgres}/postgres"

    def _stack(self, ports: Ports) -> Stack:
        keys = self.keys
        return Stack(
            redis_url=f"redis://:{keys.redis_password}@{LOOPBACK}:{ports.redis}/0",
            database_url=self._database_url(ports),
            supabase_url=f"http://{LOOPBACK}:{ports.gateway}",
            service_role_key=keys.service_role,
            anon_key=keys.anon,
            jwt_secret=keys.jwt_secret,
            data_dir=self.data_dir,
            secret_key=keys.secret,
            publishable_key=keys.publishable,
            _supervisor=self.supervisor,
        )


def _opened(data_dir: Path, *, enterable: bool) -> Path:
    data_dir = data_dir.expanduser().resolve()
    if not data_dir.exists():
        data_dir.mkdir(parents=True, mode=_PRIVATE)
        data_dir.chmod(_ENTERABLE if enterable else _PRIVATE)
    return data_dir


def _find_programs(
    cache_dir: Path | None, account: Account | None, environment: Mapping[str, str], on_step: Callable[[str], None]
) -> _Programs:
    on_step("looking for Redis, Postgres and PostgREST (PostgREST is fetched once)")
    cache = (cache_dir or binaries.default_cache_dir()).resolve()
    return _Programs(
        valkey=binaries.valkey_server(),
        postgres=binaries.postgres_install(cache, account=account),
        postgrest=binaries.postgrest(cache, environment=environment),
    )
