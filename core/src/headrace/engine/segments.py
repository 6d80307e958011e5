"""Compile a FlowGraph into segments: the units of claim, lease and checkpoint. Pure.

Everything that can be one lazy computation becomes one segment. A segment ends at an effect, at a heavy node, at a
node with a failure policy of its own, and where a frame is wanted by more than one segment. It ends as well at a step
of which a later one's templates take something: that is read from the stored frame, so it is the same in each attempt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from msgspec import Struct

from headrace.engine.ways import Need, need_of
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.flows.references import Taken
from headrace.plugins.registry import NodeType, Registry
from headrace.sdk.forms import config_schema
from headrace.sdk.manifests import Effect

_FUSES = frozenset({Effect.NONE, Effect.READ})


class Segment(Struct, frozen=True, kw_only=True):
    """Nodes that one runner executes in one go.

    Attributes:
        no: Position in the plan; parents come first.
        node_ids: In topological order.
        depends_on: Segments whose frames are needed.
        inputs: `node.port` of the frames that come from other segments, those that only templates take included.
        keep: `node.port` of the frames that other segments, or the caller, need.
        queue: Class of the worker queue: heavy, io (it waits for others) or light.
        plugins: Distributions that a worker must have.
        connections: Names or ids of connections that the nodes use.
        needed: Of how many inputs it waits for the branches that are taken; None = all, taken or not.
        needs: What each of its steps needs, parents first; empty when nothing comes from other segments.
    """

    no: int
    node_ids: tuple[str, ...]
    depends_on: tuple[int, ...] = ()
    inputs: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    queue: str = "light"
    plugins: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    needed: int | None = None
    needs: tuple[Need, ...] = ()


class Plan(Struct, frozen=True):
    """Segments in topological order, over the graph without disabled nodes."""

    graph: FlowGraph
    segments: tuple[Segment, ...]


def compile_plan(
    graph: FlowGraph, registry: Registry, *, keep: Collection[str] = (), taken: Taken | None = None,
    whole: FlowGraph | None = None,
) -> Plan:  # fmt: skip
    """Cut a valid graph into segments; steps inside loops are their loop's business.

    Args:
        graph: One level of a flow.
        registry: Node types.
        keep: `node.port` of outputs to store besides those that nothing takes.
        taken: What templates of its steps, and of those inside of its loops, take of other steps.
        whole: With what is inside of loops.

    Raises:
        ConfigError: a node type is unknown.
        ValueError: the graph has a cycle.
    """
    graph = bypass_disabled(graph)
    types = {node.id: registry.node(node.type) for node in graph.nodes}
    looks = looks_of(graph, taken or {}, whole)
    order = _with(graph, looks).order() if looks else graph.order()
    home = _assign(graph, types, order, looks)
    return Plan(graph, tuple(_describe(graph, types, order, home, frozenset(keep), looks)))


def looks_of(graph: FlowGraph, taken: Taken, whole: FlowGraph | None = None) -> tuple[Edge, ...]:
    """What templates take of other steps of this level, as edges that carry no rows."""
    if not taken:
        return ()
    found: dict[tuple[str, str], Edge] = {}
    for node in graph.nodes:
        inside = whole.inside(node.id) if whole is not None else set()
        for one in (node.id, *sorted(inside & taken.keys())):
            for name in taken.get(one, {}).values():
                source, _, port = name.rpartition(".")
                if source in graph.by_id and source != node.id:
                    found[name, node.id] = Edge(source=source, source_port=port, target=node.id)
    return tuple(found.values())


def _with(graph: FlowGraph, looks: tuple[Edge, ...]) -> FlowGraph:
    return FlowGraph(nodes=graph.nodes, edges=(*graph.edges, *looks))


def bypass_disabled(graph: FlowGraph) -> FlowGraph:
    """Take disabled nodes out; their consumers get what their first input got."""
    off = {node.id for node in graph.nodes if node.disabled}
    if not off:
        return graph

    def source(edge: Edge) -> Edge | None:
        seen: Edge | None = edge
        while seen is not None and seen.source in off:
            before = graph.incoming[seen.source]
            seen = before[0] if before and seen.source_port != "error" else None
        return seen

    edges = []
    for edge in graph.edges:
        real = source(edge) if edge.target not in off else None
        if real is not None:
            edges.append(
                Edge(source=real.source, source_port=real.source_port, target=edge.target, target_port=edge.target_port)
            )
    return FlowGraph(nodes=tuple(n for n in graph.nodes if n.id not in off), edges=tuple(edges))


def _assign(
    graph: FlowGraph, types: dict[str, NodeType], order: tuple[str, ...], looks: tuple[Edge, ...]
) -> dict[str, int]:
    """Group of each node, decided from the end backwards."""
    after: dict[str, list[str]] = {}
    for look in looks:
        after.setdefault(look.source, []).append(look.target)
    home: dict[str, int] = {}
    shared: dict[frozenset[int], int] = {}
    groups = 0
    for node_id in reversed(order):
        looking = [home[target] for target in after.get(node_id, ())]
        wanted = frozenset([*(home[edge.target] for edge in graph.outgoing[node_id]), *looking])
        fuses = _fuses(graph.by_id[node_id], types[node_id])
        if fuses and len(wanted) == 1 and not looking and _open(graph, types, node_id):
            (home[node_id],) = wanted
            continue
        key = wanted if fuses else frozenset({-1 - groups})
        if key not in shared:
            shared[key], groups = groups, groups + 1
        home[node_id] = shared[key]
    return home


def _fuses(node: NodeSpec, kind: NodeType) -> bool:
    """Whether the node may share a segment with its consumers."""
    return kind.manifest.effect in _FUSES and not kind.manifest.heavy and not _isolated(node, kind)


def _isolated(node: NodeSpec, kind: NodeType) -> bool:
    return kind.manifest.control or node.on_error != "fail" or node.retry is not None or node.timeout_s > 0


def _open(graph: FlowGraph, types: dict[str, NodeType], node_id: str) -> bool:
    """Whether the consumers take their inputs into their segment; an isolated one only if it writes or answers."""
    for edge in graph.outgoing[node_id]:
        target = graph.by_id[edge.target]
        kind = types[target.id]
        writes = kind.manifest.effect not in _FUSES and not kind.manifest.control
        if kind.manifest.heavy or (_isolated(target, kind) and not writes and kind.manifest.role != "answer"):
            return False
    return True


def _describe(
    graph: FlowGraph, types: dict[str, NodeType], order: tuple[str, ...], home: dict[str, int], keep: frozenset[str],
    looks: tuple[Edge, ...],
) -> Iterable[Segment]:  # fmt: skip
    """Number the groups, parents first, and say what each needs and gives."""
    members: dict[int, list[str]] = {}
    for node_id in order:
        members.setdefault(home[node_id], []).append(node_id)
    feeds = {
        group: {home[e.source] for n in ids for e in graph.incoming[n]} - {group} for group, ids in members.items()
    }
    parents = {
        group: {*fed, *(home[e.source] for e in looks if home[e.target] == group)} for group, fed in feeds.items()
    }
    number: dict[int, int] = {}
    waiting = list(members)
    while waiting:
        for group in [g for g in waiting if parents[g] <= number.keys()]:
            number[group] = len(number)
            waiting.remove(group)
    for group in sorted(members, key=number.__getitem__):
        ids = members[group]
        kinds = [types[node_id] for node_id in ids]
        incoming = [e for n in ids for e in graph.incoming[n] if home[e.source] != group]
        outgoing = [e for n in ids for e in graph.outgoing[n] if home[e.target] != group]
        seen = [e for e in looks if home[e.target] == group]
        shown = [e for e in looks if home[e.source] == group]
        tails = [
            f"{n}.{p.name}" for n in ids if not graph.outgoing[n] for p in types[n].manifest.outputs if p.kind == "data"
        ]
        yield Segment(
            no=number[group],
            node_ids=tuple(ids),
            depends_on=tuple(sorted(number[g] for g in parents[group])),
            inputs=_names(incoming + seen),
            keep=tuple(
                dict.fromkeys((*_names(outgoing + shown), *tails, *(n for n in keep if n.rpartition(".")[0] in ids)))
            ),
            queue=_queue(kinds),
            plugins=tuple(sorted({kind.plugin.distribution for kind in kinds})),
            connections=tuple(sorted({c for n in ids for c in connections_of(graph.by_id[n], types[n])})),
            needed=_needed(graph.by_id[ids[0]], types[ids[0]], len(feeds[group])),
            needs=tuple(need_of(n, types[n].manifest, graph.incoming[n]) for n in ids) if incoming else (),
        )


def _needed(node: NodeSpec, kind: NodeType, parents: int) -> int | None:
    """For how many inputs a joining step waits."""
    wanted = node.config.get("wait_for", "all") if kind.manifest.role == "join" else "all"
    if wanted == "all":
        return None
    number = 1 if wanted == "any" else int(node.config.get("number") or 1)
    return min(number, parents) if parents else None


def _names(edges: list[Edge]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{edge.source}.{edge.source_port}" for edge in edges))


def _queue(kinds: list[NodeType]) -> str:
    if any(kind.manifest.heavy for kind in kinds):
        return "heavy"
    reaches_out = [kind.manifest for kind in kinds if kind.manifest.effect is not Effect.NONE]
    return "io" if reaches_out and all(manifest.waits for manifest in reaches_out) else "light"


def connections_of(node: NodeSpec, kind: NodeType) -> list[str]:
    """Names or ids of the connections that a node's config uses."""
    return [str(node.config[name]) for name in _connection_fields(kind.manifest.config) if node.config.get(name)]


@lru_cache(maxsize=4096)
def _connection_fields(config: Any) -> tuple[str, ...]:
    fields = config_schema(config).get("properties", {})
    return tuple(name for name, shape in fields.items() if shape.get("x-ui", {}).get("widget") == "connection")
