"""Everything that is wrong with a flow, at once. Pure: no database, no network, no execution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, Protocol

from headrace.flows.compensations import compensation_problems
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.flows.loops import loop_problems
from headrace.flows.problems import FlowProblem
from headrace.flows.references import reference_problems
from headrace.sdk.config import Config, parse_config
from headrace.sdk.errors import ConfigError, HeadraceError
from headrace.sdk.forms import config_schema
from headrace.sdk.manifests import NodeManifest


class NodeTypes(Protocol):
    """What validation needs of the plugin registry."""

    def node(self, type_id: str) -> Any:
        """A node type with its `manifest`; raises ConfigError."""


def validate(
    graph: FlowGraph, types: NodeTypes, *, connections: Collection[str] | None = None,
    features: Collection[str] | None = None,
) -> list[FlowProblem]:  # fmt: skip
    """Find every problem.

    Args:
        graph: The flow.
        types: The plugin registry.
        connections: Names and ids that exist; None skips the check.
        features: Features that are on; None skips the check.
    """
    found = [*_duplicates(graph)]
    known: dict[str, NodeManifest] = {}
    for node in graph.nodes:
        try:
            known[node.id] = types.node(node.type).manifest
        except ConfigError as error:
            code = error.details.get("problem", "unknown_node")
            found.append(
                FlowProblem(
                    code=code,
                    node_id=node.id,
                    path="type",
                    message=f"'{_name(graph, node.id)}': {error.message}",
                    fix="replace or remove the step",
                )
            )
    found += _edges(graph, known)
    found += loop_problems(graph, known)
    found += compensation_problems(graph)
    found += reference_problems(graph, known)
    for parent in dict.fromkeys(node.parent for node in graph.nodes):
        found += _cycle(graph.level(parent))
    for node in graph.nodes:
        if node.id in known and not node.disabled:
            found += _node(graph, node, known[node.id], connections, features)
    return found


def refuse_blocked(graph: FlowGraph, types: NodeTypes) -> None:
    """Go on if no step of the flow stands in the way of making it active.

    Raises:
        ConfigError: naming the first one.
    """
    blocked = [problem for problem in validate(graph, types) if problem.code == "placeholder"]
    if blocked:
        first = blocked[0]
        raise ConfigError(f"the flow cannot be active: {first.message}; {first.fix}", field="status")


def _duplicates(graph: FlowGraph) -> Iterator[FlowProblem]:
    for node_id, count in Counter(node.id for node in graph.nodes).items():
        if count > 1:
            yield FlowProblem(
                code="duplicate_id",
                node_id=node_id,
                path="id",
                message=f"{count} steps have the id '{node_id}'",
                fix="give each its own",
            )


def _cycle(graph: FlowGraph) -> Iterator[FlowProblem]:
    try:
        graph.order()
    except ValueError as error:
        ring = error.args[1]
        alike = len({_name(graph, node_id) for node_id in ring}) < len(set(ring))
        names = " > ".join(node_id if alike else _name(graph, node_id) for node_id in reversed(ring))
        yield FlowProblem(
            code="cycle", node_id=ring[0], message=f"the steps form a cycle: {names}", fix="remove one of these edges"
        )


def _name(graph: FlowGraph, node_id: str) -> str:
    node = graph.by_id.get(node_id)
    return (node.label or node.id) if node else node_id


def _edges(graph: FlowGraph, known: dict[str, NodeManifest]) -> Iterator[FlowProblem]:
    fed: Counter[tuple[str, str]] = Counter()
    for edge in graph.edges:
        missing = [end for end in (edge.source, edge.target) if end not in graph.by_id]
        if missing:
            yield FlowProblem(code="port_mismatch", node_id=edge.target, path="inputs", fix="remove the edge",
                              message=f"an edge leads to the step '{missing[0]}', which does not exist")  # fmt: skip
            continue
        yield from _ports(graph, edge, known)
        fed[edge.target, edge.target_port] += 1
    for (node_id, name), count in fed.items():
        port = next((p for p in known[node_id].inputs if p.name == name), None) if node_id in known else None
        if count > 1 and port is not None and not port.many:
            yield FlowProblem(
                code="port_mismatch",
                node_id=node_id,
                path=f"inputs.{name}",
                fix="put a Union step before it",
                message=f"input '{port.title or name}' of '{_name(graph, node_id)}' takes one edge, it has {count}",
            )


def _ports(graph: FlowGraph, edge: Edge, known: dict[str, NodeManifest]) -> Iterator[FlowProblem]:
    for node_id, name, side in ((edge.source, edge.source_port, "output"), (edge.target, edge.target_port, "input")):
        if node_id not in known:
            continue
        ports = known[node_id].outputs if side == "output" else known[node_id].inputs
        if name not in {port.name for port in ports} and not (side == "output" and name == "error"):
            offered = ", ".join(port.name for port in ports) or "none"
            yield FlowProblem(
                code="port_mismatch",
                node_id=node_id,
                path=f"{side}s.{name}",
                fix="connect another port",
                message=f"'{_name(graph, node_id)}' has no {side} '{name}'; it has {offered}",
            )


def _node(
    graph: FlowGraph,
    node: NodeSpec,
    manifest: NodeManifest,
    connections: Collection[str] | None,
    features: Collection[str] | None,
) -> Iterator[FlowProblem]:
    incoming, name = graph.incoming[node.id], node.label or node.id
    fed = {edge.target_port for edge in incoming}
    for port in manifest.inputs:
        if port.required and port.kind == "data" and port.name not in fed:
            yield FlowProblem(
                code="port_mismatch" if incoming else "orphan",
                node_id=node.id,
                path=f"inputs.{port.name}",
                message=f"input '{port.title or port.name}' of '{name}' is not connected",
                fix="connect it or remove the step",
            )
    if features is not None and manifest.feature and manifest.feature not in features:
        yield FlowProblem(
            code="feature_disabled",
            node_id=node.id,
            path="type",
            fix="ask an admin to switch the edition",
            message=f"'{name}' needs the feature '{manifest.feature}', which this edition has not got",
        )
    if manifest.blocks:
        yield FlowProblem(code="placeholder", node_id=node.id, path="type", fix="replace or remove the step",
                          message=f"'{name}' {manifest.blocks}")  # fmt: skip
    yield from _config(node, manifest, connections)


def _config(node: NodeSpec, manifest: NodeManifest, connections: Collection[str] | None) -> Iterator[FlowProblem]:
    name = node.label or node.id
    try:
        parse_config(manifest.config, node.config)
    except ConfigError as error:
        for item in error.details.get("errors", ()):
            yield FlowProblem(
                code="config_invalid",
                node_id=node.id,
                path=f"config.{item['path']}".rstrip("."),
                message=f"'{name}', {_place(item['path'])}: {item['message']}",
                fix="correct the field",
            )
        return
    for field, widget in _fields(manifest.config):
        value = node.config.get(field)
        chosen = bool(value) or field in config_schema(manifest.config).get("required", ())
        if widget == "connection" and chosen and connections is not None and value not in connections:
            said = f"there is no connection '{value}'" if value else "no connection is chosen"
            yield FlowProblem(
                code="connection_missing",
                node_id=node.id,
                path=f"config.{field}",
                message=f"'{name}': {said}",
                fix="choose or create one",
            )
        if widget == "expression" and isinstance(value, str) and value and "{{" not in value:
            yield from _expression(node, field, value)


def _place(path: str) -> str:
    return f"field '{path}'" if path else "its settings"


def _expression(node: NodeSpec, field: str, value: str) -> Iterator[FlowProblem]:
    from headrace.sdk.expressions import expression

    try:
        expression(value)
    except HeadraceError as error:
        yield FlowProblem(
            code="expression_invalid",
            node_id=node.id,
            path=f"config.{field}",
            fix=error.hint or "correct it",
            message=f"'{node.label or node.id}': {error.message.removesuffix(f'; {error.hint}')}",
        )


@lru_cache(maxsize=4096)
def _fields(config: type[Config]) -> tuple[tuple[str, str], ...]:
    """Fields with a widget that validation knows."""
    shapes = config_schema(config).get("properties", {})
    found = ((name, shape.get("x-ui", {}).get("widget", "")) for name, shape in shapes.items())
    return tuple((name, widget) for name, widget in found if widget in {"connection", "expression"})
