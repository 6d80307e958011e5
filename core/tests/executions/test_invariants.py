"""Each invariant is broken by hand, as a superuser without triggers would, and nothing but that one is reported."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from headrace.cli import doctor
from headrace.engine.messages import FrameRef
from headrace.executions import leases
from headrace.executions import settle as settling
from headrace.executions.called import load_called
from headrace.executions.create import Slot
from headrace.executions.invariants import RULES, check
from headrace.executions.leases import Doorbell
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.queue import QUEUES
from headrace.sdk.waiting import Callback, Children, Item, Timer
from headrace.testing.services import needs, with_database
from headrace.worker.reconciler import Reconciler
from headrace.worker.timing import Timing

BREAKS = {
    "I1": "insert into trigger_ticks (organization_id, trigger_id, fire_at, outcome, execution_id) "
    "values (:org, :some, now(), 'started', :some)",
    "I2": "update executions set segments_total = 0, segments_open = 0 where id = :plain;"
    "delete from segment_attempts where execution_id = :plain; delete from segment_runs where execution_id = :plain",
    "I2b": "update segment_runs set status = 'waiting', deps_open = 2, depends_on = '{0,1}' "
    "where execution_id = :fresh and segment_no = 0;"
    "update segment_runs set deps_open = 1, depends_on = '{0}' where execution_id = :fresh and segment_no = 1",
    "I2c": "update segment_runs set lease_until = now() - interval '2 minutes' where execution_id = :plain "
    "and status = 'running'",
    "I2d": "update executions set status = 'running' where id = :asked",
    "I3": "update segment_attempts set outcome = 'failed' where execution_id = :done and segment_no = 0",
    "I3b": "update segment_attempts set outcome = 'released' where execution_id = :plain",
    "I4": "update segment_attempts set started_at = started_at - interval '1 day' "
    "where execution_id = :done and segment_no = 1",
    "I5": "update executions set segments_total = segments_total + 1 where id = :plain",
    "I5b": "update segment_runs set deps_open = deps_open + 1 where execution_id = :plain and status = 'waiting' "
    "and segment_no = 1",
    "I6": 'update execution_events set data = \'{"status": "failed"}\' where execution_id = :plain and seq = 1',
    "I8": "update executions set cancel_requested_at = queued_at where id = :plain",
    "I9": "update segment_attempts set attempt = attempt + 1 where execution_id = :plain",
    "I10": "insert into trigger_ticks (organization_id, trigger_id, fire_at, outcome) "
    "values (:org, :some, now(), 'started')",
    "I11": "update executions set event_seq = event_seq + 1 where id = :plain",
    "I12": """update segment_runs set outputs = '{"rows.out": {"key": "else/where"}}' where execution_id = :done
    and segment_no = 0""",
    "I13": "update segment_runs set run_after = 'infinity' where execution_id = :timed and status = 'parked'",
    "I14": "update waits set status = 'cancelled'",
    "I15": "update executions set held = false where id = :held",
    "I16": "update executions set depth = depth + 1 where parent_execution_id = :family",
    "I17": "insert into compensations (organization_id, execution_id, node_id, segment_no, status, scope_id) "
    "values (:org, :done, 'gate', 1, 'due', :done)",
}


@pytest.fixture
def hands(world, worker_database):
    """Claim, complete and park, as a worker would."""

    class Hands:
        async def claim(self, execution_id, no):
            bell = Doorbell(world.organization_id, execution_id, no)
            async with worker_database.transaction(world.organization_id) as session:
                return await leases.claim(
                    session, bell, worker_id=new_id(), lease_s=600, queues=QUEUES,
                    distributions=sorted(world.host.distributions),
                )  # fmt: skip

        async def complete(self, execution_id, no, outputs=()):
            frame = FrameRef(key=f"{world.organization_id}/frames/x", rows=1, bytes=1)
            claim = await self.claim(execution_id, no)
            async with worker_database.transaction(world.organization_id) as session:
                done = await settling.complete(session, claim.lease, outputs=dict.fromkeys(outputs, frame), nodes=())
            assert done.held

        async def park(self, execution_id, no, wait):
            claim = await self.claim(execution_id, no)
            async with worker_database.transaction(world.organization_id) as session:
                done = await settling.park(
                    session, claim, claim.spec.graph.nodes[0].id, wait, registry=world.host.registry, load=load_called
                )
            assert done.held

    return Hands()


def loop() -> FlowGraph:
    return FlowGraph(
        nodes=(NodeSpec(id="r", type="lab.rows"), NodeSpec(id="e", type="control.for_each", config={}),
               NodeSpec(id="x", type="lab.gate", parent="e", config={"began": "x"})),
        edges=(Edge(source="r", target="e"), Edge(source="e", source_port="item", target="x"),
               Edge(source="x", target="e", target_port="result")),
    )  # fmt: skip


def joined() -> FlowGraph:
    """Two gates into a merge that goes on with the first."""
    return FlowGraph(
        nodes=(*(NodeSpec(id=n, type="lab.gate", config={"began": n}) for n in "ab"),
               NodeSpec(id="m", type="control.merge", config={"wait_for": "any"})),
        edges=(Edge(source="a", target="m"), Edge(source="b", target="m")),
    )  # fmt: skip


@pytest.fixture
async def lively(world, hands) -> dict:
    """A bit of everything: done, in work, joined early, parked in three ways, held, and fresh."""
    graph = world.graph()
    slots = (Slot("one", 1),)
    ids = {name: await world.start(graph) for name in ("done", "plain", "fresh", "timed", "asked")}
    for no in range(3):
        await hands.complete(ids["done"], no)
    await hands.claim(ids["plain"], 0)
    await hands.park(ids["timed"], 0, Timer(after_s=3600))
    await hands.park(ids["asked"], 0, Callback(kind="approval"))
    ids["family"] = await world.start(loop())
    await hands.complete(ids["family"], 0)
    await hands.park(ids["family"], 1, Children(items=tuple(Item(source="none") for _ in range(3)), parallel=2))
    ids["first"] = await world.start(graph, slots=slots)
    ids["held"] = await world.start(graph, slots=slots)
    ids["joined"] = await world.start(joined())
    segments = await world.rows(
        "select segment_no, node_ids from segment_runs where execution_id = :e", e=ids["joined"]
    )
    numbers = {row.node_ids[0]: row.segment_no for row in segments}
    await hands.complete(ids["joined"], numbers["b"], ["b.out"])
    await hands.claim(ids["joined"], numbers["m"])
    return ids


@pytest.fixture
async def superuser(database_urls):
    name = urlsplit(database_urls.app_url).path.removeprefix("/")
    opened = Database.from_url(with_database(needs("postgres"), name))
    yield opened
    await opened.close()


async def test_each_invariant_is_reported_when_it_is_broken_and_no_other(world, lively, superuser, worker_database):
    async with worker_database.transaction() as session:
        assert await check(session) == [], "what is fine is not reported"
    assert set(BREAKS) == {rule.id for rule in RULES}
    values = {**lively, "org": world.organization_id, "some": new_id()}
    found = {}
    for id_, text in BREAKS.items():
        async with superuser.transaction() as session:
            await session.execute(sa.text("set local session_replication_role = replica"))
            changed = 0
            for part in text.split(";"):
                statement = sa.text(part)
                named = {name: values[name] for name in statement._bindparams}
                changed += (await session.execute(statement, named)).rowcount
            assert changed, f"{id_} broke nothing"
            await session.execute(sa.text("set local role headrace_worker"))
            found[id_] = [violation.id for violation in await check(session)]
            await session.rollback()
    assert found == {id_: [id_] for id_ in BREAKS}


async def test_a_held_execution_that_was_forgotten_is_let_in(world, lively, worker_database, bus, superuser):
    """The reconciler sees held executions although each shows its slots to its own organization only."""
    async with superuser.transaction() as session:
        await session.execute(sa.text("delete from execution_slots where execution_id = :e"), {"e": lively["first"]})
    await Reconciler(worker_database, bus, Timing()).mend_families()
    (row,) = await world.rows("select held from executions where id = :e", e=lively["held"])
    assert not row.held
    assert await world.rows("select 1 from outbox where execution_id = :e", e=lively["held"])
    async with worker_database.transaction() as session:
        assert await check(session) == []


async def test_doctor_tells_each_invariant(lively, headrace_settings, superuser, monkeypatch):
    monkeypatch.setattr("headrace.cli.local.running_settings", lambda: headrace_settings)
    async with superuser.transaction() as session:
        await session.execute(
            sa.text("update executions set event_seq = event_seq + 1 where id = :e"), {"e": lively["plain"]}
        )
    done = await asyncio.to_thread(CliRunner().invoke, doctor.command, ["--deep", "--json"])
    told = json.loads(done.stdout)
    bad = [check["name"].split()[0] for check in told["checks"] if not check["ok"] and check["name"][0] == "I"]
    assert (done.exit_code, told["ok"], bad) == (1, False, ["I11"])
    assert str(lively["plain"]) in done.stdout
    assert len([c for c in told["checks"] if c["name"].split()[0] in BREAKS]) == len(RULES)
