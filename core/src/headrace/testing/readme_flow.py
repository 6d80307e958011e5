"""Executes the example flow of a connector's README, as a runner would: what stands there works."""

from __future__ import annotations

import inspect
import re
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.engine.execute import execute_segment
from headrace.engine.messages import NodeFinished, SegmentDone, SegmentRequest
from headrace.engine.segments import compile_plan
from headrace.executions.partial import Part
from headrace.executions.spec import spec_of
from headrace.flows.text import FlowText, parse
from headrace.flows.validate import validate
from headrace.plugins.manager import load_plugins
from headrace.plugins.records import ConnectionSpec

_YAML = re.compile(r"```yaml\n(headrace: 1\n.*?)```", re.DOTALL)


def readme_of(test: object) -> Path:
    """Folder of the connector whose tests a class is in."""
    return Path(inspect.getfile(type(test))).parents[1]


def readme_flow(folder: Path) -> FlowText:
    """The example flow, as it stands there."""
    found = _YAML.search((folder / "README.md").read_text(encoding="utf-8"))
    if found is None:
        raise AssertionError(f"{folder.name}/README.md has no example flow")
    return parse(found[1])


def same_for_all(folder: Path, config: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """One config for every connection that the flow names."""
    return {name: (one.connector, config) for name, one in readme_flow(folder).connections.items()}


def execute_readme(folder: Path, connections: Mapping[str, tuple[str, dict[str, Any]]]) -> dict[str, NodeFinished]:
    """What each step of the flow came to, after a look at its problems.

    Args:
        folder: Of the connector, with its README.md.
        connections: Connector and config by the name that the flow uses.
    """
    graph, registry = readme_flow(folder).graph, load_plugins().registry
    problems = [problem for problem in validate(graph, registry) if problem.severity == "error"]
    if problems:
        raise AssertionError(f"{folder.name}/README.md: {problems}")
    plan = compile_plan(graph, registry)
    finished: dict[str, NodeFinished] = {}

    def take(report: Any) -> None:
        if isinstance(report, NodeFinished):
            finished[report.node_id] = report

    done: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as store:
        for segment in plan.segments:
            spec = spec_of(plan, segment, Part(graph))
            request = SegmentRequest(
                execution_id=secrets.token_hex(8), organization_id="tests", segment_no=segment.no, attempt=1,
                graph=spec.graph, inputs={name: done[name] for name in segment.inputs}, keep=segment.keep,
                connections={name: ConnectionSpec(*one) for name, one in connections.items()}, observe="all",
                storage_url=Path(store).as_uri(), prefix="tests",
            )  # fmt: skip
            outcome = execute_segment(request, registry, take, lambda: False)
            if not isinstance(outcome, SegmentDone):
                raise AssertionError(f"{outcome}")  # noqa: TRY004 - a test fails
            done |= outcome.outputs
    return finished
