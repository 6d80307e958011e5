"""History in compact form: events, log lines and attempts go after a while; executions, their steps and rows stay.

The days are data: of the organization (`settings.retention.details_days`), else 30. A month of which all is due goes at
once, by its partitions; organizations with fewer days than others lose theirs before that, in small batches. Needs the
role that owns the tables: nobody else may remove what happened. What has not ended is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.infra import partitions

DETAILS = ("execution_events", "execution_logs", "segment_attempts")
DEFAULT_DAYS = 30
BATCH = 1_000

_DAYS = sa.text("""
SELECT CASE WHEN jsonb_typeof(d) = 'number' THEN least(greatest(CAST(d AS double precision), 1), 36500)
  ELSE :days END FROM (SELECT settings -> 'retention' -> 'details_days' AS d FROM organizations
  WHERE id = :organization_id) o
""")
_MARK = sa.text("""
UPDATE executions SET compacted_at = clock_timestamp() WHERE organization_id = :organization_id AND id = ANY(ARRAY(
  SELECT id FROM executions WHERE organization_id = :organization_id AND compacted_at IS NULL
    AND completed_at < clock_timestamp() - make_interval(secs => 86400 * CAST(:days AS double precision))
    AND status IN ('completed', 'failed', 'cancelled', 'timed_out')
    AND NOT EXISTS (SELECT 1 FROM unnest(CAST(:low AS uuid[]), CAST(:high AS uuid[])) AS w(low, high)
      WHERE id >= w.low AND id < w.high)
  ORDER BY completed_at LIMIT :limit FOR UPDATE SKIP LOCKED))
RETURNING id
""")
_REMOVE = (
    sa.text("DELETE FROM execution_events WHERE organization_id = :organization_id AND execution_id = ANY(:ids)"),
    sa.text("DELETE FROM execution_logs WHERE organization_id = :organization_id AND execution_id = ANY(:ids)"),
    sa.text("DELETE FROM segment_attempts WHERE organization_id = :organization_id AND execution_id = ANY(:ids)"),
)
_NEEDED = sa.text("""
SELECT EXISTS (SELECT 1 FROM executions WHERE organization_id = :organization_id AND id >= :low AND id < :high
  AND compacted_at IS NULL AND (status IN ('completed', 'failed', 'cancelled', 'timed_out')
    AND completed_at < clock_timestamp() - make_interval(secs => 86400 * CAST(:days AS double precision))) IS NOT TRUE)
""")
_MARK_MONTH = sa.text("""
UPDATE executions SET compacted_at = clock_timestamp() WHERE organization_id = :organization_id AND id = ANY(ARRAY(
  SELECT id FROM executions WHERE organization_id = :organization_id AND id >= :low AND id < :high
    AND compacted_at IS NULL LIMIT :limit))
RETURNING id
""")
_PRESENT = sa.text("""
SELECT EXISTS (SELECT 1 FROM executions WHERE organization_id = :organization_id AND id >= :low AND id < :high)
""")


async def days_of(session: AsyncSession, organization_id: UUID) -> float:
    """How long an organization keeps details."""
    given = {"organization_id": organization_id, "days": DEFAULT_DAYS}
    return float(await session.scalar(_DAYS, given) or DEFAULT_DAYS)


def due_at(month: date, days: float) -> datetime:
    """When everything of a month may be gone."""
    return partitions.begin(partitions.later(month)) + timedelta(days=days)


async def compact(session: AsyncSession, organization_id: UUID, days: float, waiting: Sequence[date]) -> int:
    """Let go of the details of some executions, in the caller's transaction of their organization. Returns how many.

    Args:
        session: Of the owner role.
        organization_id: Whose.
        days: That the organization keeps details.
        waiting: Months whose rows wait.
    """
    low = [partitions.first_id(month) for month in waiting]
    high = [partitions.first_id(partitions.later(month)) for month in waiting]
    given = {"organization_id": organization_id, "days": days, "low": low, "high": high, "limit": BATCH}
    ids = list((await session.scalars(_MARK, given)).all())
    for statement in _REMOVE if ids else ():
        await session.execute(statement, {"organization_id": organization_id, "ids": ids})
    return len(ids)


async def needed(session: AsyncSession, organization_id: UUID, days: float, month: date) -> bool:
    """Whether an execution of the month has not ended, or is too young to lose its details."""
    return bool(await session.scalar(_NEEDED, _month(organization_id, month) | {"days": days}))


async def mark(session: AsyncSession, organization_id: UUID, month: date) -> int:
    """Mark some executions of a month of which no details are `needed`. Returns how many."""
    given = _month(organization_id, month) | {"limit": BATCH}
    return len((await session.scalars(_MARK_MONTH, given)).all())


async def present(session: AsyncSession, organization_id: UUID, month: date) -> bool:
    """Whether there is an execution of the month at all."""
    return bool(await session.scalar(_PRESENT, _month(organization_id, month)))


def _month(organization_id: UUID, month: date) -> dict[str, Any]:
    low, high = partitions.first_id(month), partitions.first_id(partitions.later(month))
    return {"organization_id": organization_id, "low": low, "high": high}
