"""The secrets of one embedded stack: made once per data folder, so that restarts keep every address and key valid."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import jwt
import msgspec

from dealpulse.local.errors import LocalStackError

_TEN_YEARS = 10 * 365 * 24 * 3600


@dataclass(frozen=True)
class Keys:
    """Passwords of the servers and the keys Supabase clients present.

    `service_role` and `anon` are JWTs signed (HS256) with `jwt_secret`; `secret` and `publishable` are the opaque
    keys newer Supabase projects hand out for the same two roles.
    """

    redis_password: str
    postgres_password: str
    authenticator_password: str
    jwt_secret: str
    service_role: str
    anon: str
    secret: str
    publishable: str


def keys_of(data_dir: Path) -> Keys:
    """The keys kept in `data_dir`, made (file mode 0600) if there are none yet."""
    path = data_dir / "keys.json"
    if path.exists():
        try:
            return msgspec.json.decode(path.read_bytes(), type=Keys)
        except msgspec.MsgspecError as fault:
            problem = f"{path} is damaged ({fault}). Restore it, or empty {data_dir} to start afresh."
            raise LocalStackError("data_unusable", problem) from fault
    if (data_dir / "postgres").exists():
        problem = f"{path} is gone, and with it the way into the data beside it."
        raise LocalStackError("data_unusable", f"{problem} Restore it, or empty {data_dir} to start afresh.")
    keys = _new_keys()
    write_privately(path, msgspec.json.encode(keys))
    return keys


def write_privately(path: Path, content: bytes) -> None:
    """Replace `path` in one step by a file only its owner may read."""
    staged = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    staged.replace(path)


def _new_keys() -> Keys:
    jwt_secret = secrets.token_urlsafe(48)
    return Keys(
        redis_password=secrets.token_urlsafe(24),
        postgres_password=secrets.token_urlsafe(24),
        authenticator_password=secrets.token_urlsafe(24),
        jwt_secret=jwt_secret,
        service_role=_role_key("service_role", jwt_secret),
        anon=_role_key("anon", jwt_secret),
        secret=f"sb_secret_{secrets.token_urlsafe(24)}",
        publishable=f"sb_publishable_{secrets.token_urlsafe(24)}",
    )


def _role_key(role: str, jwt_secret: str) -> str:
    now = int(time.time())
    claims = {"iss": "supabase", "ref": "local", "role": role, "iat": now, "exp": now + _TEN_YEARS}
    return jwt.encode(claims, jwt_secret, algorithm="HS256")
