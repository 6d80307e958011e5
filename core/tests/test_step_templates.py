"""Templates take rows of earlier steps by name: which ones they may, and what is said of the others."""
# ruff: noqa: E501 - tables read by line

from __future__ import annotations

import polars as pl
import pytest
from headrace.engine.frame_store import FrameStore
from headrace.engine.messages import FrameRef, SegmentRequest
from headrace.engine.references import filled_in, seen_of
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.flows.references import before, taken
from headrace.flows.validate import validate
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError
from headrace.sdk.text import members_of
from headrace_node_control.configs import RespondConfig
from headrace_node_transform.configs import SqlConfig


def flow(*nodes: NodeSpec, edges: str) -> FlowGraph:
    pairs = [edge.split(">") for edge in edges.split()]
    made = []
    for (source, _, out), (target, _, into) in ((a.partition("."), b.partition(".")) for a, b in pairs):
        made.append(Edge(source=source, source_port=out or "out", target=target, target_port=into or "in"))
    return FlowGraph(nodes=nodes, edges=tuple(made))


def limit(node_id: str, **more) -> NodeSpec:
    return NodeSpec(id=node_id, type="transform.limit", config={"rows": 1}, **more)


def answer(text: str, **more) -> NodeSpec:
    return NodeSpec(id="answer", type="control.respond", config={"send": "text", "body": text}, **more)


@pytest.mark.parametrize(("text", "steps"), [
    ("{{ nodes.a.row.x }} {{ nodes['b c'].count }}", {"a", "b c"}), ("{% if nodes.a is defined %}{{ 1 }}{% endif %}", {"a"}),
    ("{{ params.nodes }}", set()), ("nodes.a", set()), ("{{ nodes.a", set()),
])  # fmt: skip
def test_the_steps_of_a_template_are_read_off_it(text, steps):
    assert members_of(text, "nodes") == steps


@pytest.mark.parametrize("text", ["{{ nodes[params.x].row.y }}", "{{ nodes }}", "{{ nodes|length }}"])
def test_a_step_is_named(text):
    with pytest.raises(ConfigError, match="does not say which of 'nodes' it takes"):
        members_of(text, "nodes")


def test_the_steps_that_have_ended_are_those_before_it_and_before_its_loop():
    drawn = flow(
        limit("a"),
        limit("b"),
        limit("l"),
        limit("x", parent="l"),
        limit("y", parent="l"),
        limit("z"),
        limit("undo"),
        edges="a>l l.item>x x>y y>l.result l>z b>z a.compensate>undo b>undo",
    )
    found = {node.id: before(drawn, node) for node in drawn.nodes}
    assert found["y"] == {"x", "a"}
    assert found["x"] == found["l"] == {"a"}
    assert found["z"] == {"a", "l", "b"}
    assert found["undo"] == set(), "it undoes a step in an execution of its own"


def problems(graph: FlowGraph) -> list[tuple[str, str, str]]:
    found = validate(graph, load_plugins().registry)
    return [(one.node_id, one.path, one.message) for one in found if one.code == "reference"]


def test_what_is_not_before_it_is_refused_when_the_flow_is_checked():
    names = (
        limit("a", label="All orders"),
        limit("b", label="Twin"),
        limit("c", label="Twin"),
        limit("off", disabled=True),
    )
    edges = "a>b b>c c>off off>answer.in answer>later"
    fine = answer("{{ nodes['All orders'].row.id }} {{ nodes.a.count }}")
    assert problems(flow(*names, fine, limit("later"), edges=edges)) == []
    for text, said in {
        "{{ nodes.later.row.id }}": "'later' does not come before this step; nodes takes those that do: All orders, Twin",
        "{{ nodes.nope.row.id }}": "'nope' is no step of this flow",
        "{{ nodes.Twin.row.id }}": "2 steps before this one are called 'Twin'",
        "{{ nodes.off.row.id }}": "'off' is disabled",
        "{{ nodes.answer.row.id }}": "'answer' does not come before this step",
        "{{ nodes }}": "does not say which",
    }.items():
        ((node_id, path, message),) = problems(flow(*names, answer(text), limit("later"), edges=edges))
        assert (node_id, path) == ("answer", "config.body"), text
        assert message.startswith("'answer', field 'body': "), text
        assert said in message, (text, message)
    sql = NodeSpec(id="sql", type="transform.sql", config={"query": "SELECT '{{ nodes.a.row.id }}' AS x FROM input"})
    ((node_id, path, message),) = problems(flow(*names, sql, edges="a>sql"))
    assert (node_id, path) == ("sql", "config.query")
    assert "is a program and takes nothing of nodes" in message


def test_names_become_frames():
    drawn = flow(
        limit("a", label="All orders"), answer("{{ nodes['All orders'].row.id }} {{ nodes.x.row.y }}"), edges="a>answer"
    )
    assert taken(drawn, load_plugins().registry) == {"answer": {"All orders": "a.out"}}


@pytest.fixture
def store(tmp_path) -> FrameStore:
    return FrameStore(tmp_path.as_uri(), "o/executions/e", tmp_path)


def stored(store: FrameStore, frame: pl.DataFrame, **more) -> FrameRef:
    frame.write_parquet(store.path("a.parquet"))
    return FrameRef(key="a.parquet", **{"rows": frame.height, "bytes": 1, **more})


def request(store, ref: FrameRef | None, config) -> tuple[NodeSpec, SegmentRequest]:
    node = NodeSpec(id="s", type="t.t", config=config)
    return node, SegmentRequest(
        execution_id="e1", organization_id="o", segment_no=1, attempt=1, graph=FlowGraph(nodes=(node,)),
        inputs={"a.out": ref} if ref else {}, taken={"s": {"Orders": "a.out"}}, storage_url="file:///nowhere", prefix="p",
    )  # fmt: skip


def made(store, ref, text: str, shape=RespondConfig, field="body"):
    node, asked = request(store, ref, {field: text})
    return filled_in(node, shape, asked, store)[field]


def test_rows_are_values_of_the_stored_frame(store):
    ref = stored(store, pl.DataFrame({"id": range(250), "name": [f"n{n}" for n in range(250)]}))
    seen = seen_of(store.fetch(ref), ref.rows)
    assert (seen["row"], len(seen["rows"]), seen["count"]) == ({"id": 0, "name": "n0"}, 100, 250)
    part = seen_of(store.fetch(ref), 5, 240)
    assert (part["row"]["id"], len(part["rows"]), part["count"]) == (240, 5, 5)
    assert (
        made(store, ref, "{{ nodes.Orders.row.name }} of {{ nodes.Orders.count }}, {{ nodes.Orders.rows[7].id }}")
        == "n0 of 250, 7"
    )


def test_what_is_not_there_is_named(store):
    ref = stored(store, pl.DataFrame({"id": [1]}))
    with pytest.raises(ConfigError, match=r"'body'.*not there: 'nmae'; known in nodes\.Orders\.row are id"):
        made(store, ref, "{{ nodes.Orders.row.nmae }}")
    with pytest.raises(ConfigError, match="no step before this one is called 'Other'"):
        made(store, ref, "{{ nodes.Other.row.id }}")
    with pytest.raises(ConfigError, match="'Orders'") as caught:
        made(store, None, "{{ nodes.Orders.row.id }}")
    assert "its branch was not taken" in caught.value.hint
    assert made(store, None, "{{ nodes.Orders.row.id if nodes.Orders is defined else 'none' }}") == "none"


def test_other_steps_are_no_piece_of_a_program(store):
    ref = stored(store, pl.DataFrame({"id": ["'; DROP TABLE users --"]}))
    with pytest.raises(ConfigError, match="'query' takes nothing of other steps"):
        made(store, ref, "SELECT '{{ nodes.Orders.row.id }}'", SqlConfig, "query")


def test_nothing_is_read_where_no_template_asks(store):
    node, asked = request(
        store, FrameRef(key="gone.parquet", rows=1, bytes=1), {"body": "{{ execution.id }}, nodes.Orders"}
    )
    assert filled_in(node, RespondConfig, asked, store)["body"] == "e1, nodes.Orders"
