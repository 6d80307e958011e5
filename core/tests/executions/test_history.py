"""Statistics, forecasts, and the end of history."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.engine.messages import FrameRef, NodeFinished
from headrace.executions import forecast, leases, retention, settle, statistics
from headrace.executions.forecast import Step
from headrace.executions.leases import Doorbell
from headrace.executions.settle import NodeOutcome
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra.ids import new_id
from headrace.infra.queue_names import QUEUES
from headrace.infra.store import Store
from headrace.worker.maintenance import Maintenance, orphaned
from hypothesis import given
from hypothesis import strategies as st

ONE = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),))


@pytest.fixture
def store(tmp_path):
    return Store((tmp_path / "objects").as_uri())


async def claim(world, database, execution_id):
    async with database.transaction(world.organization_id) as session:
        return await leases.claim(
            session, Doorbell(world.organization_id, execution_id, 0), worker_id=new_id(), lease_s=600,
            distributions=sorted(world.host.distributions), queues=QUEUES,
        )  # fmt: skip


async def done(world, database, store, *, ms=100.0, rows=10, of=None):
    """An execution that has completed, with a stored frame: its own, or one of another execution."""
    execution_id = await world.start(ONE)
    held = await claim(world, database, execution_id)
    key = f"executions/{of or execution_id}/rows.out.1.parquet"
    if of is None:
        store.put(world.organization_id, key, b"rows")
    ref = FrameRef(key=f"{world.organization_id}/{key}", rows=rows, bytes=4, columns=())
    report = NodeFinished(
        node_id="rows",
        status="completed",
        rows_out=rows,
        duration_ms=ms,
        outputs={"out": ref},
        cache_hit=of is not None,
    )
    outcome = NodeOutcome(report=report, started_at=None, completed_at=datetime.now(UTC))
    async with database.transaction(world.organization_id) as session:
        await settle.complete(session, held.lease, outputs={}, nodes=[outcome], rows=rows)
    return execution_id


async def change(world, statement, **values):
    async with world.database.transaction(world.organization_id) as session:
        await session.execute(sa.text(statement), values)


async def age(world, execution_id, days):
    await change(
        world, "update executions set completed_at = clock_timestamp() - make_interval(days => :d) where id = :e",
        d=days, e=execution_id,
    )  # fmt: skip


async def of_flow(world):
    async with world.database.transaction(world.organization_id) as session:
        return await statistics.of_flow(session, world.organization_id, world.flow_id)


async def test_statistics_count_what_there_is_each_organization_its_own(world, other_world, worker_database, store):
    for ms in (100, 200, 300):
        await done(world, worker_database, store, ms=ms)
    await world.start(ONE)
    failed = await world.start(ONE)
    await world.cancel(failed)
    await done(other_world, worker_database, store)
    keeper = Maintenance(worker_database, store, statistics_s=0)
    await keeper.count()
    found = await of_flow(world)
    assert (found["total"], found["completed"], found["active"], found["rows_processed"]) == (5, 3, 1, 30)
    assert found["p10_ms"] <= found["p50_ms"] <= found["p95_ms"]
    [node] = found["nodes"]
    assert (node["samples"], node["p50_ms"], node["p50_rows"]) == (3, 200, 10)
    assert (await of_flow(other_world))["total"] == 1
    [workspace] = await world.rows("select workspace_id from flows")
    async with world.database.transaction(world.organization_id) as session:
        counted = await statistics.of_workspace(session, world.organization_id, workspace.workspace_id)
        stranger = await statistics.of_flow(session, world.organization_id, other_world.flow_id)
    assert (counted["flows"], counted["total"], counted["active"]) == (1, 5, 1)
    assert stranger == {"refreshed_at": None, "nodes": []}


async def test_statistics_are_not_counted_again_at_once(world, worker_database, store):
    await done(world, worker_database, store)
    async with worker_database.transaction(world.organization_id) as session:
        assert await statistics.refresh(session, world.organization_id)
    async with worker_database.transaction(world.organization_id) as session:
        assert not await statistics.refresh(session, world.organization_id)


async def test_a_running_execution_has_an_eta_with_its_interval(world, worker_database, store):
    for ms in (60_000, 120_000, 180_000):
        await done(world, worker_database, store, ms=ms)
    await change(world, "update executions set started_at = completed_at - interval '2 min'")
    await Maintenance(worker_database, store, statistics_s=0).count()
    execution_id = await world.start(ONE)

    async def eta():
        async with world.database.transaction(world.organization_id) as session:
            return await forecast.of_execution(session, world.organization_id, execution_id)

    assert await eta() == forecast.NOTHING, "it has not begun"
    await claim(world, worker_database, execution_id)
    found = await eta()
    assert found["eta_from"] < found["eta_at"] < found["eta_to"]
    assert 110 < (found["eta_at"] - datetime.now(UTC)).total_seconds() <= 120
    assert 0 <= found["progress"] < 0.1


MS = st.floats(0, 1e7)
STEPS = st.builds(
    lambda done, quantiles, elapsed, rows, past: Step(
        done=done, p10_ms=quantiles[0], p50_ms=quantiles[1], p90_ms=quantiles[2], elapsed_ms=elapsed, rows=rows,
        past_rows=past,
    ),
    st.booleans(), st.tuples(MS, MS, MS).map(sorted), MS, st.none() | st.floats(0, 1e9), st.none() | st.floats(0, 1e9),
)  # fmt: skip


@given(st.lists(STEPS, max_size=20), st.none() | MS)
def test_a_forecast_is_in_order_and_in_bounds(steps, usual):
    found = forecast.forecast(steps, usual)
    if found is None:
        assert sum(step.p50_ms for step in steps) <= 0
        return
    assert 0 <= found.progress <= 1
    assert 0 <= found.low_ms <= found.left_ms <= found.high_ms
    if all(step.done for step in steps):
        assert (found.left_ms, found.progress) == (0, 1)


def test_twice_the_rows_take_twice_the_time():
    first = Step(done=True, p10_ms=1, p50_ms=1, p90_ms=1, rows=200, past_rows=100)
    second = Step(done=False, p10_ms=50, p50_ms=100, p90_ms=150)
    found = forecast.forecast([first, second], None)
    assert (found.low_ms, found.left_ms, found.high_ms) == (100, 200, 300)


async def test_what_is_too_old_goes_with_its_frames_and_nothing_else(world, other_world, worker_database, store):
    old = await done(world, worker_database, store)
    young = await done(world, worker_database, store)
    theirs = await done(other_world, worker_database, store)
    await change(other_world, """update organizations set settings = '{"retention": {"executions_days": 900}}'""")
    running = await world.start(ONE)
    await age(world, old, 366)
    await age(world, young, 364)
    await age(other_world, theirs, 366)
    keeper = Maintenance(worker_database, store)
    assert await keeper.remove_old() == 1
    assert {row.id for row in await world.rows("select id from executions")} == {young, running}
    assert {row.id for row in await other_world.rows("select id from executions")} == {theirs}
    assert store.list(world.organization_id) == [f"executions/{young}/rows.out.1.parquet"]
    assert store.list(other_world.organization_id) == [f"executions/{theirs}/rows.out.1.parquet"]
    assert await world.rows("select 1 from execution_events where execution_id = :e", e=old) == []
    assert await keeper.remove_old() == 0


async def test_the_flows_days_count_before_the_workspaces_and_the_organizations(world, worker_database, store):
    execution_id = await done(world, worker_database, store)
    await age(world, execution_id, 20)
    keeper = Maintenance(worker_database, store)
    await change(world, """update organizations set settings = '{"retention": {"executions_days": 10}}'""")
    await change(world, """update workspaces set settings = '{"retention": 30}'""")
    assert await keeper.remove_old() == 0
    await change(world, """update flows set settings = '{"retention": 15}'""")
    assert await keeper.remove_old() == 1


async def test_frames_that_another_execution_took_over_and_parents_of_younger_ones_stay(world, worker_database, store):
    source = await done(world, worker_database, store)
    taker = await done(world, worker_database, store, of=source)
    parent = await done(world, worker_database, store)
    child = await done(world, worker_database, store)
    await change(world, "update executions set parent_execution_id = :p where id = :c", p=parent, c=child)
    for one in (source, parent):
        await age(world, one, 400)
    keeper = Maintenance(worker_database, store)
    assert await keeper.remove_old() == 0
    await age(world, taker, 400)
    await age(world, child, 400)
    assert await keeper.remove_old() == 4
    assert store.list(world.organization_id) == []


async def test_a_round_is_bounded_and_frames_that_cannot_go_keep_the_rows(world, worker_database, store, monkeypatch):
    for _ in range(3):
        await age(world, await done(world, worker_database, store), 400)
    async with worker_database.transaction(world.organization_id) as session:
        assert await retention.remove_old(session, world.organization_id, store, limit=1) == 1

    def full(*_):
        raise OSError("read-only")

    monkeypatch.setattr(store, "delete_under", full)
    assert await Maintenance(worker_database, store).remove_old() == 0
    assert len(await world.rows("select 1 from executions")) == 2


async def test_objects_without_a_row_are_told_and_swept_after_a_day(world, other_world, worker_database, store):
    kept, lost = await done(world, worker_database, store), new_id()
    old, shared = (UUID(int=one.int - (2 * 86_400_000 << 80)) for one in (new_id(), new_id()))
    await done(world, worker_database, store, of=shared)
    await done(other_world, worker_database, store)
    for one in (lost, old, shared):
        store.put(world.organization_id, f"executions/{one}/input.json", b"{}")
    store.put(world.organization_id, "executions/notes/readme.txt", b"")
    assert await orphaned(worker_database, store) == [str(old)]
    keeper = Maintenance(worker_database, store)
    assert (await keeper.sweep(), await keeper.sweep()) == (1, 0)
    left = {key.split("/")[1] for key in store.list(world.organization_id)}
    assert left == {str(kept), str(lost), str(shared), "notes"}, "what is young, used, or no execution's stays"
    assert len(store.list(other_world.organization_id)) == 1
