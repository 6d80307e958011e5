"""The canvas document and its graph: what is read, what is refused, where steps stand, what the hash is about."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from headrace.flows.canvas import EDGES_MAX, NODES_MAX, canvas_of, content_hash, graph_of, layout, redrawn
from headrace.flows.graph import Edge, FlowGraph, NodeSpec, Retry
from headrace.sdk.errors import ConfigError
from hypothesis import given
from hypothesis import strategies as st

STEP = {
    "id": "a",
    "type": "step",
    "position": {"x": 1, "y": 2},
    "data": {
        "nodeType": "t.read",
        "nodeVersion": 2,
        "label": "Read",
        "config": {"stream": "s"},
        "disabled": True,
        "notes": "why",
        "retry": {"max": 2},
        "timeout": 30,
        "onError": "route",
    },
}
CANVAS: dict[str, Any] = {
    "nodes": [
        STEP,
        {"id": "b", "data": {"nodeType": "t.write"}},
        {"id": "n", "type": "note", "data": {"text": "a note"}},
        {"id": "g", "type": "group"},
    ],
    "edges": [{"id": "e", "source": "a", "sourceHandle": "error", "target": "b", "targetHandle": None}],
}
NAMES = st.sampled_from(["a", "b", "c", "d", "a.b", "ä"])
PORTS = st.sampled_from(["in", "out", "left", "error"])
NODES = st.lists(
    st.builds(
        NodeSpec,
        id=NAMES,
        type=st.just("t.x"),
        label=st.text(max_size=5),
        version=st.integers(1, 3),
        disabled=st.booleans(),
        config=st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=8), max_size=2),
        retry=st.builds(Retry, max=st.integers(0, 3)),
        timeout_s=st.floats(0, 100),
        on_error=st.sampled_from(["fail", "route"]),
    ),
    max_size=6,
    unique_by=lambda node: node.id,
)
EDGES = st.lists(st.builds(Edge, source=NAMES, target=NAMES, source_port=PORTS, target_port=PORTS), max_size=8)


def test_notes_and_groups_are_layout() -> None:
    assert graph_of(CANVAS) == FlowGraph(
        nodes=(
            NodeSpec(
                id="a",
                type="t.read",
                label="Read",
                config={"stream": "s"},
                version=2,
                disabled=True,
                retry=Retry(max=2),
                timeout_s=30,
                on_error="route",
            ),
            NodeSpec(id="b", type="t.write"),
        ),
        edges=(Edge(source="a", source_port="error", target="b", target_port="in"),),
    )


@given(NODES, EDGES)
def test_a_graph_comes_back_from_its_canvas(nodes: list[NodeSpec], edges: list[Edge]) -> None:
    graph = FlowGraph(nodes=tuple(nodes), edges=tuple(edges))
    assert graph_of(msgspec.json.decode(msgspec.json.encode(canvas_of(graph)))) == graph


@pytest.mark.parametrize(
    "canvas",
    [
        {},
        {"nodes": {}},
        {"nodes": [], "edges": {}},
        {"nodes": ["a"]},
        {"nodes": [{"id": "a", "data": None}]},
        {"nodes": [{"data": {"nodeType": "t.x"}}]},
        {"nodes": [{"id": 1, "data": {"nodeType": "t.x"}}]},
        {"nodes": [{"id": "a", "data": {"nodeType": ["t.x"]}}]},
        {"nodes": [{"id": "a", "data": {"nodeType": "t.x", "config": "text"}}]},
        {"nodes": [{"id": "a", "data": {"nodeType": "t.x", "onError": "explode"}}]},
        {"nodes": [{"id": "a", "data": {"nodeType": "t.x", "retry": {"max": "often"}}}]},
        {"nodes": [], "edges": ["e"]},
        {"nodes": [], "edges": [{"source": "a"}]},
        {"nodes": [], "edges": [{"source": "a", "target": "b", "sourceHandle": ["out"]}]},
        {"nodes": [], "edges": [{"source": "a", "target": {"b": 1}}]},
    ],
)
def test_what_is_no_canvas_is_refused(canvas: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        graph_of(canvas)


def test_limits() -> None:
    node, edge = {"id": "n", "data": {}}, {"source": "a", "target": "b"}
    graph_of({"nodes": [node] * NODES_MAX, "edges": [edge] * EDGES_MAX})
    with pytest.raises(ConfigError, match="10001 nodes"):
        graph_of({"nodes": [node] * (NODES_MAX + 1)})
    with pytest.raises(ConfigError, match="20001 edges"):
        graph_of({"nodes": [], "edges": [edge] * (EDGES_MAX + 1)})


def test_steps_stand_in_columns_and_never_on_each_other() -> None:
    nodes = tuple(NodeSpec(id=name, type="t.x") for name in "abcdef")
    edges = tuple(Edge(source=s, target=t) for s, t in ("ac", "bc", "cd", "ed", "cf"))
    places = layout(FlowGraph(nodes=nodes, edges=edges))
    assert all(places[edge.source]["x"] < places[edge.target]["x"] for edge in edges)
    assert len({(place["x"], place["y"]) for place in places.values()}) == len(nodes)
    assert places["e"]["x"] == places["c"]["x"], "a source stands next to what it feeds"


@given(NODES, EDGES)
def test_every_step_gets_a_place(nodes: list[NodeSpec], edges: list[Edge]) -> None:
    """Also with cycles and with edges to steps that do not exist."""
    assert layout(FlowGraph(nodes=tuple(nodes), edges=tuple(edges))).keys() == {node.id for node in nodes}


def test_the_hash_is_about_what_a_flow_does() -> None:
    same = copy.deepcopy(CANVAS)
    same["nodes"].reverse()
    same["nodes"][-1]["position"] = {"x": 900, "y": 900}
    same["viewport"] = {"x": 1, "y": 1, "zoom": 2}
    assert content_hash(graph_of(same)) == content_hash(graph_of(CANVAS))
    other = copy.deepcopy(CANVAS)
    other["nodes"][0]["data"]["config"]["stream"] = "t"
    assert content_hash(graph_of(other)) != content_hash(graph_of(CANVAS))


def test_the_hash_minds_the_order_of_edges_at_one_port_only() -> None:
    nodes = tuple(NodeSpec(id=name, type="t.x") for name in "abcd")
    a_c, b_c, a_d = (Edge(source=s, target=t) for s, t in ("ac", "bc", "ad"))

    def digest(*edges: Edge) -> str:
        return content_hash(FlowGraph(nodes=nodes, edges=edges))

    assert digest(a_c, b_c, a_d) == digest(a_d, a_c, b_c)
    assert digest(a_c, b_c) != digest(b_c, a_c)


def test_a_canvas_is_drawn_again_around_what_stays():
    before = {
        "nodes": [
            {"id": "a", "type": "step", "position": {"x": 500, "y": 40}, "data": {**STEP["data"], "mine": 1}},
            {"id": "gone", "type": "step", "position": {"x": 0, "y": 0}, "data": STEP["data"]},
            {"id": "note", "type": "note", "position": {"x": 9, "y": 9}, "data": {"label": "Why"}},
        ],
        "edges": [{"id": "e1", "source": "a", "target": "gone"}],
        "viewport": {"x": 1, "y": 2, "zoom": 0.5},
    }
    graph = FlowGraph(
        nodes=(
            NodeSpec(id="a", type="x.y", config={"n": 2}),
            NodeSpec(id="b", type="x.y"),
            NodeSpec(id="c", type="x.y"),
        ),
        edges=(Edge(source="a", target="b"), Edge(source="a", target="c")),
    )
    after = redrawn(before, graph)
    assert graph_of(after) == graph
    nodes = {node["id"]: node for node in after["nodes"]}
    assert set(nodes) == {"a", "b", "c", "note"}
    assert (nodes["a"]["position"], nodes["a"]["data"]["mine"]) == ({"x": 500, "y": 40}, 1)
    assert nodes["b"]["position"] == {"x": 780, "y": 40}
    assert nodes["c"]["position"] != nodes["b"]["position"], "two new steps do not lie on each other"
    assert after["viewport"] == before["viewport"]
    assert redrawn(after, graph) == after, "the same text changes nothing"
