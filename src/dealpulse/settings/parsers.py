"""How the text of a variable is read.

A parser returns the value or raises ``ValueError`` with a phrase that can follow the variable's name and quotes
nothing of the text: what is wrong may be a password.
"""

from __future__ import annotations

import binascii
import math
import os
import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo, available_timezones

import orjson

from dealpulse.settings.values import AI_OPERATIONS, EncryptionKey, Secret, SmtpServer


def text(value: str) -> str:
    return value


def secret(value: str) -> Secret:
    if any(character.isspace() for character in value):
        raise ValueError("contains white space")
    return Secret(value)


def service_role_key(value: str) -> Secret:
    """A Supabase key that may write; the public one, an easy mix-up, is refused."""
    if value.startswith("sb_publishable_") or _role(value) in {"anon", "authenticated"}:
        raise ValueError("is the project's public key, which may not write")
    return secret(value)


def _role(token: str) -> str | None:
    """The role a JSON web token claims; None for anything else."""
    try:
        claims = orjson.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
        return str(claims["role"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return None


def password(value: str) -> Secret:
    return Secret(value)


def secrets(value: str) -> tuple[Secret, ...]:
    return tuple(secret(part.strip()) for part in value.split(",") if part.strip())


_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")


def origins(value: str) -> tuple[str, ...]:
    named = tuple(part.strip().lower() for part in value.split(",") if part.strip())
    if not all(_ORIGIN.fullmatch(one) for one in named):
        raise ValueError("holds what is no origin")
    return named


def folders(value: str) -> tuple[Path, ...]:
    paths = tuple(Path(part) for part in value.split(os.pathsep) if part)
    if not paths or not all(path.is_absolute() for path in paths):
        raise ValueError("is not a list of absolute paths")
    return paths


def file(value: str) -> Path:
    path = Path(value)
    if not path.is_absolute():
        raise ValueError("is not an absolute path")
    return path


def encryption_keys(value: str) -> tuple[EncryptionKey, ...]:
    """``name:base64,name:base64``, 32 bytes each."""
    keys: dict[str, EncryptionKey] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, _, encoded = part.partition(":")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name) or name in keys:
            raise ValueError("holds a key without a name of its own")
        try:
            length = len(b64decode(encoded, validate=True))
        except binascii.Error:
            length = 0
        if length != 32:
            raise ValueError("holds a key that is not 32 bytes in base64")
        keys[name] = EncryptionKey(name, Secret(encoded))
    return tuple(keys.values())


def flag(value: str) -> bool:
    word = value.lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError("is neither true nor false")


def whole(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            raise ValueError("is not a whole number")
        number = int(value)
        if number < minimum:
            raise ValueError(f"is less than {minimum}")
        if maximum is not None and number > maximum:
            raise ValueError(f"is more than {maximum}")
        return number

    return parse


def seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError("is not a number of seconds") from None
    if not math.isfinite(number) or number <= 0:
        raise ValueError("is not a positive number of seconds")
    return number


def amount(value: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value):
        raise ValueError("is not an amount of money")
    return float(value)


def models(value: str) -> dict[str, str]:
    """``operation=model,kind=model``: names by the operation or kind they are for."""
    pairs: dict[str, str] = {}
    kinds = {operation.partition(".")[0] for operation in AI_OPERATIONS}
    for part in filter(None, (part.strip() for part in value.split(","))):
        what, equals, model = (piece.strip() for piece in part.partition("="))
        if not equals or not model or any(character.isspace() for character in model):
            raise ValueError("is not a list of operation=model")
        if what not in AI_OPERATIONS and what not in kinds:
            raise ValueError("names an operation that does not exist")
        if what in pairs:
            raise ValueError("names an operation twice")
        pairs[what] = model
    return pairs


_SIZE = re.compile(r"([0-9]{1,15}) ?([KMG]?)B?", re.IGNORECASE)


def byte_count(value: str) -> int:
    """``52428800`` or ``50MB``; K, M and G are powers of 1024."""
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError("is not a number of bytes")
    count = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2].upper()]
    if count == 0:
        raise ValueError("is not a positive number of bytes")
    return count


def choice(*words: str, **also: str) -> Callable[[str], str]:
    """One of ``words``, in any case; ``also`` maps further spellings to one of them."""
    spellings = {word: word for word in words} | also

    def parse(value: str) -> str:
        try:
            return spellings[value.lower()]
        except KeyError:
            raise ValueError(f"is none of {', '.join(words)}") from None

    return parse


def matching(pattern: str, problem: str) -> Callable[[str], str]:
    expression = re.compile(pattern)

    def parse(value: str) -> str:
        if not expression.fullmatch(value):
            raise ValueError(problem)
        return value

    return parse


def time_zone(value: str) -> ZoneInfo:
    if value not in available_timezones():
        raise ValueError("is not an IANA time zone")
    return ZoneInfo(value)


_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%\w+)?\]?")


def host(value: str) -> str:
    """A host name or address; an IPv6 address may stand in brackets."""
    if not _HOST.fullmatch(value):
        raise ValueError("is not a host name")
    return value.strip("[]")


port = whole(1, 65_535)


def addresses(value: str) -> tuple[tuple[str, int], ...]:
    return tuple(_address(part.strip()) for part in value.split(",") if part.strip())


def _address(value: str) -> tuple[str, int]:
    name, colon, number = value.rpartition(":")
    try:
        return host(name if colon else ""), port(number)
    except ValueError:
        raise ValueError("is not a list of host:port") from None


def web_url(value: str) -> str:
    """An http(s) address without user, query or fragment, and without a trailing slash."""
    parts = _split(value, schemes=("http", "https"))
    if parts.username is not None or parts.password is not None:
        raise ValueError("contains a user or password")
    if parts.query or parts.fragment:
        raise ValueError("has something after the path")
    return value.rstrip("/")


def database_url(value: str) -> Secret:
    _split(value, schemes=("postgres", "postgresql"))
    return Secret(value)


@dataclass(frozen=True)
class RedisUrl:
    """What a Redis address says; None where it says nothing."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: Secret | None
    database: int | None


def redis_url(value: str) -> RedisUrl:
    """``redis[s]://[user][:password@]host[:port][/database]``; user and password may be percent-encoded."""
    parts = _split(value, schemes=("redis", "rediss"))
    if parts.query or parts.fragment:
        raise ValueError("has options after the database number, which are not read")
    path = parts.path.strip("/")
    if not re.fullmatch(r"[0-9]{0,6}", path):
        raise ValueError("ends in something that is not a database number")
    return RedisUrl(
        host=host(parts.hostname or ""),
        port=parts.port or 6379,
        tls=parts.scheme == "rediss",
        username=unquote(parts.username) if parts.username else None,
        password=Secret(unquote(parts.password)) if parts.password else None,
        database=int(path) if path else None,
    )


def smtp_url(value: str) -> SmtpServer:
    """``smtp[s]://[user:password@]host[:port]``; user and password may be percent-encoded."""
    parts = _split(value, schemes=("smtp", "smtps"))
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("has something after the port")
    if (parts.username is None) != (parts.password is None):
        raise ValueError("names a user without a password, or a password without a user")
    tls = parts.scheme == "smtps"
    return SmtpServer(
        host=host(parts.hostname or ""),
        port=parts.port or (465 if tls else 587),
        tls=tls,
        username=unquote(parts.username) if parts.username else None,
        password=Secret(unquote(parts.password)) if parts.password else None,
    )


MAIL_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?=.{1,253}$)([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}"
)
"""What a mail server takes for one address, without display name, quotes or comments."""


def mail_address(value: str) -> str:
    if MAIL_ADDRESS.fullmatch(value) is None:
        raise ValueError("is no e-mail address")
    return value


def mail_addresses(value: str) -> tuple[str, ...]:
    return tuple(mail_address(part.strip()) for part in value.split(",") if part.strip())


def hook_url(value: str) -> Secret:
    """An address that is told things, and whose path may be its only protection."""
    parts = _split(value, schemes=("http", "https"))
    if parts.username is not None or parts.password is not None:
        raise ValueError("contains a user or password")
    return Secret(value)


def signing_secret(value: str) -> Secret:
    """``whsec_`` and base64, as the receiver of a signed webhook has it."""
    try:
        key = b64decode(value.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not value.startswith("whsec_") or len(key) < 24:
        raise ValueError("is no whsec_ and at least 24 bytes in base64")
    return Secret(value)


def _split(value: str, *, schemes: tuple[str, ...]) -> SplitResult:
    if any(character.isspace() for character in value):
        raise ValueError("contains white space")
    try:
        parts = urlsplit(value)
        number = parts.port
    except ValueError:
        raise ValueError("is not a URL (is a special character in the password not percent-encoded?)") from None
    if parts.scheme not in schemes:
        raise ValueError(f"does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if not parts.hostname or number == 0:
        raise ValueError("names no host, or port 0")
    return parts


def names_us(value: str) -> bool:
    """Whether a ``DEBUG`` list (patterns as Node's ``debug`` takes them) means us; other programs share the name."""
    patterns = re.split(r"[\s,]+", value)
    return any(pattern == "*" or pattern.startswith(("dealpulse", "bullmq:")) for pattern in patterns)
