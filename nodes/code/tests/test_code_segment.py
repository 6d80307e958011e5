"""The code node inside a segment: braces in code stay, parameters come, failed rows leave by the error port."""

import polars as pl
from headrace.engine.execute import execute_segment
from headrace.engine.messages import LogLine, SegmentDone, SegmentFailed, SegmentRequest
from headrace.engine.segments import compile_plan
from headrace.executions.partial import Part
from headrace.executions.spec import spec_of
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.flows.validate import validate
from headrace.plugins.manager import load_plugins
from headrace.plugins.records import ConnectionSpec

REGISTRY = load_plugins().registry
CODE = """if not row['price']:
    raise ValueError(f"no price for {row['id']}")
print(f"row {{{row['id']}}}")
row['total'] = f"{{{params['currency']} {row['price'] * row['amount']}}}"
return row"""


def execute(tmp_path, monkeypatch, *, rejects=True, code=CODE):
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    (tmp_path / "in").mkdir()
    pl.DataFrame({"id": [1, 2, 3], "price": [2.5, None, 1.25], "amount": [4, 1, 8]}).write_parquet(
        tmp_path / "in" / "rows.parquet"
    )
    keep = {"edges": [Edge(source="read", target="code")]}
    if rejects:
        keep["edges"].append(Edge(source="code", target="bad", source_port="error"))
    nodes = [
        NodeSpec(id="read", type="local_files.read", config={"connection": "Files", "stream": "rows.parquet"}),
        NodeSpec(id="code", type="code.python", label="Totals", config={"code": code}),
        *([NodeSpec(id="bad", type="transform.limit", config={"rows": 10})] if rejects else []),
    ]
    graph = FlowGraph(nodes=tuple(nodes), edges=tuple(keep["edges"]))
    assert not validate(graph, REGISTRY)
    plan, done, reports, outcome = compile_plan(graph, REGISTRY), {}, [], None
    for segment in plan.segments:
        request = SegmentRequest(
            execution_id="e", organization_id="o", segment_no=segment.no, attempt=1,
            graph=spec_of(plan, segment, Part(graph)).graph, inputs={name: done[name] for name in segment.inputs},
            keep=segment.keep or tuple(f"{node}.out" for node in ("code",) if not segment.keep),
            connections={"Files": ConnectionSpec("local_files", {"root": str(tmp_path / "in")})},
            params={"currency": "EUR"}, storage_url=(tmp_path / "store").as_uri(), prefix="p", observe="all",
        )  # fmt: skip
        outcome = execute_segment(request, REGISTRY, reports.append, lambda: False)
        if isinstance(outcome, SegmentFailed):
            break
        done |= outcome.outputs
    return outcome, reports


def test_a_segment_with_code(tmp_path, monkeypatch):
    outcome, reports = execute(tmp_path, monkeypatch)
    assert isinstance(outcome, SegmentDone), outcome
    finished = {report.node_id: report for report in reports if hasattr(report, "rows_out")}
    code = finished["code"]
    assert (code.rows_in, code.rows_out, code.rows_rejected) == (3, 2, 1)
    files = {path: pl.read_parquet(path) for path in (tmp_path / "store").rglob("*.parquet")}
    totals = next(frame for frame in files.values() if "total" in frame.columns)
    assert totals["total"].to_list() == ["{EUR 10.0}", "{EUR 10.0}"]
    bad = next(frame for frame in files.values() if "_reason" in frame.columns)
    assert bad.select("_row", "_reason").rows() == [(2, "ValueError: no price for 2 (line 2 of the code)")]
    assert [report.message for report in reports if isinstance(report, LogLine)][:2] == ["row {1}", "row {3}"]


def test_without_the_error_port_the_segment_fails_naming_step_row_and_line(tmp_path, monkeypatch):
    outcome, _ = execute(tmp_path, monkeypatch, rejects=False)
    assert isinstance(outcome, SegmentFailed)
    assert outcome.problem.message == "'Totals': row 2: ValueError: no price for 2 (line 2 of the code)"
    assert "connect the error port" in outcome.problem.hint
