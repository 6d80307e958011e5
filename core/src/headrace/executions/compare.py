"""Two executions of a flow side by side, step by step."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from headrace.executions import payloads, service
from headrace.executions.replay import changed
from headrace.flows.canvas import graph_of
from headrace.flows.graph import FlowGraph
from headrace.flows.models import FlowDefinition
from headrace.sdk.errors import ConfigError

SHOWN = (
    "status", "attempt", "started_at", "completed_at", "duration_ms", "rows_in", "rows_out", "rows_rejected", "bytes",
    "memory_peak_bytes", "error", "cache_hit", "pinned",
)  # fmt: skip
WHOLE = (
    "id", "status", "version", "definition_hash", "trigger_type", "attempt", "parent_execution_id", "started_at",
    "completed_at", "duration_ms", "rows_processed", "rows_failed", "error",
)  # fmt: skip
_MEASURES = ("duration_ms", "rows_in", "rows_out", "rows_rejected", "bytes", "memory_peak_bytes")


async def compare(session: AsyncSession, organization_id: UUID, a: UUID, b: UUID) -> dict[str, Any]:
    """What differs: status, duration, rows and error of each step, and whether its config did.

    Raises:
        NotFound: the organization has no such execution.
        ConfigError: they are of two flows.
    """
    one = await service.get(session, organization_id, a)
    two = await service.get(session, organization_id, b)
    if one["flow_id"] != two["flow_id"]:
        raise ConfigError("these executions are of two flows; compare two of the same one")
    graphs = [await _graph(session, organization_id, found) for found in (one, two)]
    rows = [
        {row["node_id"]: row for row in await service.nodes(session, organization_id, found["id"])}
        for found in (one, two)
    ]
    other = changed(graphs[0], graphs[1]) if graphs[0] and graphs[1] else None
    known = graphs[1] or graphs[0]
    order = dict.fromkeys([*rows[0], *rows[1]])
    return {
        "a": {name: one[name] for name in WHOLE}, "b": {name: two[name] for name in WHOLE},
        "definition_changed": one["definition_hash"] != two["definition_hash"],
        "input_changed": _input(one) != _input(two),
        "nodes": [_node(node_id, rows[0].get(node_id), rows[1].get(node_id), known, other) for node_id in order],
    }  # fmt: skip


def _input(execution: dict[str, Any]) -> tuple[Any, Any]:
    """The input, or the hash of a large one."""
    return execution["input_data"], execution["execution_details"].get(payloads.STORED)


async def _graph(session: AsyncSession, organization_id: UUID, execution: dict[str, Any]) -> FlowGraph | None:
    key = (organization_id, execution["flow_id"], execution["definition_hash"])
    found = await session.get(FlowDefinition, key)
    return graph_of(found.definition) if found else None


def _node(
    node_id: str, a: dict[str, Any] | None, b: dict[str, Any] | None, graph: FlowGraph | None, other: set[str] | None
) -> dict[str, Any]:
    node = graph.by_id.get(node_id) if graph else None
    both = a is not None and b is not None
    change = {
        name: b[name] - a[name]
        for name in _MEASURES if a and b and a[name] is not None and b[name] is not None
    }  # fmt: skip
    return {
        "node_id": node_id, "label": node.label if node else "", "type": node.type if node else "",
        "config_changed": None if other is None else node_id in other if both else True,
        "status_changed": not both or (a or {}).get("status") != (b or {}).get("status"),
        "a": {name: a[name] for name in SHOWN} if a else None, "b": {name: b[name] for name in SHOWN} if b else None,
        "change": change,
    }  # fmt: skip
