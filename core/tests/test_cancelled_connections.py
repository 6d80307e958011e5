"""T-POOL-1: a call that is cancelled leaves nothing on its connection that the next one would take for its own."""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter
from uuid import UUID

import pytest
import redis.asyncio as aioredis
import sqlalchemy as sa
from headrace.infra.database import Database
from headrace.infra.ids import new_id

ASK = sa.text("SELECT current_setting('app.organization_id', true), CAST(:canary AS text), pg_sleep(0.0005)")


@pytest.mark.parametrize("calls", [pytest.param(10_000, marks=pytest.mark.slow), 600])
async def test_nobody_gets_the_answer_of_a_cancelled_call(database_urls, redis_url, calls, record_property) -> None:
    database = Database.from_url(database_urls.app_url, pool_size=2, max_overflow=0)
    cache = aioredis.Redis.from_url(redis_url, max_connections=2, socket_timeout=5)
    chance, seen = random.Random(7), Counter[str]()
    places = asyncio.Semaphore(2)

    async def ask(organization_id: UUID, canary: str) -> None:
        async with places:
            async with database.transaction(organization_id) as session:
                row = (await session.execute(ASK, {"canary": canary})).one()
            await cache.set(f"canary:{canary}", canary)
            kept = await cache.get(f"canary:{canary}")
        seen["answered"] += 1
        if (row[0], row[1], kept) != (str(organization_id), canary, canary.encode()):
            seen["of another"] += 1

    async def disturbed(number: int) -> None:
        task = asyncio.create_task(ask(new_id(), f"{number}-{new_id()}"))
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() * 0.02)
            task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            seen["cancelled"] += 1

    try:
        for start in range(0, calls, 20):
            await asyncio.gather(*(disturbed(number) for number in range(start, start + 20)))
    finally:
        await cache.aclose()
        await database.close()
        gc.collect()  # closes what was cancelled while it connected; a server that waits for it drops no database
    for name in ("answered", "cancelled", "of another"):
        record_property(f"security: pooled connections, calls {name}", seen[name])
    assert seen["of another"] == 0
    assert seen["answered"] > calls // 3
    assert seen["cancelled"] > calls // 20
