"""Turns between organizations: whose doorbell is rung next, and what one organization's flood does to another.

How long a start takes beside a flood is measured by `python -m tests.load fair`.
"""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from headrace.executions import leases
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra.ids import new_id
from headrace.infra.outbox import TAKE, Relay
from headrace.infra.queue_names import QUEUES
from headrace.worker.reconciler import Reconciler
from headrace.worker.timing import Timing

ONE = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),))
EACH = 4
"""Doorbells of one organization in flight on a queue without workers."""

COPY = (
    """insert into executions (organization_id, id, flow_id, definition_hash, plugin_set_hash, trigger_type,
    segments_total, segments_open)
  select organization_id, v.id, flow_id, definition_hash, plugin_set_hash, trigger_type, segments_total, segments_open
  from executions, unnest(cast(:ids as uuid[])) as v(id) where executions.id = :first""",
    """insert into segment_runs (organization_id, execution_id, segment_no, status, deps_open, node_ids, queue,
    plugins, spec)
  select organization_id, v.id, segment_no, 'ready', 0, node_ids, queue, plugins, spec
  from segment_runs, unnest(cast(:ids as uuid[])) as v(id) where execution_id = :first""",
    """insert into outbox (organization_id, execution_id, segment_no, queue)
  select organization_id, v.id, segment_no, queue
  from segment_runs, unnest(cast(:ids as uuid[])) as v(id) where execution_id = :first""",
)


class Heard:
    """A ringer that remembers."""

    def __init__(self):
        self.bells = []

    def ring(self, bells):
        self.bells.extend(bells)

    def close(self):
        pass


async def flood(world, many):
    """Accept `many` executions like one that is accepted properly."""
    first = await world.start(ONE)
    given = {"first": first, "ids": [new_id() for _ in range(many - 1)]}
    async with world.database.transaction(world.organization_id) as session:
        for statement in COPY:
            await session.execute(sa.text(statement), given)


async def test_a_flood_rings_few_bells_and_anothers_first_comes_beside_its_first(world, other_world, worker_database):
    for _ in range(30):
        await world.start(ONE)
    for _ in range(2):
        await other_world.start(ONE)
    heard = Heard()
    relay = Relay(worker_database, "", heard)
    assert await relay.relay() == EACH + 2
    a, b = world.organization_id, other_world.organization_id
    assert [bell.organization_id for bell in heard.bells] == [a, b, a, b, a, a]
    assert await relay.relay() == 0, "the rest waits in the database until some are answered"
    assert len(await world.rows("select 1 from outbox")) == 30 - EACH
    await world.cancel(heard.bells[0].execution_id)
    assert await relay.relay() == 1


async def test_what_is_urgent_goes_first_and_counts_for_more_between_organizations(world, other_world, worker_database):
    await world.start(ONE)
    urgent = [await world.start(ONE, priority=5) for _ in range(3)]
    for _ in range(3):
        await other_world.start(ONE)
    heard = Heard()
    await Relay(worker_database, "", heard).relay()
    assert [bell.execution_id for bell in heard.bells if bell.organization_id == world.organization_id][:3] == urgent
    assert Counter(bell.organization_id for bell in heard.bells[:3])[world.organization_id] == 2


async def test_bells_in_flight_on_a_queue_are_bounded_and_a_paused_queue_rings_none(
    world, other_world, worker_database
):
    for one in (world, other_world):
        for _ in range(3):
            await one.start(ONE)
    where = {"limit": 100, "flight_s": 3, "queue_max": 4}
    async with worker_database.transaction() as session:
        assert len((await session.execute(TAKE, where)).all()) == 4
    async with worker_database.transaction() as session:
        await session.execute(sa.text("insert into paused_queues (queue) values ('light'), ('io'), ('heavy')"))
    async with worker_database.transaction() as session:
        assert (await session.execute(TAKE, where)).all() == []
        found = await leases.candidates(session, distributions=sorted(world.host.distributions), queues=QUEUES, limit=9)
        assert found == []


async def test_workers_that_look_by_themselves_take_turns_too(world, other_world, worker_database):
    for _ in range(20):
        await world.start(ONE)
    for _ in range(3):
        await other_world.start(ONE)
    async with worker_database.transaction() as session:
        found = await leases.candidates(session, distributions=sorted(world.host.distributions), queues=QUEUES, limit=6)
    assert Counter(bell.organization_id for bell in found) == {world.organization_id: 3, other_world.organization_id: 3}


async def test_bells_that_nobody_answered_are_rung_again(world, worker_database, bus):
    for _ in range(EACH + 2):
        await world.start(ONE)
    heard = Heard()
    relay = Relay(worker_database, "", heard)
    assert await relay.relay() == EACH
    async with worker_database.transaction(world.organization_id) as session:
        await session.execute(sa.text("update segment_runs set rung_at = rung_at - interval '1 minute'"))
    assert await relay.relay() == 2, "lost bells are not in flight any more"
    await Reconciler(worker_database, bus, Timing()).ring_again()
    assert await relay.relay() == EACH - 2
    assert len({bell.execution_id for bell in heard.bells}) == EACH + 2


async def test_who_comes_next_begins_while_another_holds_every_slot(world, other_world, processes):
    await processes.start("worker", poll_s=60)
    await processes.start("scheduler")
    gate = {"wait_for": world.path("open")}
    long = [await world.start(world.graph(gate=gate)) for _ in range(5)]

    async def running() -> int:
        return (await world.rows("select count(*) as n from segment_runs where status = 'running'"))[0].n

    await world.until(lambda: world.lines("gate"))
    for _ in range(2):
        assert (await other_world.ended(await other_world.start(ONE)))["status"] == "completed"
    assert await running() == 1, "the reserve is not for who has something in work"
    assert {(await world.execution(one))["status"] for one in long} == {"running", "queued"}
    (world.folder / "open").touch()
    for one in long:
        assert (await world.ended(one))["status"] == "completed"


async def test_a_doorbell_that_one_worker_has_no_room_for_is_taken_by_another(world, processes):
    for _ in range(2):
        await processes.start("worker", poll_s=60)
    await processes.start("scheduler", ring_again_s=60)
    gate = {"wait_for": world.path("open")}
    for _ in range(2):
        await world.start(world.graph(gate=gate))
    await world.until(lambda: len(world.lines("gate")) == 2)
    (world.folder / "open").touch()


async def test_an_organization_whose_share_is_three_has_three_turns_for_one(world, other_world, worker_database):
    async with world.database.transaction(world.organization_id) as session:
        await session.execute(
            sa.text("insert into feature_overrides (organization_id, kind, key, value, created_at, updated_at) "
                    "values (:o, 'limit', 'execution_share', 3, now(), now())"), {"o": world.organization_id},
        )  # fmt: skip
    for _ in range(9):
        await world.start(ONE)
        await other_world.start(ONE)
    async with worker_database.transaction() as session:
        found = await leases.candidates(session, distributions=sorted(world.host.distributions), queues=QUEUES, limit=8)
    assert Counter(bell.organization_id for bell in found) == {world.organization_id: 6, other_world.organization_id: 2}
    heard = Heard()
    await Relay(worker_database, "", heard).relay()
    first = Counter(bell.organization_id for bell in heard.bells[:4])
    assert first == {world.organization_id: 3, other_world.organization_id: 1}


async def test_the_urgent_one_is_found_among_many_without_a_doorbell(world, worker_database):
    await flood(world, 300)
    urgent = await world.start(ONE, priority=5)
    async with worker_database.transaction() as session:
        found = await leases.candidates(session, distributions=sorted(world.host.distributions), queues=QUEUES, limit=3)
    assert found[0].execution_id == urgent
