"""Where the runs that a queue keeps are named, and where their records lie: only the fields asked for are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from arq.connections import ArqRedis

from dealpulse.errors import Invalid
from dealpulse.queue import keys
from dealpulse.queue.connection import Wires, answer

_PART: Final = 100
_LIVE: Final = (b"waiting", b"active", b"parked")


@dataclass(frozen=True)
class KeptRecord:
    """What was asked for of a kept run's record, and its key; no fields where it is gone."""

    key: str
    fields: Mapping[bytes, bytes]
    live: bool = False
    """The same job waits or runs again."""

    def text(self, name: str) -> str:
        """A field as text; empty where there is none."""
        return self.fields.get(name.encode(), b"").decode(errors="replace")


class KeptRuns:
    """Reads runs and their records, a hundred a round trip. Raises what redis-py raises."""

    def __init__(self, pool: ArqRedis) -> None:
        self._pool = pool
        self._wires = Wires(pool)

    async def newest(self, history: str, count: int, after: str | None = None) -> list[tuple[str, int]]:
        """Runs and when they ended (ms), newest first; of one moment in the reverse order of their names.

        ``after``: only those that come behind this one, named as :func:`place` does.

        Raises:
            Invalid: ``invalid_page``: ``after`` is no place.
        """
        if after is None:
            return _ends(await answer(self._pool.zrevrangebyscore(history, "+inf", "-inf", 0, count, withscores=True)))
        moment, _, run = after.partition("-")
        if not (moment.isascii() and moment.isdecimal() and run):
            raise Invalid("This is where no page begins.", code="invalid_page")
        async with self._pool.pipeline(transaction=False) as together:
            together.zrevrangebyscore(history, moment, moment, withscores=True)
            together.zrevrangebyscore(history, f"({moment}", "-inf", 0, count, withscores=True)
            same_moment, older = await together.execute()
        rest = [(name, score) for name, score in same_moment if name < run.encode()]
        return _ends([*rest, *older])[:count]

    async def records(self, runs: Sequence[str], fields: Sequence[str]) -> list[KeptRecord]:
        """Fields of the runs' records, in this order."""
        records: list[KeptRecord] = []
        # A job's last run is where its id says; these two tell whether that is the one.
        asked = [*fields, "run", "state"]
        for part in parts(runs):
            latest = await self.fields([keys.RECORD + id_of(run) for run in part], asked)
            elsewhere = [run for run, found in zip(part, latest, strict=True) if found.get(b"run") != run.encode()]
            found_there = await self.fields([keys.EARLIER_RUN + run for run in elsewhere], asked)
            earlier = dict(zip(elsewhere, found_there, strict=True))
            for run, found in zip(part, latest, strict=True):
                if run in earlier:
                    live = found.get(b"state") in _LIVE
                    records.append(KeptRecord(keys.EARLIER_RUN + run, earlier[run], live))
                else:
                    records.append(KeptRecord(keys.RECORD + id_of(run), found))
        return records

    async def each(self, command: str, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What one command answers to each of these, in one round trip."""
        if not calls:
            return []
        async with self._pool.pipeline(transaction=False) as together:
            for arguments in calls:
                getattr(together, command)(*arguments)
            answers: list[Any] = await together.execute()
        return answers

    async def fields(self, records: Sequence[str], fields: Sequence[str]) -> list[dict[bytes, bytes]]:
        """These fields of each record, where it has them, by name."""
        names = [name.encode() for name in fields]
        # Packed by hand: the fields' names are the same for all, and packing them was half of what a search costs.
        command, packed = b"*%d\r\n$5\r\nHMGET\r\n" % (len(names) + 2), b"".join(map(_packed, names))
        commands = b"".join(command + _packed(key.encode()) + packed for key in records)
        rows = await self._wires.ask_all(commands, len(records)) if records else []
        return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]


def _packed(word: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(word), word)


def id_of(run: str) -> str:
    """The id of the job whose run it is: runs are called ``NUMBER:ID``."""
    return run.partition(":")[2]


def place(run: str, ended_ms: int) -> str:
    """Where a run stands in its history, for :meth:`KeptRuns.newest`."""
    return f"{ended_ms}-{run}"


def parts(runs: Sequence[str]) -> Iterator[Sequence[str]]:
    """Not more than a hundred at a time."""
    return (runs[first : first + _PART] for first in range(0, len(runs), _PART))


def _ends(named: Sequence[tuple[bytes, float]]) -> list[tuple[str, int]]:
    return [(run.decode(errors="replace"), int(score)) for run, score in named]
