"""The whole path with real processes: accepted, rung, claimed, executed in a child, settled, seen."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from headrace.connections import service as connections
from headrace.executions import live, logs, service
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.infra.crypto import KeyRing
from headrace.plugins.manager import load_plugins
from headrace.sdk.errors import ConfigError, NotFound
from headrace.workspaces import service as _  # noqa: F401 - its tables are referenced by those of connections


async def test_an_execution_goes_from_accepted_to_completed(world, processes, bus):
    scheduler = await processes.start("scheduler")
    await processes.start("scheduler")
    await processes.start("worker", poll_s=600)
    execution_id = await world.start(world.graph(), input_data={"a": 1})
    seen = [message async for message in live.follow(world.database, bus, world.organization_id, execution_id)]
    execution = await world.ended(execution_id)
    assert execution["status"] == "completed", processes.log(2)
    assert (execution["progress"], execution["rows_processed"], execution["error"]) == (1.0, 1, None)
    nodes = await world.nodes(execution_id)
    assert {name: row["status"] for name, row in nodes.items()} == dict.fromkeys(("rows", "gate", "write"), "completed")
    assert nodes["write"]["memory_peak_bytes"] > 2**20, "the runner measures it"
    assert len(world.lines("target")) == 3
    events = [message for message in seen if message.seq is not None]
    assert [message.seq for message in events] == list(range(1, len(events) + 1))
    statuses = [message.data["status"] for message in events if message.type == "execution_update"]
    assert statuses == ["queued", "running", "completed"]
    scheduler.terminate()
    assert scheduler.wait(20) == 0
    async with world.database.transaction(world.organization_id) as session:
        lines = await logs.find(session, world.organization_id, execution_id)
        assert [(line.node_id, line.message, line.metadata) for line in lines] == [("write", "wrote 3", {"rows": 3})]


async def test_parts_of_a_flow_execute_over_stored_frames(world, processes):
    await processes.start("worker")
    graph = world.graph()
    with pytest.raises(ConfigError, match="execute up to it first"):
        await world.start(graph, mode="node", target_node_id="gate", observe="all")
    part = {"observe": "all"}
    to_here = await world.start(graph, mode="to_here", target_node_id="gate", **part)
    assert (await world.ended(to_here))["status"] == "completed"
    assert {name: row["rows_out"] for name, row in (await world.nodes(to_here)).items()} == {"rows": 3, "gate": 3}
    node = await world.start(graph, mode="node", target_node_id="gate", **part)
    assert (await world.ended(node))["status"] == "completed"
    assert list(await world.nodes(node)) == ["gate"]
    from_here = await world.start(graph, mode="from_here", target_node_id="write", **part)
    assert (await world.ended(from_here))["status"] == "completed"
    assert len(world.lines("target")) == 3
    async with world.database.transaction(world.organization_id) as session:
        output = await service.latest_output(session, world.organization_id, world.flow_id, "gate")
        assert (output.execution_id, output.outputs["out"].rows) == (node, 3)
    with pytest.raises(NotFound):
        await world.start(graph, mode="node", target_node_id="nowhere")


async def test_a_runner_serves_one_organization_only(world, processes, other_world):
    await processes.start("worker")
    for at in (world, world, other_world):
        execution_id = await at.start(at.graph())
        assert (await at.ended(execution_id))["status"] == "completed"
    assert len(set(world.lines("gate"))) == 1, "the warm runner is used again"
    assert set(world.lines("gate")).isdisjoint(other_world.lines("gate"))


async def test_a_caller_can_wait_for_the_end(world, processes, bus):
    await processes.start("worker")
    execution_id = await world.start(world.graph(gate={"wait_for": world.path("open")}))
    early = await live.wait_until_terminal(world.database, bus, world.organization_id, execution_id, timeout_s=0.2)
    assert early["status"] in {"queued", "running"}
    (world.folder / "open").touch()
    done = await live.wait_until_terminal(world.database, bus, world.organization_id, execution_id, timeout_s=60)
    assert (done["status"], done["output_data"]) == ("completed", {"write.result": {"rows": 1}})


async def test_connections_are_decrypted_for_the_segment_only(world, processes, headrace_settings, tmp_path):
    host = load_plugins(only=["connector-sqlite", "node-lab", "plugin-engine_polars"], strict=True)
    vault, path = connections.Vault(KeyRing(headrace_settings.master_keys)), tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as shop, shop:
        shop.execute("create table city (id integer primary key, name text)")
        shop.executemany("insert into city values (?, ?)", [(1, "Bern"), (2, "Oslo")])
    async with world.database.transaction(world.organization_id) as session:
        await connections.create(
            session, world.actor, vault, host.registry, name="Shop", connector="sqlite", config={"path": str(path)}
        )
    await processes.start("worker", plugins=("connector-sqlite", "node-lab", "plugin-engine_polars"))
    world.host = host
    read = NodeSpec(id="read", type="sqlite.read", config={"connection": "Shop", "stream": "city"})
    write = NodeSpec(
        id="copy", type="sqlite.write", config={"connection": "Shop", "stream": "twin", "mode": "overwrite"}
    )
    execution_id = await world.start(FlowGraph(nodes=(read, write), edges=(Edge(source="read", target="copy"),)))
    execution = await world.ended(execution_id)
    assert execution["status"] == "completed", execution["error"]
    with contextlib.closing(sqlite3.connect(path)) as shop:
        assert shop.execute("select * from twin order by 1").fetchall() == [(1, "Bern"), (2, "Oslo")]
    lost = NodeSpec(id="read", type="sqlite.read", config={"connection": "Gone", "stream": "city"})
    execution = await world.ended(await world.start(FlowGraph(nodes=(lost,))))
    assert (execution["status"], execution["error"]["node_id"]) == ("failed", "read")
    assert "there is no connection 'Gone'" in execution["error_message"]
    (kept,) = await world.rows("select count(*) as n from segment_runs where spec::text like :path", path=f"%{path}%")
    assert kept.n == 0, "what a connection holds is stored nowhere else"


async def test_steps_take_values_of_what_the_execution_was_started_with(world, processes, tmp_path):
    await processes.start("worker")
    steps = {node.id: node for node in world.graph().nodes}
    target = {**steps["write"].config, "target": str(tmp_path / "{{ input.row.place }}")}
    nodes = (steps["rows"], steps["gate"], NodeSpec(id="write", type=steps["write"].type, config=target))
    graph = FlowGraph(nodes=nodes, edges=world.graph().edges)
    execution_id = await world.start(graph, input_data={"rows": [{"place": "here.txt"}]})
    assert (await world.ended(execution_id))["status"] == "completed", processes.log(0)
    assert len((tmp_path / "here.txt").read_text().splitlines()) == 3
