"""Leases in PostgreSQL: fences, budgets, terminal states, gapless events, organizations apart."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from headrace.engine.messages import NodeFinished, Problem
from headrace.executions import leases, service
from headrace.executions import settle as settling
from headrace.executions.invariants import check
from headrace.executions.leases import Doorbell
from headrace.executions.settle import NodeOutcome
from headrace.infra.ids import new_id
from headrace.infra.queue import QUEUES
from headrace.sdk.errors import ConfigError, Conflict, NotFound
from sqlalchemy.exc import DBAPIError

WRONG = Problem(code="DATA_INVALID", message="row 2 is wrong", node_id="gate")


@pytest.fixture
def claimed(world, worker_database):
    """Claim a segment as a worker would."""

    async def claim(execution_id, no, *, lease_s=60.0, distributions=None, organization_id=None):
        bell = Doorbell(organization_id or world.organization_id, execution_id, no)
        names = world.host.distributions if distributions is None else distributions
        async with worker_database.transaction(bell.organization_id) as session:
            return await leases.claim(
                session, bell, worker_id=new_id(), lease_s=lease_s, distributions=sorted(names), queues=QUEUES
            )

    return claim


@pytest.fixture
def settle(worker_database):
    """Settle a lease as a worker would."""

    async def call(what, claim, *args, **options):
        async with worker_database.transaction(claim.lease.organization_id) as session:
            return await what(session, claim.lease, *args, **options)

    return call


@pytest.fixture(autouse=True)
async def invariants(request, worker_database):
    """Whatever a test does, the invariants hold afterwards."""
    yield
    async with worker_database.transaction() as session:
        assert await check(session) == []


def outcomes(*node_ids, status="completed"):
    return [
        NodeOutcome(
            report=NodeFinished(node_id=n, status=status, rows_out=3), started_at=None, completed_at=datetime.now(UTC)
        )
        for n in node_ids
    ]


async def finish(world, claimed, settle, execution_id):
    """Complete every segment in order."""
    for row in await world.rows(
        "select segment_no from segment_runs where execution_id = :e order by 1", e=execution_id
    ):
        claim = await claimed(execution_id, row.segment_no)
        nodes = outcomes(*(node.id for node in claim.spec.graph.nodes))
        assert (await settle(settling.complete, claim, outputs={}, nodes=nodes)).held


async def test_a_segment_is_claimed_once_and_only_when_it_may_be(world, claimed):
    execution_id = await world.start(world.graph())
    segments = await world.rows("select segment_no, deps_open from segment_runs order by 1")
    assert await claimed(execution_id, segments[-1].segment_no) is None, "its parents are open"
    assert await claimed(execution_id, 0, distributions=["headrace-other"]) is None, "its plugin is missing"
    assert await claimed(execution_id, 99) is None
    assert await claimed(new_id(), 0) is None
    assert await claimed(execution_id, 0, organization_id=new_id()) is None
    claim = await claimed(execution_id, 0)
    assert claim is not None
    assert await claimed(execution_id, 0) is None
    async with world.database.transaction(world.organization_id) as session:
        asked = [(claim.lease.execution_id, claim.lease.seen)]
        events = (await leases.events_of(session, claim.lease.organization_id, asked))[claim.lease.execution_id]
    assert [event.type for event in events] == ["segment_update", "execution_update"]


async def test_a_stale_fence_is_refused_and_counted(world, claimed, settle):
    execution_id = await world.start(world.graph())
    old = await claimed(execution_id, 0)
    assert (await settle(settling.release, old)).held
    new = await claimed(execution_id, 0)
    assert new.lease.fence > old.lease.fence
    for attempt in (
        settle(settling.complete, old, outputs={}, nodes=outcomes("rows")),
        settle(settling.fail, old, WRONG, nodes=()),
        settle(settling.crash, old, reason="signal 9"),
        settle(settling.retry, old, WRONG, delay_s=0, nodes=()),
        settle(settling.cancelled, old, nodes=()),
    ):
        assert (await attempt) == settling.Settled(held=False)
    rows = await world.rows("select stale_reports from segment_attempts order by fence")
    assert [row.stale_reports for row in rows] == [5, 0]
    assert (await settle(settling.complete, new, outputs={}, nodes=outcomes("rows"))).held
    assert not (await settle(settling.complete, new, outputs={}, nodes=outcomes("rows"))).held, (
        "a duplicate changes nothing"
    )


async def test_a_heartbeat_keeps_what_is_held_and_tells_what_is_lost(world, claimed, settle, worker_database):
    execution_id = await world.start(world.graph())
    old = await claimed(execution_id, 0)
    await settle(settling.release, old)
    new = await claimed(execution_id, 0)
    held = [old.lease, new.lease]
    async with worker_database.transaction() as session:
        assert await leases.heartbeat(session, held, lease_s=60) == {new.lease.fence: False}
    await world.cancel(execution_id)
    async with worker_database.transaction() as session:
        assert await leases.heartbeat(session, held, lease_s=60) == {new.lease.fence: True}
    assert (await settle(settling.cancelled, new, nodes=())).held
    assert (await world.execution(execution_id))["status"] == "cancelled"


async def test_a_queued_execution_is_cancelled_at_once(world, claimed):
    execution_id = await world.start(world.graph())
    assert (await world.cancel(execution_id))["status"] == "cancelled"
    assert await claimed(execution_id, 0) is None
    assert (await world.cancel(execution_id))["status"] == "cancelled"


async def test_terminal_states_never_change(world, claimed, settle):
    execution_id = await world.start(world.graph())
    await finish(world, claimed, settle, execution_id)
    assert (await world.execution(execution_id))["status"] == "completed"
    assert (await world.cancel(execution_id))["status"] == "completed"
    for query in (
        "update executions set status = 'running' where id = :e",
        "update segment_runs set status = 'ready' where execution_id = :e",
    ):
        with pytest.raises(DBAPIError, match="which is final"):
            await world.rows(query + " returning 1", e=execution_id)
    for query in ("update execution_events set type = 'x'", "delete from execution_logs"):
        with pytest.raises(DBAPIError, match="permission denied"):
            await world.rows(query + " returning 1")


async def test_a_failure_skips_the_rest_and_keeps_its_reason(world, claimed, settle):
    execution_id = await world.start(world.graph())
    claim = await claimed(execution_id, 0)
    done = await settle(settling.fail, claim, WRONG, nodes=outcomes("rows", status="failed"))
    assert done.stop
    execution = await world.execution(execution_id)
    assert (execution["status"], execution["error_message"], execution["error"]["node_id"]) == (
        "failed",
        WRONG.message,
        "gate",
    )
    assert {row["status"] for row in (await world.nodes(execution_id)).values()} == {"failed", "skipped"}


async def test_the_crash_budget_ends_in_dead(world, claimed, settle):
    execution_id = await world.start(world.graph())
    for crash in range(4):
        claim = await claimed(execution_id, 0)
        assert claim.lease.attempt == crash + 1
        await settle(settling.crash, claim, reason="signal 11")
    execution = await world.execution(execution_id)
    assert (execution["status"], execution["error"]["code"]) == ("failed", "WORKER_CRASHED")


async def test_events_have_no_gaps_and_logs_are_filtered(world, claimed, settle):
    execution_id = await world.start(world.graph())
    await finish(world, claimed, settle, execution_id)
    async with world.database.transaction(world.organization_id) as session:
        events = await service.events(session, world.organization_id, execution_id)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert events[-1].data["status"] == "completed"
        later = await service.events(session, world.organization_id, execution_id, after=3, limit=2)
        assert [event.seq for event in later] == [4, 5]


async def test_another_organization_sees_nothing(world, claimed, settle):
    execution_id = await world.start(world.graph())
    await finish(world, claimed, settle, execution_id)
    other = new_id()
    tables = (
        "executions",
        "segment_runs",
        "segment_attempts",
        "node_executions",
        "execution_events",
        "execution_logs",
        "outbox",
    )
    async with world.database.transaction(other) as session:
        for table in tables:
            assert await session.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) == 0
        for organization_id in (other, world.organization_id):
            with pytest.raises(NotFound):
                await service.get(session, organization_id, execution_id)
            with pytest.raises(NotFound):
                await service.cancel(session, organization_id, execution_id)
        assert await service.find(session, other) == ([], 0)
    async with world.database.transaction(world.organization_id) as session:
        found, total = await service.find(session, world.organization_id, flow_id=world.flow_id, statuses=["completed"])
        assert ([row["id"] for row in found], total) == ([execution_id], 1)


async def test_a_repeated_key_gives_the_same_execution(world):
    first = await world.start(world.graph(), idempotency_key="k1")
    assert await world.start(world.graph(), idempotency_key="k1") == first
    assert len(await world.rows("select 1 from executions")) == 1
    world.flow_id = new_id()
    with pytest.raises(Conflict, match="idempotency key"):
        await world.start(world.graph(), idempotency_key="k1")


async def test_an_empty_plan_is_complete_and_an_unknown_node_is_refused(world):
    graph = world.graph()
    execution_id = await world.start(graph.only(set()))
    assert (await world.execution(execution_id))["status"] == "completed"
    world.host.registry.nodes.pop("lab.gone", None)
    unknown = type(graph)(nodes=(type(graph.nodes[0])(id="a", type="lab.gone"),))
    with pytest.raises(ConfigError, match=r"lab\.gone"):
        await world.start(unknown)
    assert len(await world.rows("select 1 from executions")) == 1


@pytest.mark.parametrize(
    ("query", "broken"),
    [
        ("update executions set segments_open = segments_open - 1", {"I5"}),
        ("update executions set event_seq = event_seq + 1", {"I11"}),
        ("update executions set status = 'completed'", {"I2"}),
        ("update segment_runs set deps_open = 0, status = 'completed' where segment_no = 1", {"I3", "I5"}),
    ],
)
async def test_the_invariants_bite(world, worker_database, query, broken):
    await world.start(world.graph())
    async with worker_database.transaction() as session:
        await session.execute(sa.text(query))
        found = await check(session)
        assert {violation.id for violation in found} >= broken, found
        await session.rollback()


async def test_details_and_credentials_of_a_problem_are_not_kept(world, claimed, settle):
    execution_id = await world.start(world.graph())
    claim = await claimed(execution_id, 0)
    leaky = Problem(
        code="UNAVAILABLE", message="postgresql://me:canary-5@host is away", detail="canary-5", node_id="rows"
    )
    report = NodeFinished(node_id="rows", status="failed", error=leaky)
    node = NodeOutcome(report=report, started_at=None, completed_at=datetime.now(UTC))
    await settle(settling.fail, claim, leaky, nodes=[node])
    assert (await world.execution(execution_id))["error_message"] == "postgresql://me:***@host is away"
    for table in ("executions", "segment_runs", "node_executions", "execution_events"):
        rows = await world.rows("select t::text as row from " + table + " t")
        assert rows
        assert not [row.row for row in rows if "canary-5" in row.row], table
