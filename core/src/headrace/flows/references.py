"""What templates take of other steps: `{{ nodes.<id or name>.row.<column> }}`. Pure.

A step may take of those that have ended when it begins: the steps before it, and those before the loop that it is in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from headrace.flows.compensations import PORT
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.flows.problems import FlowProblem
from headrace.sdk.config import Config
from headrace.sdk.errors import ConfigError
from headrace.sdk.forms import spoken_fields
from headrace.sdk.manifests import NodeManifest
from headrace.sdk.text import members_of

NAME = "nodes"
Taken: TypeAlias = Mapping[str, Mapping[str, str]]
"""By the id of a step: what its templates call another step, and `node.port` of what that one gives."""


class NodeTypes(Protocol):
    """What is needed of the plugin registry."""

    def node(self, type_id: str) -> Any:
        """A node type with its `manifest`; raises ConfigError."""


def asked(config: Mapping[str, Any], shape: type[Config]) -> frozenset[str]:
    """What the templates of a config call other steps.

    Raises:
        ConfigError: one does not name the step.
    """
    found: frozenset[str] = frozenset()
    for field, value in config.items():
        if field not in shape.verbatim:
            found = found.union(*(members_of(text, NAME) for text in _texts(value)))
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "{{" in value and NAME in value:
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


def before(graph: FlowGraph, node: NodeSpec) -> set[str]:
    """Ids of the steps that have ended when a step begins."""
    found: set[str] = set()
    around: set[str] = set()
    one: NodeSpec | None = node
    while one is not None and one.id not in around:
        around.add(one.id)
        level = graph.level(one.parent)
        plain = FlowGraph(nodes=level.nodes, edges=tuple(edge for edge in level.edges if edge.source_port != PORT))
        steps = plain.upstream(one.id)
        away = {n for edge in level.edges if edge.source_port == PORT for n in plain.downstream(edge.target)}
        if one.id in away:  # it undoes a step, in an execution of its own
            return (found | (steps & away)) - around
        found |= steps
        one = graph.by_id.get(one.parent)
    return found - around


def resolve(graph: FlowGraph, name: str, known: Collection[str]) -> NodeSpec:
    """The step that another one's templates call by its id or its name.

    Args:
        graph: The whole flow.
        name: As it is written there.
        known: Ids of the steps before it.

    Raises:
        ConfigError: no step before it has this id or name, or several have; or it is disabled.
    """
    alike = [one for one in graph.nodes if one.id == name] or [one for one in graph.nodes if one.label == name]
    found = [one for one in alike if one.id in known]
    if not found:
        titles = ", ".join(dict.fromkeys(one.label or one.id for one in graph.nodes if one.id in known)) or "none"
        why = "does not come before this step" if alike else "is no step of this flow"
        raise ConfigError(f"'{name}' {why}; {NAME} takes those that do: {titles}")
    if len(found) > 1:
        raise ConfigError(f"{len(found)} steps before this one are called '{name}'; give them different names")
    if found[0].disabled:
        raise ConfigError(f"'{name}' is disabled and gives no rows; enable it, or take another step's")
    return found[0]


def taken(graph: FlowGraph, types: NodeTypes) -> dict[str, dict[str, str]]:
    """What each step takes; what cannot be taken is left out, and the step says so.

    Raises:
        ConfigError: a node type is unknown.
    """
    found: dict[str, dict[str, str]] = {}
    for node in graph.nodes:
        if node.disabled or not any(_texts(node.config)):
            continue
        manifest = types.node(node.type).manifest
        try:
            names = asked(node.config, manifest.config)
        except ConfigError:
            continue
        known = before(graph, node) if names and manifest.role != "join" else set()
        for name in sorted(names):
            try:
                source = resolve(graph, name, known)
            except ConfigError:
                continue
            port = _main(types.node(source.type).manifest)
            if port:
                found.setdefault(node.id, {})[name] = f"{source.id}.{port}"
    return found


def _main(manifest: NodeManifest) -> str:
    """The first data output."""
    return next((port.name for port in manifest.outputs if port.kind == "data"), "")


def reference_problems(graph: FlowGraph, known: Mapping[str, NodeManifest]) -> Iterator[FlowProblem]:
    """Everything that templates ask of steps from which they cannot take it."""
    for node in graph.nodes:
        if node.id not in known or node.disabled:
            continue
        shape = known[node.id].config
        for field, value in node.config.items():
            if field in shape.verbatim or not any(_texts(value)):
                continue
            for said in _wrong(graph, node, known, field):
                yield FlowProblem(
                    code="reference", node_id=node.id, path=f"config.{field}", fix="name a step that comes before it",
                    message=f"'{node.label or node.id}', field '{field}': {said}",
                )  # fmt: skip


def _wrong(graph: FlowGraph, node: NodeSpec, known: Mapping[str, NodeManifest], field: str) -> Iterator[str]:
    try:
        names = asked({field: node.config[field]}, known[node.id].config)
    except ConfigError as error:
        yield error.message
        return
    if names and field in spoken_fields(known[node.id].config):
        yield f"it is a program and takes nothing of {NAME}; bind it as a parameter, or connect the step to an input"
        return
    if names and known[node.id].role == "join":
        yield f"this step may begin before others have ended; take {NAME} in a step after it"
        return
    steps = before(graph, node) if names else set()
    for name in sorted(names):
        try:
            source = resolve(graph, name, steps)
        except ConfigError as error:
            yield error.message
            continue
        if source.id in known and not _main(known[source.id]):
            yield f"'{name}' gives no rows"
