"""The queues written in Python, a module each: a process imports only the one it measures."""

from __future__ import annotations

from benchmarks.peers.contract import Peer, Tracker


def peer_named(name: str, port: int, concurrency: int) -> Peer:
    """That peer on the Redis on ``port``."""
    match name:
        case "ours":
            from benchmarks.peers.ours import Ours

            return Ours(port, concurrency)
        case "arq":
            from benchmarks.peers.plain_arq import Arq

            return Arq(port, concurrency)
        case "saq":
            from benchmarks.peers.plain_saq import Saq

            return Saq(port, concurrency)
    raise SystemExit(f"There is no peer {name!r}.")


__all__ = ["Peer", "Tracker", "peer_named"]
