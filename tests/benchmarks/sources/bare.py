"""What the machine allows: the same downloads with nothing but the HTTP client, the bytes thrown away.

python -m benchmarks.sources.bare ADDRESS TOKEN AT_ONCE < file ids, one a line
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence

import httpx
import uvloop


async def download(address: str, token: str, at_once: int, ids: Sequence[str]) -> float:
    """The seconds it took."""
    gate = asyncio.Semaphore(at_once)

    async def one(client: httpx.AsyncClient, file_id: str) -> None:
        async with gate, client.stream("GET", f"/drive/v3/files/{file_id}", params={"alt": "media"}) as answer:
            answer.raise_for_status()
            async for _ in answer.aiter_raw():
                pass

    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60, trust_env=False) as client:
        began = time.perf_counter()
        await asyncio.gather(*(one(client, file_id) for file_id in ids))
        return time.perf_counter() - began


if __name__ == "__main__":
    where, bearer, number = sys.argv[1:]
    json.dump({"seconds": uvloop.run(download(where, bearer, int(number), sys.stdin.read().split()))}, sys.stdout)
