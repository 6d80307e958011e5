"""The services of an install on this machine, for commands: same tables, same workers as the API's."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from headrace.accounts import setup
from headrace.accounts.permissions import Actor, system_actor
from headrace.cli.first_run import demo_workspace
from headrace.connections import service as connections
from headrace.connections.ensure import ensure
from headrace.entitlements.licence import given
from headrace.entitlements.service import use_host
from headrace.executions import service as executions
from headrace.executions.state import TERMINAL
from headrace.flows import service
from headrace.flows.text import FlowText
from headrace.infra.database import Database
from headrace.infra.settings import Settings, load_settings
from headrace.plugins.manager import load_plugins
from headrace.sdk.errors import NotFound
from headrace.triggers import declared

POLL_S = 0.02


def running_settings() -> Settings | None:
    """Settings of the install that runs on this data folder, or of the configured databases; None if there is none."""
    settings = load_settings()
    if settings.database_url:
        return settings
    note = Path(settings.home) / "running.json"
    try:
        running = json.loads(note.read_text(encoding="utf-8"))
        os.kill(running["pid"], 0)
    except (OSError, ValueError, KeyError):
        return None
    return load_settings({**os.environ, **running["env"]})


class Local:
    """Acts as the system in the first organization's demo workspace."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._host = load_plugins()
        use_host(self._host, licence=given(settings.license.reveal(), settings.home))
        self._database = Database.from_url(
            settings.database_url.reveal(),
            pool_size=2,
            name="headrace-cli",
            objects_url=settings.objects_url,
            servers=settings.database_servers,
        )
        self._vault = connections.Vault(settings.key_ring())

    async def close(self) -> None:
        """Close the pool."""
        await self._database.close()

    async def _actor(self) -> Actor:
        async with self._database.transaction() as session:
            return system_actor((await setup.first_organization(session)).id)

    async def bring_in(self, text: FlowText) -> UUID:
        """Import a flow file. Returns the flow's id."""
        actor = await self._actor()
        environ = {**os.environ, **self._settings.for_flows()}
        async with self._database.transaction(actor.organization_id) as session:
            await ensure(session, actor, self._vault, self._host.registry, text.connections, environ)
            workspace_id = await demo_workspace(session, actor)
            registry = self._host.registry
            return (await declared.bring_in(session, actor, self._vault, registry, workspace_id, text)).id

    async def take_out(self, name: str) -> str:
        """A flow as a file."""
        actor = await self._actor()
        async with self._database.transaction(actor.organization_id) as session:
            found = await service.find(session, actor, workspace_id=await demo_workspace(session, actor), name=name)
            if found is None:
                raise NotFound(f"there is no flow '{name}'")
            return await declared.take_out(session, actor, found.id)

    async def execute(
        self, text: FlowText, *, observe: bool, progress: Callable[[int, int, str], None] | None
    ) -> dict[str, Any]:
        """Import and execute; returns once the execution has ended."""
        actor = await self._actor()
        flow_id = await self.bring_in(text)
        async with self._database.transaction(actor.organization_id) as session:
            names = await connections.names(session, actor.organization_id)
            graph, digest = await service.prepare(session, actor, flow_id, self._host.registry, connections=list(names))
            execution_id = await executions.start(
                session, actor, flow_id=flow_id, graph=graph, definition_hash=digest, host=self._host,
                observe="all" if observe else "borders", trigger_type="api",
            )  # fmt: skip
        while True:
            async with self._database.transaction(actor.organization_id) as session:
                found = await executions.get(session, actor.organization_id, execution_id)
                nodes = await executions.nodes(session, actor.organization_id, execution_id)
            done = sum(node["status"] in {"completed", "failed", "skipped", "cancelled"} for node in nodes)
            if progress:
                progress(done, len(nodes), found["status"])
            if found["status"] in TERMINAL:
                return {
                    "execution_id": str(execution_id),
                    "flow_id": str(flow_id),
                    "status": found["status"],
                    "error": found.get("error"),
                    "rows_processed": found.get("rows_processed"),
                    "started_at": found.get("started_at"),
                    "completed_at": found.get("completed_at"),
                    "nodes": nodes,
                }
            await asyncio.sleep(POLL_S)
