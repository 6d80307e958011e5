"""How much there is of what plans limit. The one list of it; a kind is one entry here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.infra.clock import now
from headrace.sdk.errors import LimitReached, NotFound


class Counted(Struct, frozen=True):
    """How a kind is counted.

    Attributes:
        used: How much there is now.
        older: How many there are that came before one of them; those beyond the limit can only be read.
        monthly: It begins anew with each month.
    """

    used: sa.TextClause
    older: sa.TextClause | None = None
    monthly: bool = False


COUNTED = {
    "flows": Counted(
        sa.text("SELECT count(*) FROM flows WHERE organization_id = :organization_id AND deleted_at IS NULL"),
        sa.text("""
SELECT count(*) FROM flows o JOIN flows m ON m.organization_id = o.organization_id AND m.id = :id
WHERE o.organization_id = :organization_id AND o.deleted_at IS NULL AND (o.created_at, o.id) < (m.created_at, m.id)
"""),
    ),
    "connections": Counted(
        sa.text("SELECT count(*) FROM connections WHERE organization_id = :organization_id AND deleted_at IS NULL"),
        sa.text("""
SELECT count(*) FROM connections o JOIN connections m ON m.organization_id = o.organization_id AND m.id = :id
WHERE o.organization_id = :organization_id AND o.deleted_at IS NULL AND (o.created_at, o.id) < (m.created_at, m.id)
"""),
    ),
    "workspaces": Counted(
        sa.text("SELECT count(*) FROM workspaces WHERE organization_id = :organization_id AND deleted_at IS NULL"),
        sa.text("""
SELECT count(*) FROM workspaces o JOIN workspaces m ON m.organization_id = o.organization_id AND m.id = :id
WHERE o.organization_id = :organization_id AND o.deleted_at IS NULL AND (o.created_at, o.id) < (m.created_at, m.id)
"""),
    ),
    "users": Counted(sa.text("""
SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = :organization_id AND m.is_active AND u.is_active AND u.kind = 'person'
""")),
    "executions": Counted(sa.text("""
SELECT coalesce(c.used, 0) + (SELECT count(*) FROM executions x WHERE x.organization_id = :organization_id
    AND x.queued_at > coalesce(c.counted_to, CAST(:month AS timestamptz)) AND x.parent_segment_no IS NULL
    AND x.mode NOT IN ('body', 'handler', 'compensation'))
FROM (SELECT 1) one LEFT JOIN usage_counters c
  ON c.organization_id = :organization_id AND c.key = 'executions' AND c.period = :period
"""), monthly=True),
    "storage_bytes": Counted(sa.text("""
SELECT (SELECT coalesce(sum(bytes), 0) FROM node_executions WHERE organization_id = :organization_id)
  + (SELECT coalesce(sum(size_bytes), 0) FROM files WHERE organization_id = :organization_id)
""")),
    "ai_cost_usd": Counted(sa.text("""
SELECT ceil(coalesce(sum(used), 0) / 1000000.0) FROM usage_counters
WHERE organization_id = :organization_id AND key = 'ai_cost_usd' AND period = :period
"""), monthly=True),
}  # fmt: skip
ALIASES = {"workflows": "flows", "connectors": "connections"}

_PROMISED = sa.text("""
SELECT count(*) FROM invitations WHERE organization_id = :organization_id AND accepted_at IS NULL
  AND revoked_at IS NULL AND expires_at > :now
""")
_MONTH = sa.text("""
INSERT INTO usage_counters (organization_id, key, period, counted_to)
VALUES (:organization_id, 'executions', :period, :month) ON CONFLICT DO NOTHING
""")
_LOCK = sa.text("""
SELECT 1 FROM usage_counters
WHERE organization_id = :organization_id AND key = 'executions' AND period = :period FOR UPDATE
""")
_WRITE = sa.text("""
UPDATE usage_counters SET used = :used, counted_to = clock_timestamp()
WHERE organization_id = :organization_id AND key = 'executions' AND period = :period
""")


_SPEND = sa.text("""
INSERT INTO usage_counters AS c (organization_id, key, period, used, counted_to)
VALUES (:organization_id, 'ai_cost_usd', :period, :micro_usd, clock_timestamp())
ON CONFLICT (organization_id, key, period) DO UPDATE
  SET used = c.used + excluded.used, counted_to = excluded.counted_to
""")


def month_of(at: datetime) -> datetime:
    """When the month began, in UTC."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(at: datetime) -> datetime:
    """When the month ends, in UTC."""
    begun = month_of(at)
    return begun.replace(year=begun.year + begun.month // 12, month=begun.month % 12 + 1)


async def used(session: AsyncSession, key: str, organization_id: UUID) -> int:
    """How much of a kind an organization has now.

    Raises:
        NotFound: nothing counts such a thing.
    """
    counted = COUNTED.get(key)
    if counted is None:
        raise NotFound(f"there is no limit '{key}'; ask for {', '.join(COUNTED)} or api_requests", resource="limit")
    return int(await session.scalar(counted.used, _where(organization_id, counted)) or 0)


async def spend(session: AsyncSession, organization_id: UUID, micro_usd: int) -> None:
    """Count what a call of a model has cost, in millionths of a US dollar; the limit `ai_cost_usd` is asked before it.

    Raises:
        ValueError: it is negative.
    """
    if micro_usd < 0:
        raise ValueError("a cost is not negative")
    await session.execute(_SPEND, {**_month(organization_id), "micro_usd": micro_usd})


async def promised(session: AsyncSession, organization_id: UUID) -> int:
    """How many invitations are open."""
    return int(await session.scalar(_PROMISED, {"organization_id": organization_id, "now": now()}) or 0)


async def hold_month(session: AsyncSession, organization_id: UUID, most: int) -> int:
    """Wait for others who count executions of this organization; go on when one more fits. Returns how many there are.

    Raises:
        LimitReached: the month's are used up.
    """
    at = now()
    where = _month(organization_id)
    await session.execute(_MONTH, where)
    await session.execute(_LOCK, where)
    present = await used(session, "executions", organization_id)
    if present >= most:
        raise LimitReached(
            f"the plan allows {most} executions a month, {present} are used; wait until {next_month(at):%Y-%m-%d} or "
            "upgrade the plan",
            limit="executions", used=present, max=most, resets_at=next_month(at).isoformat(),
        )  # fmt: skip
    return present


async def count_month(session: AsyncSession, organization_id: UUID, total: int) -> None:
    """Write down how many executions there are now, one that this transaction has made among them."""
    await session.execute(_WRITE, {**_month(organization_id), "used": total})


def _where(organization_id: UUID, counted: Counted) -> dict[str, Any]:
    return _month(organization_id) if counted.monthly else {"organization_id": organization_id}


def _month(organization_id: UUID) -> dict[str, Any]:
    begun = month_of(now())
    return {"organization_id": organization_id, "month": begun, "period": begun.date()}
