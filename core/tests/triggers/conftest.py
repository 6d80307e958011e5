"""Fixtures of triggers: a host with the trigger types and the lab, an organization with an active flow."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.accounts.permissions import Actor, system_actor
from headrace.connections.service import Vault
from headrace.infra.crypto import KeyRing, generate_key
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.settings import Settings
from headrace.infra.store import Store
from headrace.plugins.manager import Host, load_plugins
from headrace.sdk.config import Secret
from headrace.testing.processes import Processes
from headrace.triggers import service as triggers
from headrace.triggers.ticker import Ticker
from headrace.worker.sources import Sources

PLUGINS = ("node-lab", "node-triggers", "plugin-engine_polars")
CANVAS = {
    "nodes": [{"id": "rows", "data": {"nodeType": "lab.rows"}, "position": {"x": 0, "y": 0}}],
    "edges": [],
}


@pytest.fixture(scope="session")
def host(lab: Path) -> Host:
    return load_plugins(only=PLUGINS, strict=True)


class Works:
    """An organization with an active flow and what tests do with its triggers."""

    def __init__(self, database: Database, host: Host, organization_id: UUID, flow_id: UUID) -> None:
        self.database, self.host, self.flow_id = database, host, flow_id
        self.actor: Actor = system_actor(organization_id)
        self.first_due: dict[UUID, Any] = {}
        self.vault = Vault(KeyRing([Secret(generate_key())]))

    @property
    def organization_id(self) -> UUID:
        return self.actor.organization_id

    async def trigger(self, kind: str, configuration: dict[str, Any], **fields: Any) -> UUID:
        fields.setdefault("flow_id", self.flow_id)
        async with self.database.transaction(self.organization_id) as session:
            row = await triggers.create(
                session, self.actor, self.vault, self.host.registry, type=kind, configuration=configuration, **fields
            )
            self.first_due[row.id] = row.next_fire_at
            return row.id

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.database.transaction(self.organization_id) as session:
            return list((await session.execute(sa.text(query), values)).all())

    async def do(self, statement: str, **values: Any) -> None:
        async with self.database.transaction(self.organization_id) as session:
            await session.execute(sa.text(statement), values)

    async def late(self, trigger_id: UUID, by: str) -> None:
        """As if nobody had looked at the trigger for a while."""
        await self.do(
            "update triggers set next_fire_at = next_fire_at - cast(:by as interval), "
            "wake_at = next_fire_at - cast(:by as interval), "
            "state = state || jsonb_build_object('covered_until', next_fire_at - cast(:by as interval)) where id = :id",
            id=trigger_id, by=by,
        )  # fmt: skip

    async def flow(self, name: str, canvas: dict[str, Any] | None = None, status: str = "active") -> UUID:
        made = new_id()
        async with self.database.transaction(self.organization_id) as session:
            values = {"o": self.organization_id, "f": made, "n": name, "s": status, "d": json.dumps(canvas or CANVAS)}
            await session.execute(
                sa.text("insert into flows (organization_id, id, workspace_id, name, status) "
                        "select :o, :f, id, :n, :s from workspaces limit 1"), values)  # fmt: skip
            await session.execute(
                sa.text("insert into flow_data (organization_id, flow_id, definition) "
                        "values (:o, :f, cast(:d as jsonb))"), values)  # fmt: skip
        return made


@pytest.fixture
async def works(database: Database, host: Host) -> Works:
    organization_id = new_id()
    async with database.transaction(organization_id) as session:
        ids = {"o": organization_id, "w": new_id()}
        await session.execute(sa.text("insert into organizations (id, name, slug) values (:o, 'One', :o)"), ids)
        await session.execute(sa.text("insert into workspaces (organization_id, id, name) values (:o, :w, 'W')"), ids)
    made = Works(database, host, organization_id, organization_id)
    made.flow_id = await made.flow("F")
    return made


@pytest.fixture
def ticker(worker_database, database_urls, host) -> Ticker:
    return Ticker(worker_database, database_urls.worker_url, host)


@pytest.fixture
async def serving(worker_database, tmp_path):
    """Starts any number of `Sources`; cancels them in the end."""
    tasks = []

    async def start(works, **more):
        made = Sources(
            worker_database, works.host, works.vault, Store(f"file://{tmp_path}/objects"), poll_s=0.1, **more
        )
        tasks.append(asyncio.create_task(made.serve()))
        return made, tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def source_runners() -> Callable[[], list[int]]:
    """Pids of the processes of this test's sources."""

    def found() -> list[int]:
        pids = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == os.getpid() and "source_runner" in (path / "cmdline").read_text():
                    pids.append(int(path.name))
        return pids

    return found


@pytest.fixture
def schedulers(headrace_settings: Settings, lab: Path, tmp_path: Path) -> Iterator[Processes]:
    logs = tmp_path / "logs"
    logs.mkdir()
    headrace_settings.home.mkdir(exist_ok=True)
    found = Processes(headrace_settings, lab, logs, plugins=PLUGINS)
    yield found
    found.end()
