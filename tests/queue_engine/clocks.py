"""A real Redis whose scripts are told the time by the test."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from arq.connections import ArqRedis
from redis.exceptions import NoScriptError

from dealpulse.queue.connection import answer

_SERVER_TIME = "call('TIME')"
_TOLD_TIME = "{ARGV[2], ARGV[3]}"


class TimedScripts(ArqRedis):
    """Runs scripts as they are, but for their clock, which shows ``server_now``."""

    server_now: datetime

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._timed: dict[str, str] = {}

    async def script_load(self, source: Any) -> str:
        assert source.count(_SERVER_TIME) == 1
        sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        self._timed[sha] = source.replace(_SERVER_TIME, _TOLD_TIME)
        return sha

    async def evalsha(self, sha: str, numkeys: int, *arguments: Any) -> Any:
        if sha not in self._timed:
            raise NoScriptError
        seconds, microseconds = divmod(round(self.server_now.timestamp() * 1_000_000), 1_000_000)
        return await answer(self.eval(self._timed[sha], numkeys, *arguments, str(seconds), str(microseconds)))
