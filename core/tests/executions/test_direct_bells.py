"""A start rings a worker by its commit; through the outbox only when others wait, or nobody is there to hear it."""

from __future__ import annotations

import asyncio
import time

import pytest
import sqlalchemy as sa
from headrace.executions import settle
from headrace.executions.create import Slot
from headrace.executions.leases import Doorbell
from headrace.infra.ids import new_id
from headrace.infra.notify import listen

_JOIN = sa.text("""
INSERT INTO workers (id, hostname, pid, version, plugin_set_hash, queues, slots, waiting_slots, heartbeat_at,
  is_draining)
VALUES (:id, 'here', 1, '1', 'x', :queues, 2, 2, clock_timestamp() - make_interval(secs => :silent_s), :draining)
""")


@pytest.fixture
def worker(worker_database):
    """A worker's row; returns its id."""

    async def join(*, queues=("light", "heavy"), silent_s=0, draining=False):
        made = {"id": new_id(), "queues": list(queues), "silent_s": silent_s, "draining": draining}
        async with worker_database.transaction() as session:
            await session.execute(_JOIN, made)
        return made["id"]

    return join


@pytest.fixture
async def told(worker_database):
    """What workers are told."""
    heard: list[str] = []
    ready = asyncio.Event()

    def hear(_channel, what):
        ready.set()
        heard.extend([what] if what else [])

    task = asyncio.create_task(listen(worker_database.url, ("headrace_ring",), hear))
    await ready.wait()
    yield heard
    task.cancel()


async def outbox(world) -> int:
    return len(await world.rows("select 1 from outbox"))


async def test_a_worker_is_told_by_the_commit_and_nothing_waits_for_a_relay(world, worker, told):
    here = await worker()
    await worker(queues=("io",))
    execution_id = await world.start(world.graph())
    await world.until(lambda: told)
    assert [text.split(" ")[:4] for text in told] == [[str(here), str(world.organization_id), str(execution_id), "0"]]
    assert await outbox(world) == 0
    (row,) = await world.rows("select rung_at is not null as rung from segment_runs where segment_no = 0")
    assert row.rung, "it counts as in flight; the reconciler makes up for what is lost"


@pytest.mark.parametrize("absent", [{"silent_s": 60}, {"draining": True}, {"queues": ("io",)}])
async def test_without_a_worker_that_listens_it_goes_through_the_outbox(world, worker, absent):
    await worker(**absent)
    await world.start(world.graph())
    assert await outbox(world) == 1


async def test_who_asks_for_much_waits_in_the_outbox_and_others_do_not(world, other_world, worker, told):
    await worker()
    for _ in range(7):
        await world.start(world.graph())
    assert await outbox(world) == 3, "four are in flight"
    before = len(told)
    await other_world.start(other_world.graph())
    assert await outbox(other_world) == 0
    await world.until(lambda: len(told) > before)


async def test_what_is_held_is_rung_for_by_nobody(world, worker, told):
    await worker()
    slots = (Slot("one", 1),)
    await world.start(world.graph(), slots=slots)
    await world.start(world.graph(), slots=slots)
    await world.until(lambda: told)
    await asyncio.sleep(0.1)
    assert (len(told), await outbox(world)) == (1, 0)


async def test_who_has_no_room_passes_it_on(world, worker):
    await worker()
    execution_id = await world.start(world.graph())
    async with world.database.transaction(world.organization_id) as session:
        await settle.pass_on(session, Doorbell(world.organization_id, execution_id, 0))
    assert await outbox(world) == 1


async def test_a_start_needs_no_scheduler(world, processes):
    """Neither relay nor reconciler, and the worker does not look by itself: its commits ring for all three segments."""
    await processes.start("worker", poll_s=60)
    execution_id = await world.start(world.graph())
    began = time.monotonic()
    assert (await world.ended(execution_id))["status"] == "completed"
    assert time.monotonic() - began < 20
