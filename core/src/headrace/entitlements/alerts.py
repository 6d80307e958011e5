"""Soft limits that are passed are told to the owners: of each limit once a month."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.notices import tell_owners
from headrace.entitlements import counts, resolve, service
from headrace.entitlements.parts import SOFT
from headrace.infra.clock import now

_ONCE = sa.text("""
INSERT INTO usage_counters (organization_id, key, period, used, counted_to)
VALUES (:organization_id, :key, :period, :used, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING used
""")

_PLATFORM = sa.text("SELECT set_config('app.platform', 'on', true)")
_ORGANIZATIONS = sa.text("SELECT id FROM organizations WHERE status = 'active' ORDER BY id")


async def organizations(session: AsyncSession) -> Sequence[UUID]:
    """All that there are to watch, also those in which nothing has run yet."""
    await session.execute(_PLATFORM)
    return (await session.scalars(_ORGANIZATIONS)).all()


async def watch(session: AsyncSession, organization_id: UUID) -> list[str]:
    """Tell what is passed and was not told this month; returns the limits. Two at once tell it once.

    A soft limit that is set anew is another one.
    """
    told = []
    for key in counts.COUNTED:
        soft = await service.limit_of(session, f"{key}{SOFT}", organization_id=organization_id)
        if soft == resolve.UNLIMITED:
            continue
        usage = await service.usage(session, key, organization_id=organization_id)
        where = {"organization_id": organization_id, "key": f"told:{key}{SOFT}:{soft}", "used": usage.used,
                 "period": counts.month_of(now()).date()}  # fmt: skip
        if usage.warning and await session.scalar(_ONCE, where) is not None:
            await tell_owners(
                session, organization_id, "usage", f"{usage.warning}.", limit=key, used=usage.used, max=soft
            )
            told.append(key)
    return told
