"""The model and the SQL get the same random operations, late and repeated ones too, and agree after each."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa
from headrace.engine.messages import FrameRef, NodeFinished, Problem
from headrace.engine.segments import compile_plan
from headrace.executions import leases, model, waits
from headrace.executions import settle as settling
from headrace.executions import statements as sql
from headrace.executions.called import load_called
from headrace.executions.create import Slot
from headrace.executions.invariants import check
from headrace.executions.leases import Doorbell
from headrace.executions.outcomes import Completion, NodeOutcome
from headrace.flows.compensations import branches, without
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.infra.clock import now
from headrace.infra.ids import new_id
from headrace.infra.queue import QUEUES
from headrace.sdk.waiting import Callback, Timer
from headrace.worker.reconciler import Reconciler
from headrace.worker.timing import Timing

AWAY = Problem(code="UNAVAILABLE", message="away", retryable=True)
_SEGMENTS = sa.text("""
SELECT status, deps_open, live_needed, attempt, fence, crash_count, error_count, run_after <= clock_timestamp() AS due
FROM segment_runs WHERE execution_id = :e ORDER BY segment_no
""")
_CHOICES = {"claim": 8, "report": 10, "both": 3, "again": 2, "lost": 2, "due": 3, "resume": 2, "cancel": 0.15,
            "overdue": 0.15, "admit": 2, "undone": 1}  # fmt: skip
_WHATS = {"complete": 8, "retry": 2, "crash": 2, "release": 1, "park": 2, "fail": 0.3, "stopped": 1}


def flow(rng: random.Random) -> FlowGraph:
    nodes, edges = [NodeSpec(id="n0", type="lab.gate", config={})], []
    for number in range(1, rng.randint(3, 9)):
        parents = rng.sample(range(number), min(number, rng.randint(1, 3)))
        config = {"wait_for": rng.choice(["all", "any", "number"]), "number": 2}
        kind, port = rng.choice([("merge", "in"), ("subflow", "after")])  # one needs some of its inputs, one each
        nodes.append(
            NodeSpec(id=f"n{number}", type=f"control.{kind}", config=config if kind == "merge" else {},
                     on_error=rng.choice(["fail", "fail", "continue"]))
        )  # fmt: skip
        edges += [Edge(source=f"n{parent}", target=f"n{number}", target_port=port) for parent in parents]
        if kind == "subflow" and rng.random() < 0.7:
            nodes.append(NodeSpec(id=f"u{number}", type="lab.gate", config={}))
            edges.append(Edge(source=f"n{number}", source_port="compensate", target=f"u{number}"))
    return FlowGraph(nodes=tuple(nodes), edges=tuple(edges))


class Twins:
    """One execution in the database, the same one in the model."""

    def __init__(self, world, database, bus, rng: random.Random) -> None:
        self._world, self._database, self._rng = world, database, rng
        self._reconciler = Reconciler(database, bus, Timing())
        self._claims: dict[int, leases.Claim] = {}
        self._fences: dict[int, int] = {}
        self.seen: list[str] = []

    async def begin(self) -> None:
        graph, held = flow(self._rng), self._rng.random() < 0.3
        slots = (Slot(f"slot-{new_id()}", 1),)
        self._blocker = await self._world.start(self._world.graph(), slots=slots) if held else None
        self.id = await self._world.start(graph, slots=slots)
        plan = compile_plan(without(graph), self._world.host.registry)
        self._keep = {segment.no: segment.keep for segment in plan.segments}
        self._nodes = {segment.no: segment.node_ids[0] for segment in plan.segments}
        undoable = [no for no, node_id in self._nodes.items() if node_id in branches(graph)]
        forgiving = [no for no, node_id in self._nodes.items() if graph.by_id[node_id].on_error != "fail"]
        self.state, _ = model.begin(plan.segments, held=held, undoable=undoable, forgiving=forgiving)
        await self.compare()

    async def step(self) -> None:
        name = self._rng.choices(list(_CHOICES), list(_CHOICES.values()))[0]
        if name in {"report", "both", "again", "lost"} and not self._claims:
            name = "claim"
        self.seen.append(name)
        await getattr(self, f"_{name}")()
        await self.compare()

    def _apply(self, event: model.Event) -> tuple[model.Effect, ...]:
        self.seen[-1] = str(event)
        self.state, effects = model.step(self.state, event)
        return effects

    def _some(self, *statuses: str) -> int:
        fit = [part.no for part in self.state.parts if part.status in statuses]
        return self._rng.choice(fit if fit and self._rng.random() < 0.9 else [part.no for part in self.state.parts])

    async def _claim(self) -> None:
        no = self._some("ready", "retry_wait", "parked")
        effects = self._apply(model.Claim(no))
        async with self._database.transaction(self._world.organization_id) as session:
            claim = await leases.claim(
                session, Doorbell(self._world.organization_id, self.id, no), worker_id=new_id(), lease_s=600,
                distributions=sorted(self._world.host.distributions), queues=QUEUES,
            )  # fmt: skip
        assert (claim is None) == (not effects), self.seen
        for granted in effects:
            self._claims[granted.fence], self._fences[claim.lease.fence] = claim, granted.fence

    async def _again(self) -> None:
        await self._report(self._rng.choice(list(self._claims)))

    async def _report(self, fence: int | None = None) -> None:
        fence = fence or max(self._claims)
        claim = self._claims[fence]
        what = self._rng.choices(list(_WHATS), list(_WHATS.values()))[0]
        if what == "stopped" and not self.state.closing:
            what = "complete"
        no, later, asks = claim.lease.segment_no, self._rng.random() < 0.5, self._rng.random() < 0.5
        kept = [name for name in self._keep[no] if self._rng.random() < 0.7]
        effects = self._apply(
            model.Report(no, fence, what, outputs=frozenset(kept), later=later and what == "retry", asks=asks)
        )
        async with self._database.transaction(self._world.organization_id) as session:
            settled = await self._settle(session, claim, what, kept, later=later, asks=asks)
        assert settled.held == (model.Stale(fence) not in effects), self.seen
        rung = [no for effect in effects if isinstance(effect, model.Ring) for no in effect.nos]
        numbers = [bell.segment_no for bell in settled.ready]
        assert numbers == rung or what in {"crash", "release", "fail"}, self.seen

    async def _both(self) -> None:
        """Segments of it complete together, late and repeated ones among them."""
        done, stale, rung = [], [], []
        for fence in self._rng.sample(list(self._claims), min(len(self._claims), 3)):
            no = self._claims[fence].lease.segment_no
            kept = [name for name in self._keep[no] if self._rng.random() < 0.7]
            report = model.Report(no, fence, "complete", outputs=frozenset(kept), later=False, asks=False)
            effects = self._apply(report)
            stale.append(model.Stale(fence) in effects)
            rung.append([no for effect in effects if isinstance(effect, model.Ring) for no in effect.nos])
            done.append(self._completion(self._claims[fence], kept))
        async with self._database.transaction(self._world.organization_id) as session:
            settled = await settling.complete_all(session, self._world.organization_id, done)
        assert [not one.held for one in settled] == stale, self.seen
        assert [[bell.segment_no for bell in one.ready] for one in settled] == rung, self.seen

    def _completion(self, claim, kept) -> Completion:
        lease = claim.lease
        node = NodeFinished(node_id=self._nodes[lease.segment_no], status="completed")
        return Completion(
            lease=lease, outputs={name: FrameRef(f"{lease.organization_id}/x", 1, 1) for name in kept},
            nodes=(NodeOutcome(report=node, started_at=None, completed_at=now()),), keep=self._keep[lease.segment_no],
            undo=claim.spec.undo,
        )  # fmt: skip

    async def _settle(self, session, claim, what, kept, *, later, asks):
        lease = claim.lease
        match what:
            case "complete":
                done = self._completion(claim, kept)
                return (await settling.complete_all(session, lease.organization_id, [done]))[0]
            case "fail":
                return await settling.fail(session, lease, AWAY, nodes=())
            case "retry":
                return await settling.retry(session, lease, AWAY, delay_s=600 * later, nodes=())
            case "crash":
                return await settling.crash(session, lease, reason="signal 9")
            case "release":
                return await settling.release(session, lease)
            case "stopped":
                return await settling.cancelled(session, lease, nodes=())
        wait = Callback(kind="approval") if asks else Timer(after_s=600)
        node = claim.spec.graph.nodes[0].id
        return await settling.park(session, claim, node, wait, registry=self._world.host.registry, load=load_called)

    async def _lost(self) -> None:
        fence = self._rng.choice(list(self._claims))
        lease = self._claims[fence].lease
        self._apply(model.Lost(lease.segment_no, fence))
        await self._change("lease_until = clock_timestamp() - interval '1 s'", lease.segment_no,
                           f"status = 'running' and fence = {lease.fence}")  # fmt: skip
        await self._reconciler.reap()

    async def _due(self) -> None:
        no = self._some("retry_wait", "parked")
        self._apply(model.Due(no))
        await self._change("run_after = clock_timestamp()", no, "status in ('ready', 'retry_wait', 'parked')")

    async def _change(self, what: str, no: int, where: str) -> None:
        async with self._database.transaction(self._world.organization_id) as session:
            text = f"update segment_runs set {what} where execution_id = :e and segment_no = :no and {where}"
            await session.execute(sa.text(text), {"e": self.id, "no": no})

    async def _resume(self) -> None:
        no = self._some("parked")
        self._apply(model.Resume(no))
        async with self._world.database.transaction(self._world.organization_id) as session:
            for wait in await waits.find(session, self._world.organization_id, execution_id=self.id):
                if wait["segment_no"] == no:
                    await waits.resume(session, self._world.organization_id, wait["id"], {}, by=None)

    async def _cancel(self) -> None:
        self._apply(model.Cancel())
        await self._world.cancel(self.id)

    async def _overdue(self) -> None:
        self._apply(model.Overdue())
        async with self._database.transaction(self._world.organization_id) as session:
            text = "update executions set deadline_at = clock_timestamp() - interval '1 s' where id = :e"
            await session.execute(sa.text(text), {"e": self.id})
        await self._reconciler.end_overdue()

    async def _admit(self) -> None:
        if self._blocker is not None:
            self._apply(model.Admit())
            await self._world.cancel(self._blocker)

    async def _undone(self) -> None:
        """The compensation that runs completes, or fails."""
        no, ok = self._some(), self._rng.random() < 0.7
        if self.state.due and self._rng.random() < 0.9:
            no = self.state.due[0]
        runs = self.state.due[:1] == (no,)
        self._apply(model.Undone(no, ok))
        organization_id = self._world.organization_id
        for child in await self._world.rows(
            "select child_id from compensations where scope_id = :e and status = 'running' and :runs", e=self.id,
            runs=runs,
        ):  # fmt: skip
            async with self._database.transaction(organization_id) as session:
                claim = await leases.claim(
                    session, Doorbell(organization_id, child.child_id, 0), worker_id=new_id(), lease_s=600,
                    distributions=sorted(self._world.host.distributions), queues=QUEUES,
                )  # fmt: skip
                if ok:
                    await settling.complete(session, claim.lease, outputs={}, nodes=())
                else:
                    await settling.fail(session, claim.lease, AWAY, nodes=())

    async def compare(self) -> None:
        """The same execution, the same segments, by everything that decides what happens next."""
        async with self._database.transaction(self._world.organization_id) as session:
            rows = (await session.execute(_SEGMENTS, {"e": self.id})).all()
            key = {"organization_id": self._world.organization_id, "execution_id": self.id}
            whole = (await session.execute(sql.LOCK, key)).one()
            held = await session.scalar(sa.text("select held from executions where id = :e"), {"e": self.id})
        found = [
            (
                r.status,
                r.deps_open,
                r.live_needed,
                r.attempt,
                self._fences.get(r.fence, 0),
                r.crash_count,
                r.error_count,
            )
            for r in rows
        ]
        wanted = [
            (p.status, p.deps_open, p.live_needed, p.attempt, p.fence, p.crashes, p.errors) for p in self.state.parts
        ]
        assert found == wanted, self.seen
        idle = [(r.due, p.due) for r, p in zip(rows, self.state.parts, strict=True) if p.status in model.CLAIMABLE]
        assert all(there == here for there, here in idle), self.seen[-8:]
        state = self.state
        assert (whole.status, whole.closing, whole.segments_open) == (
            state.status,
            state.closing,
            state.segments_open,
        ), self.seen
        (shown,) = await self._world.rows("select compensation from executions where id = :e", e=self.id)
        assert shown.compensation == state.compensation, self.seen
        undone = await self._world.rows(
            "select segment_no, status from compensations where execution_id = :e order by position", e=self.id
        )
        assert [(row.segment_no, row.status) for row in undone] == [(no, self._undo_state(no)) for no in state.armed]
        assert held == state.held or whole.status in {"cancelled", "timed_out"}, self.seen[-8:]

    def _undo_state(self, no: int) -> str:
        state = self.state
        if state.compensation is None:
            return "armed"
        if no in state.due:
            return "running" if state.due[0] == no else "due"
        return "failed" if no in state.not_undone else "completed"


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(n, marks=pytest.mark.slow) for n in range(3, 40))])
async def test_the_sql_does_what_the_model_does(world, worker_database, bus, seed):
    twins = Twins(world, worker_database, bus, random.Random(seed))
    await twins.begin()
    for _ in range(40):
        await twins.step()
    async with worker_database.transaction() as session:
        assert await check(session) == [], twins.seen
