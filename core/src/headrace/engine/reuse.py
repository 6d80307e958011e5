"""Which nodes of a segment need not be executed again: keys by content, and the cut around what is known. Pure.

The key of a node covers its type, its plugin, its config as filled in, the state of what it reads, and the keys of
its inputs. What has no such key (effects, control, sources that cannot tell their state, what reads the clock) is
executed each time, and so is what comes after it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from headrace.engine.messages import FrameRef, NodeFinished, SegmentRequest
from headrace.engine.templates import filled
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.plugins.registry import NodeType, Registry
from headrace.sdk.errors import ConfigError
from headrace.sdk.manifests import Effect

OBSERVED_MAX = 300
"""Above so many nodes, observing every one would cost more than it shows."""
_VOLATILE = re.compile(
    r"\b(now|today|utcnow|getdate|sysdate|time|clock|(current|local)_?(date|time|timestamp)|rand\w*|uuid\w*"
    r"|gen_random_uuid|secrets|shuffle|choice|sample)\b",
    re.IGNORECASE,
)
_PARAMS = re.compile(r"\bparams\b")
_PURE = frozenset({Effect.NONE, Effect.READ})

State = Callable[[NodeSpec, NodeType, Mapping[str, Any]], str | None]
"""Fingerprint of what a source reads, by its filled-in config; None if it cannot tell."""


class Kept(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a node gave before, instead of executing it.

    Attributes:
        outputs: Stored frames by port; a port that is absent was not taken, or not stored.
        settled: The node is not executed again, whatever its outputs are: it completed before, or it is pinned.
        pinned: Somebody fixed these rows for test runs.
        skipped: Its branch was not taken.
    """

    outputs: dict[str, FrameRef] = {}
    rows_in: int | None = None
    rows_out: int | None = None
    rows_rejected: int = 0
    bytes: int | None = None
    settled: bool = False
    pinned: bool = False
    skipped: bool = False

    def report(self, node_id: str) -> NodeFinished:
        """The outcome to record."""
        return NodeFinished(
            node_id=node_id, status="skipped" if self.skipped else "completed", rows_in=self.rows_in,
            rows_out=self.rows_out, rows_rejected=self.rows_rejected, bytes=self.bytes, outputs=self.outputs,
            cache_hit=not self.pinned, pinned=self.pinned,
        )  # fmt: skip


class Cut(Struct, frozen=True):
    """What is left to execute, and what is known of the other nodes."""

    request: SegmentRequest
    kept: dict[str, Kept]


def pure(kind: NodeType) -> bool:
    """Whether executing it again changes nothing."""
    return kind.manifest.effect in _PURE and not kind.manifest.control


def cut(request: SegmentRequest, registry: Registry, known: Mapping[str, Kept]) -> Cut:
    """Take out of a segment what need not be executed: nodes that are known, and what only they needed."""
    graph = request.graph
    here = {node.id for node in graph.nodes}
    everything = request.observe == "all" and len(here) <= OBSERVED_MAX
    needed: dict[str, set[str]] = {node_id: set() for node_id in here}
    for name in request.keep:
        node_id, _, port = name.rpartition(".")
        needed[node_id].add(port)
    run: set[str] = set()
    for node_id in reversed([node_id for node_id in graph.order() if node_id in here]):
        kind, kept = registry.node(graph.by_id[node_id].type), known.get(node_id)
        ports = {port.name for port in kind.manifest.outputs if port.kind != "control"} if everything else set()
        wanted = needed[node_id] | ports
        enough = kept is not None and (kept.settled or wanted <= kept.outputs.keys())
        if enough or (kept is None and not wanted and pure(kind)):
            continue
        run.add(node_id)
        for edge in graph.incoming[node_id]:
            if edge.source in here:
                needed[edge.source].add(edge.source_port)
    rest = {node_id: known.get(node_id, Kept()) for node_id in here - run}
    return Cut(_rest(request, run, rest), rest)


def _rest(request: SegmentRequest, run: set[str], kept: Mapping[str, Kept]) -> SegmentRequest:
    inputs = dict(request.inputs)
    for node_id, one in kept.items():
        inputs |= {f"{node_id}.{port}": ref for port, ref in one.outputs.items()}
    graph = FlowGraph(
        nodes=tuple(node for node in request.graph.nodes if node.id in run),
        edges=tuple(edge for edge in request.graph.edges if edge.target in run),
    )
    used = {f"{edge.source}.{edge.source_port}" for edge in graph.edges}
    used.update(name for node_id in run for name in request.taken.get(node_id, {}).values())
    return msgspec.structs.replace(
        request, graph=graph, inputs={name: ref for name, ref in inputs.items() if name in used},
        keep=tuple(name for name in request.keep if name.rpartition(".")[0] in run),
    )  # fmt: skip


def identity(ref: FrameRef) -> str:
    """What the rows of a stored frame are known by: the key of their making, else their place in the store."""
    part = f"[{ref.offset}:{ref.rows}]" if ref.part else ""
    return (ref.reuse or ref.key) + part


def node_keys(request: SegmentRequest, registry: Registry, state: State) -> dict[str, str]:
    """Keys of the nodes whose outputs may be used again, by node id."""
    keys: dict[str, str] = {}
    graph = request.graph
    known = request.known
    here = {node.id for node in graph.nodes}
    for node_id in graph.order():
        if node_id not in here:
            continue
        node = graph.by_id[node_id]
        kind = registry.node(node.type)
        sources = [_source(request, keys, edge) for edge in graph.incoming[node_id]]
        if not _keyed(kind) or not all(sources):
            continue
        try:
            config = filled(node.config, kind.manifest.config, known)
        except ConfigError:
            continue
        text = msgspec.json.encode(config, order="deterministic").decode()
        read = state(node, kind, config) if kind.manifest.effect is Effect.READ else ""
        if read is None or _VOLATILE.search(text):
            continue
        plugin = kind.plugin
        facts = [
            kind.id, kind.manifest.version, node.version, plugin.distribution, plugin.version, plugin.fingerprint,
            request.engine, text, node.on_error, _rejects(request, node_id), sources, read,
            request.params if _PARAMS.search(text) else None, None if sources else request.row_limit,
        ]  # fmt: skip
        keys[node_id] = hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).hexdigest()
    return keys


def _keyed(kind: NodeType) -> bool:
    return pure(kind) and not kind.manifest.role and kind.manifest.kind != "trigger"


def _rejects(request: SegmentRequest, node_id: str) -> bool:
    connected = any(edge.source_port == "error" for edge in request.graph.outgoing.get(node_id, ()))
    return connected or f"{node_id}.error" in request.keep


def _source(request: SegmentRequest, keys: Mapping[str, str], edge: Edge) -> list[str]:
    """Port, node and identity of what an edge brings; empty if that is not known, or a branch that is not taken."""
    name = f"{edge.source}.{edge.source_port}"
    if edge.source in keys:
        return [edge.target_port, edge.source, f"{keys[edge.source]}.{edge.source_port}"]
    ref = request.inputs.get(name)
    return [edge.target_port, edge.source, identity(ref)] if ref is not None else []
