"""Queues that are paused, labels, workers that are drained, and letters that nobody could deliver."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from headrace.accounts.permissions import PERMISSIONS, Actor
from headrace.executions import leases, queues, service, settle
from headrace.executions.leases import Doorbell
from headrace.executions.state import CRASHES_MAX
from headrace.flows import service as flows
from headrace.flows.canvas import graph_of
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra.ids import new_id
from headrace.infra.outbox import Relay
from headrace.infra.queue import Doorbells, Ringer
from headrace.infra.queue_names import QUEUES
from headrace.sdk.errors import ConfigError, Denied, NotFound

ONE = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),))
CANVAS = {"nodes": [{"id": "rows", "data": {"nodeType": "lab.rows"}, "position": {"x": 0, "y": 0}}], "edges": []}


def platform(world) -> Actor:
    return Actor(organization_id=world.organization_id, role="owner", permissions=PERMISSIONS["owner"],
                 is_platform_admin=True)  # fmt: skip


async def overview(world) -> dict[str, dict]:
    async with world.database.transaction(world.organization_id) as session:
        return {row["queue"]: row for row in await queues.overview(session, world.organization_id)}


async def claim(world, database, execution_id, listens=QUEUES):
    async with database.transaction(world.organization_id) as session:
        return await leases.claim(
            session, Doorbell(world.organization_id, execution_id, 0), worker_id=new_id(), lease_s=600,
            distributions=sorted(world.host.distributions), queues=listens,
        )  # fmt: skip


async def test_a_queue_tells_what_waits_runs_and_was_done(world, other_world, worker_database):
    for _ in range(3):
        await world.start(ONE)
    running = await world.start(ONE)
    held = await claim(world, worker_database, running)
    [used] = {row.queue for row in await world.rows("select queue from segment_runs")}
    row = (await overview(world))[used]
    assert (row["depth"], row["running"], row["throughput_per_minute"]) == (3, 1, 0)
    assert row["oldest_age_s"] > 0
    async with worker_database.transaction(world.organization_id) as session:
        await settle.complete(session, held.lease, outputs={}, nodes=())
    row = (await overview(world))[used]
    assert (row["depth"], row["running"], row["throughput_per_minute"]) == (3, 0, 0.2)
    assert (await overview(other_world))[used]["depth"] == 0, "another organization's work is not shown"
    assert set(QUEUES) <= (await overview(world)).keys()


async def test_nothing_is_claimed_from_a_paused_queue_until_it_is_resumed(world, worker_database):
    execution_id = await world.start(ONE)
    [used] = {row.queue for row in await world.rows("select queue from segment_runs")}
    async with world.database.transaction(world.organization_id) as session:
        await queues.pause(session, platform(world), used, reason="maintenance")
    assert (await overview(world))[used]["pause_reason"] == "maintenance"
    assert await claim(world, worker_database, execution_id) is None
    async with world.database.transaction(world.organization_id) as session:
        await queues.resume(session, platform(world), used)
    assert await claim(world, worker_database, execution_id) is not None


async def test_only_platform_admins_steer_and_only_what_there_is(world):
    owner = Actor(organization_id=world.organization_id, role="owner", permissions=PERMISSIONS["owner"])
    async with world.database.transaction(world.organization_id) as session:
        for steering in (
            queues.pause(session, owner, "io"), queues.resume(session, owner, "io"), queues.workers(session, owner),
            queues.drain(session, owner, new_id()),
        ):  # fmt: skip
            with pytest.raises(Denied):
                await steering
        with pytest.raises(ConfigError, match="no queue 'fast'"):
            await queues.pause(session, platform(world), "fast")
        with pytest.raises(NotFound, match="no such worker"):
            await queues.drain(session, platform(world), new_id())


async def test_a_label_reaches_only_those_who_listen_to_it(world, worker_database, redis_url, wait_until):
    async with world.database.transaction(world.organization_id) as session:
        await session.execute(sa.text("""update flows set settings = '{"queue": "label:gpu"}'"""))
    execution_id = await world.start(ONE)
    assert await claim(world, worker_database, execution_id) is None
    ringer = Ringer(redis_url)
    assert await Relay(worker_database, "", ringer).relay() == 1
    ringer.close()
    heard = []
    bells = Doorbells(redis_url, lambda *bell: not heard.append(bell), lambda: None, queues=("light", "label:gpu"))
    bells.start()
    try:
        await wait_until(lambda: heard)
    finally:
        await asyncio.to_thread(bells.stop)
    assert heard == [(world.organization_id, execution_id, 0)]
    assert await claim(world, worker_database, execution_id, ("light", "label:gpu")) is not None


async def test_a_drained_worker_finishes_and_takes_nothing_more(world, processes, wait_until):
    await processes.start("worker")
    await processes.start("scheduler")
    gate = {"wait_for": world.path("open")}
    running = await world.start(world.graph(gate=gate))
    await wait_until(lambda: world.lines("gate"))
    async with world.database.transaction(world.organization_id) as session:
        [worker] = await queues.workers(session, platform(world))
        assert (worker["plugin_set_hash"], worker["is_alive"]) == (world.host.plugin_set_hash, True)
        await queues.drain(session, platform(world), worker["id"])

    async def drained():
        return (await world.rows("select is_draining from workers"))[0].is_draining

    await wait_until(drained)
    world.folder.joinpath("open").touch()

    async def gate_done():
        return (await world.nodes(running)).get("gate", {}).get("status") == "completed"

    await wait_until(gate_done)
    later = await world.start(ONE)
    await processes.start("worker")
    assert (await world.ended(running))["status"] == "completed"
    assert (await world.ended(later))["status"] == "completed"
    done_by = await world.rows("select worker_id from segment_attempts where execution_id = :e", e=later)
    assert [row.worker_id for row in done_by] != [worker["id"]]


async def dead(world, database):
    """An execution whose worker died once too often."""
    async with world.database.transaction(world.organization_id) as session:
        digest = await flows.remember(session, world.actor, world.flow_id, CANVAS)
        execution_id = await service.start(
            session, world.actor, flow_id=world.flow_id, graph=graph_of(CANVAS), definition_hash=digest,
            host=world.host, input_data={"day": 7},
        )  # fmt: skip
    for _ in range(CRASHES_MAX + 1):
        held = await claim(world, database, execution_id)
        async with database.transaction(world.organization_id) as session:
            await settle.crash(session, held.lease, reason="signal 9")
    return execution_id


async def letters(world):
    async with world.database.transaction(world.organization_id) as session:
        return await queues.dead_letters(session, world.organization_id)


async def test_a_dead_letter_says_why_and_is_retried_once(world, other_world, worker_database):
    execution_id = await dead(world, worker_database)
    [letter], total = await letters(world)
    assert (letter["execution_id"], letter["code"], letter["crash_count"], total) == (
        execution_id, "WORKER_CRASHED", CRASHES_MAX + 1, 1,
    )  # fmt: skip
    assert "signal 9" in letter["reason"]
    assert await letters(other_world) == ([], 0)

    async def again(who):
        actor = Actor(organization_id=who.organization_id, role="owner", permissions=PERMISSIONS["owner"])
        async with who.database.transaction(who.organization_id) as session:
            return await queues.retry_dead(session, actor, execution_id, world.host)

    with pytest.raises(NotFound):
        await again(other_world)
    outcomes = await asyncio.gather(*(again(world) for _ in range(4)), return_exceptions=True)
    [new] = [one for one in outcomes if not isinstance(one, NotFound)]
    found = await world.execution(new)
    assert (found["trigger_type"], found["attempt"], found["input_data"]) == ("retry", 2, {"day": 7})
    assert await letters(world) == ([], 0)
    assert (await world.execution(execution_id))["status"] == "failed"


async def test_a_dead_letter_is_discarded_and_its_execution_stays(world, worker_database):
    execution_id = await dead(world, worker_database)
    async with world.database.transaction(world.organization_id) as session:
        await queues.discard_dead(session, world.organization_id, execution_id)
    assert await letters(world) == ([], 0)
    assert (await world.execution(execution_id))["status"] == "failed"
    with pytest.raises(NotFound, match="dealt with"):
        async with world.database.transaction(world.organization_id) as session:
            await queues.discard_dead(session, world.organization_id, execution_id)
