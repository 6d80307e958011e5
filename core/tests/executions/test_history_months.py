"""A year of history: details go after their days, months at once; what is young, open or readable stays as it was."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.engine.messages import FrameRef, NodeFinished
from headrace.executions import compaction, invariants, leases, live, logs, service, settle
from headrace.executions.leases import Doorbell
from headrace.executions.settle import NodeOutcome
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra import partitions
from headrace.infra.clock import now
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.queue_names import QUEUES
from headrace.infra.store import Store
from headrace.worker.history import History
from headrace.worker.maintenance import Maintenance

ONE = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),))
SHIFTED = {
    "executions": ("queued_at", "started_at", "completed_at"),
    "segment_runs": ("started_at", "finished_at"),
    "segment_attempts": ("started_at", "finished_at"),
}


@pytest.fixture
async def owner_database(database_urls):
    opened = Database.from_url(database_urls.owner_url, pool_size=1)
    yield opened
    await opened.close()


@pytest.fixture
def history(owner_database, worker_database):
    return History(owner_database, worker_database)


@pytest.fixture
def store(tmp_path):
    return Store((tmp_path / "objects").as_uri())


@pytest.fixture
def past(monkeypatch, worker_database, store):
    """Make an execution that was accepted, claimed and, unless `open_`, completed at a moment of the past."""

    async def make(world, moment: datetime, *, open_: bool = False) -> UUID:
        made = UUID(int=(int(moment.timestamp() * 1000) << 80) | (new_id().int & (2**80 - 1)))
        with monkeypatch.context() as patched:
            patched.setattr(service, "new_id", lambda: made)
            assert await world.start(ONE) == made
        key = {"organization_id": world.organization_id, "execution_id": made}
        async with worker_database.transaction(world.organization_id) as session:
            held = await leases.claim(
                session, Doorbell(world.organization_id, made, 0), worker_id=new_id(), lease_s=600,
                distributions=sorted(world.host.distributions), queues=QUEUES,
            )  # fmt: skip
            row = {"node_id": "rows", "level": "info", "message": "said", "metadata": {}, "created_at": moment}
            await logs.append(session, held.lease, [row])
        if open_:
            return made
        ref = FrameRef(key=f"{world.organization_id}/executions/{made}/rows.out.1.parquet", rows=1, bytes=4, columns=())
        store.put(world.organization_id, ref.key.partition("/")[2], b"rows")
        report = NodeFinished(node_id="rows", status="completed", rows_out=1, outputs={"out": ref})
        outcome = NodeOutcome(report=report, started_at=None, completed_at=moment)
        async with worker_database.transaction(world.organization_id) as session:
            await settle.complete(session, held.lease, outputs={}, nodes=[outcome], rows=1)
            for table, columns in SHIFTED.items():
                column = "id" if table == "executions" else "execution_id"
                moved = ", ".join(f"{one} = {one} - CAST(:ago AS interval)" for one in columns)
                await session.execute(
                    sa.text(f"update {table} set {moved} where organization_id = :organization_id"
                            f" and {column} = :execution_id"), {**key, "ago": datetime.now(UTC) - moment}
                )  # fmt: skip
        return made

    return make


async def retention(world, **days):
    async with world.database.transaction(world.organization_id) as session:
        await session.execute(
            sa.text("update organizations set settings = jsonb_build_object('retention', CAST(:r AS jsonb))"),
            {"r": leases.as_json(days)},
        )


async def details(world, execution_id) -> set[str]:
    """Which tables still have something of the execution."""
    found = set()
    for table in (*compaction.DETAILS, "node_executions"):
        if await world.rows(f"select 1 from {table} where execution_id = :e", e=execution_id):
            found.add(table)
    return found


async def months(database, table: str) -> set[str]:
    async with database.transaction() as session:
        found = await (await session.connection()).run_sync(partitions.tables)
    return {f"{month:%Y_%m}" for one in found if one.name == table for month in one.months}


async def clean(worker_database):
    async with worker_database.transaction() as session:
        assert await invariants.check(session) == []


WHOLE = {*compaction.DETAILS, "node_executions"}
COMPACT = {"node_executions"}


async def test_of_a_year_only_what_is_due_goes(world, other_world, past, history, worker_database, store):
    await retention(other_world, details_days=10)
    this = partitions.begin(partitions.month_of(now()))
    moments = [this - timedelta(days=days) for days in range(5, 420, 30)] + [this]
    ours = {moment: await past(world, moment) for moment in moments}
    theirs = {moment: await past(other_world, moment) for moment in moments}
    old = partitions.begin(partitions.later(partitions.month_of(now()), -4))
    parked = await past(world, old, open_=True)
    await history.keep()
    keeper = Maintenance(worker_database, store, history=history)
    await keeper.remove_old()
    await history.keep()

    def kept(moment):
        return now() - moment < timedelta(days=365)

    assert {row.id for row in await world.rows("select id from executions")} == {parked} | {
        one for moment, one in ours.items() if kept(moment)
    }
    assert store.list(world.organization_id) == sorted(
        f"executions/{one}/rows.out.1.parquet" for moment, one in ours.items() if kept(moment)
    )
    assert await details(world, parked) == WHOLE - {"node_executions"}, "what has not ended is never touched"
    for moment, one in ours.items():
        if not kept(moment):
            continue
        end = partitions.begin(partitions.later(partitions.month_of(moment)))
        waits = now() < end + timedelta(days=30)
        due = now() - moment > timedelta(days=30) and not waits
        assert await details(world, one) == (COMPACT if due else WHOLE), moment
        [node] = await service_nodes(world, one)
        assert (node["status"], node["has_output"]) == ("completed", True)
    for moment, one in theirs.items():
        if kept(moment):
            due = now() - moment > timedelta(days=10)
            assert await details(other_world, one) == (COMPACT if due else WHOLE), moment
    left = await months(worker_database, "execution_events")
    assert f"{old:%Y_%m}" in left, "an execution of it is open"
    oldest = partitions.later(partitions.month_of(now()), -3)
    gone = {f"{partitions.later(oldest, -n):%Y_%m}" for n in (0, 2, 3, 4, 5, 6)}
    assert not left & gone, "whole months"
    year_ago = partitions.later(partitions.month_of(now()), -13)
    assert f"{year_ago:%Y_%m}" not in await months(worker_database, "node_executions")
    await clean(worker_database)


async def service_nodes(world, execution_id):
    async with world.database.transaction(world.organization_id) as session:
        return await service.nodes(session, world.organization_id, execution_id)


async def test_what_is_due_waits_for_its_month_and_goes_by_rows_when_that_is_blocked(world, past, history):
    month = partitions.later(partitions.month_of(now()), -2)
    old = await past(world, partitions.begin(month))
    since = (now() - partitions.begin(partitions.later(month))).total_seconds() / 86400
    await retention(world, details_days=since + 5)
    await history.keep()
    assert await details(world, old) == WHOLE, "it is due, and its month in five days"
    blocked = await past(world, partitions.begin(month), open_=True)
    await retention(world, details_days=since - 5)
    await history.keep()
    assert await details(world, old) == COMPACT
    assert await details(world, blocked) == WHOLE - {"node_executions"}


async def test_details_that_are_gone_are_told_and_nobody_waits_for_them(world, past, history, bus, worker_database):
    old = await past(world, partitions.begin(partitions.later(partitions.month_of(now()), -3)))
    await history.keep()
    assert (await world.execution(old))["compacted_at"] is not None
    async with asyncio.timeout(60):
        heard = [m async for m in live.follow(world.database, bus, world.organization_id, old)]
    assert heard == []
    await clean(worker_database)


async def test_the_owner_of_another_organization_sees_nothing(world, other_world, past, owner_database):
    await past(world, now())
    async with owner_database.transaction(other_world.organization_id) as session:
        assert not await compaction.present(session, world.organization_id, partitions.month_of(now()))
