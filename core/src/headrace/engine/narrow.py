"""What the steps that follow a source need of its rows: looked up along the one way that leads from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from headrace.engine.messages import SegmentRequest
from headrace.engine.templates import filled
from headrace.flows.graph import NodeSpec
from headrace.plugins.registry import Registry, load
from headrace.sdk.config import parse_config
from headrace.sdk.connectors import Stream
from headrace.sdk.errors import ConfigError
from headrace.sdk.manifests import Effect
from headrace.sdk.narrowing import Kept, Narrowing, compose
from headrace.sdk.nodes import Node


def narrowing(
    request: SegmentRequest, registry: Registry, keep: Collection[str], node_id: str, stream: Stream
) -> Narrowing:
    """What is needed of a stream that a node reads; what is wrong with a later step is left for that step to say.

    Args:
        request: The segment.
        registry: Node types.
        keep: `node.port` of the frames that are stored, and so must be whole.
        node_id: The node that reads.
        stream: What it reads.
    """
    steps: list[Kept] = []
    known = request.known
    try:
        while (node := _only_next(request, keep, node_id)) is not None:
            kept = _kept(node, registry, known)
            if kept is None:
                break
            steps.append(kept)
            node_id = node.id
        return compose(steps, {column.name: column for column in stream.columns})
    except ConfigError:
        return Narrowing()


def _only_next(request: SegmentRequest, keep: Collection[str], node_id: str) -> NodeSpec | None:
    """The step that alone takes what a node gives, and takes nothing else."""
    edges = request.graph.outgoing[node_id]
    if len(edges) != 1 or edges[0].source_port != "out" or f"{node_id}.out" in keep:
        return None
    target = edges[0].target
    return request.graph.by_id.get(target) if len(request.graph.incoming[target]) == 1 else None


def _kept(node: NodeSpec, registry: Registry, known: Mapping[str, Any]) -> Kept | None:
    kind = registry.node(node.type)
    if kind.manifest.effect is not Effect.NONE or kind.manifest.control:
        return None
    shape = kind.manifest.config
    config = parse_config(shape, filled(node.config, shape, known))
    step: Node[Any] = load(kind.manifest.factory.load, kind.plugin)(config)
    return step.keeps()
