"""One peer, one scenario: ``python -m benchmarks.scenarios PEER SCENARIO PORT COUNT AT_ONCE FD``.

A process of its own, so that each peer has its own event loop, memory and CPU time. Figures go to the file descriptor
FD, a JSON object a line; standard output is the worker's log. ``bullmq.mjs`` plays the same scenarios.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from typing import Final

from benchmarks.peers import Peer, Tracker, peer_named

LONG_SECONDS: Final = 60.0
UP_SECONDS: Final = 1.0
PICKUP_PAUSE: Final = 0.01

Figures = dict[str, float]


async def drain(peer: Peer, count: int, at_once: int, seconds: float = 0.0) -> Figures:
    """Everything waits already; how long until the last job is recorded as finished."""
    await peer.enqueue(count, seconds, bulk=100)
    tracker = Tracker(count)
    started, cpu = time.perf_counter(), _cpu_seconds()
    await peer.work(tracker)
    await tracker.recorded.wait()
    elapsed, used = time.perf_counter() - started, _cpu_seconds() - cpu
    return {
        "seconds": elapsed,
        "jobs_per_second": count / elapsed,
        "cpu_us_per_job": used / count * 1e6,
        "efficiency": 100 * count * seconds / at_once / elapsed,
    }


async def pickup(peer: Peer, count: int) -> Figures:
    """An idle worker; one job at a time; how long until each begins."""
    tracker = Tracker(count)
    await peer.work(tracker)
    for _ in range(count):
        await peer.enqueue(1, 0.0)
        await asyncio.sleep(PICKUP_PAUSE)
    await tracker.recorded.wait()
    waits = sorted(tracker.waits)
    return {f"p{share}_ms": waits[min(count - 1, count * share // 100)] * 1000 for share in (50, 95, 99)}


async def enqueue(peer: Peer, count: int, at_once: int) -> Figures:
    """How fast one producer enqueues."""
    started = time.perf_counter()
    await peer.enqueue(count, 0.0, bulk=at_once)
    return {"jobs_per_second": count / (time.perf_counter() - started)}


async def hold(peer: Peer) -> Figures:
    """A worker that has been up for a moment takes a long job; when it begins."""
    tracker = Tracker(1)
    await peer.work(tracker)
    await asyncio.sleep(UP_SECONDS)
    await peer.enqueue(1, LONG_SECONDS)
    await tracker.began.wait()
    return {"began": time.time()}


async def resume(peer: Peer) -> Figures:
    """When the job begins that another worker held."""
    tracker = Tracker(1)
    await peer.work(tracker)
    await tracker.began.wait()
    return {"began": time.time()}


async def play(name: str, scenario: str, port: int, count: int, at_once: int) -> Figures:
    """The figures of one scenario."""
    peer = peer_named(name, port, at_once)
    if scenario.startswith("idle"):
        await peer.serve(every_queue=scenario == "idle-all")
    await peer.open()
    match scenario:
        case "drain":
            return await drain(peer, count, at_once)
        case "sleep":
            return await drain(peer, count, at_once, seconds=1.0)
        case "pickup":
            return await pickup(peer, count)
        case "enqueue":
            return await enqueue(peer, count, at_once)
        case "hold":
            return await hold(peer)
        case "resume":
            return await resume(peer)
    raise SystemExit(f"There is no scenario {scenario!r}.")


async def main(name: str, scenario: str, port: str, count: str, at_once: str, report: str) -> None:
    """Play and report; who holds a job keeps it."""
    # Once a large block was freed, glibc takes asyncio's 256 KiB read buffers from the heap; else it maps each anew.
    # Whether an import had happened to free one made a quarter of saq's drain rate.
    bytes(1 << 20)
    figures = await play(name, scenario, int(port), int(count), int(at_once))
    os.write(int(report), json.dumps(figures).encode() + b"\n")
    if scenario in ("hold", "resume"):
        await asyncio.Event().wait()
    # Whatever a peer would still do on its way out is not measured.
    os._exit(0)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    if sys.argv[1] == "ours":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(*sys.argv[1:]))
