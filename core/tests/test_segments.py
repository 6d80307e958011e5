"""Compilation: what fuses, where a segment ends, and that no order of nodes gives a cycle of segments."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any

from headrace.engine.segments import Plan, bypass_disabled, compile_plan
from headrace.flows.graph import Edge, FlowGraph, NodeSpec, Retry
from headrace.plugins.manager import Host
from headrace.plugins.records import PluginRecord
from headrace.plugins.registry import Registry
from headrace.sdk import Config, Effect, Field, NodeManifest, Port, hookimpl, lazy
from hypothesis import given
from hypothesis import strategies as st


class Nothing(Config):
    """No settings."""


class Target(Config):
    """Where to."""

    connection: Annotated[str, Field("Connection", widget="connection")] = ""


def registry() -> Registry:
    many = (Port("in", many=True, required=False),)
    shapes: list[tuple[str, Any, Any]] = [
        ("read", Effect.READ, {"inputs": ()}),
        ("pure", Effect.NONE, {"inputs": many}),
        ("write", Effect.UPDATE, {"inputs": many, "outputs": (Port("result"),), "config": Target}),
        ("call", Effect.READ, {"inputs": (), "waits": True}),
        ("heavy", Effect.NONE, {"inputs": many, "heavy": True}),
        ("answer", Effect.NONE, {"inputs": many, "control": True, "role": "answer"}),
    ]
    nodes = [
        NodeManifest(**{"id": i, "title": i, "config": Nothing, "factory": lazy("a:b"), "effect": e, **more})
        for i, e, more in shapes
    ]
    host = Host(strict=True)
    record = PluginRecord(name="node-t", module="m", distribution="dist-t", version="1", fingerprint="")
    host.add(record, lambda: SimpleNamespace(headrace_nodes=hookimpl(lambda: nodes)))
    return host.registry


REGISTRY = registry()


def graph(text: str, **changes: dict[str, Any]) -> FlowGraph:
    """`a:read b:pure a>b` as a graph."""
    nodes, edges = [], []
    for word in text.split():
        if ">" in word:
            source, _, target = word.partition(">")
            name, _, port = source.partition(".")
            edges.append(Edge(source=name, source_port=port or "out", target=target))
        else:
            name, _, kind = word.partition(":")
            nodes.append(NodeSpec(id=name, type=f"t.{kind}", **changes.get(name, {})))
    return FlowGraph(nodes=tuple(nodes), edges=tuple(edges))


def groups(plan: Plan) -> list[set[str]]:
    return [set(segment.node_ids) for segment in plan.segments]


def test_a_three_node_flow_is_one_segment() -> None:
    plan = compile_plan(graph("a:read b:pure c:write a>b b>c"), REGISTRY)
    assert groups(plan) == [{"a", "b", "c"}]
    assert plan.segments[0].queue == "light"
    assert plan.segments[0].plugins == ("dist-t",)


def test_an_answer_is_given_by_the_segment_before_it() -> None:
    plan = compile_plan(graph("a:read b:pure r:answer p:pure a>b b>r r>p"), REGISTRY)
    assert groups(plan) == [{"a", "b", "r"}, {"p"}]


def test_what_only_waits_for_others_is_on_the_io_queue() -> None:
    queues = {text: compile_plan(graph(text), REGISTRY).segments[-1].queue for text in (
        "a:call", "a:call b:pure a>b", "a:call c:write a>c", "a:call b:read p:pure a>p b>p", "a:call h:heavy a>h",
    )}  # fmt: skip
    assert list(queues.values()) == ["io", "io", "light", "light", "heavy"]


def test_ten_thousand_pure_nodes_are_one_segment() -> None:
    nodes = tuple(NodeSpec(id=f"n{i}", type="t.pure") for i in range(10_000))
    edges = tuple(Edge(source=f"n{i}", target=f"n{i + 1}") for i in range(9_999))
    plan = compile_plan(FlowGraph(nodes=nodes, edges=edges), REGISTRY)
    assert len(plan.segments) == 1
    assert plan.segments[0].keep == ("n9999.out",)


def test_a_frame_that_two_writes_want_is_computed_once() -> None:
    plan = compile_plan(graph("a:read b:pure x:write y:write a>b b>x b>y"), REGISTRY)
    assert groups(plan) == [{"a", "b"}, {"x"}, {"y"}] or groups(plan) == [{"a", "b"}, {"y"}, {"x"}]
    assert plan.segments[0].keep == ("b.out",)
    assert all(s.inputs == ("b.out",) and s.depends_on == (0,) for s in plan.segments[1:])


def test_what_comes_after_an_effect_waits_for_it() -> None:
    plan = compile_plan(graph("a:read w:write p:pure a>w w.result>p"), REGISTRY)
    assert groups(plan) == [{"a", "w"}, {"p"}]
    assert plan.segments[0].keep == ("w.result",)


def test_a_heavy_node_stands_alone_on_its_queue() -> None:
    plan = compile_plan(graph("a:read h:heavy b:pure a>h h>b"), REGISTRY)
    assert groups(plan) == [{"a"}, {"h"}, {"b"}]
    assert [s.queue for s in plan.segments] == ["light", "heavy", "light"]


def test_a_node_with_a_policy_of_its_own_stands_alone() -> None:
    for change in ({"on_error": "continue"}, {"retry": Retry(max=2)}, {"timeout_s": 3.0}):
        plan = compile_plan(graph("a:read b:pure c:pure a>b b>c", b=change), REGISTRY)
        assert groups(plan) == [{"a"}, {"b"}, {"c"}]


def test_a_disabled_node_lets_its_first_input_through() -> None:
    before = graph("a:read b:pure c:pure a>b b>c", b={"disabled": True})
    after = bypass_disabled(before)
    assert [n.id for n in after.nodes] == ["a", "c"]
    assert [(e.source, e.target) for e in after.edges] == [("a", "c")]


def test_connections_are_listed() -> None:
    plan = compile_plan(graph("a:read w:write a>w", w={"config": {"connection": "Warehouse"}}), REGISTRY)
    assert plan.segments[0].connections == ("Warehouse",)


@given(st.data())
def test_any_graph_gives_segments_in_order(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 14))
    kinds = data.draw(st.lists(st.sampled_from(["pure", "read", "write", "heavy"]), min_size=count, max_size=count))
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    chosen = data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=30)) if pairs else []
    port = {"write": "result"}
    drawn = FlowGraph(
        nodes=tuple(NodeSpec(id=f"n{i}", type=f"t.{k}") for i, k in enumerate(kinds)),
        edges=tuple(Edge(source=f"n{a}", target=f"n{b}", source_port=port.get(kinds[a], "out")) for a, b in chosen),
    )
    plan = compile_plan(drawn, REGISTRY)
    assert sorted(n for s in plan.segments for n in s.node_ids) == sorted(n.id for n in drawn.nodes)
    home = {n: s.no for s in plan.segments for n in s.node_ids}
    for edge in drawn.edges:
        first, second = home[edge.source], home[edge.target]
        assert first <= second
        if first != second:
            name = f"{edge.source}.{edge.source_port}"
            assert name in plan.segments[first].keep
            assert name in plan.segments[second].inputs
            assert first in plan.segments[second].depends_on
    writes = {n.id for n in drawn.nodes if n.type == "t.write"}
    assert all(len(writes & set(s.node_ids)) <= 1 for s in plan.segments), "one effect a segment"


def test_a_step_that_templates_take_from_is_stored_and_ends_its_segment():
    drawn = graph("a:read b:pure c:pure d:pure a>b b>c c>d")
    assert groups(compile_plan(drawn, REGISTRY)) == [{"a", "b", "c", "d"}]
    plan = compile_plan(drawn, REGISTRY, taken={"d": {"First": "a.out"}})
    assert groups(plan) == [{"a"}, {"b", "c", "d"}]
    assert (plan.segments[0].keep, plan.segments[1].inputs) == (("a.out",), ("a.out",))
    plan = compile_plan(drawn, REGISTRY, taken={"d": {"b": "b.out"}, "c": {"a": "a.out"}})
    assert groups(plan) == [{"a"}, {"b"}, {"c", "d"}]
    assert plan.segments[2].depends_on == (0, 1)


def test_a_loop_waits_for_what_is_taken_inside_of_it():
    whole = graph("a:read b:write l:pure x:pure a>b b.result>l", x={"parent": "l"})
    plan = compile_plan(whole.level(), REGISTRY, taken={"x": {"a": "a.out"}}, whole=whole)
    assert [segment.inputs for segment in plan.segments] == [(), ("a.out",), ("b.result", "a.out")]


@given(st.integers(2, 9), st.data())
def test_whatever_is_taken_makes_no_cycle_of_segments(count, data):
    names = [f"n{number}" for number in range(count)]
    kinds = [data.draw(st.sampled_from(["pure", "heavy", "write"])) for _ in names]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True))
    nodes = tuple(NodeSpec(id=name, type=f"t.{kind}") for name, kind in zip(names, kinds, strict=True))
    drawn = FlowGraph(nodes=nodes, edges=tuple(Edge(source=a, target=b) for a, b in edges))
    looks = [(a, b) for a, b in pairs if a in drawn.upstream(b) and data.draw(st.booleans())]
    taken: dict[str, dict[str, str]] = {}
    for a, b in looks:
        taken.setdefault(b, {})[a] = f"{a}.out"
    plan = compile_plan(drawn, REGISTRY, taken=taken)
    home = {node_id: segment for segment in plan.segments for node_id in segment.node_ids}
    for a, b in looks:
        assert home[a].no < home[b].no, "it has ended when the other begins"
        assert f"{a}.out" in home[a].keep
        assert f"{a}.out" in home[b].inputs
        assert home[a].no in home[b].depends_on
