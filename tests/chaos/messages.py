"""Crash after the k-th message to PostgreSQL, for every k of a three-segment flow.

A worker relays, claims, beats, has its effect and settles with the product's own functions. It dies after its k-th
protocol message, the last of which the server has got. Then another one finishes; the effect is there once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeAlias
from uuid import UUID, uuid4

import sqlalchemy as sa
import structlog
from headrace.engine.messages import FrameRef, NodeFinished
from headrace.executions import leases, service, settle
from headrace.executions.invariants import check
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.infra.bus import Bus
from headrace.infra.database import Database
from headrace.infra.outbox import Relay
from headrace.infra.queue import QUEUES, Ringer
from headrace.plugins.manager import Host, load_plugins
from headrace.sdk.errors import HeadraceError
from headrace.testing.services import as_role, fresh_database, needs
from headrace.worker.reconciler import Reconciler
from headrace.worker.timing import Timing

from tests.chaos.campaign import Someone
from tests.chaos.stack import PLUGINS, install_lab
from tests.faults.wireproxy import Proxy

Claims: TypeAlias = Callable[..., Awaitable[list[leases.Claim]]]
FLOW = FlowGraph(
    nodes=(NodeSpec(id="a", type="lab.rows"), NodeSpec(id="b", type="lab.gate", config={"began": "b"}),
           NodeSpec(id="c", type="lab.post", config={"ledger": "c"})),
    edges=(Edge(source="a", target="b"), Edge(source="b", target="c")),
)  # fmt: skip


class Bench:
    """A database, an organization, and a ledger."""

    def __init__(self, url: str, host: Host, ledger: Path) -> None:
        self.worker_url = as_role(url, "headrace_worker")
        self.app, self.direct = Database.from_url(as_role(url, "headrace_app")), Database.from_url(self.worker_url)
        self.host, self.actor, self.flow_id = host, Someone(uuid4()), uuid4()
        self.ledger = sqlite3.connect(ledger, isolation_level=None)
        self.ledger.execute("create table ledger (key text primary key)")
        self.effects: Counter[UUID] = Counter()
        self.ringer = Ringer(needs("redis"))
        self.bus = Bus.from_url(needs("redis"))

    async def prepare(self) -> None:
        ids = {"o": self.actor.organization_id, "w": uuid4(), "f": self.flow_id}
        async with self.app.transaction(ids["o"]) as session:
            for text in (
                "insert into organizations (id, name, slug) values (:o, 'One', :o)",
                "insert into workspaces (organization_id, id, name) values (:o, :w, 'W')",
                "insert into flows (organization_id, id, workspace_id, name) values (:o, :f, :w, 'F')",
            ):
                await session.execute(sa.text(text), ids)

    async def close(self) -> None:
        self.ringer.close()
        self.ledger.close()
        await self.bus.close()
        await self.app.close()
        await self.direct.close()

    async def start(self) -> UUID:
        async with self.app.transaction(self.actor.organization_id) as session:
            return await service.start(
                session, self.actor, flow_id=self.flow_id, graph=FLOW, definition_hash="0" * 16, host=self.host
            )

    async def status(self, execution_id: UUID) -> str:
        async with self.app.transaction(self.actor.organization_id) as session:
            return str((await service.get(session, self.actor.organization_id, execution_id))["status"])

    async def work(self, database: Database, execution_id: UUID, *, lease_s: float) -> None:
        """What a worker and a relay say to PostgreSQL until nothing is left to claim."""
        names, organization_id = sorted(self.host.distributions), self.actor.organization_id
        claim = partial(
            leases.claim_all, worker_id=uuid4(), lease_s=lease_s, distributions=names, queues=QUEUES
        )  # fmt: skip
        while True:
            await Relay(database, "", self.ringer).relay()
            async with database.transaction() as session:
                bells = await leases.candidates(session, distributions=names, queues=QUEUES, limit=4)
            if not bells:
                return
            async with database.transaction(organization_id) as session:
                claims = await claim(session, organization_id, bells)
            while claims:
                claims += await self.execute(database, claims.pop(0), claim, lease_s)

    async def execute(
        self, database: Database, claimed: leases.Claim, claim: Claims, lease_s: float
    ) -> list[leases.Claim]:
        """Beat, have the effect, settle. Returns what was claimed by the same transaction."""
        lease, node = claimed.lease, claimed.spec.graph.nodes[0].id
        async with database.transaction() as session:
            await leases.heartbeat(session, [lease], lease_s=lease_s)
        if node == "c":
            key = f"{lease.execution_id}:{node}"
            new = self.ledger.execute("insert into ledger values (?) on conflict do nothing", (key,)).rowcount
            self.effects[lease.execution_id] += new
        outputs = {name: FrameRef(f"{lease.organization_id}/x", 1, 1) for name in claimed.spec.keep}
        done = settle.NodeOutcome(
            report=NodeFinished(node_id=node, status="completed"), started_at=None, completed_at=datetime.now(UTC)
        )
        async with database.transaction(lease.organization_id) as session:
            settled = await settle.complete(
                session, lease, outputs=outputs, nodes=[done], room=settle.Room(tuple(QUEUES), 4)
            )
            return await claim(session, lease.organization_id, settled.mine) if settled.mine else []

    async def crash_after(self, k: int) -> tuple[bool, int]:
        """Whether it died at message `k`, and how many there were."""
        execution_id = await self.start()
        async with Proxy(self.worker_url, k) as proxy:
            database = Database.from_url(proxy.url, pool_size=1, max_overflow=0)
            working = asyncio.create_task(self.work(database, execution_id, lease_s=0.001))
            cut = asyncio.create_task(proxy.cut.wait())
            await asyncio.wait({working, cut}, return_when=asyncio.FIRST_COMPLETED)
            died = proxy.cut.is_set()
            cut.cancel()
            if died:
                await asyncio.sleep(0.02)
                working.cancel()
            with contextlib.suppress(HeadraceError, asyncio.CancelledError, OSError):
                await working
            seen = proxy.seen
            await database.close()
        reconciler = Reconciler(self.direct, self.bus, Timing(ring_again_s=0))
        for _ in range(500):
            await reconciler.reap()
            await reconciler.ring_again()
            await self.work(self.direct, execution_id, lease_s=60)
            if await self.status(execution_id) == "completed":
                break
            await asyncio.sleep(0.005)
        status = await self.status(execution_id)
        if (status, self.effects[execution_id]) != ("completed", 1):
            raise RuntimeError(f"crash after message {k}: {status}, {self.effects[execution_id]} effects")
        return died, seen


def quiet() -> None:
    """What is expected here, thousands of lost connections, is not worth a line each."""
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def enumerate_crashes(say: Callable[[str], None], *, step: int = 1) -> int:
    """Every k (or each `step`-th) until the worker gets through. Returns how many were survived; 0 if not all."""
    quiet()
    with tempfile.TemporaryDirectory() as folder:
        install_lab(Path(folder) / "lab")
        host = load_plugins(only=PLUGINS.split(","), strict=True)
        with fresh_database(migrated=True) as url:
            return asyncio.run(_enumerate(Bench(url, host, Path(folder) / "ledger.db"), say, step))


async def _enumerate(bench: Bench, say: Callable[[str], None], step: int) -> int:
    began, tested, k = time.monotonic(), 0, 1
    try:
        await bench.prepare()
        while True:
            died, seen = await bench.crash_after(k)
            if not died:
                break
            tested, k = tested + 1, k + step
        async with bench.direct.transaction() as session:
            broken = await check(session)
    finally:
        await bench.close()
    say(f"crash after the k-th message: K = {seen}, {tested} tested, {tested} survived with one effect each, "
        f"{len(broken)} invariants broken, {time.monotonic() - began:.0f} s")  # fmt: skip
    for violation in broken:
        say(f"  WRONG {violation}")
    return 0 if broken else tested
