"""An install with the settings of production, flows accepted into it, and what the tables say about them."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from headrace.accounts import setup
from headrace.accounts.permissions import Actor, system_actor
from headrace.cli.first_run import demo_workspace
from headrace.cli.stack import Stack
from headrace.connections import service as connections
from headrace.connections.ensure import ensure
from headrace.entitlements.service import use_host
from headrace.executions import service as executions
from headrace.executions.invariants import check
from headrace.flows import files
from headrace.flows import service as flows
from headrace.flows.graph import FlowGraph
from headrace.flows.text import FlowText
from headrace.infra.crypto import KeyRing
from headrace.infra.database import Database
from headrace.infra.settings import Settings
from headrace.plugins.manager import load_plugins
from msgspec import Struct

ENDS_S = 460.0
"""After which a scenario is given up."""
TOGETHER = 25
_CONNECTIONS = sa.text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> 'headrace-load'
""")
_OPEN = sa.text("""
SELECT count(*) FILTER (WHERE completed_at IS NULL) AS open, count(*) FILTER (WHERE status IN ('running', 'waiting'))
  AS running, count(*) FILTER (WHERE status IN ('failed', 'timed_out')) AS failed FROM executions
""")
_ENDED = "SELECT 1 FROM executions WHERE id = :id AND completed_at IS NOT NULL"
PAUSE = sa.text("INSERT INTO paused_queues (queue) SELECT unnest(ARRAY['light', 'io', 'heavy'])")
RESUME = sa.text("DELETE FROM paused_queues")


class Flow(Struct, frozen=True):
    """A flow that can be started."""

    id: UUID
    graph: FlowGraph
    digest: str


class Seen(Struct):
    """What was seen while executions ran."""

    connections: int = 0
    running: int = 0
    failed: int = 0
    took_s: float = 0


UNBOUND = "anonymous=0/h,sign_in=0/h,route=0/m,user=0/h,webhook=0/s,static=0/s,health=0/s"
"""What is measured here is not how much one person may do."""


@contextmanager
def install(*, workers: int = 1, **environment: str) -> Iterator[Settings]:
    """Start databases, scheduler and workers in a folder of their own; in the main thread."""
    before = dict(os.environ)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with tempfile.TemporaryDirectory(prefix="headrace-load-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
            del os.environ[name]
        os.environ |= {
            "HEADRACE_HOME": home,
            "HEADRACE_EGRESS_ALLOW": "private",
            "HEADRACE_RATE_LIMITS": UNBOUND,
            **environment,
        }
        try:
            with Stack(workers=workers, say=lambda _: None) as stack:
                stack.start(web=False, demo=False)
                yield stack.settings
        finally:
            os.environ.clear()
            os.environ |= before
            for number, handler in handlers.items():
                signal.signal(number, handler)


class Site:
    """Accepts executions and watches them."""

    def __init__(self, settings: Settings, actor: Actor | None = None) -> None:
        self._settings = settings
        self.host = load_plugins()
        use_host(self.host)
        name = "headrace-load"
        self.database = Database.from_url(settings.database_url.reveal(), pool_size=2, max_overflow=0, name=name)
        self.watch = Database.from_url(settings.database_worker_url.reveal(), pool_size=2, max_overflow=0, name=name)
        self._vault = connections.Vault(KeyRing(settings.master_keys))
        self._actor = actor

    @asynccontextmanager
    async def another(self, organization_id: UUID) -> AsyncIterator[Site]:
        """The same for another organization."""
        site = Site(self._settings, system_actor(organization_id))
        try:
            yield site
        finally:
            await site.close()

    async def close(self) -> None:
        await self.database.close()
        await self.watch.close()

    async def actor(self) -> Actor:
        if self._actor is None:
            async with self.database.transaction() as session:
                self._actor = system_actor((await setup.first_organization(session)).id)
        return self._actor

    async def bring_in(self, text: FlowText) -> Flow:
        """Import a flow and its connections."""
        actor = await self.actor()
        async with self.database.transaction(actor.organization_id) as session:
            await ensure(session, actor, self._vault, self.host.registry, text.connections, {})
            flow = await files.bring_in(session, actor, await demo_workspace(session, actor), text)
            names = await connections.names(session, actor.organization_id)
            graph, digest = await flows.prepare(session, actor, flow.id, self.host.registry, connections=list(names))
        return Flow(flow.id, graph, digest)

    async def accept(self, flow: Flow, many: int = 1) -> list[UUID]:
        """Start executions, some together in a transaction, as a burst of calls does."""
        actor, found = await self.actor(), []
        for first in range(0, many, TOGETHER):
            async with self.database.transaction(actor.organization_id) as session:
                found += [
                    await executions.start(session, actor, flow_id=flow.id, graph=flow.graph,
                                           definition_hash=flow.digest, host=self.host, trigger_type="api")
                    for _ in range(min(TOGETHER, many - first))
                ]  # fmt: skip
        return found

    async def cancel(self, execution_id: UUID) -> None:
        actor = await self.actor()
        async with self.database.transaction(actor.organization_id) as session:
            await executions.cancel(session, actor.organization_id, execution_id)

    async def rows(self, query: str, **values: Any) -> Sequence[Any]:
        """Of all organizations."""
        async with self.watch.transaction() as session:
            return (await session.execute(sa.text(query), values)).all()

    async def do(self, statement: sa.TextClause) -> None:
        """For the installation's own tables."""
        async with self.watch.transaction() as session:
            await session.execute(statement)

    async def until_ended(self, *, every_s: float = 0.25) -> Seen:
        """Wait until nothing is open.

        Raises:
            TimeoutError: something still is.
        """
        seen, began = Seen(), time.monotonic()
        while True:
            async with self.watch.transaction() as session:
                row = (await session.execute(_OPEN)).one()
                seen.connections = max(seen.connections, int(await session.scalar(_CONNECTIONS) or 0))
            seen.running, seen.failed = max(seen.running, row.running), row.failed
            seen.took_s = time.monotonic() - began
            if not row.open:
                return seen
            if seen.took_s > ENDS_S:
                raise TimeoutError(f"{row.open} executions are open after {ENDS_S:.0f} s")
            await asyncio.sleep(every_s)

    async def until(self, execution_id: UUID) -> None:
        """Wait until one execution has ended."""
        async with asyncio.timeout(ENDS_S):
            while not await self.rows(_ENDED, id=execution_id):
                await asyncio.sleep(0.02)

    async def wrong(self) -> list[str]:
        """What `headrace doctor --deep` would say."""
        async with self.watch.transaction() as session:
            return [f"{one.id} {one.rule}: {', '.join(one.places[:3])}" for one in await check(session)]


def measured(what: Callable[[Site], Awaitable[None]], **given: Any) -> list[str]:
    """Do something on an install of its own. Returns what is wrong afterwards."""

    async def whole(settings: Settings) -> list[str]:
        site = Site(settings)
        try:
            await what(site)
            return await site.wrong()
        finally:
            await site.close()

    with install(**given) as settings:
        return asyncio.run(whole(settings))
