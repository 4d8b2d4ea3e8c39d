"""The loopback ports of the embedded stack."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass, fields

from dealpulse.local.errors import LocalStackError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """The port of each part on loopback; 0 takes any free one."""

    redis: int = 0
    postgres: int = 0
    rest: int = 0
    gateway: int = 0

    def named(self) -> dict[str, int]:
        """Part to port."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def chosen(wanted: Ports) -> Ports:
    """`wanted` with a free port for every 0; LocalStackError `port_taken` if a port it names is in use."""
    with ExitStack() as held:
        numbers: dict[str, int] = {}
        for part, port in wanted.named().items():
            if port and not is_free(port):
                problem = f"Port {port}, wanted for {part}, is taken by another program. Stop that program, or give "
                raise LocalStackError(
                    "port_taken", f"{problem}{part} another port (--{part}-port; 0 takes a free one)."
                )
            numbers[part] = port or _any_free(held)
    return Ports(**numbers)


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _any_free(held: ExitStack) -> int:
    probe = held.enter_context(socket.socket())  # held until all are chosen, so that they differ
    probe.bind((LOOPBACK, 0))
    port: int = probe.getsockname()[1]
    return port
