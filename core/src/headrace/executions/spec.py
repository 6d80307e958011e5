"""What a segment's row holds: its part of the graph, so that a worker needs nothing else of the flow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from msgspec import Struct

from headrace.engine.messages import FrameRef
from headrace.engine.reuse import Kept
from headrace.engine.segments import Plan, Segment
from headrace.engine.ways import Need
from headrace.executions.partial import Part
from headrace.flows.graph import NEVER, FlowGraph, Retry


class Limits(Struct, frozen=True, omit_defaults=True):
    """How long an attempt at a segment may take where no step has a timeout: warned after, stopped after; 0 = never."""

    soft_s: float = 600.0
    hard_s: float = 1_200.0


LIMITS = Limits()
"""Where a flow's settings say nothing."""


class SegmentSpec(Struct, frozen=True, kw_only=True):
    """The immutable work of a segment.

    Attributes:
        graph: Its nodes and every edge into them.
        keep: `node.port` of the outputs to store.
        connections: Names or ids of connections that its nodes use.
        tails: Nodes that feed nothing: their rows count as rows of the execution.
        given: Stored frames of earlier executions by `node.port`, for a part of a flow.
        taken: What templates of its nodes, and of those inside of its loop, take of other steps.
        kept: What nodes gave before that are not executed again, by node id.
        retry: Policy of the nodes without one of their own.
        body: What is inside its loop, and the edges that enter and leave it.
        items_of: Execution whose completed items are not executed again, if it is the same loop over the same items.
        undo: Segments that undo what a node has done, by node id, once the execution does not complete.
        needs: What each node needs of other segments and of each other, parents first.
        limits: Of each attempt.
    """

    graph: FlowGraph
    keep: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    given: dict[str, FrameRef] = {}
    kept: dict[str, Kept] = {}
    retry: Retry = NEVER
    body: FlowGraph | None = None
    needs: tuple[Need, ...] = ()
    undo: dict[str, list[dict[str, Any]]] = {}
    items_of: UUID | None = None
    taken: dict[str, dict[str, str]] = {}
    limits: Limits = LIMITS


def spec_of(plan: Plan, segment: Segment, part: Part, *, retry: Retry = NEVER, limits: Limits = LIMITS) -> SegmentSpec:
    """Cut a segment's part out of the plan, with the edges and frames that enter it from outside the plan."""
    inside = part.whole.inside(segment.node_ids[0]) if part.whole else set()
    body = part.whole.only(inside | {segment.node_ids[0]}) if part.whole and inside else None
    ids = set(segment.node_ids)
    entering = tuple(edge for edge in part.entering if edge.target in ids)
    names: Iterable[str] = (f"{edge.source}.{edge.source_port}" for edge in entering)
    taken = {one: found for node in segment.node_ids for one, found in part.takes(node).items()}
    names = (*names, *(name for found in taken.values() for name in found.values()))
    given = {name: part.given[name] for name in names if name in part.given}
    graph = FlowGraph(
        nodes=tuple(node for node in plan.graph.nodes if node.id in ids),
        edges=tuple(edge for node in segment.node_ids for edge in plan.graph.incoming[node]) + entering,
    )
    tails = tuple(node for node in segment.node_ids if not plan.graph.outgoing[node])
    return SegmentSpec(
        graph=graph,
        keep=segment.keep,
        connections=segment.connections,
        tails=tails,
        given=given,
        kept={node_id: part.kept[node_id] for node_id in segment.node_ids if node_id in part.kept},
        retry=retry,
        limits=limits,
        body=body,
        needs=segment.needs,
        taken=taken,
        items_of=part.items_of.get(segment.node_ids[0]),
        undo={node_id: part.undo[node_id] for node_id in segment.node_ids if node_id in part.undo},
    )


def children_of(plan: Plan) -> dict[int, list[int]]:
    """Segments that wait for each segment."""
    children: dict[int, list[int]] = {segment.no: [] for segment in plan.segments}
    for segment in plan.segments:
        for parent in segment.depends_on:
            children[parent].append(segment.no)
    return children
