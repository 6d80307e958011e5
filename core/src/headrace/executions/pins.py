"""Pinned rows of a flow's steps: they stand in for the step in test runs. The only door to `flow_pins`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import FrameRef
from headrace.engine.reuse import Kept
from headrace.executions.leases import as_json

_PUT = sa.text("""
INSERT INTO flow_pins (organization_id, flow_id, node_id, outputs, rows, bytes, execution_id, pinned_by)
VALUES (:organization_id, :flow_id, :node_id, CAST(:outputs AS jsonb), :rows, :bytes, :execution_id, :pinned_by)
ON CONFLICT (organization_id, flow_id, node_id) DO UPDATE SET outputs = excluded.outputs, rows = excluded.rows,
  bytes = excluded.bytes, execution_id = excluded.execution_id, pinned_by = excluded.pinned_by,
  pinned_at = clock_timestamp()
""")
_FIND = sa.text("""
SELECT node_id, outputs, rows, bytes, execution_id, pinned_by, pinned_at FROM flow_pins
WHERE organization_id = :organization_id AND flow_id = :flow_id
  AND (CAST(:node_id AS text) IS NULL OR node_id = CAST(:node_id AS text)) ORDER BY node_id
""")
_DELETE = sa.text("""
DELETE FROM flow_pins WHERE organization_id = :organization_id AND flow_id = :flow_id AND node_id = :node_id
RETURNING outputs
""")


class Pin(Struct, frozen=True, kw_only=True):
    """Rows that somebody fixed for a step."""

    node_id: str
    outputs: dict[str, FrameRef]
    rows: int
    bytes: int
    execution_id: UUID | None
    pinned_by: UUID | None
    pinned_at: datetime

    def shown(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "ports": sorted(self.outputs), "rows": self.rows, "bytes": self.bytes, "execution_id": self.execution_id,
            "pinned_by": self.pinned_by, "pinned_at": self.pinned_at,
        }  # fmt: skip


async def put(
    session: AsyncSession, organization_id: UUID, flow_id: UUID, node_id: str, outputs: Mapping[str, FrameRef], *,
    execution_id: UUID | None = None, pinned_by: UUID | None = None,
) -> list[FrameRef]:  # fmt: skip
    """Pin stored frames to a step. Returns the frames that were pinned before, for removal after the commit."""
    before = await find(session, organization_id, flow_id, node_id)
    given = {
        "organization_id": organization_id, "flow_id": flow_id, "node_id": node_id, "outputs": as_json(outputs),
        "rows": sum(ref.rows for ref in outputs.values()), "bytes": sum(ref.bytes for ref in outputs.values()),
        "execution_id": execution_id, "pinned_by": pinned_by,
    }  # fmt: skip
    await session.execute(_PUT, given)
    return [ref for pin in before for ref in pin.outputs.values()]


async def remove(session: AsyncSession, organization_id: UUID, flow_id: UUID, node_id: str) -> list[FrameRef]:
    """Unpin. Returns the frames, for removal after the commit; none if nothing was pinned."""
    where = {"organization_id": organization_id, "flow_id": flow_id, "node_id": node_id}
    outputs = await session.scalar(_DELETE, where)
    return list(msgspec.convert(outputs or {}, dict[str, FrameRef]).values())


async def find(session: AsyncSession, organization_id: UUID, flow_id: UUID, node_id: str | None = None) -> list[Pin]:
    """Pins of a flow, or of one step."""
    rows = await session.execute(_FIND, {"organization_id": organization_id, "flow_id": flow_id, "node_id": node_id})
    return [Pin(**{**row, "outputs": msgspec.convert(row["outputs"], dict[str, FrameRef])}) for row in rows.mappings()]


async def kept_of(session: AsyncSession, organization_id: UUID, flow_id: UUID) -> dict[str, Kept]:
    """What pinned steps give instead of being executed."""
    return {
        pin.node_id: Kept(outputs=pin.outputs, rows_out=pin.rows, bytes=pin.bytes, settled=True, pinned=True)
        for pin in await find(session, organization_id, flow_id)
    }
