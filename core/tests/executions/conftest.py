"""Fixtures of executions: the lab plugin, a flow to execute, worker and scheduler processes that are ended by pid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import sqlalchemy as sa
from headrace.connections import service as connections
from headrace.executions import replay, service
from headrace.flows import service as flows
from headrace.flows.canvas import canvas_of
from headrace.flows.graph import Edge, FlowGraph, NodeSpec, Retry
from headrace.infra.bus import Bus
from headrace.infra.crypto import KeyRing
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.settings import Settings
from headrace.plugins.manager import Host, load_plugins
from headrace.testing.processes import DEADLINE_S, Processes, until
from headrace.testing.services import Urls, emptied_redis, fresh_urls, new_settings
from headrace.workspaces import service as _  # noqa: F401 - its tables are referenced by those of connections
from msgspec import Struct

PLUGINS = ("node-lab", "plugin-engine_polars", "node-control", "node-transform")
WITH_FILES = (*PLUGINS, "connector-local_files")
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
def host(lab: Path) -> Host:
    return load_plugins(only=PLUGINS, strict=True)


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

    @staticmethod
    def flow(text: str, **config: Any) -> FlowGraph:
        """`id:type` steps, `inside/id:type` in a loop, and edges `a.port>b.port`; `_` in a config is the policy."""
        nodes, edges = [], []
        for word in text.split():
            if ">" in word:
                (source, _, out), (target, _, into) = (end.partition(".") for end in word.split(">"))
                edges.append(Edge(source=source, source_port=out or "out", target=target, target_port=into or "in"))
            else:
                name, _, kind = word.partition(":")
                parent, _, name = name.rpartition("/")
                more = dict(config.get(name, {}))
                policy = more.pop("_", {})
                nodes.append(NodeSpec(id=name, type=kind, parent=parent.rpartition("/")[2], config=more, **policy))
        return FlowGraph(nodes=tuple(nodes), edges=tuple(edges))

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

    async def states(self, execution_id: UUID) -> dict[str, str]:
        return {node_id: row["status"] for node_id, row in (await self.nodes(execution_id)).items()}

    async def outputs(self, execution_id: UUID) -> dict[str, int]:
        return {
            name: item["rows"] for name, item in ((await self.execution(execution_id))["output_data"] or {}).items()
        }

    async def children(self, execution_id: UUID) -> list[dict[str, Any]]:
        async with self.database.transaction(self.organization_id) as session:
            rows, _ = await service.find(session, self.organization_id, parent_id=execution_id, limit=1000)
        return sorted(rows, key=lambda row: (row["item_no"] is None, row["item_no"]))

    async def cancel(self, execution_id: UUID) -> dict[str, Any]:
        async with self.database.transaction(self.organization_id) as session:
            return await service.cancel(session, self.organization_id, execution_id)

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.database.transaction(self.organization_id) as session:
            return list((await session.execute(sa.text(query), values)).all())

    async def configure(self, **settings: Any) -> None:
        """What the flow's settings say from now on."""
        await self.rows("update flows set settings = cast(:s as jsonb) where id = :f returning id",
                        s=msgspec.json.encode(settings).decode(), f=self.flow_id)  # fmt: skip

    async def until(self, look: Callable[[], Awaitable[Any] | Any]) -> Any:
        return await until(look)

    async def ended(self, execution_id: UUID, *, deadline_s: float = DEADLINE_S) -> dict[str, Any]:
        """The execution once it is terminal."""

        async def look() -> dict[str, Any] | None:
            found = await self.execution(execution_id)
            return found if found["status"] in {"completed", "failed", "cancelled", "timed_out"} else None

        return await until(look, deadline_s=deadline_s)


async def new_flow(database: Database, organization_id: UUID) -> tuple[UUID, UUID]:
    workspace_id, flow_id = new_id(), new_id()
    async with database.transaction(organization_id) as session:
        ids = {"o": organization_id, "w": workspace_id, "f": flow_id}
        await session.execute(
            sa.text("insert into organizations (id, name, slug) values (:o, 'One', :o) on conflict do nothing"), ids
        )
        await session.execute(sa.text("insert into workspaces (organization_id, id, name) values (:o, :w, :w)"), ids)
        await session.execute(
            sa.text("insert into flows (organization_id, id, workspace_id, name) values (:o, :f, :w, 'F')"), ids
        )
    return organization_id, flow_id


class Crew(Struct, frozen=True):
    """What the tests of a file share.

    Attributes:
        organization_id: Of those who own no connections: a runner is warm for one.
        slots: Segments that its worker executes at a time.
    """

    urls: Urls
    settings: Settings
    processes: Processes
    organization_id: UUID
    slots: int


@pytest.fixture(scope="module")
def slots() -> int:
    """Of the worker of a crew."""
    return 3


@pytest.fixture(scope="module")
def crew(lab: Path, slots: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """A scheduler and a worker, started once for the tests of a file that break neither.

    A test that asks for it has its database, Valkey and settings; its flow and its folder are its own.
    """
    logs = tmp_path_factory.mktemp("crew")
    with fresh_urls() as urls:
        settings = new_settings(urls, emptied_redis(shared=True), logs / "home")
        settings.home.mkdir()
        processes = Processes(settings, lab, logs, plugins=WITH_FILES, slots=slots, **FAST)
        try:
            asyncio.run(processes.start("scheduler"))
            asyncio.run(processes.start("worker"))
            yield Crew(urls, settings, processes, new_id(), slots)
        finally:
            processes.end()


def crew_of(request: pytest.FixtureRequest) -> Crew | None:
    if "crew" not in request.fixturenames:
        return None
    crew: Crew = request.getfixturevalue("crew")
    assert [child.poll() for child in crew.processes.children] == [None, None], "a test before has ended one of them"
    return crew


@pytest.fixture
def database_urls(request: pytest.FixtureRequest) -> Iterator[Urls]:
    if crew := crew_of(request):
        yield crew.urls
        return
    with fresh_urls() as urls:
        yield urls


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    crew = crew_of(request)
    return crew.settings.redis_url.reveal() if crew else emptied_redis()


@pytest.fixture
def headrace_settings(request: pytest.FixtureRequest, database_urls: Urls, redis_url: str, tmp_path: Path) -> Settings:
    crew = crew_of(request)
    return crew.settings if crew else new_settings(database_urls, redis_url, tmp_path / "home")


@pytest.fixture
def retry() -> type[Retry]:
    return Retry


@pytest.fixture
async def world(request: pytest.FixtureRequest, database: Database, host: Host, tmp_path: Path) -> World:
    crew = None if "owner" in request.fixturenames else crew_of(request)
    organization_id, flow_id = await new_flow(database, crew.organization_id if crew else new_id())
    folder = tmp_path / "world"
    folder.mkdir()
    return World(database, host, organization_id, flow_id, folder)


@pytest.fixture
async def other_world(database: Database, host: Host, tmp_path: Path) -> World:
    """Another organization."""
    organization_id, flow_id = await new_flow(database, new_id())
    folder = tmp_path / "other"
    folder.mkdir()
    return World(database, host, organization_id, flow_id, folder)


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[Bus]:
    opened = Bus.from_url(redis_url)
    yield opened
    await opened.close()


@pytest.fixture
def processes(headrace_settings: Settings, lab: Path, tmp_path: Path) -> Iterator[Processes]:
    folder = tmp_path / "logs"
    folder.mkdir()
    headrace_settings.home.mkdir(exist_ok=True)
    found = Processes(headrace_settings, lab, folder, plugins=PLUGINS, **FAST)
    yield found
    found.end()


class Owner:
    """Keeps the flow's canvas and executes it as the API does."""

    def __init__(self, world) -> None:
        self.world = world

    async def save(self, graph: FlowGraph) -> None:
        async with self.world.database.transaction(self.world.organization_id) as session:
            ids = {"o": self.world.organization_id, "f": self.world.flow_id}
            text = msgspec.json.encode(canvas_of(graph)).decode()
            await session.execute(
                sa.text("insert into flow_data (organization_id, flow_id, definition, row_version) "
                        "values (:o, :f, cast(:d as jsonb), 1) on conflict (organization_id, flow_id) "
                        "do update set definition = excluded.definition"), ids | {"d": text})  # fmt: skip

    async def execute(self, graph: FlowGraph, **options):
        await self.save(graph)
        world = self.world
        async with world.database.transaction(world.organization_id) as session:
            names = await connections.names(session, world.organization_id)
            whole, digest = await flows.prepare(
                session, world.actor, world.flow_id, world.host.registry, connections=names
            )
            return await service.start(
                session, world.actor, flow_id=world.flow_id, graph=whole, definition_hash=digest, host=world.host,
                **options,
            )  # fmt: skip

    async def retry(self, execution_id, **options):
        world = self.world
        async with world.database.transaction(world.organization_id) as session:
            return await replay.retry(session, world.actor, execution_id, world.host, **options)


@pytest.fixture
async def owner(world, crew, lab):
    world.host = load_plugins(only=WITH_FILES, strict=True)
    async with world.database.transaction(world.organization_id) as session:
        await connections.create(
            session, world.actor, connections.Vault(KeyRing(crew.settings.master_keys)), world.host.registry,
            name="Files", connector="local_files", config={"root": str(world.folder)},
        )  # fmt: skip
    return Owner(world)
