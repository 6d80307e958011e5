"""Executing again costs what changed: counted at gates, which write a line each time that they are executed."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from headrace.executions import pins, replay, service
from headrace.executions.rows import drop_frames, pin_frames, pin_rows
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.sdk.errors import ConfigError, Conflict, NotFound

GATES = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def slots():
    """One: what has been executed when a step fails is the same each time."""
    return 1


def chain(world, source: NodeSpec, **config) -> FlowGraph:
    """source -> a -> b -> write, and source -> c -> d: `d` and `write` end the two arms."""
    gates = tuple(
        NodeSpec(id=name, type="lab.gate", config={"began": world.path(name), **config.get(name, {})}) for name in GATES
    )
    write = {"began": world.path("write"), "target": world.path("target"), **config.get("write", {})}
    edges = ("source>a", "a>b", "b>write", "source>c", "c>d")
    return FlowGraph(
        nodes=(source, *gates, NodeSpec(id="write", type="lab.write", config=write)),
        edges=tuple(Edge(source=e.split(">")[0], target=e.split(">")[1]) for e in edges),
    )


ROWS = NodeSpec(id="source", type="lab.rows")


def counts(world) -> dict[str, int]:
    return {name: len(world.lines(name)) for name in (*GATES, "write")}


def csv(world, text: str) -> NodeSpec:
    (world.folder / "in.csv").write_text(text)
    return NodeSpec(id="source", type="local_files.read", config={"connection": "Files", "stream": "in.csv"})


async def test_a_retry_of_what_failed_executes_only_what_had_not_completed(world, owner):
    graph = chain(world, ROWS, d={"wait_for": world.path("open")}, b={"fail_times": 1, "transient": False})
    first = await owner.execute(graph)
    async with asyncio.timeout(60):
        while not counts(world)["b"] and not counts(world)["d"]:
            await asyncio.sleep(0.02)
    if d_completes := bool(counts(world)["d"]):  # it has the one slot: `b` comes after it
        (world.folder / "open").touch()
    assert (await world.ended(first))["status"] == "failed"
    (world.folder / "open").touch()
    before = counts(world)
    assert (before["a"], before["b"], before["write"]) == (1, 1, 0)
    again = await owner.retry(first)
    ended = await world.ended(again)
    assert ended["status"] == "completed", ended["error"]
    assert (ended["trigger_type"], ended["attempt"], ended["parent_execution_id"]) == ("retry", 2, first)
    after = counts(world)
    assert (after["a"], after["b"], after["write"]) == (1, 2, 1)
    assert (after["c"], after["d"]) == (1, 1 if d_completes or before["d"] == 0 else 2)
    rows = await world.nodes(again)
    assert {n for n, row in rows.items() if row["cache_hit"]} >= {"source", "a"}
    assert not rows["b"]["cache_hit"]
    assert rows["a"]["rows_out"] == 3
    with pytest.raises(Conflict, match="every step completed"):
        await owner.retry(again)
    (row,) = await world.rows("select last_execution_at from flows where id = :f", f=world.flow_id)
    assert row.last_execution_at is not None


async def test_a_changed_config_on_the_latest_canvas_executes_exactly_what_depends_on_it(world, owner):
    graph = chain(world, ROWS, write={"fail_times": 1, "transient": False})
    first = await owner.execute(graph)
    assert (await world.ended(first))["status"] == "failed"
    await world.ended(first)
    done = counts(world)
    nodes = tuple(
        msgspec.structs.replace(n, config={**n.config, "deaf": True}) if n.id == "c" else n for n in graph.nodes
    )
    await owner.save(msgspec.structs.replace(graph, nodes=nodes))
    again = await owner.retry(first, version="latest")
    assert (await world.ended(again))["status"] == "completed"
    now = counts(world)
    assert (now["a"] - done["a"], now["b"] - done["b"], now["write"] - done["write"]) == (0, 0, 1)
    assert now["c"] == done["c"] + 1
    same = await owner.retry(again, since="node", node_ids=["b"])
    assert (await world.ended(same))["status"] == "completed"
    last = counts(world)
    assert {name: last[name] - now[name] for name in last} == {"a": 0, "b": 1, "c": 0, "d": 0, "write": 1}
    whole = await owner.retry(same, since="start")
    assert (await world.ended(whole))["attempt"] == 4
    assert {name: counts(world)[name] - last[name] for name in last} == dict.fromkeys(last, 1)


async def test_what_cannot_be_retried_is_said(world, other_world, owner):
    graph = chain(world, ROWS, a={"wait_for": world.path("never")})
    running = await owner.execute(graph)
    with pytest.raises(Conflict, match="still"):
        await owner.retry(running)
    await world.cancel(running)
    assert (await world.ended(running))["status"] == "cancelled"
    with pytest.raises(ConfigError, match="name the steps"):
        await owner.retry(running, since="node")
    with pytest.raises(NotFound, match="'nowhere'"):
        await owner.retry(running, since="node", node_ids=["nowhere"])
    with pytest.raises(NotFound, match="no version 7"):
        await owner.retry(running, version=7)
    async with world.database.transaction(other_world.organization_id) as session:
        with pytest.raises(NotFound, match="no such execution"):
            await replay.retry(session, other_world.actor, running, world.host)


async def test_unchanged_work_is_not_done_again(world, owner):
    graph = chain(world, csv(world, "id\n1\n2\n"))
    first = await owner.execute(graph)
    assert (await world.ended(first))["status"] == "completed", await world.execution(first)
    assert counts(world) == dict.fromkeys((*GATES, "write"), 1)
    second = await owner.execute(graph, reuse=True)
    assert (await world.ended(second))["status"] == "completed"
    assert counts(world) == {**dict.fromkeys(GATES, 1), "write": 2}, "effects are never taken from the store"
    rows = await world.nodes(second)
    assert {name for name, row in rows.items() if row["cache_hit"]} == {"source", *GATES}
    assert rows["d"]["rows_out"] == 2
    third = await owner.execute(graph)
    assert (await world.ended(third))["status"] == "completed"
    assert counts(world) == {**dict.fromkeys(GATES, 2), "write": 3}, "without being asked, all is executed"


async def test_a_change_upstream_executes_what_depends_on_it(world, owner):
    source = csv(world, "id\n1\n2\n")
    graph = chain(world, source)
    assert (await world.ended(await owner.execute(graph)))["status"] == "completed"
    nodes = tuple(
        msgspec.structs.replace(n, config={**n.config, "deaf": True}) if n.id == "c" else n for n in graph.nodes
    )
    changed = msgspec.structs.replace(graph, nodes=nodes)
    assert (await world.ended(await owner.execute(changed, reuse=True)))["status"] == "completed"
    assert counts(world) == {"a": 1, "b": 1, "c": 2, "d": 2, "write": 2}
    csv(world, "id\n1\n2\n3\n")
    ended = await world.ended(await owner.execute(changed, reuse=True))
    assert ended["status"] == "completed"
    assert counts(world) == {"a": 2, "b": 2, "c": 3, "d": 3, "write": 3}, "the file has changed"
    assert len(world.lines("target")) == 2 + 2 + 3


async def test_a_frame_that_is_gone_is_made_again(world, owner, headrace_settings):
    graph = chain(world, csv(world, "id\n1\n2\n"))
    first = await owner.execute(graph)
    assert (await world.ended(first))["status"] == "completed"
    (kept,) = await world.rows("select outputs from node_outputs where node_id = 'a'")
    (headrace_settings.home / "objects" / kept.outputs["out"]["key"]).unlink()
    assert (await world.ended(await owner.execute(graph, reuse=True)))["status"] == "completed"
    assert counts(world) == dict.fromkeys((*GATES, "write"), 2), "gates hand on what they get: one frame for all"
    assert (await world.ended(await owner.execute(graph, reuse=True)))["status"] == "completed"
    assert counts(world) == {**dict.fromkeys(GATES, 2), "write": 3}


async def test_sources_that_cannot_tell_their_state_and_effects_are_never_reused(world, owner):
    graph = chain(world, ROWS)
    for number in (1, 2):
        ended = await world.ended(await owner.execute(graph, observe="all"))
        assert ended["status"] == "completed"
        assert ended["reuse"], "design time"
        assert counts(world) == dict.fromkeys((*GATES, "write"), number)
    kept = await world.rows("select distinct node_id from node_outputs")
    assert {row.node_id for row in kept} == set(GATES)


async def test_what_reads_the_clock_or_the_params_is_told_apart(world, owner):
    source = csv(world, "id\n1\n2\n")

    def flow(expression: str) -> FlowGraph:
        column = {"columns": [{"name": "x", "expression": expression}]}
        return FlowGraph(
            nodes=(source, NodeSpec(id="derive", type="transform.derive", config=column),
                   NodeSpec(id="a", type="lab.gate", config={"began": world.path("a")})),
            edges=(Edge(source="source", target="derive"), Edge(source="derive", target="a")),
        )  # fmt: skip

    async def twice(expression: str, *params: dict[str, int]) -> int:
        before = counts(world)["a"]
        for given in params:
            ended = await world.ended(await owner.execute(flow(expression), reuse=True, params=given))
            assert ended["status"] == "completed", ended["error"]
        return counts(world)["a"] - before

    assert await twice("id + 1", {}, {}) == 1
    assert await twice("id + {{ params.n }}", {"n": 1}, {"n": 1}) == 0, "filled in, it is id + 1"
    assert await twice("id + {{ params.n }}", {"n": 2}, {"n": 2}, {"n": 3}) == 2


async def test_design_time_shows_every_step_without_executing_it(world, owner):
    graph = FlowGraph(
        nodes=(csv(world, "id\n1\n2\n"), *(NodeSpec(id=f"l{n}", type="transform.limit", config={"rows": 5 - n})
                                           for n in range(3))),
        edges=(Edge(source="source", target="l0"), Edge(source="l0", target="l1"), Edge(source="l1", target="l2")),
    )  # fmt: skip
    assert (await world.ended(await owner.execute(graph, observe="all")))["status"] == "completed"
    nodes = (*graph.nodes[:-1], NodeSpec(id="l2", type="transform.limit", config={"rows": 1}))
    second = await owner.execute(msgspec.structs.replace(graph, nodes=nodes), observe="all")
    assert (await world.ended(second))["status"] == "completed"
    rows = await world.nodes(second)
    assert {name: (row["cache_hit"], row["rows_out"]) for name, row in rows.items()} == {
        "source": (True, 2), "l0": (True, 2), "l1": (True, 2), "l2": (False, 1),
    }  # fmt: skip
    assert all(row["has_output"] for row in rows.values())


async def test_pins_stand_in_for_a_step_in_test_runs_only(world, owner, headrace_settings):
    graph = chain(world, csv(world, "id\n1\n2\n"))
    assert (await world.ended(await owner.execute(graph, reuse=True)))["status"] == "completed"
    base = counts(world)
    refs = pin_rows(headrace_settings.objects_url, world.organization_id, world.flow_id, "b", {"out": [{"id": 7}] * 5})
    async with world.database.transaction(world.organization_id) as session:
        await pins.put(session, world.organization_id, world.flow_id, "b", refs)
    pinned = await owner.execute(graph, use_pins=True, reuse=True)
    assert (await world.ended(pinned))["status"] == "completed"
    now = counts(world)
    assert {name: now[name] - base[name] for name in now} == {"a": 0, "b": 0, "c": 0, "d": 0, "write": 1}
    rows = await world.nodes(pinned)
    assert "a" not in rows, "only the pinned step needed it"
    assert (rows["b"]["pinned"], rows["b"]["cache_hit"], rows["b"]["rows_out"]) == (True, False, 5)
    assert len(world.lines("target")) == 2 + 5
    real = await owner.execute(graph, reuse=True)
    assert (await world.ended(real))["status"] == "completed"
    assert len(world.lines("target")) == 2 + 5 + 2, "real rows are not those of the pin"
    with pytest.raises(ConfigError, match="test runs"):
        await owner.execute(graph, use_pins=True, trigger_type="scheduled")
    again = await owner.retry(pinned, since="failed")
    assert (await world.ended(again))["status"] == "completed"
    assert len(world.lines("target")) == 2 + 5 + 2 + 2, "a retry executes the step that was pinned"


async def test_what_was_pinned_from_an_execution_outlives_it(world, owner, headrace_settings):
    graph = chain(world, csv(world, "id\n1\n2\n"))
    first = await owner.execute(graph)
    assert (await world.ended(first))["status"] == "completed"
    async with world.database.transaction(world.organization_id) as session:
        found = await service.latest_output(session, world.organization_id, world.flow_id, "b")
    url = headrace_settings.objects_url
    refs = pin_frames(url, world.organization_id, world.flow_id, "b", found.outputs)
    drop_frames(url, list(found.outputs.values()))
    with pytest.raises(ConfigError, match="are gone"):
        pin_frames(url, world.organization_id, world.flow_id, "b", found.outputs)
    async with world.database.transaction(world.organization_id) as session:
        await pins.put(session, world.organization_id, world.flow_id, "b", refs, execution_id=first)
    pinned = await owner.execute(graph, use_pins=True)
    assert (await world.ended(pinned))["status"] == "completed"
    assert (await world.nodes(pinned))["b"]["rows_out"] == 2
    drop_frames(url, list(refs.values()))
    lost = await world.ended(await owner.execute(graph, use_pins=True))
    assert (lost["status"], "the pinned rows of 'b' are gone" in lost["error_message"]) == ("failed", True)


async def test_a_step_over_given_rows(world, owner, headrace_settings):
    graph = chain(world, ROWS)
    refs = pin_rows(headrace_settings.objects_url, world.organization_id, world.flow_id, "a", {"in": [{"id": 1}] * 9})
    only = {"mode": "node", "target_node_id": "a", "observe": "all", "trigger_type": "test"}
    execution_id = await owner.execute(graph, supplied=refs, row_limit=4, **only)
    ended = await world.ended(execution_id)
    assert ended["status"] == "completed", ended["error"]
    rows = await world.nodes(execution_id)
    assert (list(rows), rows["a"]["rows_out"]) == (["a"], 4)
    limited = await owner.execute(graph, row_limit=2, mode="to_here", target_node_id="c", observe="all")
    assert (await world.ended(limited))["status"] == "completed"
    assert (await world.nodes(limited))["c"]["rows_out"] == 2
