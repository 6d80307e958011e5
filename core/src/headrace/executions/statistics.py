"""Statistics of flows, workspaces and steps, refreshed now and then (O8); each in a transaction of its organization."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

EVERY_S = 300.0

ORGANIZATIONS = sa.text("""
WITH RECURSIVE o AS (
  (SELECT organization_id AS id FROM executions ORDER BY organization_id LIMIT 1)
  UNION ALL
  SELECT n.id FROM o CROSS JOIN LATERAL (SELECT x.organization_id AS id FROM executions x
    WHERE x.organization_id > o.id ORDER BY x.organization_id LIMIT 1) n)
SELECT id FROM o
""")
"""Organizations that have executions; the worker role sees all of them."""
_FRESH = sa.text("""
SELECT NOT pg_try_advisory_xact_lock(hashtextextended(CAST(:organization_id AS text) || '/statistics', 7)) OR EXISTS (
  SELECT 1 FROM flow_statistics WHERE organization_id = CAST(:organization_id AS uuid)
    AND refreshed_at > clock_timestamp() - make_interval(secs => :every_s))
""")
_FLOWS = sa.text("""
INSERT INTO flow_statistics (organization_id, flow_id, total, completed, failed, active, rows_processed, average_ms,
  p10_ms, p50_ms, p95_ms, last_execution_at)
SELECT organization_id, flow_id, count(*), count(*) FILTER (WHERE status = 'completed'),
  count(*) FILTER (WHERE status IN ('failed', 'timed_out')),
  count(*) FILTER (WHERE status IN ('queued', 'running', 'waiting', 'cancelling')), sum(rows_processed), avg(ms),
  percentile_cont(0.1) WITHIN GROUP (ORDER BY ms), percentile_cont(0.5) WITHIN GROUP (ORDER BY ms),
  percentile_cont(0.95) WITHIN GROUP (ORDER BY ms), max(queued_at)
FROM (SELECT x.*, CASE WHEN x.status = 'completed'
    THEN extract(epoch FROM x.completed_at - x.started_at)::double precision * 1000 END AS ms FROM executions x
  WHERE x.organization_id = :organization_id AND x.mode = 'flow' AND x.trigger_type <> 'test'
    AND x.parent_segment_no IS NULL) x
GROUP BY organization_id, flow_id
""")
_WORKSPACES = sa.text("""
INSERT INTO workspace_statistics (organization_id, workspace_id, flows, total, completed, failed, active, average_ms)
SELECT f.organization_id, f.workspace_id, count(*), coalesce(sum(s.total), 0), coalesce(sum(s.completed), 0),
  coalesce(sum(s.failed), 0), coalesce(sum(s.active), 0), sum(s.average_ms * s.completed) / nullif(sum(s.completed), 0)
FROM flows f LEFT JOIN flow_statistics s ON s.organization_id = f.organization_id AND s.flow_id = f.id
WHERE f.organization_id = :organization_id AND f.deleted_at IS NULL GROUP BY f.organization_id, f.workspace_id
""")
_NODES = sa.text("""
INSERT INTO node_statistics (organization_id, flow_id, node_id, samples, p10_ms, p50_ms, p90_ms, p50_rows)
SELECT n.organization_id, x.flow_id, n.node_id, count(*), percentile_cont(0.1) WITHIN GROUP (ORDER BY n.duration_ms),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY n.duration_ms),
  percentile_cont(0.9) WITHIN GROUP (ORDER BY n.duration_ms),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(n.rows_in, n.rows_out))
FROM executions x
JOIN node_executions n ON n.organization_id = x.organization_id AND n.execution_id = x.id
WHERE x.organization_id = :organization_id AND x.completed_at > clock_timestamp() - interval '30 days'
  AND x.status = 'completed' AND x.mode = 'flow' AND x.parent_segment_no IS NULL
  AND n.status = 'completed' AND NOT n.cache_hit AND NOT n.pinned
GROUP BY n.organization_id, x.flow_id, n.node_id
""")
_CLEAR = (
    sa.text("DELETE FROM flow_statistics WHERE organization_id = :organization_id"),
    sa.text("DELETE FROM workspace_statistics WHERE organization_id = :organization_id"),
    sa.text("DELETE FROM node_statistics WHERE organization_id = :organization_id"),
)
_FLOW = sa.text("SELECT * FROM flow_statistics WHERE organization_id = :organization_id AND flow_id = :id")
_FLOW_NODES = sa.text("""
SELECT node_id, samples, p10_ms, p50_ms, p90_ms, p50_rows FROM node_statistics
WHERE organization_id = :organization_id AND flow_id = :id ORDER BY node_id
""")
_WORKSPACE = sa.text(
    "SELECT * FROM workspace_statistics WHERE organization_id = :organization_id AND workspace_id = :id"
)


async def refresh(session: AsyncSession, organization_id: UUID, *, every_s: float = EVERY_S) -> bool:
    """Count anew, in the caller's transaction, unless that was done not long ago or is being done."""
    where = {"organization_id": organization_id}
    if await session.scalar(_FRESH, {"organization_id": str(organization_id), "every_s": every_s}):
        return False
    for clear in _CLEAR:
        await session.execute(clear, where)
    for count in (_FLOWS, _WORKSPACES, _NODES):
        await session.execute(count, where)
    return True


async def of_flow(session: AsyncSession, organization_id: UUID, flow_id: UUID) -> dict[str, Any]:
    """Counts and durations of a flow and its steps; without a total while nothing was counted yet."""
    where = {"organization_id": organization_id, "id": flow_id}
    row = (await session.execute(_FLOW, where)).mappings().one_or_none()
    nodes = [dict(node) for node in (await session.execute(_FLOW_NODES, where)).mappings()]
    return {**_shown(row), "nodes": nodes}


async def of_workspace(session: AsyncSession, organization_id: UUID, workspace_id: UUID) -> dict[str, Any]:
    """Counts and average duration of a workspace."""
    where = {"organization_id": organization_id, "id": workspace_id}
    return _shown((await session.execute(_WORKSPACE, where)).mappings().one_or_none())


def _shown(row: Any) -> dict[str, Any]:
    return {key: value for key, value in (row or {"refreshed_at": None}).items() if key != "organization_id"}
