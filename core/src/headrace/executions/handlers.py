"""What a flow does after it has ended: its error handler, and its finally. They are executions of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.segments import compile_plan
from headrace.executions.create import create_one, row_of, rows_of
from headrace.executions.partial import Part
from headrace.flows.compensations import without
from headrace.flows.graph import FlowGraph
from headrace.flows.references import taken
from headrace.infra.ids import new_id
from headrace.plugins.registry import Registry

Kind: TypeAlias = Literal["on_error", "finally"]
KINDS: tuple[Kind, ...] = ("on_error", "finally")
_FAILED = frozenset({"failed", "timed_out"})
_ENDED = sa.text("""
SELECT flow_id, definition_hash, version, plugin_set_hash, environment, trigger_type, triggered_by, priority, params,
  depth, share, handlers, status, error, error_message, completed_at, compensation
FROM executions WHERE organization_id = :organization_id AND id = :execution_id
""")


def handlers_of(
    graph: FlowGraph, registry: Registry, trigger_type: str, queue: str = ""
) -> tuple[FlowGraph, dict[str, list[dict[str, Any]]]]:
    """The flow without what comes after it, and the segments of `on_error` and `finally`."""
    roots = {node.id: registry.node(node.type).manifest.role for node in graph.nodes if not node.parent}
    found: dict[str, list[dict[str, Any]]] = {}
    away: set[str] = set()
    for kind in KINDS:
        ids = {n for root, role in roots.items() if role == kind for n in graph.downstream(root)}
        if ids:
            ids |= {inside for n in ids for inside in graph.inside(n)}
            part = graph.only(ids)
            takes = taken(part, registry)
            plan = compile_plan(without(part.level()), registry, taken=takes, whole=part)
            found[kind] = rows_of(plan, Part(plan.graph, whole=part, taken=takes), trigger_type, queue)
            away |= ids
    return (graph.only({node.id for node in graph.nodes} - away) if away else graph), found


async def begin(session: AsyncSession, key: dict[str, Any], kinds: Sequence[Kind] = KINDS) -> None:
    """Start what the ended execution's flow does now, in the transaction that ends it."""
    row = (await session.execute(_ENDED, key)).one()
    error = row.error or {}
    ended = {
        "execution_id": str(key["execution_id"]), "flow_id": str(row.flow_id), "status": row.status,
        "node_id": error.get("node_id", ""), "code": error.get("code", ""), "message": row.error_message or "",
        "ended_at": row.completed_at.isoformat(), "compensation": row.compensation or "",
    }  # fmt: skip
    for number, kind in enumerate(kind for kind in KINDS if kind in row.handlers):
        if kind not in kinds or (kind == "on_error" and row.status not in _FAILED):
            continue
        child = row_of(
            key["organization_id"], new_id(), segments=len(row.handlers[kind]), flow_id=row.flow_id,
            definition_hash=row.definition_hash, version=row.version, plugin_set_hash=row.plugin_set_hash,
            environment=row.environment, mode="handler", trigger_type="event", triggered_by=row.triggered_by,
            parent_execution_id=key["execution_id"], item_no=number, priority=row.priority, depth=row.depth + 1,
            share=row.share, params={**row.params, "ended": ended},
        )  # fmt: skip
        await create_one(session, child, row.handlers[kind])
