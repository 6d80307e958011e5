"""A graph in which many ways lead to a frame: frames are stored on the way, together, and the rows are right."""

from __future__ import annotations

import polars as pl
import pytest
from headrace.engine.execute import execute_segment
from headrace.engine.messages import NodeFinished, SegmentDone, SegmentFailed, SegmentRequest
from headrace.engine.segments import compile_plan
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.plugins.manager import load_plugins
from headrace.plugins.records import ConnectionSpec
from headrace_plugin_engine_polars.engine import PolarsEngine

REGISTRY = load_plugins().registry
LAYERS, WIDTH = 7, 4


def layers(bad: str = "") -> FlowGraph:
    """Each step puts two of the layer before under each other; one may fail for each row."""
    nodes = [NodeSpec(id="read", type="local_files.read", config={"connection": "Files", "stream": "rows.parquet"})]
    edges = []
    for i in range(WIDTH):
        nodes.append(NodeSpec(id=f"n0_{i}", type="transform.derive",
                              config={"columns": [{"name": "n", "expression": f"id * 10 + {i}"}]}))  # fmt: skip
        edges.append(Edge(source="read", target=f"n0_{i}"))
    for layer in range(1, LAYERS):
        for i in range(WIDTH):
            name, before = f"n{layer}_{i}", [f"n{layer - 1}_{i}", f"n{layer - 1}_{(i + 1) % WIDTH}"]
            if name == bad:
                columns = [{"name": "n", "expression": "CAST(name AS INTEGER)"}]
                nodes.append(NodeSpec(id=name, type="transform.derive", label="Bad", config={"columns": columns}))
                before = before[:1]
            else:
                nodes.append(NodeSpec(id=name, type="transform.union", config={}))
            edges += [Edge(source=source, target=name) for source in before]
    return FlowGraph(nodes=tuple(nodes), edges=tuple(edges))


def execute(tmp_path, monkeypatch, graph):
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    (tmp_path / "in").mkdir()
    pl.DataFrame({"id": [1, 2, 3], "name": ["a", "b", "c"]}).write_parquet(tmp_path / "in" / "rows.parquet")
    (segment,) = compile_plan(graph, REGISTRY).segments
    sinks, reports = [], []
    sink = PolarsEngine.sink
    monkeypatch.setattr(PolarsEngine, "sink", lambda self, frames: sinks.append(len(frames)) or sink(self, frames))
    request = SegmentRequest(
        execution_id="e", organization_id="o", segment_no=0, attempt=1, graph=graph, keep=segment.keep,
        connections={"Files": ConnectionSpec("local_files", {"root": str(tmp_path / "in")})},
        storage_url=(tmp_path / "store").as_uri(), prefix="p",
    )  # fmt: skip
    return execute_segment(request, REGISTRY, reports.append, lambda: False), reports, sinks


def test_rows_are_right_and_what_is_tangled_is_stored_together(tmp_path, monkeypatch):
    outcome, reports, sinks = execute(tmp_path, monkeypatch, layers())
    assert isinstance(outcome, SegmentDone)
    expected = [[row * 10 + i for row in (1, 2, 3)] for i in range(WIDTH)]
    for _ in range(1, LAYERS):
        expected = [expected[i] + expected[(i + 1) % WIDTH] for i in range(WIDTH)]
    for i in range(WIDTH):
        ref = outcome.outputs[f"n{LAYERS - 1}_{i}.out"]
        stored = pl.read_parquet(tmp_path / "store" / ref.key)
        assert stored["n"].to_list() == expected[i], "rows or their order changed on the way"
        assert ref.rows == len(expected[i])
    finished = [one for one in reports if isinstance(one, NodeFinished)]
    assert len(finished) == len({one.node_id for one in finished}) == LAYERS * WIDTH + 1, "each is reported once"
    assert len(sinks) == 2, f"one on the way, one at the end; there were {sinks}"
    between = [one for one in finished if one.outputs and not one.node_id.startswith(f"n{LAYERS - 1}_")]
    assert len(between) == WIDTH, "a layer is stored on the way"
    assert all(one.outputs["out"].rows == one.rows_out for one in between)


@pytest.mark.parametrize("bad", ["n2_1", "n4_2", "n6_0"])
def test_a_step_that_fails_among_them_is_named(tmp_path, monkeypatch, bad):
    outcome, _, _ = execute(tmp_path, monkeypatch, layers(bad))
    assert isinstance(outcome, SegmentFailed)
    assert outcome.problem.node_id == bad, outcome.problem
    assert "'Bad'" in outcome.problem.message
