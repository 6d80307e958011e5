"""Flow files: what is written comes back, mistakes name their place, YAML's traps stay shut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from headrace.flows.canvas import canvas_of, content_hash
from headrace.flows.graph import Edge, FlowGraph, NodeSpec, Retry
from headrace.flows.text import TextConnection, parse, render
from headrace.sdk.errors import ConfigError
from hypothesis import example, given
from hypothesis import strategies as st

FILE = """
headrace: 1
name: Flights
kind: pipeline
connections:
  Flight files: {connector: local_files, config: {root: "env:ROOT"}}
nodes:
  - id: flights
    type: local_files.read
    config: {connection: Flight files, stream: flights.csv}
  - id: arrived
    type: transform.filter
    label: Arrived
    inputs: {in: flights}
    config: {where: arr_delay IS NOT NULL}
    retry: {max: 2}
  - id: both
    type: transform.union
    inputs: {in: [arrived, arrived.rejected, flights]}
"""
ids = st.sampled_from(["a", "b", "c", "a.b", "a.b.c", "0", "no", "ä"])
ports = st.sampled_from(["in", "out", "left", "b", "c", "error"])
texts = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from(
        ["yes", "NO", "on", "12:30:45", "0777", "1_000", "2026-01-02", "~", "null", "=", "<<", "1e3", "- a", "a: b"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def graphs(draw: Any) -> FlowGraph:
    """Graphs of steps in any order, with cycles too; every edge joins steps that exist."""
    nodes = [
        NodeSpec(
            id=name, type="t.x", label=draw(texts), config=draw(st.dictionaries(texts, values, max_size=2)),
            version=draw(st.integers(1, 3)), disabled=draw(st.booleans()), retry=Retry(max=draw(st.integers(0, 2))),
            timeout_s=draw(st.sampled_from([0.0, 2.5, 9.0])), on_error=draw(st.sampled_from(["fail", "continue"])),
        )
        for name in draw(st.lists(ids, min_size=1, max_size=5, unique=True))
    ]  # fmt: skip
    names = st.sampled_from([node.id for node in nodes])
    made = st.builds(Edge, source=names, target=names, source_port=ports, target_port=ports)
    return FlowGraph(nodes=tuple(nodes), edges=tuple(draw(st.lists(made, max_size=6))))


@example(FlowGraph(nodes=(NodeSpec(id="a", type="t.x", label="\x85", config={"a\u2028b": "\ufeff"}),)))
@given(graphs())
def test_what_is_written_comes_back(graph: FlowGraph) -> None:
    text = render("Ein Flüss: 1", graph)
    back = parse(text)
    assert content_hash(back.graph) == content_hash(graph)
    assert render("Ein Flüss: 1", back.graph) == text


def test_a_file_is_read() -> None:
    read = parse(FILE)
    assert (read.name, read.kind) == ("Flights", "pipeline")
    assert read.connections == {"Flight files": TextConnection(connector="local_files", config={"root": "env:ROOT"})}
    assert read.graph.by_id["arrived"].retry == Retry(max=2)
    assert [(e.source, e.source_port) for e in read.graph.incoming["both"]] == [
        ("arrived", "out"), ("arrived", "rejected"), ("flights", "out"),
    ]  # fmt: skip


def test_json_is_a_text_form_too() -> None:
    assert (
        parse(json.dumps({"headrace": 1, "name": "J", "nodes": [{"id": "a", "type": "t.x"}]})).graph.by_id["a"].type
        == "t.x"
    )


def test_connections_are_written() -> None:
    wanted = {"C": TextConnection(connector="x", config={"password": "env:SECRET"})}
    assert (
        parse(render("N", FlowGraph(nodes=()), description="d", kind="pipeline", connections=wanted)).connections
        == wanted
    )


@pytest.mark.parametrize("word", ["yes", "no", "NO", "on", "off", "y", "12:30:45", "0777", "0x1F", "2026-01-02"])
def test_words_stay_words(word: str) -> None:
    text = f"headrace: 1\nname: N\nnodes: [{{id: a, type: t.x, config: {{value: {word}}}}}]"
    assert parse(text).nodes[0].config == {"value": word}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("headrace: 1\nname: [", "line 2"),
        ("headrace: 1\nname: &n N\ndescription: *n", "aliases.*line 3"),
        ("headrace: 1\nname: N\nname: M", "'name' twice.*line 3"),
        ("headrace: 2\nname: N", r"\$\.headrace"),
        ("name: N", "headrace"),
        ("headrace: 1\nname: N\nnodes: [{id: a}]", r"type.*\$\.nodes\[0\]"),
        ("headrace: 1\nname: N\nnodes: [{id: a, type: t.x, colour: red}]", "colour"),
        ("headrace: 1\nname: !!python/object:os.system x", "line 2"),
        ("headrace: 1\nname: N\nx: {? [a] : b}", "line 3"),
        ("headrace: 1\nname: '\x00'", "YAML"),
        ("[" * 50_000, "nested"),
        ('{"a":' * 50_000, "nested"),
        ("- 1", "object"),
        ("", "object"),
        ("x" * (16 * 1024 * 1024 + 1), "16 MiB"),
    ],
)
def test_mistakes_name_their_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(text)


def test_a_file_that_names_an_unknown_step_still_opens_as_a_canvas() -> None:
    graph = parse("headrace: 1\nname: N\nnodes: [{id: a, type: t.x, inputs: {in: gone.rejected}}]").graph
    assert graph.edges == (Edge(source="gone", source_port="rejected", target="a"),)
    assert [node["id"] for node in canvas_of(graph)["nodes"]] == ["a"]
