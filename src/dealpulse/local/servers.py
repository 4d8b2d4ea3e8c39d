"""How Redis, PostgREST and the gateway are run and known to be ready.

Passwords travel in files only their owner can read, never on a command line.
"""

from __future__ import annotations

import http.client
import socket
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from dealpulse.local.gateway_config import GatewayConfig
from dealpulse.local.keys import Keys, write_privately
from dealpulse.local.ports import LOOPBACK, Ports
from dealpulse.local.processes import Command

_MAX_ROWS = 1000  # as Supabase has it; longer answers are cut without a word


def redis(program: Path, data_dir: Path, *, port: int, keys: Keys, durable: bool) -> Command:
    """valkey-server on loopback, with a password; its data in `data_dir/redis`."""
    folder = data_dir / "redis"
    folder.mkdir(exist_ok=True, mode=0o700)
    settings = {
        "bind": LOOPBACK,
        "port": str(port),
        "requirepass": keys.redis_password,
        "dir": f'"{folder}"',
        "appendonly": "yes" if durable else "no",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "set-proc-title": "no",  # so that the path of this file stays visible, and with it whose server it is
        "daemonize": "no",
    }
    path = data_dir / "redis.conf"
    write_privately(path, "".join(f"{name} {value}\n" for name, value in settings.items()).encode())
    return Command("redis", (str(program), str(path)), str(path))


def redis_answers(port: int, keys: Keys) -> bool:
    """Whether Redis has loaded its data and takes commands."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1) as connection:
        connection.sendall(f"AUTH {keys.redis_password}\r\nPING\r\n".encode())
        answer = b""
        while answer.count(b"\n") < 2 and (chunk := connection.recv(256)):
            answer += chunk
        return answer == b"+OK\r\n+PONG\r\n"
    return False


def rest(program: Path, data_dir: Path, *, ports: Ports, keys: Keys, schema: str) -> Command:
    """PostgREST on loopback, as a Supabase project configures it."""
    schemas = "public" if schema == "public" else f"public,{schema}"
    database = f"postgresql://authenticator:{keys.authenticator_password}@{LOOPBACK}:{ports.postgres}/postgres"
    settings = {
        "db-uri": database,
        "db-schemas": schemas,
        "db-extra-search-path": "public,extensions",
        "db-anon-role": "anon",
        "db-max-rows": str(_MAX_ROWS),
        "db-pool": "20",
        "jwt-secret": keys.jwt_secret,
        "server-host": LOOPBACK,
        "server-port": str(ports.rest),
    }
    path = data_dir / "postgrest.conf"
    write_privately(path, "".join(f'{name} = "{value}"\n' for name, value in settings.items()).encode())
    return Command("rest", (str(program), str(path)), str(path))


def rest_answers(port: int, keys: Keys) -> bool:
    """Whether PostgREST knows the schema and takes our keys (which another stack's would not)."""
    return _succeeds(port, "/", keys)


def gateway(data_dir: Path, *, ports: Ports, keys: Keys, durable: bool) -> Command:
    """The gateway on loopback; stored objects in `data_dir/storage`."""
    config = GatewayConfig(
        rest_url=f"http://{LOOPBACK}:{ports.rest}",
        storage_dir=str(data_dir / "storage"),
        jwt_secret=keys.jwt_secret,
        opaque_keys={keys.secret: keys.service_role, keys.publishable: keys.anon},
        durable=durable,
    )
    path = data_dir / "gateway.json"
    write_privately(path, msgspec.json.encode(config))
    argv = (sys.executable, "-P", "-m", "dealpulse.local.gateway", str(path), str(ports.gateway))
    return Command("gateway", argv, str(path))


def gateway_answers(port: int, keys: Keys) -> bool:
    """Whether the gateway serves storage and takes our keys."""
    return _succeeds(port, "/storage/v1/bucket", keys)


def _succeeds(port: int, path: str, keys: Keys) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {keys.service_role}"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
