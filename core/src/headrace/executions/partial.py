"""Parts of a flow: up to a node, one node, or from a node on, over frames that earlier executions have stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import FrameRef
from headrace.engine.reuse import Kept
from headrace.engine.segments import bypass_disabled, looks_of
from headrace.flows.graph import Edge, FlowGraph
from headrace.flows.references import Taken
from headrace.sdk.errors import ConfigError, NotFound

Mode: TypeAlias = Literal["flow", "to_here", "node", "from_here"]
SUPPLIED = "input:"
"""Stands before the port in the id of a source that is none of the flow's steps."""

_STORED = text("""
SELECT DISTINCT ON (n.node_id) n.node_id, n.outputs FROM node_executions n
JOIN executions x ON x.organization_id = n.organization_id AND x.id = n.execution_id
WHERE n.organization_id = :organization_id AND x.flow_id = :flow_id AND n.node_id = ANY(CAST(:nodes AS text[]))
  AND n.outputs <> '{}'
ORDER BY n.node_id, n.completed_at DESC
""")


class Part(Struct, frozen=True):
    """What to execute.

    Attributes:
        graph: The steps of one level.
        entering: Edges that enter from outside.
        given: The stored frames that those edges carry, by `node.port`.
        whole: With what is inside of loops, if there is any.
        kept: What nodes gave before that are not executed again, by node id.
        undo: Segments that undo a step, by its id.
        items_of: The execution of which a loop keeps the items that completed, by its id.
        taken: What templates of steps, also inside of loops, take of others. `given` has what those outside gave.
    """

    graph: FlowGraph
    entering: tuple[Edge, ...] = ()
    given: dict[str, FrameRef] = {}
    whole: FlowGraph | None = None
    kept: dict[str, Kept] = {}
    undo: dict[str, list[dict[str, Any]]] = {}
    items_of: dict[str, UUID] = {}
    taken: Taken = {}

    def takes(self, node_id: str) -> dict[str, dict[str, str]]:
        """What a step takes, and what those inside of it take."""
        if not self.taken:
            return {}
        inside = self.whole.inside(node_id) if self.whole else set()
        return {one: dict(self.taken[one]) for one in (node_id, *sorted(inside)) if one in self.taken}


async def part_of(
    session: AsyncSession, organization_id: UUID, flow_id: UUID, graph: FlowGraph, *, mode: Mode, node_id: str | None,
    pinned: Mapping[str, Kept] | None = None, supplied: Mapping[str, FrameRef] | None = None,
    taken: Taken | None = None,
) -> Part:  # fmt: skip
    """Cut the graph down to what `mode` asks for.

    Args:
        session: Of the organization.
        organization_id: Whose flow it is.
        flow_id: The flow.
        graph: Of it.
        mode: What to execute.
        node_id: Seen from which step.
        pinned: Rows that stand in for steps, and for all that only they need.
        supplied: Frames for input ports of that step, instead of stored ones.
        taken: What templates of the graph's steps take of others.

    Raises:
        NotFound: the flow has no such node.
        ConfigError: a step before it has not kept an output yet.
    """
    loops = graph if any(node.parent for node in graph.nodes) else None
    fixed, taken = dict(pinned or {}), taken or {}
    if mode == "flow":
        level = graph.level() if loops else graph
        return Part(replaced(level, fixed, looks_of(level, taken, loops)), whole=loops, kept=fixed, taken=taken)
    if node_id is None or node_id not in graph.by_id:
        raise NotFound(f"the flow has no step '{node_id}'; save the flow and try again")
    if graph.by_id[node_id].parent:
        loop = graph.by_id[graph.by_id[node_id].parent]
        raise ConfigError(f"step '{node_id}' is inside '{loop.label or loop.id}'; execute that", node_id=node_id)
    if graph.by_id[node_id].disabled:
        raise ConfigError(f"step '{graph.by_id[node_id].label or node_id}' is disabled; enable it to execute it")
    whole = _supplied(bypass_disabled(graph.level() if loops else graph), node_id, supplied or {})
    ids = {"to_here": whole.upstream, "from_here": whole.downstream}[mode](node_id) if mode != "node" else {node_id}
    ids &= whole.by_id.keys()
    looks = looks_of(whole, taken, loops)
    part = replaced(whole.only(ids), fixed, looks)
    entering = tuple(e for e in whole.edges if e.target in part.by_id.keys() - fixed.keys() and e.source not in ids)
    seen = tuple(e for e in looks if e.target in part.by_id.keys() - fixed.keys() and e.source not in part.by_id)
    if not entering and not seen:
        return Part(part, whole=loops, kept=fixed, taken=taken)
    given = {f"{SUPPLIED}{port}.out": ref for port, ref in (supplied or {}).items()}
    given |= {f"{source}.{port}": ref for source, kept in fixed.items() for port, ref in kept.outputs.items()}
    wanted = {f"{edge.source}.{edge.source_port}": edge.source for edge in (*entering, *seen)}
    nodes = sorted({source for name, source in wanted.items() if name not in given})
    rows = await session.execute(_STORED, {"organization_id": organization_id, "flow_id": flow_id, "nodes": nodes})
    stored = {f"{row.node_id}.{port}": convert(ref, FrameRef) for row in rows for port, ref in row.outputs.items()}
    for name, source in wanted.items():
        if name not in stored and name not in given:
            title = whole.by_id[source].label or source
            raise ConfigError(f"step '{title}' has no stored output yet; execute up to it first", node_id=source)
    return Part(part, entering, {name: given.get(name) or stored[name] for name in wanted}, loops, fixed, taken=taken)


def _supplied(graph: FlowGraph, node_id: str, supplied: Mapping[str, FrameRef]) -> FlowGraph:
    """The graph in which the ports of a step get supplied frames instead of what their edges bring."""
    edges = [edge for edge in graph.edges if edge.target != node_id or edge.target_port not in supplied]
    edges += [Edge(source=f"{SUPPLIED}{port}", target=node_id, target_port=port) for port in supplied]
    return FlowGraph(nodes=graph.nodes, edges=tuple(edges)) if supplied else graph


def replaced(graph: FlowGraph, pinned: Mapping[str, Kept], looks: Sequence[Edge] = ()) -> FlowGraph:
    """The graph without the edges into pinned steps, and without the steps that only those needed."""
    if not pinned.keys() & graph.by_id.keys():
        return graph
    edges = tuple(edge for edge in graph.edges if edge.target not in pinned)
    free = FlowGraph(nodes=graph.nodes, edges=(*edges, *(one for one in looks if one.target not in pinned)))
    found = {node.id for node in graph.nodes if not graph.outgoing[node.id]}
    stack = list(found)
    while stack:
        before = {edge.source for edge in free.incoming[stack.pop()]} & graph.by_id.keys() - found
        found |= before
        stack += before
    return FlowGraph(nodes=graph.nodes, edges=edges).only(found)
