"""Problems of steps inside loops: what they may be inside of, and how rows get in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from headrace.flows.graph import Edge, FlowGraph
from headrace.flows.problems import FlowProblem
from headrace.sdk.manifests import NodeManifest


def loop_problems(graph: FlowGraph, known: Mapping[str, NodeManifest]) -> Iterator[FlowProblem]:
    """Every problem of the graph's loops."""
    for node in graph.nodes:
        if not node.parent:
            continue
        holder = known.get(node.parent)
        if node.parent not in graph.by_id or (holder is not None and holder.role != "loop"):
            yield FlowProblem(
                code="loop", node_id=node.id, path="parent", fix="move it out, or into a loop",
                message=f"'{node.label or node.id}' is inside '{node.parent}', which is no loop",
            )  # fmt: skip
        elif node.id in graph.inside(node.id):
            yield FlowProblem(code="loop", node_id=node.id, path="parent", fix="move one of them out",
                              message=f"'{node.label or node.id}' is inside itself")  # fmt: skip
    for edge in graph.edges:
        if edge.source in graph.by_id and edge.target in graph.by_id:
            yield from _crossing(graph, edge)
    for node in graph.nodes:
        if node.id in known and known[node.id].role == "loop" and not any(n.parent == node.id for n in graph.nodes):
            yield FlowProblem(
                code="loop", node_id=node.id, path="", fix="put a step inside, or remove the loop",
                message=f"there is no step inside '{node.label or node.id}'",
            )  # fmt: skip


def _crossing(graph: FlowGraph, edge: Edge) -> Iterator[FlowProblem]:
    source, target = graph.by_id[edge.source], graph.by_id[edge.target]
    enters = target.parent == source.id and edge.source_port == "item"
    leaves = source.parent == target.id and edge.target_port == "result"
    if enters or leaves:
        return
    if source.parent != target.parent:
        yield FlowProblem(
            code="loop", node_id=target.id, path="inputs",
            fix="connect the loop's 'item' to the first step inside, and the last one to its 'result'",
            message=f"the edge from '{source.label or source.id}' to '{target.label or target.id}' crosses the border "
            "of a loop",
        )  # fmt: skip
    elif edge.source_port == "item" or edge.target_port == "result":
        yield FlowProblem(
            code="loop", node_id=edge.target, path="inputs", fix="move the step into the loop",
            message=f"'{source.label or source.id}' and '{target.label or target.id}' are connected as if one were "
            "inside the other",
        )  # fmt: skip
