"""Branches that undo what a step has done: they begin at its port `compensate` and are no part of the flow itself."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.flows.graph import Edge, FlowGraph
from headrace.flows.problems import FlowProblem
from headrace.sdk.manifests import COMPENSATE_PORT

PORT = COMPENSATE_PORT.name


def branches(graph: FlowGraph) -> dict[str, set[str]]:
    """Steps of one level by the id of the step that they undo; one may undo several."""
    found: dict[str, set[str]] = {}
    for edge in graph.edges:
        if edge.source_port == PORT and edge.target in graph.by_id:
            found.setdefault(edge.source, set()).update(_after(graph, edge.target))
    away = {node_id for ids in found.values() for node_id in ids}
    return {source: ids for source, ids in found.items() if source not in away}


def without(graph: FlowGraph) -> FlowGraph:
    """One level of a flow as it is executed: without these branches."""
    away = {n for edge in graph.edges if edge.source_port == PORT for n in _after(graph, edge.target)}
    return graph.only(graph.by_id.keys() - away) if away else graph


def as_plain(graph: FlowGraph, outputs: dict[str, str]) -> FlowGraph:
    """The graph in which `compensate` is another name of a step's main output, given by `outputs`.

    An undo is tried like any other step then, over the rows that the step has given.
    """
    edges = tuple(
        Edge(source=e.source, source_port=outputs.get(e.source, e.source_port), target=e.target,
             target_port=e.target_port) if e.source_port == PORT else e
        for e in graph.edges
    )  # fmt: skip
    return FlowGraph(nodes=graph.nodes, edges=edges)


def compensation_problems(graph: FlowGraph) -> Iterator[FlowProblem]:
    """Undoing is not undone: what would undo it is never executed."""
    for parent in dict.fromkeys(node.parent for node in graph.nodes):
        level = graph.level(parent)
        known = branches(level)
        for edge in level.edges:
            if edge.source_port == PORT and edge.source not in known:
                node = level.by_id[edge.source]
                yield FlowProblem(
                    code="compensation", node_id=node.id, path=f"outputs.{PORT}", fix="remove this edge",
                    message=f"'{node.label or node.id}' undoes a step; what undoes it in turn is never executed",
                )  # fmt: skip


def _after(graph: FlowGraph, start: str) -> set[str]:
    """A step and all that follows it; what would undo those is not among them."""
    found, stack = {start}, [start]
    while stack:
        for edge in graph.outgoing.get(stack.pop(), ()):
            if edge.source_port != PORT and edge.target not in found:
                found.add(edge.target)
                stack.append(edge.target)
    return found
