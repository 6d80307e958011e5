"""Files go: from the trash after 30 days, announced ones whose content never came after a day, others by their bucket.

A row goes with its content: the content first, so that nothing is left that no row knows of.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.files.buckets import BUCKETS
from headrace.infra.clock import now
from headrace.infra.ids import created_at
from headrace.infra.store import Store

BATCH = 200
ORPHANED = timedelta(days=1)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OLD = sa.text("""
SELECT f.id, f.bucket FROM files f JOIN organizations o ON o.id = f.organization_id
JOIN unnest(CAST(:buckets AS text[]), CAST(:days AS integer[])) AS b(bucket, days) ON b.bucket = f.bucket
CROSS JOIN LATERAL (SELECT o.settings -> 'retention' -> (f.bucket || '_days') AS said) s
CROSS JOIN LATERAL (
  SELECT CASE WHEN jsonb_typeof(s.said) = 'number' THEN CAST(s.said AS double precision) ELSE b.days END AS days) r
WHERE f.organization_id = :organization_id AND (
  f.deleted_at < clock_timestamp() - interval '30 days'
  OR (f.status = 'pending' AND f.created_at < clock_timestamp() - interval '1 day')
  OR (r.days > 0 AND coalesce(f.uploaded_at, f.created_at)
    < clock_timestamp() - make_interval(secs => 86400 * least(r.days, 36500))))
ORDER BY f.created_at LIMIT :limit FOR UPDATE OF f SKIP LOCKED
""")
_DELETE = sa.text("DELETE FROM files WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS uuid[]))")
_KEYS = sa.text("""
SELECT object_key FROM files WHERE organization_id = :organization_id AND object_key = ANY(CAST(:keys AS text[]))
""")


async def remove_old(session: AsyncSession, organization_id: UUID, store: Store, *, limit: int = BATCH) -> int:
    """Remove some files whose time is over, in the caller's transaction of their organization. Returns how many."""
    given = {"buckets": list(BUCKETS), "days": [one.days for one in BUCKETS.values()], "limit": limit}
    rows = (await session.execute(_OLD, {**given, "organization_id": organization_id})).all()
    if rows:
        await session.execute(_DELETE, {"organization_id": organization_id, "ids": [row.id for row in rows]})
        folders = [f"files/{row.bucket}/{row.id}" for row in rows]
        await asyncio.to_thread(_remove, store, organization_id, folders)
    return len(rows)


async def sweep(session: AsyncSession, organization_id: UUID, store: Store) -> int:
    """Remove contents that no row has, and have not had for a day: an upload was cut off. Returns how many."""
    keys = await asyncio.to_thread(store.list, organization_id, "files")
    uploads = [key for key in keys if _ID.fullmatch(key.rpartition("/")[2])]
    old = [key for key in uploads if created_at(UUID(key.rpartition("/")[2])) < now() - ORPHANED]
    kept = set(await session.scalars(_KEYS, {"organization_id": organization_id, "keys": old})) if old else set()
    lost = [key for key in old if key not in kept]
    for key in lost:
        await asyncio.to_thread(store.delete, organization_id, key)
    return len(lost)


def _remove(store: Store, organization_id: UUID, folders: list[str]) -> None:
    for folder in folders:
        store.delete_under(organization_id, folder)
