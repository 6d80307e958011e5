"""Parts of a flow: up to a node, one node, or from a node on, over frames that earlier executions have stored."""

from __future__ import annotations

from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import FrameRef
from headrace.engine.reuse import Kept
from headrace.engine.segments import bypass_disabled
from headrace.flows.graph import Edge, FlowGraph
from headrace.sdk.errors import ConfigError, NotFound

Mode: TypeAlias = Literal["flow", "to_here", "node", "from_here"]

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
    """

    graph: FlowGraph
    entering: tuple[Edge, ...] = ()
    given: dict[str, FrameRef] = {}
    whole: FlowGraph | None = None
    kept: dict[str, Kept] = {}


async def part_of(
    session: AsyncSession, organization_id: UUID, flow_id: UUID, graph: FlowGraph, *, mode: Mode, node_id: str | None
) -> Part:
    """Cut the graph down to what `mode` asks for.

    Raises:
        NotFound: the flow has no such node.
        ConfigError: a step before it has not kept an output yet.
    """
    loops = graph if any(node.parent for node in graph.nodes) else None
    if mode == "flow":
        return Part(graph.level() if loops else graph, whole=loops)
    if node_id is None or node_id not in graph.by_id:
        raise NotFound(f"the flow has no step '{node_id}'; save the flow and try again")
    if graph.by_id[node_id].parent:
        loop = graph.by_id[graph.by_id[node_id].parent]
        raise ConfigError(f"step '{node_id}' is inside '{loop.label or loop.id}'; execute that", node_id=node_id)
    if graph.by_id[node_id].disabled:
        raise ConfigError(f"step '{graph.by_id[node_id].label or node_id}' is disabled; enable it to execute it")
    whole = bypass_disabled(graph.level() if loops else graph)
    ids = {"to_here": whole.upstream, "from_here": whole.downstream}[mode](node_id) if mode != "node" else {node_id}
    entering = tuple(edge for edge in whole.edges if edge.target in ids and edge.source not in ids)
    if not entering:
        return Part(whole.only(ids), whole=loops)
    nodes = sorted({edge.source for edge in entering})
    rows = await session.execute(_STORED, {"organization_id": organization_id, "flow_id": flow_id, "nodes": nodes})
    stored = {f"{row.node_id}.{port}": ref for row in rows for port, ref in row.outputs.items()}
    wanted = {f"{edge.source}.{edge.source_port}": edge.source for edge in entering}
    for name, source in wanted.items():
        if name not in stored:
            title = whole.by_id[source].label or source
            raise ConfigError(f"step '{title}' has no stored output yet; execute up to it first", node_id=source)
    return Part(whole.only(ids), entering, {name: convert(stored[name], FrameRef) for name in wanted}, loops)
