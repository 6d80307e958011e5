"""Who is connected: a row for each socket, written when it comes and goes and now and then between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

BEAT_S = 30.0
"""No row is written more often."""
SILENT_S = 100.0
"""Whose process was killed says nothing more: after this it is not connected."""
KEPT_DAYS = 30

_BEGIN = sa.text("""
INSERT INTO websocket_connections (organization_id, id, user_id) VALUES (:organization_id, :id, :user_id)
""")
_BEAT = sa.text("""
UPDATE websocket_connections SET last_heartbeat_at = clock_timestamp(), connection_type = :connection_type,
  subscribed_to = :subscribed_to, is_active = true, disconnected_at = NULL
WHERE organization_id = :organization_id AND id = :id
""")
_END = sa.text("""
UPDATE websocket_connections SET is_active = false, disconnected_at = clock_timestamp()
WHERE organization_id = :organization_id AND id = :id AND is_active
""")
_LIST = sa.text("""
SELECT c.*, count(*) OVER () AS total FROM (SELECT id, user_id, organization_id, connection_type,
    subscribed_to, connected_at, last_heartbeat_at,
    CASE WHEN NOT silent THEN disconnected_at ELSE coalesce(disconnected_at, last_heartbeat_at) END AS disconnected_at,
    is_active AND NOT silent AS is_active
  FROM (SELECT *, last_heartbeat_at < clock_timestamp() - make_interval(secs => :silent_s) AS silent
    FROM websocket_connections WHERE organization_id = :organization_id) w) c
WHERE CAST(:active AS boolean) IS NULL OR c.is_active = :active
ORDER BY c.connected_at DESC, c.id DESC LIMIT :limit OFFSET :offset
""")
_CLOSE = sa.text("""
UPDATE websocket_connections SET is_active = false, disconnected_at = last_heartbeat_at
WHERE is_active AND last_heartbeat_at < clock_timestamp() - make_interval(secs => :silent_s)
""")
_FORGET = sa.text("""
DELETE FROM websocket_connections WHERE ctid = ANY(ARRAY(SELECT ctid FROM websocket_connections
  WHERE NOT is_active AND disconnected_at < clock_timestamp() - make_interval(days => :days) LIMIT :limit))
""")


async def begin(session: AsyncSession, organization_id: UUID, connection_id: UUID, user_id: UUID | None) -> None:
    """A socket was accepted."""
    await session.execute(_BEGIN, {"organization_id": organization_id, "id": connection_id, "user_id": user_id})


async def beat(session: AsyncSession, organization_id: UUID, connection_id: UUID, channels: Sequence[str]) -> None:
    """It lives, and listens to these channels."""
    said = {"connection_type": kind_of(channels), "subscribed_to": list(channels)}
    await session.execute(_BEAT, {"organization_id": organization_id, "id": connection_id, **said})


async def end(session: AsyncSession, organization_id: UUID, connection_id: UUID) -> None:
    """It is gone."""
    await session.execute(_END, {"organization_id": organization_id, "id": connection_id})


def kind_of(channels: Sequence[str]) -> str:
    """What a socket is for: `workflow_run` follows executions, `activity` the organization, else `general`."""
    kinds = {name.partition(":")[0] for name in channels}
    if kinds & {"execution", "logs"}:
        return "workflow_run"
    return "activity" if kinds & {"organization", "subscription"} else "general"


async def list_(
    session: AsyncSession, organization_id: UUID, *, active: bool | None, limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """Sockets of the organization, newest first; who is silent does not count as connected."""
    where = {"organization_id": organization_id, "silent_s": SILENT_S, "active": active}
    found = [
        dict(row) for row in (await session.execute(_LIST, {**where, "limit": limit, "offset": offset})).mappings()
    ]
    return found, found[0]["total"] if found else 0


async def keep(session: AsyncSession, *, limit: int = 10_000) -> int:
    """Close what killed processes left and remove what is old, for every organization: a chore of the worker role."""
    closed: Any = await session.execute(_CLOSE, {"silent_s": SILENT_S})
    await session.execute(_FORGET, {"days": KEPT_DAYS, "limit": limit})
    return int(closed.rowcount)
