from __future__ import annotations
import asyncio, signal, time
import pytest
from chaos.crew import *
from chaos.told import told
from chaos.test_signals import until_started
from dealpulse.jobs import DOCUMENTS

@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_stop_without_redis(how, redis, pool, client, workers, database):
    long = job(1, 60)
    worker = await workers.start(SHUTDOWN_GRACE_SECONDS="1")
    await client.enqueue(long)
    await until_started(database, long.id)
    if how == "kill": await redis.kill()
    else: redis.freeze()
    await worker.says("redis_lost")
    t=time.monotonic()
    worker.process.terminate()
    code = await worker.ends()
    print("exit", code, time.monotonic()-t)
    for l in worker.lines[-8:]: print({k:v for k,v in l.items() if k in ("event","timestamp","error_class")})
    if how == "kill": await redis.start()
    else: redis.thaw()
    w2 = await workers.start()
    t=time.monotonic()
    async with asyncio.timeout(50):
        while sum(r.what=="started" for r in await rows(database)) < 2: await asyncio.sleep(.1)
    print("again after", time.monotonic()-t)
    ev=await told(pool)
    print({k: ev.of(long.id,k) for k in ("started","crashed","handed_back")}, (await client.job(long.id)).crashes)

async def test_worker_frozen(redis, pool, client, workers, database):
    one = job(1, 2)
    a = await workers.start()
    await client.enqueue(one)
    await until_started(database, one.id)
    a.process.send_signal(signal.SIGSTOP)
    b = await workers.start()
    async with asyncio.timeout(50):
        while (await client.stats())[DOCUMENTS.name].totals["completed"] < 1: await asyncio.sleep(.1)
    a.process.send_signal(signal.SIGCONT)
    await asyncio.sleep(2)
    await workers.stop()
    print(await rows(database)); print(workers.refused("running"), workers.refused("finishing"))
    ev=await told(pool)
    print(ev.kinds)
