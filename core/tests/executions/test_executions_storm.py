"""Many hands at once: claims, completions, crashes, retries, stale repeats, reaping and cancels."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

import pytest
from headrace.engine.messages import NodeFinished, Problem
from headrace.executions import leases
from headrace.executions import settle as settling
from headrace.executions.invariants import check
from headrace.executions.leases import Doorbell
from headrace.executions.outcomes import Completion, NodeOutcome
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.infra.ids import new_id
from headrace.infra.queue import QUEUES
from headrace.worker.reconciler import Reconciler
from headrace.worker.timing import Timing
from headrace.worker.together import Together

AWAY = Problem(code="UNAVAILABLE", message="away", retryable=True)


def lattice(rng: random.Random, size: int) -> FlowGraph:
    """A random graph of heavy nodes, each a segment, with several parents and children."""
    nodes = [NodeSpec(id=f"n{i}", type="lab.rows" if i == 0 else "lab.gate", config={}) for i in range(size)]
    edges = [
        Edge(source=f"n{parent}", target=f"n{child}", target_port=f"p{parent}")
        for child in range(1, size)
        for parent in rng.sample(range(child), min(child, rng.randint(1, 3)))
    ]
    return FlowGraph(nodes=tuple(nodes), edges=tuple(edges))


@pytest.mark.parametrize("seed", range(3))
async def test_a_storm_leaves_every_execution_ended_and_every_invariant_true(world, worker_database, bus, seed):
    rng = random.Random(seed)
    reconciler = Reconciler(worker_database, bus, Timing())
    executions = [await world.start(lattice(rng, 12)) for _ in range(6)]
    doomed = set(rng.sample(executions, 2))
    stale = 0

    async def hand(number):
        nonlocal stale
        mine = random.Random(f"{seed}-{number}")
        while True:
            async with worker_database.transaction() as session:
                bells = await leases.candidates(
                    session, distributions=sorted(world.host.distributions), queues=QUEUES, limit=8
                )
                running = await world.rows("select count(*) as n from segment_runs where status = 'running'")
            if not bells:
                if not running[0].n:
                    return
                await reconciler.reap()
                await asyncio.sleep(0.02)  # who has nothing to do leaves the machine to who has
                continue
            bell = mine.choice(bells)
            lease_s = mine.choice([0, 600, 600, 600])
            async with worker_database.transaction(bell.organization_id) as session:
                claim = await leases.claim(
                    session, Doorbell(bell.organization_id, bell.execution_id, bell.segment_no), worker_id=new_id(),
                    lease_s=lease_s, distributions=sorted(world.host.distributions), queues=QUEUES,
                )  # fmt: skip
            if claim is None:
                continue
            if bell.execution_id in doomed and mine.random() < 0.2:
                await world.cancel(bell.execution_id)
            if lease_s == 0:
                await reconciler.reap()
            for _ in range(mine.choice([1, 1, 2])):
                settled = await settle(claim, mine)
                stale += not settled.held

    async def complete_all(organization_id, done):
        async with worker_database.transaction(organization_id) as session:
            return await settling.complete_all(session, organization_id, done)

    completed = Together(complete_all)

    async def settle(claim, mine):
        node_id = claim.spec.graph.nodes[0].id
        report = NodeFinished(node_id=node_id, status="completed", rows_out=1)
        outcome = NodeOutcome(report=report, started_at=None, completed_at=datetime.now(UTC))
        chance = mine.random()
        if chance >= 0.25:
            done = Completion(lease=claim.lease, outputs={}, nodes=[outcome])
            return await completed.do(claim.lease.organization_id, done)
        async with worker_database.transaction(claim.lease.organization_id) as session:
            if chance < 0.1:
                return await settling.crash(session, claim.lease, reason="signal 9")
            if chance < 0.2:
                return await settling.retry(session, claim.lease, AWAY, delay_s=0, nodes=())
            return await settling.release(session, claim.lease)

    await asyncio.gather(*(hand(number) for number in range(8)))
    for execution_id in executions:
        execution = await world.execution(execution_id)
        assert execution["status"] in {"completed", "cancelled", "failed"}
        assert execution["status"] != "failed" or execution["error"]["code"] == "WORKER_CRASHED"
    assert stale > 0, "no stale completion was tried; the storm did not bite"
    async with worker_database.transaction() as session:
        assert await check(session) == []
