"""Before a runner is taken: what of a segment is known already. After it: what is worth remembering."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from headrace.engine.frame_store import FrameStore
from headrace.engine.messages import FrameRef, NodeFinished, SegmentDone, SegmentRequest
from headrace.engine.reuse import Cut, Kept, cut, node_keys
from headrace.executions import cached
from headrace.executions.leases import Claim
from headrace.flows.graph import NodeSpec
from headrace.infra.database import Database
from headrace.infra.settings import Settings
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import NodeType, Registry
from headrace.sdk.config import parse_config
from headrace.sdk.errors import ConfigError, HeadraceError
from headrace.sdk.manifests import Capability, Effect

LOOK_S = 5.0
FEW = 16
"""Of so many steps that read nothing the keys are found sooner than a thread."""
_log = structlog.get_logger("headrace.worker")


class Plan(Struct):
    """What to execute of a segment, and what is known of the rest.

    Attributes:
        request: Without what was known before anything was looked up; keys are of these nodes.
        rest: What a runner has to do.
        kept: What is known of nodes that are not executed.
    """

    request: SegmentRequest
    rest: SegmentRequest
    keys: dict[str, str]
    kept: dict[str, Kept]
    specs: dict[str, ConnectionSpec]

    def outputs(self, keep: Iterable[str]) -> dict[str, FrameRef]:
        """Outputs of the nodes that are not executed."""
        found = {f"{node_id}.{port}": ref for node_id, kept in self.kept.items() for port, ref in kept.outputs.items()}
        return {name: found[name] for name in keep if name in found}


class Reuser:
    """Looks outputs up by their keys, and remembers new ones."""

    def __init__(self, database: Database, settings: Settings, registry: Registry) -> None:
        self._database = database
        self._url = settings.objects_url
        self._registry = registry

    async def plan(self, claim: Claim, request: SegmentRequest, specs: dict[str, ConnectionSpec]) -> Plan:
        """Decide what is executed: first by what the execution was started with, then by what is stored.

        Raises:
            ConfigError: the stored rows of a step with an effect are gone; it is not repeated by itself.
        """
        if claim.resumed is not None or claim.failure is not None:
            return Plan(request, request, {}, {}, specs)
        first = Cut(request, {})
        if claim.spec.kept:
            first = cut(request, self._registry, await self._settled(claim, request))
        keys = await self._keys(first.request, specs) if first.request.graph.nodes else {}
        second = Cut(first.request, {})
        if claim.reuse and keys:
            found = await self._found(claim.lease.organization_id, first.request, keys)
            second = cut(first.request, self._registry, found) if found else second
        return Plan(first.request, second.request, keys, first.kept | second.kept, specs)

    async def finished(
        self, plan: Plan, done: SegmentDone, reports: Mapping[str, NodeFinished]
    ) -> tuple[SegmentDone, list[dict[str, Any]], dict[str, NodeFinished]]:
        """Outputs with their frames named by content, rows to remember, and the reports with named frames."""
        ran = {node_id: report for node_id, report in reports.items() if not (report.cache_hit or report.pinned)}
        clean = all(report.status == "completed" for report in ran.values())
        keys = await self._unchanged(plan) if clean else {}
        named = {
            node_id: msgspec.structs.replace(report, outputs=_named(report.outputs, keys.get(node_id)))
            for node_id, report in ran.items()
        }
        outputs = {name: _name(ref, keys.get(name.rpartition(".")[0]), name) for name, ref in done.outputs.items()}
        rows = [
            {
                "key": keys[node_id], "node_id": node_id, "outputs": report.outputs, "rows_in": report.rows_in,
                "rows_out": report.rows_out, "rows_rejected": report.rows_rejected, "bytes": report.bytes,
            }
            for node_id, report in named.items() if node_id in keys and report.outputs
        ]  # fmt: skip
        return SegmentDone(outputs), rows, named

    async def _keys(self, request: SegmentRequest, specs: Mapping[str, ConnectionSpec]) -> dict[str, str]:
        """In a thread: a config may be long, a file system slow. Then nothing is known, and all is executed."""
        if len(request.graph.nodes) <= FEW and not any(map(self._reads, request.graph.nodes)):
            return node_keys(request, self._registry, _States(self._registry, specs))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                return await asyncio.to_thread(node_keys, request, self._registry, _States(self._registry, specs))
        _log.warning("what sources hold is not told in time; nothing is reused", execution=request.execution_id)
        return {}

    async def _unchanged(self, plan: Plan) -> dict[str, str]:
        """The keys that still hold: a file that changed while it was read is not remembered."""
        nodes = plan.request.graph.nodes
        if not plan.keys or not any(self._reads(node) for node in nodes):
            return plan.keys
        now = await self._keys(plan.request, plan.specs)
        return {node_id: key for node_id, key in plan.keys.items() if now.get(node_id) == key}

    def _reads(self, node: NodeSpec) -> bool:
        return self._registry.node(node.type).manifest.effect is Effect.READ

    async def _found(self, organization_id: UUID, request: SegmentRequest, keys: Mapping[str, str]) -> dict[str, Kept]:
        """What is stored under the keys; what has lost its frames is forgotten."""
        async with self._database.transaction(organization_id) as session:
            rows = await cached.find(session, organization_id, list(keys.values()))
            gone = await self._gone(request, rows) if rows else []
            if gone:
                await cached.forget(session, organization_id, gone)
        return {node_id: rows[key] for node_id, key in keys.items() if key in rows and key not in gone}

    async def _settled(self, claim: Claim, request: SegmentRequest) -> dict[str, Kept]:
        """What the execution was started with, as far as the frames are still there."""
        kept = claim.spec.kept
        gone = await self._gone(request, kept)
        for node_id in gone:
            if kept[node_id].settled:
                node = request.graph.by_id[node_id]
                pinned = kept[node_id].pinned
                what, hint = ("pinned", "pin them again") if pinned else ("stored", "retry from this step or the start")
                raise ConfigError(f"the {what} rows of '{node.label or node_id}' are gone; {hint}", node_id=node_id)
        return {node_id: one for node_id, one in kept.items() if node_id not in gone}

    async def _gone(self, request: SegmentRequest, known: Mapping[str, Kept]) -> list[str]:
        """Names of those of which a frame is missing."""
        store = FrameStore(self._url, request.prefix, Path())

        def look() -> list[str]:
            return [name for name, one in known.items() if not all(map(store.exists, one.outputs.values()))]

        return await asyncio.to_thread(look)


class _States:
    """Asks a source's connector for the state of what it reads."""

    def __init__(self, registry: Registry, specs: Mapping[str, ConnectionSpec]) -> None:
        self._registry = registry
        self._specs = specs

    def __call__(self, node: NodeSpec, kind: NodeType, config: Mapping[str, Any]) -> str | None:
        spec = self._specs.get(str(config.get("connection")))
        if not kind.connector or spec is None or spec.connector != kind.connector or "stream" not in config:
            return None
        if Capability.FINGERPRINT not in self._registry.connector(spec.connector).manifest.capabilities:
            return None
        try:
            parsed: Any = parse_config(kind.manifest.config, dict(config))
            connector = self._registry.connector(spec.connector).open(spec.config)
            try:
                return connector.fingerprint(parsed.stream, options=getattr(parsed, "options", None))
            finally:
                connector.close()
        except (HeadraceError, OSError):
            return None


def _name(ref: FrameRef, key: str | None, name: str) -> FrameRef:
    return msgspec.structs.replace(ref, reuse=f"{key}.{name.rpartition('.')[2]}") if key else ref


def _named(outputs: Mapping[str, FrameRef], key: str | None) -> dict[str, FrameRef]:
    return {port: _name(ref, key, port) for port, ref in outputs.items()}
