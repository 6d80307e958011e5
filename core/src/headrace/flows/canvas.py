"""The canvas document (React Flow's own JSON) to and from a FlowGraph. The document keeps what we do not know."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.sdk.errors import ConfigError

NODES_MAX = 10_000
EDGES_MAX = 20_000
BYTES_MAX = 16 * 1024 * 1024
STEP = (280, 110)
"""Pixels between columns and rows of a laid out canvas."""


def graph_of(canvas: dict[str, Any]) -> FlowGraph:
    """The graph that a canvas shows; notes and groups (nodes without `nodeType`) are layout.

    Raises:
        ConfigError: it is no canvas, or beyond the limits.
    """
    nodes, edges = canvas.get("nodes"), canvas.get("edges", [])
    if not isinstance(nodes, list) or not isinstance(edges, list):
        raise ConfigError("a canvas has a list 'nodes' and a list 'edges'", field="nodes")
    if len(nodes) > NODES_MAX or len(edges) > EDGES_MAX:
        raise ConfigError(
            f"the canvas has {len(nodes)} nodes and {len(edges)} edges; {NODES_MAX} and {EDGES_MAX} are the most; "
            "split it into sub-flows"
        )
    try:
        return FlowGraph(
            nodes=tuple(_node(node) for node in nodes if "nodeType" in node.get("data", {})),
            edges=tuple(_edge(edge) for edge in edges),
        )
    except (KeyError, AttributeError, TypeError, msgspec.ValidationError) as error:
        raise ConfigError(
            f"the canvas is malformed: {error}; every node needs id and data, every edge source and target"
        ) from None


def _node(node: dict[str, Any]) -> NodeSpec:
    data = node["data"]
    return msgspec.convert(
        {
            "id": node["id"],
            "type": data["nodeType"],
            "label": data.get("label", ""),
            "config": data.get("config") or {},
            "version": data.get("nodeVersion") or 1,
            "disabled": bool(data.get("disabled")),
            "retry": data.get("retry"),
            "timeout_s": data.get("timeout") or 0,
            "on_error": data.get("onError") or "fail",
            "parent": node.get("parentId") or "",
        },
        NodeSpec,
    )


def _edge(edge: dict[str, Any]) -> Edge:
    return msgspec.convert(
        {
            "source": edge["source"],
            "target": edge["target"],
            "source_port": edge.get("sourceHandle") or "out",
            "target_port": edge.get("targetHandle") or "in",
        },
        Edge,
    )


def canvas_of(graph: FlowGraph) -> dict[str, Any]:
    """A canvas for a graph, laid out by depth."""
    places = layout(graph)
    return {
        "nodes": [
            {"id": node.id, "type": "step", "position": places[node.id], "data": _data(node)}
            | ({"parentId": node.parent} if node.parent else {})
            for node in graph.nodes
        ],
        "edges": [
            {"id": f"e{number}", "source": e.source, "sourceHandle": e.source_port, "target": e.target,
             "targetHandle": e.target_port}
            for number, e in enumerate(graph.edges, 1)
        ],
        "viewport": {"x": 0, "y": 0, "zoom": 1},
    }  # fmt: skip


def redrawn(before: dict[str, Any], graph: FlowGraph) -> dict[str, Any]:
    """The canvas of a changed graph: steps that stay keep their place, notes and what else we do not know.

    A new step stands right of the first one that feeds it, else where a fresh layout puts it.
    """
    fresh = canvas_of(graph)
    old = {node["id"]: node for node in before.get("nodes", [])}
    nodes = [node for node in old.values() if "nodeType" not in node.get("data", {})]
    taken = {(n["position"]["x"], n["position"]["y"]) for n in old.values() if "position" in n}
    for node in fresh["nodes"]:
        kept = old.get(node["id"])
        if kept is None:
            feeding = next((old[e.source] for e in graph.incoming[node["id"]] if e.source in old), None)
            place = {**feeding["position"], "x": feeding["position"]["x"] + STEP[0]} if feeding else node["position"]
            while (place["x"], place["y"]) in taken:
                place = {**place, "y": place["y"] + STEP[1]}
            taken.add((place["x"], place["y"]))
            nodes.append({**node, "position": place})
            continue
        unknown = {name: value for name, value in kept["data"].items() if name not in _KNOWN}
        other = {name: value for name, value in kept.items() if name not in {"data", "parentId"}}
        nodes.append({**node, **other, "data": {**unknown, **node["data"]}})
    wires = {_edge(edge): edge for edge in before.get("edges", [])}
    used = {edge["id"] for edge in wires.values() if "id" in edge}
    edges = []
    for wire, edge in zip(graph.edges, fresh["edges"], strict=True):
        name = edge["id"]
        while name in used and wire not in wires:
            name += "n"
        used.add(name)
        edges.append(wires.get(wire) or {**edge, "id": name})
    return {**before, "nodes": nodes, "edges": edges}


_KNOWN = ("nodeType", "nodeVersion", "label", "config", "disabled", "retry", "timeout", "onError")


def _data(node: NodeSpec) -> dict[str, Any]:
    data: dict[str, Any] = {
        "nodeType": node.type,
        "nodeVersion": node.version,
        "label": node.label,
        "config": node.config,
    }
    if node.disabled:
        data["disabled"] = True
    if node.retry is not None:
        data["retry"] = msgspec.to_builtins(node.retry)
    if node.timeout_s:
        data["timeout"] = node.timeout_s
    if node.on_error != "fail":
        data["onError"] = node.on_error
    return data


def layout(graph: FlowGraph) -> dict[str, dict[str, int]]:
    """A place for each node: columns by depth, rows near the parents."""
    known = {node.id for node in graph.nodes}
    graph = FlowGraph(nodes=graph.nodes, edges=tuple(e for e in graph.edges if {e.source, e.target} <= known))
    try:
        order = graph.order()
    except ValueError:
        order = tuple(node.id for node in graph.nodes)
    depth: dict[str, int] = {}
    for node_id in order:
        depth[node_id] = max((depth.get(e.source, -1) + 1 for e in graph.incoming[node_id]), default=0)
    for node_id in reversed(order):  # a source stands next to its consumer, not at the far left
        if not graph.incoming[node_id] and graph.outgoing[node_id]:
            depth[node_id] = max(0, min(depth[e.target] for e in graph.outgoing[node_id]) - 1)
    columns: dict[int, list[str]] = {}
    for node_id in order:
        columns.setdefault(depth[node_id], []).append(node_id)
    row: dict[str, float] = {}
    for column in sorted(columns):
        wish = {n: _wish(graph, n, row) for n in columns[column]}
        taken = -1.0
        for node_id in sorted(columns[column], key=lambda n: wish[n]):
            row[node_id] = taken = max(wish[node_id], taken + 1)
    return {n: {"x": depth[n] * STEP[0], "y": round(row[n] * STEP[1])} for n in order}


def _wish(graph: FlowGraph, node_id: str, row: dict[str, float]) -> float:
    parents = [row[e.source] for e in graph.incoming[node_id] if e.source in row]
    return min(parents) if parents else 0.0


def content_hash(graph: FlowGraph) -> str:
    """Hash of what a flow does: layout and the order of nodes do not count, that of edges at one port does."""
    graph = msgspec.convert(msgspec.to_builtins(graph), FlowGraph)  # a time of 60 is a time of 60.0
    shape = {
        "nodes": sorted((msgspec.to_builtins(node) for node in graph.nodes), key=lambda node: node["id"]),
        "edges": [msgspec.to_builtins(e) for e in sorted(graph.edges, key=lambda e: (e.target, e.target_port))],
    }
    return hashlib.sha256(msgspec.json.encode(shape, order="deterministic")).hexdigest()
