"""Fixtures of triggers: a host with the trigger types and the lab, an organization with an active flow."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
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
from headrace.plugins.manager import Host, load_plugins
from headrace.sdk.config import Secret
from headrace.triggers import service as triggers
from headrace.triggers.ticker import Ticker

LAB = Path(__file__).parents[1] / "executions" / "lab.py"
PLUGINS = ("node-lab", "node-triggers", "plugin-engine_polars")
CANVAS = {
    "nodes": [{"id": "rows", "data": {"nodeType": "lab.rows"}, "position": {"x": 0, "y": 0}}],
    "edges": [],
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Path]:
    """Install the lab's nodes as a distribution on the path of this process."""
    folder = tmp_path_factory.mktemp("trigger-lab")
    info = folder / "headrace_node_lab-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: headrace-node-lab\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[headrace]\nnode-lab = headrace_node_lab\n")
    shutil.copy(LAB, folder / "headrace_node_lab.py")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


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


async def until(look: Callable[[], Awaitable[Any]], *, deadline_s: float = 60) -> Any:
    """The first truthy answer of `look`."""
    import asyncio

    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if found := await look():
            return found
        await asyncio.sleep(0.02)
    pytest.fail(f"not within {deadline_s} s: {look}")


@pytest.fixture
def wait_until() -> Callable[..., Awaitable[Any]]:
    return until


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


class Schedulers:
    """Starts scheduler processes with shifted clocks and ends them by pid."""

    def __init__(self, settings: Settings, lab: Path, logs: Path) -> None:
        self._settings, self._lab, self._logs = settings, lab, logs
        self.children: list[subprocess.Popen[bytes]] = []

    async def start(
        self, kind: str = "scheduler", *, shift_s: float = 0, plugins: tuple[str, ...] = PLUGINS
    ) -> subprocess.Popen[bytes]:
        module = {"scheduler": "scheduler", "worker": "supervisor"}[kind]
        code = (
            "import sys, time, datetime as d; shift = float(sys.argv[1]); real = time.time\n"
            "time.time = lambda: real() + shift\n"
            "class Shifted(d.datetime):\n"
            "    @classmethod\n"
            "    def now(cls, tz=None): return d.datetime.fromtimestamp(real() + shift, tz)\n"
            "import headrace.infra.clock as clock\n"
            "clock.datetime = Shifted\n"
            "from headrace.infra.settings import load_settings\n"
            f"from headrace.worker.{module} import main\n"
            "main(load_settings())"
        )
        settings = self._settings
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(self._lab), "PYTHONUNBUFFERED": "1",
            "HEADRACE_HOME": str(settings.home), "HEADRACE_DATABASE_URL": settings.database_url.reveal(),
            "HEADRACE_DATABASE_WORKER_URL": settings.database_worker_url.reveal(),
            "HEADRACE_REDIS_URL": settings.redis_url.reveal(),
            "HEADRACE_MASTER_KEYS": settings.master_keys[0].reveal(),
            "HEADRACE_LOAD_PLUGINS": ",".join(plugins), "HEADRACE_WORKER_PROCESSES": "1",
        }  # fmt: skip
        path = self._logs / f"{kind}-{len(self.children)}.log"
        with path.open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-c", code, str(shift_s)], env=environment, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self.children.append(child)

        async def ready() -> bool:
            if child.poll() is not None:
                pytest.fail(f"the {kind} ended with {child.returncode}: {path.read_text()[-3000:]}")
            return f"{kind} ready" in path.read_text()

        await until(ready)
        return child

    def end(self) -> None:
        for child in self.children:
            if child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@pytest.fixture
def schedulers(headrace_settings: Settings, lab: Path, tmp_path: Path) -> Iterator[Schedulers]:
    logs = tmp_path / "logs"
    logs.mkdir()
    headrace_settings.home.mkdir(exist_ok=True)
    found = Schedulers(headrace_settings, lab, logs)
    yield found
    found.end()
