"""The relay and the reconciler: any number of copies, nothing lost, nothing taken from who still holds it."""

from __future__ import annotations

import asyncio

import pytest
import redis
from headrace.executions import leases
from headrace.executions.leases import Doorbell
from headrace.infra.ids import new_id
from headrace.infra.outbox import Relay
from headrace.infra.queue import NAMESPACE, QUEUES, Doorbells, Ringer
from headrace.sdk.errors import TransientError
from headrace.worker.reconciler import Reconciler
from headrace.worker.timing import Timing


@pytest.fixture
def reconciler(worker_database, bus):
    return Reconciler(worker_database, bus, Timing(ring_again_s=0))


async def claim(world, database, execution_id, lease_s):
    async with database.transaction(world.organization_id) as session:
        return await leases.claim(
            session, Doorbell(world.organization_id, execution_id, 0), worker_id=new_id(), lease_s=lease_s,
            distributions=sorted(world.host.distributions), queues=QUEUES,
        )  # fmt: skip


async def outbox(world) -> int:
    return len(await world.rows("select 1 from outbox"))


async def test_an_expired_lease_is_taken_back_once_and_a_held_one_is_not(world, worker_database, reconciler):
    gone = await world.start(world.graph())
    held = await world.start(world.graph())
    await claim(world, worker_database, gone, 0)
    kept = await claim(world, worker_database, held, 600)
    assert sum(await asyncio.gather(*(reconciler.reap() for _ in range(3)))) == 1
    rows = await world.rows("select execution_id, status, crash_count from segment_runs where segment_no = 0")
    assert {row.execution_id: (row.status, row.crash_count) for row in rows} == {
        gone: ("retry_wait", 1),
        held: ("running", 0),
    }
    assert (await claim(world, worker_database, gone, 600)).lease.fence > kept.lease.fence


async def test_a_worker_lost_while_cancelling_ends_in_cancelled(world, worker_database, reconciler):
    execution_id = await world.start(world.graph())
    await claim(world, worker_database, execution_id, 0)
    assert (await world.cancel(execution_id))["status"] == "cancelling"
    assert await reconciler.reap() == 1
    assert (await world.execution(execution_id))["status"] == "cancelled"


async def test_ready_segments_are_rung_again_but_never_pile_up(world, reconciler, worker_database):
    await world.start(world.graph())
    assert await outbox(world) == 1
    for _ in range(3):
        await reconciler.ring_again()
    assert await outbox(world) == 1, "the first doorbell still waits"
    async with worker_database.transaction(world.organization_id) as session:
        await session.execute(__import__("sqlalchemy").text("delete from outbox"))
    await reconciler.ring_again()
    assert await outbox(world) == 1


async def test_the_relay_sends_and_deletes_and_doorbells_arrive(
    world, worker_database, database_urls, redis_url, wait_until
):
    execution_id = await world.start(world.graph())
    ringer = Ringer(redis_url)
    relay = Relay(worker_database, database_urls.worker_url, ringer)
    assert await relay.relay() == 1
    assert await outbox(world) == 0
    heard = []
    bells = Doorbells(redis_url, lambda *bell: not heard.append(bell), lambda: None)
    bells.start()
    try:
        await wait_until(lambda: heard)
        await world.start(world.graph())
        serving = asyncio.create_task(relay.serve())
        await wait_until(lambda: len(heard) == 2)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    finally:
        await asyncio.to_thread(bells.stop)
        ringer.close()
    assert heard[0] == (world.organization_id, execution_id, 0)


async def test_a_relay_that_is_cancelled_as_it_wakes_ends(worker_database):
    relay = Relay(worker_database, "", None, poll_s=600)
    for steps in range(5):
        resting = asyncio.create_task(relay._rest(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        relay._wake.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        if resting.cancel():
            with pytest.raises(asyncio.CancelledError):
                await resting
        relay._wake.clear()


async def test_a_relay_without_redis_keeps_the_rows(world, worker_database):
    await world.start(world.graph())
    ringer = Ringer("redis://127.0.0.1:1/0")
    with pytest.raises(TransientError, match="Redis"):
        await Relay(worker_database, "", ringer).relay()
    ringer.close()
    assert await outbox(world) == 1


async def test_nothing_but_ids_and_no_delay_or_result_reaches_redis(world, worker_database, redis_url):
    execution_id = await world.start(world.graph(), input_data={"secret": "canary-91"}, params={"p": "canary-91"})
    ringer = Ringer(redis_url)
    await Relay(worker_database, "", ringer).relay()
    ringer.close()
    with redis.Redis.from_url(redis_url) as client:
        keys = client.keys("*")
        assert all(key.startswith(NAMESPACE.encode()) for key in keys)
        dump = b"".join(v for key in keys if client.type(key) == b"hash" for v in client.hgetall(key).values())
    assert str(execution_id).encode() in dump
    assert b"canary" not in dump
