"""Fixtures of executions: the lab plugin, a flow to execute, worker and scheduler processes that are ended by pid."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.executions import service
from headrace.flows.graph import Edge, FlowGraph, NodeSpec, Retry
from headrace.infra.bus import Bus
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.settings import Settings
from headrace.plugins.manager import Host, load_plugins
from msgspec import Struct

HERE = Path(__file__).parent
DEADLINE_S = 60
PLUGINS = "node-lab,plugin-engine_polars,node-control,node-transform"
FAST = {
    "lease_s": 2,
    "heartbeat_s": 0.4,
    "poll_s": 0.2,
    "cancel_grace_s": 0.5,
    "drain_s": 0.2,
    "reap_s": 0.1,
    "ring_again_s": 1,
}


class Someone(Struct, frozen=True):
    organization_id: UUID
    user_id: UUID | None = None


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Path]:
    """Install the lab as a distribution on the path of this process."""
    folder = tmp_path_factory.mktemp("lab")
    info = folder / "headrace_node_lab-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: headrace-node-lab\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[headrace]\nnode-lab = headrace_node_lab\n")
    shutil.copy(HERE / "lab.py", folder / "headrace_node_lab.py")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def host(lab: Path) -> Host:
    return load_plugins(only=PLUGINS.split(","), strict=True)


class World:
    """An organization with a flow, and what tests do with it."""

    def __init__(self, database: Database, host: Host, organization_id: UUID, flow_id: UUID, folder: Path) -> None:
        self.database, self.host, self.folder = database, host, folder
        self.actor = Someone(organization_id)
        self.flow_id = flow_id

    @property
    def organization_id(self) -> UUID:
        return self.actor.organization_id

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def graph(
        self, *, gate: dict[str, Any] | None = None, write: dict[str, Any] | None = None, **node: Any
    ) -> FlowGraph:
        """rows -> gate -> write: two segments or three, the gate's config and policy as given."""
        return FlowGraph(
            nodes=(
                NodeSpec(id="rows", type="lab.rows"),
                NodeSpec(id="gate", type="lab.gate", config={"began": self.path("gate"), **(gate or {})}, **node),
                NodeSpec(id="write", type="lab.write",
                         config={"began": self.path("write"), "target": self.path("target"), **(write or {})}),
            ),
            edges=(Edge(source="rows", target="gate"), Edge(source="gate", target="write")),
        )  # fmt: skip

    async def start(self, graph: FlowGraph, **options: Any) -> UUID:
        async with self.database.transaction(self.organization_id) as session:
            return await service.start(
                session,
                self.actor,
                flow_id=self.flow_id,
                graph=graph,
                definition_hash="0" * 16,
                host=self.host,
                **options,
            )

    async def execution(self, execution_id: UUID) -> dict[str, Any]:
        async with self.database.transaction(self.organization_id) as session:
            return await service.get(session, self.organization_id, execution_id)

    async def nodes(self, execution_id: UUID) -> dict[str, dict[str, Any]]:
        async with self.database.transaction(self.organization_id) as session:
            return {row["node_id"]: row for row in await service.nodes(session, self.organization_id, execution_id)}

    async def cancel(self, execution_id: UUID) -> dict[str, Any]:
        async with self.database.transaction(self.organization_id) as session:
            return await service.cancel(session, self.organization_id, execution_id)

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.database.transaction(self.organization_id) as session:
            return list((await session.execute(sa.text(query), values)).all())

    async def until(self, look: Callable[[], Awaitable[Any] | Any]) -> Any:
        return await until(look)

    async def ended(self, execution_id: UUID) -> dict[str, Any]:
        """The execution once it is terminal."""

        async def look() -> dict[str, Any] | None:
            found = await self.execution(execution_id)
            return found if found["status"] in {"completed", "failed", "cancelled", "timed_out"} else None

        return await until(look)


async def until(look: Callable[[], Awaitable[Any] | Any], *, deadline_s: float = DEADLINE_S) -> Any:
    """The first truthy answer of `look`."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        found = look()
        found = await found if isinstance(found, Awaitable) else found
        if found:
            return found
        await asyncio.sleep(0.02)
    pytest.fail(f"not within {deadline_s} s: {look}")


async def new_flow(database: Database) -> tuple[UUID, UUID]:
    organization_id, workspace_id, flow_id = new_id(), new_id(), new_id()
    async with database.transaction(organization_id) as session:
        ids = {"o": organization_id, "w": workspace_id, "f": flow_id}
        await session.execute(sa.text("insert into organizations (id, name, slug) values (:o, 'One', :o)"), ids)
        await session.execute(sa.text("insert into workspaces (organization_id, id, name) values (:o, :w, 'W')"), ids)
        await session.execute(
            sa.text("insert into flows (organization_id, id, workspace_id, name) values (:o, :f, :w, 'F')"), ids
        )
    return organization_id, flow_id


@pytest.fixture
def lab_until() -> Callable[..., Awaitable[Any]]:
    return until


@pytest.fixture
def retry() -> type[Retry]:
    return Retry


@pytest.fixture
async def world(database: Database, host: Host, tmp_path: Path) -> World:
    organization_id, flow_id = await new_flow(database)
    folder = tmp_path / "world"
    folder.mkdir()
    return World(database, host, organization_id, flow_id, folder)


@pytest.fixture
async def other_world(database: Database, host: Host, tmp_path: Path) -> World:
    """Another organization."""
    organization_id, flow_id = await new_flow(database)
    folder = tmp_path / "other"
    folder.mkdir()
    return World(database, host, organization_id, flow_id, folder)


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[Bus]:
    opened = Bus.from_url(redis_url)
    yield opened
    await opened.close()


class Processes:
    """Starts `worker` and `scheduler` processes; ends each by its pid."""

    def __init__(self, settings: Settings, lab: Path, logs: Path) -> None:
        self._settings, self._lab, self._logs = settings, lab, logs
        self.children: list[subprocess.Popen[bytes]] = []

    async def start(
        self, kind: str, *, redis_url: str = "", plugins: str = PLUGINS, **timing: Any
    ) -> subprocess.Popen[bytes]:
        module = {"worker": "supervisor", "scheduler": "scheduler"}[kind]
        code = (
            "import json, sys; from headrace.infra.settings import load_settings; "
            f"from headrace.worker.timing import Timing; from headrace.worker.{module} import main; "
            "main(load_settings(), timing=Timing(**json.loads(sys.argv[1])))"
        )
        settings = self._settings
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(self._lab), "PYTHONUNBUFFERED": "1",
            "HEADRACE_HOME": str(settings.home),
            "HEADRACE_DATABASE_URL": settings.database_url.reveal(), "HEADRACE_WORKER_PROCESSES": "1",
            "HEADRACE_DATABASE_WORKER_URL": settings.database_worker_url.reveal(),
            "HEADRACE_REDIS_URL": redis_url or settings.redis_url.reveal(),
            "HEADRACE_MASTER_KEYS": settings.master_keys[0].reveal(),
            "HEADRACE_LOAD_PLUGINS": plugins, "HEADRACE_FILE_ROOTS": str(self._logs.parent),
        }  # fmt: skip
        path = self._logs / f"{kind}-{len(self.children)}.log"
        with path.open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-c", code, json.dumps({**FAST, **timing})], env=environment, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.children.append(child)

        def ready() -> bool:
            if child.poll() is not None:
                pytest.fail(f"{kind} ended with {child.returncode}: {path.read_text()[-3000:]}")
            return f"{kind} ready" in path.read_text()

        await until(ready)
        return child

    def log(self, number: int) -> str:
        return sorted(self._logs.iterdir(), key=lambda p: p.stat().st_ctime)[number].read_text()

    def end(self) -> None:
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGCONT)
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@pytest.fixture
def processes(headrace_settings: Settings, lab: Path, tmp_path: Path) -> Iterator[Processes]:
    folder = tmp_path / "logs"
    folder.mkdir()
    headrace_settings.home.mkdir(exist_ok=True)
    found = Processes(headrace_settings, lab, folder)
    yield found
    found.end()
