"""Limits of organization, flow and key: never exceeded, never stuck, decided before the queue."""

from __future__ import annotations

import asyncio
import json
import random

import pytest
import sqlalchemy as sa
from headrace.executions import admission, leases, service
from headrace.executions.admission import policy_of
from headrace.executions.leases import Doorbell
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra.ids import new_id
from headrace.infra.queue_names import QUEUES
from headrace.sdk.errors import ConfigError, LimitReached, TransientError
from headrace.worker.reconciler import Reconciler
from headrace.worker.timing import Timing

ONE = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),))


async def configure(world, flow_id=None, **settings):
    await change(
        world, "update flows set settings = cast(:s as jsonb) where id = :f", s=json.dumps(settings),
        f=flow_id or world.flow_id,
    )  # fmt: skip


async def limit(world, most):
    await change(world, "delete from feature_overrides")
    await change(
        world, "insert into feature_overrides (organization_id, kind, key, value, created_at, updated_at) "
        "values (:o, 'limit', 'concurrent_executions', :v, now(), now())", o=world.organization_id, v=most,
    )  # fmt: skip


async def change(world, statement, **values):
    async with world.database.transaction(world.organization_id) as session:
        await session.execute(sa.text(statement), values)


async def open_(world) -> int:
    return (await world.rows("select count(*) as n from executions where not held and status = 'queued'"))[0].n


async def held(world) -> int:
    return (await world.rows("select count(*) as n from executions where held and status = 'queued'"))[0].n


@pytest.fixture
def reconciler(worker_database, bus):
    return Reconciler(worker_database, bus, Timing(ring_again_s=0))


async def test_without_limits_nothing_is_held_and_no_slot_is_written(world):
    for _ in range(3):
        await world.start(ONE)
    assert await held(world) == 0
    assert await world.rows("select 1 from execution_slots") == []


async def test_the_organizations_limit_holds_what_is_beyond_it_and_claims_refuse_it(world, worker_database):
    await limit(world, 2)
    ids = [await world.start(ONE) for _ in range(5)]
    assert (await open_(world), await held(world)) == (2, 3)
    assert len(await world.rows("select 1 from outbox")) == 2
    where = {"distributions": sorted(world.host.distributions), "queues": QUEUES}
    async with worker_database.transaction() as session:
        assert {bell.execution_id for bell in await leases.candidates(session, **where, limit=9)} == set(ids[:2])
    async with worker_database.transaction(world.organization_id) as session:
        bell = Doorbell(world.organization_id, ids[2], 0)
        assert await leases.claim(session, bell, worker_id=new_id(), lease_s=9, **where) is None
    await world.cancel(ids[0])
    assert await open_(world) == 2
    assert not (await world.execution(ids[2]))["held"], "the oldest goes first"


async def test_one_organizations_limit_does_not_hold_anothers(world, other_world):
    await limit(world, 1)
    for _ in range(3):
        await world.start(ONE)
        await other_world.start(ONE)
    assert (await held(world), await held(other_world)) == (2, 0)


async def test_the_flows_limit_and_a_key_over_its_parameters(world):
    await configure(world, max_concurrency=3, concurrency_key="{{ params.customer }}", concurrency_limit=1)
    for customer in "aabcd":
        await world.start(ONE, params={"customer": customer})
    assert (await open_(world), await held(world)) == (3, 2)
    found = await world.rows("select params ->> 'customer' as c from executions where held order by 1")
    assert [row.c for row in found] == ["a", "d"], "the second of customer a, and the fourth customer"


async def test_the_more_urgent_is_let_in_first(world):
    await configure(world, max_concurrency=1)
    first = await world.start(ONE)
    await world.start(ONE, priority=-5)
    urgent = await world.start(ONE, priority=5)
    await world.cancel(first)
    assert not (await world.execution(urgent))["held"]
    await configure(world, max_concurrency=1, priority="critical")
    assert (await world.execution(await world.start(ONE)))["priority"] == 10


async def test_a_raised_limit_lets_the_next_ones_in(world, reconciler):
    await configure(world, max_concurrency=1)
    for _ in range(4):
        await world.start(ONE)
    await reconciler.mend_families()
    assert await open_(world) == 1
    await configure(world, max_concurrency=3)
    await reconciler.mend_families()
    assert await open_(world) == 3
    await configure(world)
    await reconciler.mend_families()
    assert await held(world) == 0


async def test_a_raised_limit_of_the_organization_too(world, reconciler):
    await limit(world, 1)
    for _ in range(4):
        await world.start(ONE)
    await limit(world, 2)
    await reconciler.mend_families()
    assert await open_(world) == 2
    await limit(world, -1)
    await reconciler.mend_families()
    assert await held(world) == 0


async def test_a_plan_that_allows_none_refuses(world):
    await limit(world, 0)
    with pytest.raises(LimitReached, match="no execution at a time"):
        await world.start(ONE)


async def test_a_label_is_the_queue_of_every_segment(world):
    await configure(world, queue="label:gpu")
    execution_id = await world.start(world.graph())
    found = await world.rows("select distinct queue from segment_runs where execution_id = :e", e=execution_id)
    assert [row.queue for row in found] == ["label:gpu"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"max_concurrency": 0}, "give 1 or more"),
        ({"max_concurrency": "two"}, "do not fit"),
        ({"priority": "now"}, "choose low"),
        ({"queue": "Label:gpu"}, "no queue 'Label:gpu'"),
        ({"queue": "label:"}, "no queue 'label:'"),
        ({"hard_limit_s": -1}, "give 0 to"),
        ({"deadline_s": 0}, "give 1 to"),
        ({"soft_limit_s": "long"}, "do not fit"),
    ],
)
def test_settings_that_do_not_fit_say_so(settings, says):
    with pytest.raises(ConfigError, match=says):
        policy_of(settings)


async def test_a_key_that_cannot_be_filled_in_refuses_the_start(world):
    await configure(world, concurrency_key="{{ params.nobody }}")
    with pytest.raises(ConfigError, match=r"concurrency key.*nobody"):
        await world.start(ONE, params={})


@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
async def test_many_starters_and_closers_never_exceed_a_limit_and_leave_nobody_behind(  # noqa: PLR0915
    world, worker_database, reconciler, seed
):
    rng = random.Random(seed)
    caps = {"organization": 5, "key:k0": 2, "key:k1": 2, "key:k2": 2}
    if seed == 0:  # a key that all share puts everything in line; without it, keys cross
        await limit(world, caps["organization"])
    flows = [world.flow_id]
    for _ in range(3):
        flow_id = new_id()
        await change(
            world, "insert into flows (organization_id, id, workspace_id, name) "
            "select organization_id, :f, workspace_id, :n from flows where id = :old", f=flow_id, n=str(flow_id),
            old=world.flow_id,
        )  # fmt: skip
        flows.append(flow_id)
    for number, flow_id in enumerate(flows):
        caps[f"flow:{flow_id}"] = 1 + number
        await configure(
            world, flow_id, max_concurrency=1 + number, concurrency_key="k{{ params.k }}", concurrency_limit=2
        )
    most: dict[str, int] = {}
    started: list[object] = []
    closing = asyncio.Event()

    async def look():
        found = await world.rows("select key, count(*) as n from execution_slots where taken group by key")
        for row in found:
            most[row.key] = max(most.get(row.key, 0), row.n)
            assert row.n <= caps[row.key], f"{row.n} of {caps[row.key]} for {row.key}"
        return len(found)

    async def starter(number):
        mine = random.Random(f"{seed}-s{number}")
        for _ in range(12):
            flow_id = mine.choice(flows)
            async with world.database.transaction(world.organization_id) as session:
                started.append(
                    await service.start(
                        session, world.actor, flow_id=flow_id, graph=ONE, definition_hash="0" * 16, host=world.host,
                        params={"k": mine.randrange(3)}, priority=mine.choice([-5, 0, 5]),
                    )
                )  # fmt: skip

    async def closer(number):
        mine = random.Random(f"{seed}-c{number}")
        while True:
            found = await world.rows("select id, held from executions where status = 'queued'")
            if not found:
                if closing.is_set():
                    return
                await asyncio.sleep(0.005)
                continue
            ripe = [row.id for row in found if not row.held] or [row.id for row in found if mine.random() < 0.02]
            if not ripe:
                await reconciler.mend_families()
                continue
            try:
                await world.cancel(mine.choice(ripe))
            except TransientError:
                continue

    async def watcher():
        while not closing.is_set():
            await look()

    async with asyncio.timeout(240):
        closers = [asyncio.create_task(closer(n)) for n in range(4)]
        watching = asyncio.create_task(watcher())
        await asyncio.gather(*(starter(n) for n in range(6)))
        closing.set()
        await asyncio.gather(*closers, watching)
    assert len(started) == 72
    assert await look() == 0, "every slot is given back"
    reached = {key for key, n in most.items() if n == caps[key]}
    assert "organization" in reached or len(reached) > 3, "the storm did not bite"
    rng.shuffle(started)
    assert {(await world.execution(one))["status"] for one in started[:20]} == {"cancelled"}


async def test_a_key_that_is_being_taken_in_another_transaction_is_not_taken_twice(world, reconciler):
    other = new_id()
    await change(
        world, "insert into flows (organization_id, id, workspace_id, name) "
        "select organization_id, :f, workspace_id, 'other' from flows", f=other,
    )  # fmt: skip
    for flow_id in (world.flow_id, other):
        await configure(world, flow_id, max_concurrency=1, concurrency_key="{{ params.k }}", concurrency_limit=1)
    first = await world.start(ONE, params={"k": "z"})
    waits = await world.start(ONE, params={"k": "shared"})
    async with world.database.transaction(world.organization_id) as session:
        taken = await service.start(
            session, world.actor, flow_id=other, graph=ONE, definition_hash="0" * 16, host=world.host,
            params={"k": "shared"},
        )  # fmt: skip
        await world.cancel(first)
    assert not (await world.execution(taken))["held"]
    assert (await world.execution(waits))["held"], "the flow is free, the key is not"
    await reconciler.mend_families()
    assert (await world.execution(waits))["held"]
    await world.cancel(taken)
    assert not (await world.execution(waits))["held"]


async def test_one_round_of_the_reconciler_lets_in_whom_everybody_skipped(world, reconciler, worker_database):
    """A key that was busy when its turn came is tried again, with nobody else's help."""
    await limit(world, 2)
    await configure(world, max_concurrency=1)
    first, second = await world.start(ONE), await world.start(ONE)
    async with worker_database.transaction(world.organization_id) as busy:
        await busy.execute(
            sa.text("select pg_advisory_xact_lock(hashtextextended(:k, 7))"),
            {"k": f"{world.organization_id}:organization"},
        )
        async with worker_database.transaction(world.organization_id) as session:
            await session.execute(
                sa.text("delete from execution_slots where execution_id = :e and key <> 'organization'"), {"e": first}
            )
        async with worker_database.transaction(world.organization_id) as session:
            assert await admission.let_in(session, world.organization_id, f"flow:{world.flow_id}") == 0
    assert await held(world) == 1
    await reconciler.mend_families()
    assert not (await world.execution(second))["held"]
