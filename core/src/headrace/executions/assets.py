"""Assets: what steps wrote outside, by connection and object; each write is kept in the transaction that settles it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import NodeFinished
from headrace.infra.ids import new_id

_UPDATE = sa.text("""
WITH c AS (
  SELECT id FROM connections WHERE organization_id = :organization_id AND deleted_at IS NULL
    AND (id::text = :connection OR name = :connection) LIMIT 1),
a AS (
  INSERT INTO assets AS a (organization_id, id, connection_id, object, updates, rows, last_execution_id,
    last_updated_at)
  SELECT :organization_id, :id, c.id, :object, 1, :rows, :execution_id, clock_timestamp() FROM c
  ON CONFLICT (organization_id, connection_id, object) DO UPDATE SET updates = a.updates + 1, rows = excluded.rows,
    last_execution_id = excluded.last_execution_id, last_updated_at = excluded.last_updated_at
  RETURNING id, updates)
INSERT INTO asset_updates (organization_id, asset_id, number, execution_id, flow_id, node_id, rows, chain)
SELECT :organization_id, a.id, a.updates, x.id, x.flow_id, :node_id, :rows,
  coalesce((x.execution_details ->> 'chain')::integer, 0)
FROM a JOIN executions x ON x.organization_id = :organization_id AND x.id = :execution_id
""")
_FIELDS = """
SELECT a.id, a.connection_id, c.name AS connection, a.object, a.updates, a.rows, a.last_execution_id,
  a.last_updated_at, a.created_at, count(*) OVER () AS total
FROM assets a JOIN connections c ON c.organization_id = a.organization_id AND c.id = a.connection_id
WHERE a.organization_id = :organization_id
"""
_LIST = sa.text(
    _FIELDS + " AND (CAST(:connection_id AS uuid) IS NULL OR a.connection_id = CAST(:connection_id AS uuid)) "
    "ORDER BY a.last_updated_at DESC NULLS LAST, a.id LIMIT :limit OFFSET :offset"
)
_ONE = sa.text(_FIELDS + " AND a.id = :id")
_UPDATES = sa.text("""
SELECT number, execution_id, flow_id, node_id, rows, created_at, count(*) OVER () AS total FROM asset_updates
WHERE organization_id = :organization_id AND asset_id = :id ORDER BY number DESC LIMIT :limit OFFSET :offset
""")


class Outcome(Protocol):
    """What one step did; settle's is one."""

    @property
    def report(self) -> NodeFinished:
        """Its report."""


async def record(session: AsyncSession, organization_id: UUID, done: Sequence[tuple[UUID, Sequence[Outcome]]]) -> None:
    """Keep what completed steps of executions wrote. A connection that is gone meanwhile is passed over."""
    wrote = [
        (node.report.asset, execution_id, node.report) for execution_id, nodes in done for node in nodes
        if node.report.status == "completed" and node.report.asset
    ]  # fmt: skip
    for (connection, name), execution_id, report in sorted(wrote, key=lambda one: one[0]):  # one order for all
        await session.execute(_UPDATE, {
            "organization_id": organization_id, "execution_id": execution_id, "id": new_id(), "connection": connection,
            "object": name, "node_id": report.node_id, "rows": report.rows_out,
        })  # fmt: skip


async def list_(
    session: AsyncSession, organization_id: UUID, *, connection_id: UUID | None = None, limit: int = 20, offset: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """Assets, the one written last first."""
    where = {"organization_id": organization_id, "connection_id": connection_id, "limit": limit, "offset": offset}
    return _counted((await session.execute(_LIST, where)).mappings().all())


async def get(session: AsyncSession, organization_id: UUID, asset_id: UUID) -> dict[str, Any] | None:
    """An asset, if there is one."""
    row = (await session.execute(_ONE, {"organization_id": organization_id, "id": asset_id})).mappings().one_or_none()
    return dict(row) if row else None


async def updates(
    session: AsyncSession, organization_id: UUID, asset_id: UUID, *, limit: int = 20, offset: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """Who wrote an asset when, newest first; 90 days are kept."""
    where = {"organization_id": organization_id, "id": asset_id, "limit": limit, "offset": offset}
    return _counted((await session.execute(_UPDATES, where)).mappings().all())


def _counted(rows: Sequence[Any]) -> tuple[list[dict[str, Any]], int]:
    return [dict(row) for row in rows], rows[0]["total"] if rows else 0
