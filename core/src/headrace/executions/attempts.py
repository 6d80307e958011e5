"""When the segments of an execution were worked on: every try with its begin and end, as it was recorded."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

MOST = 2_000
_ATTEMPTS = sa.text("""
SELECT a.segment_no, a.attempt, a.started_at, a.finished_at, a.outcome, s.node_ids FROM segment_attempts a
JOIN segment_runs s ON s.organization_id = a.organization_id AND s.execution_id = a.execution_id
  AND s.segment_no = a.segment_no
WHERE a.organization_id = :organization_id AND a.execution_id = :execution_id ORDER BY a.started_at, a.fence LIMIT :most
""")


class Attempt(Struct, frozen=True, kw_only=True):
    """A try of a segment: open while it goes on; between two tries the segment waited."""

    segment_no: int
    node_ids: list[str]
    attempt: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None


async def attempts(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> list[Attempt]:
    """Tries of an execution's segments, oldest first; none any more when its history was compacted."""
    where = {"organization_id": organization_id, "execution_id": execution_id, "most": MOST}
    return [Attempt(**row) for row in (await session.execute(_ATTEMPTS, where)).mappings()]
