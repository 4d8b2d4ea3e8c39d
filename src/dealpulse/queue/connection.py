"""The one adapter over redis-py: pools built from settings, scripts loaded by name, faults made ours.

redis-py's asyncio stubs return ``Awaitable[T] | T``; everything above this module sees plain coroutines.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar, cast

from arq.connections import ArqRedis
from redis.asyncio.client import Redis
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import AuthenticationError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from dealpulse.errors import Permanent, Unavailable
from dealpulse.queue.serializer import deserialize, serialize
from dealpulse.settings import RedisSettings

PoolT = TypeVar("PoolT", bound=ArqRedis)
Reply = TypeVar("Reply")

LOST: Final = (RedisError, OSError, asyncio.TimeoutError)
"""What redis-py raises when Redis is away, restarting, failing over or out of memory."""

_CONNECT_SECONDS: Final = 5.0
_PASSING: Final = ("OOM", "MISCONF", "NOREPLICAS", "READONLY", "LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN", "UNBLOCKED")
"""How the error replies begin that pass by themselves: failover, start-up, disk or memory full."""


def passes(error: BaseException) -> bool:
    """Whether waiting helps. A refused command of ours is a fault of ours and does not pass."""
    if isinstance(error, AuthenticationError):
        return False
    if isinstance(error, OutOfMemoryError | ReadOnlyError):
        return True
    return not isinstance(error, ResponseError) or str(error).startswith(_PASSING)


async def create_pool(redis: RedisSettings) -> ArqRedis:
    """A pool whose ``enqueue_job`` reaches our workers from any Python program. Connects on first use."""
    return build_pool(redis)


def build_pool(redis: RedisSettings, pool_class: type[PoolT] = ArqRedis) -> PoolT:  # type: ignore[assignment]
    """:func:`create_pool` where no loop runs yet, and for subclasses.

    Built here and not by arq, whose own ``create_pool`` drops time-outs under Sentinel and pickles by default.
    """
    options: dict[str, Any] = {
        "username": redis.username,
        "password": redis.password.reveal() if redis.password else None,
        "db": redis.database,
        "socket_timeout": redis.socket_timeout,
        "socket_connect_timeout": min(redis.socket_timeout, _CONNECT_SECONDS),
        "socket_keepalive": True,
        "ssl": redis.tls,
    }
    if not redis.sentinels:
        pool = pool_class(
            host=redis.host, port=redis.port, job_serializer=serialize, job_deserializer=deserialize, **options
        )
        pool.connection_pool.connection_class = _TlsToPrimary if redis.tls else _ToPrimary
        return pool
    sentinel = Sentinel(list(redis.sentinels), **options)  # type: ignore[no-untyped-call]  # redis-py
    pool = cast(PoolT, sentinel.master_for(redis.sentinel_master or "mymaster", redis_class=pool_class))
    pool.job_serializer, pool.job_deserializer = serialize, deserialize
    return pool


class _Following:
    """A connection that ends where the server is no primary any more: the name may stand for another by now.

    Kept, it would answer READONLY for ever. Under Sentinel redis-py does this by itself. One that is closed already is
    lost like any other.
    """

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await cast(Any, super()).read_response(*args, **options)
        except ReadOnlyError:
            await cast(Any, self).disconnect()
            raise

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        try:
            await cast(Any, super()).send_packed_command(*args, **options)
        except RuntimeError as error:
            # How uvloop says that the other end closed the connection a moment ago.
            raise RedisConnectionError("The connection is closed.") from error


class _ToPrimary(_Following, Connection):
    pass


class _TlsToPrimary(_Following, SSLConnection):
    pass


class Wire:
    """One connection kept for one task that asks one thing at a time: no pool, no lock between it and Redis.

    Connects when first asked, and again after a fault. A call that is cancelled gives its connection up, because the
    answer is still on its way.
    """

    def __init__(self, redis: Redis) -> None:
        self._pool = redis.connection_pool
        self._connection: Any = None

    async def ask(self, *command: bytes) -> Any:
        """What Redis answers; raises what redis-py would."""
        if self._connection is None:
            self._connection = await cast(Any, self._pool).get_connection()
        connection = self._connection
        parts = [b"*%d\r\n" % len(command), *(b"$%d\r\n%b\r\n" % (len(word), word) for word in command)]
        try:
            await connection.send_packed_command(b"".join(parts), check_health=False)
            return await connection.read_response()
        except ResponseError:
            raise
        except BaseException:
            # Cancelled too: what comes next over this connection would be the answer to another question.
            await self.aclose()
            raise

    async def ask_all(self, commands: bytes, count: int) -> list[Any]:
        """What Redis answers to so many commands, packed for it already; raises what redis-py would."""
        if self._connection is None:
            self._connection = await cast(Any, self._pool).get_connection()
        connection = self._connection
        try:
            await connection.send_packed_command(commands, check_health=False)
            return [await connection.read_response() for _ in range(count)]
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Give the connection up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)


class Wires:
    """Wires for callers that come at any time: each call has one for itself, and leaves it for the next."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._idle: list[Wire] = []

    async def ask(self, *command: bytes) -> Any:
        """What Redis answers to a command that may be sent twice: once more where a kept connection proves dead."""
        return await self._use(lambda wire: wire.ask(*command))

    async def ask_all(self, commands: bytes, count: int) -> list[Any]:
        """As :meth:`ask`, of so many commands, packed for Redis already."""
        return await self._use(lambda wire: wire.ask_all(commands, count))

    async def _use(self, asking: Callable[[Wire], Awaitable[Reply]]) -> Reply:
        while self._idle:
            wire = self._idle.pop()
            try:
                reply = await asking(wire)
            except ResponseError:
                self._idle.append(wire)
                raise
            except RedisConnectionError:
                continue
            self._idle.append(wire)
            return reply
        wire = Wire(self._redis)
        try:
            try:
                return await asking(wire)
            except RedisConnectionError:
                # The pool may have lent a connection whose end it had not noticed either.
                return await asking(wire)
        finally:
            self._idle.append(wire)


def heed_cancellation() -> None:
    """Raise the cancellation of this task that a failing Redis call swallowed, if one did.

    A cancellation that meets a connection breaking at that moment can come out of redis-py as the connection's error.
    asyncio still counts it; whoever waits for Redis in a loop would otherwise never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def answer(reply: Awaitable[Any] | Any) -> Any:
    """Await a redis-py command, whatever its stub says it returns."""
    return await reply


@asynccontextmanager
async def redis_faults() -> AsyncIterator[None]:
    """Turn redis-py's errors into ours.

    Raises:
        Permanent: the password is wrong, or a command was refused; waiting does not help.
        Unavailable: everything that passes when Redis is back.
    """
    try:
        yield
    except AuthenticationError as error:
        raise Permanent("Redis refused the password; check REDIS_PASSWORD or REDIS_URL.", code="redis_auth") from error
    except LOST as error:
        heed_cancellation()
        if not passes(error):
            raise Permanent("Redis refused a command of ours.", code="redis_command") from error
        raise Unavailable(
            "Redis does not answer; is it running at REDIS_HOST:REDIS_PORT?", dependency="redis", retry_after=5
        ) from error
