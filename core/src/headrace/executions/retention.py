"""History ends: executions older than their retention go, with the frames that they stored.

Days are data: of the flow (`settings.retention`), else its workspace (`settings.retention`), else the organization
(`settings.retention.executions_days`), else a year. What is still referred to stays: executions with children or
repeats, and frames that another execution took over.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.infra.clock import now
from headrace.infra.ids import created_at
from headrace.infra.store import Store

DEFAULT_DAYS = 365
ORPHANED = timedelta(days=1)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BATCH = 200

_USED_IDS = """
  SELECT DISTINCT split_part(v.value ->> 'key', '/', 3) AS id FROM node_executions n
  CROSS JOIN LATERAL jsonb_each(n.outputs) v
  WHERE n.organization_id = :organization_id AND (n.cache_hit OR n.pinned)
    AND split_part(v.value ->> 'key', '/', 2) = 'executions'
    AND split_part(v.value ->> 'key', '/', 3) <> n.execution_id::text
  UNION SELECT DISTINCT split_part(v.value ->> 'key', '/', 3) FROM node_outputs n
  CROSS JOIN LATERAL jsonb_each(n.outputs) v
  WHERE n.organization_id = :organization_id AND split_part(v.value ->> 'key', '/', 3) <> n.execution_id::text
  UNION SELECT DISTINCT split_part(v.value ->> 'key', '/', 3) FROM flow_pins n
  CROSS JOIN LATERAL jsonb_each(n.outputs) v WHERE n.organization_id = :organization_id
  UNION SELECT m[1] FROM segment_runs n JOIN executions x ON x.organization_id = n.organization_id
    AND x.id = n.execution_id CROSS JOIN LATERAL regexp_matches(n.spec::text, '/executions/([0-9a-f-]{36})/', 'g') m
  WHERE n.organization_id = :organization_id AND x.completed_at IS NULL
"""
_OLD_IDS = """)
SELECT x.id FROM executions x
JOIN flows f ON f.organization_id = x.organization_id AND f.id = x.flow_id
JOIN workspaces w ON w.organization_id = f.organization_id AND w.id = f.workspace_id
JOIN organizations o ON o.id = x.organization_id
CROSS JOIN LATERAL (SELECT d::double precision AS days FROM (VALUES (1, f.settings -> 'retention'),
    (2, w.settings -> 'retention'), (3, o.settings -> 'retention' -> 'executions_days'),
    (4, to_jsonb(CAST(:days AS integer)))) AS v(n, d)
  WHERE jsonb_typeof(d) = 'number' ORDER BY n LIMIT 1) r
CROSS JOIN LATERAL (SELECT clock_timestamp() - make_interval(secs => 86400 * least(greatest(r.days, 1), 36500)) AS at) c
WHERE x.organization_id = :organization_id AND x.completed_at < c.at
  AND x.status IN ('completed', 'failed', 'cancelled', 'timed_out')
  AND NOT EXISTS (SELECT 1 FROM executions k WHERE k.organization_id = x.organization_id
    AND k.parent_execution_id = x.id)
  AND NOT EXISTS (SELECT 1 FROM executions p WHERE p.organization_id = x.organization_id
    AND p.id = x.parent_execution_id AND (p.completed_at IS NULL OR p.completed_at >= c.at))
  AND NOT EXISTS (SELECT 1 FROM used u WHERE u.id = x.id::text)
ORDER BY x.completed_at LIMIT :limit FOR UPDATE OF x SKIP LOCKED
"""
_OLD = sa.text("WITH used AS MATERIALIZED (" + _USED_IDS + _OLD_IDS)
_USED = sa.text(_USED_IDS)
_THERE = sa.text("""
SELECT CAST(id AS text) FROM executions WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS uuid[]))
""")
_DELETE = sa.text("""
DELETE FROM executions WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS uuid[]))
""")


async def remove_old(session: AsyncSession, organization_id: UUID, store: Store, *, limit: int = BATCH) -> int:
    """Remove some executions that are too old, in the caller's transaction of their organization. Returns how many.

    Frames go before the commit: if it fails, the rows are there for another try, never frames without rows.
    """
    given = {"organization_id": organization_id, "days": DEFAULT_DAYS, "limit": limit}
    ids = list((await session.scalars(_OLD, given)).all())
    if ids:
        await session.execute(_DELETE, {"organization_id": organization_id, "ids": ids})
        await asyncio.to_thread(_remove_frames, store, organization_id, ids)
    return len(ids)


async def orphans(session: AsyncSession, organization_id: UUID, store: Store) -> list[UUID]:
    """Executions of which objects are stored, but no row is there, for a day at least; and nothing refers to them.

    A start that was rolled back leaves such objects, and a flow that was deleted.
    """
    names = await asyncio.to_thread(store.folders, organization_id, "executions")
    found = {name for name in names if _ID.fullmatch(name) and created_at(UUID(name)) < now() - ORPHANED}
    if found:
        where = {"organization_id": organization_id}
        found -= set(await session.scalars(_THERE, {**where, "ids": list(found)}))
        found -= set(await session.scalars(_USED, where)) if found else set()
    return sorted(UUID(name) for name in found)


async def sweep(session: AsyncSession, organization_id: UUID, store: Store) -> int:
    """Remove the objects of orphans. Returns of how many executions."""
    found = await orphans(session, organization_id, store)
    await asyncio.to_thread(_remove_frames, store, organization_id, found)
    return len(found)


def _remove_frames(store: Store, organization_id: UUID, ids: list[UUID]) -> None:
    for execution_id in ids:
        store.delete_under(organization_id, f"executions/{execution_id}")
