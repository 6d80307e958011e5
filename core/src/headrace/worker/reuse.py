"""Before a runner is taken: what of a segment is known already. After it: what is worth remembering."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from headrace.engine.frame_store import FrameStore
from headrace.engine.messages import FrameRef, NodeFinished, SegmentDone, SegmentRequest
from headrace.engine.reuse import Cut, Kept, cut, node_keys, pure
from headrace.executions import cached
from headrace.executions.leases import Claim
from headrace.flows.graph import NodeSpec
from headrace.infra.database import Database
from headrace.infra.settings import Settings
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import NodeType, Registry
from headrace.sdk.config import parse_config
from headrace.sdk.errors import ConfigError, HeadraceError
from headrace.sdk.manifests import Effect

LOOK_S = 5.0
_log = structlog.get_logger("headrace.worker")


class Plan(Struct):
    """What to execute of a segment, and what is known of the rest.

    Attributes:
        whole: The request as it was.
        keys: Of the nodes whose outputs may be used again.
    """

    whole: SegmentRequest
    cut: Cut
    keys: dict[str, str]
    specs: dict[str, ConnectionSpec]

    @property
    def nothing_to_do(self) -> bool:
        """Whether no node has to be executed."""
        return not self.cut.request.graph.nodes


class Reuser:
    """Looks outputs up by their keys, and remembers new ones."""

    def __init__(self, database: Database, settings: Settings, registry: Registry) -> None:
        self._database = database
        self._url = settings.objects_url
        self._registry = registry

    async def plan(self, claim: Claim, request: SegmentRequest, specs: dict[str, ConnectionSpec]) -> Plan:
        """Decide what is executed.

        Raises:
            ConfigError: the stored rows of a step with an effect are gone; it is not repeated by itself.
        """
        if claim.resumed is not None:
            return Plan(request, Cut(request, {}), {}, specs)
        keys = await self._keys(request, specs)
        known = dict(claim.spec.kept)
        if claim.reuse and keys:
            known = await self._found(claim.lease.organization_id, keys) | known
        known = await self._stored(claim, request, keys, known)
        made = cut(request, self._registry, known) if known else Cut(request, {})
        return Plan(request, made, keys, specs)

    async def finished(
        self, plan: Plan, done: SegmentDone, reports: Mapping[str, NodeFinished]
    ) -> tuple[SegmentDone, list[dict[str, Any]], dict[str, NodeFinished]]:
        """The whole segment's outputs, rows to remember, and the reports with their frames named by content."""
        kept = plan.cut.outputs(plan.whole.keep)
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
        return SegmentDone(kept | outputs), rows, named

    async def _keys(self, request: SegmentRequest, specs: Mapping[str, ConnectionSpec]) -> dict[str, str]:
        """In a thread: a config may be long, a file system slow. Then nothing is known, and all is executed."""
        with contextlib.suppress(TimeoutError):
            work = asyncio.to_thread(node_keys, request, self._registry, _States(self._registry, specs))
            return await asyncio.wait_for(work, LOOK_S)
        _log.warning("what sources hold is not told in time; nothing is reused", execution=request.execution_id)
        return {}

    async def _unchanged(self, plan: Plan) -> dict[str, str]:
        """The keys that still hold: a file that changed while it was read is not remembered."""
        nodes = plan.whole.graph.nodes
        if not plan.keys or not any(self._reads(node) for node in nodes):
            return plan.keys
        now = await self._keys(plan.whole, plan.specs)
        return {node_id: key for node_id, key in plan.keys.items() if now.get(node_id) == key}

    def _reads(self, node: NodeSpec) -> bool:
        return self._registry.node(node.type).manifest.effect is Effect.READ

    async def _found(self, organization_id: UUID, keys: Mapping[str, str]) -> dict[str, Kept]:
        async with self._database.transaction(organization_id) as session:
            rows = await cached.find(session, organization_id, list(keys.values()))
        return {node_id: rows[key] for node_id, key in keys.items() if key in rows}

    async def _stored(
        self, claim: Claim, request: SegmentRequest, keys: Mapping[str, str], known: dict[str, Kept]
    ) -> dict[str, Kept]:
        """Those whose frames are all still there."""
        if not known:
            return known
        store = FrameStore(self._url, request.prefix, Path())
        gone = await asyncio.to_thread(
            lambda: [n for n, one in known.items() if not all(store.exists(ref) for ref in one.outputs.values())]
        )
        lost = [node_id for node_id in gone if node_id in claim.spec.kept]
        for node_id in lost:
            node = request.graph.by_id[node_id]
            if known[node_id].pinned or not pure(self._registry.node(node.type)):
                what = "pinned rows" if known[node_id].pinned else "stored rows"
                hint = "pin them again" if known[node_id].pinned else "retry from this step, or from the start"
                raise ConfigError(f"the {what} of '{node.label or node_id}' are gone; {hint}", node_id=node_id)
        stale = [keys[node_id] for node_id in gone if node_id in keys and node_id not in lost]
        if stale:
            async with self._database.transaction(claim.lease.organization_id) as session:
                await cached.forget(session, claim.lease.organization_id, stale)
        return {node_id: one for node_id, one in known.items() if node_id not in gone}


class _States:
    """Asks a source's connector for the state of what it reads."""

    def __init__(self, registry: Registry, specs: Mapping[str, ConnectionSpec]) -> None:
        self._registry = registry
        self._specs = specs

    def __call__(self, node: NodeSpec, kind: NodeType, config: Mapping[str, Any]) -> str | None:
        spec = self._specs.get(str(config.get("connection")))
        if not kind.connector or spec is None or spec.connector != kind.connector or "stream" not in config:
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
