"""Queues and workers as people see and steer them; and dead letters, whose workers died once too often.

An organization sees its own work only. Pausing and draining act on the whole installation: for platform admins.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.permissions import Actor
from headrace.executions import replay
from headrace.infra.queue_names import QUEUES, checked_queue
from headrace.plugins.manager import Host
from headrace.sdk.errors import NotFound

MANAGE = "system:manage"

_QUEUES = sa.text("""
WITH live AS (
  SELECT q.queue, count(*) AS workers, sum(CASE q.queue WHEN 'io' THEN w.waiting_slots ELSE w.slots END) AS slots
  FROM workers w CROSS JOIN unnest(w.queues) AS q(queue)
  WHERE w.heartbeat_at > clock_timestamp() - interval '30 s' AND NOT w.is_draining GROUP BY q.queue),
open AS (
  SELECT n.queue, count(*) FILTER (WHERE n.status <> 'running' AND NOT x.held) AS depth,
    count(*) FILTER (WHERE n.status <> 'running' AND x.held) AS held,
    count(*) FILTER (WHERE n.status = 'running') AS running,
    max(extract(epoch FROM clock_timestamp() - CASE WHEN n.run_after = '-infinity' THEN x.queued_at
      ELSE n.run_after END)) FILTER (WHERE n.status <> 'running' AND NOT x.held) AS oldest
  FROM segment_runs n JOIN executions x ON x.organization_id = n.organization_id AND x.id = n.execution_id
  WHERE n.organization_id = :organization_id AND x.closing IS NULL AND (n.status = 'running'
    OR n.status IN ('ready', 'retry_wait', 'parked') AND n.run_after <= clock_timestamp()) GROUP BY n.queue),
done AS (
  SELECT n.queue, count(*) AS n FROM segment_attempts a
  JOIN segment_runs n ON n.organization_id = a.organization_id AND n.execution_id = a.execution_id
    AND n.segment_no = a.segment_no
  WHERE a.organization_id = :organization_id AND a.finished_at > clock_timestamp() - interval '5 min'
    AND a.outcome IN ('completed', 'failed', 'parked') GROUP BY n.queue)
SELECT q.queue, coalesce(o.depth, 0) AS depth, coalesce(o.held, 0) AS held, coalesce(o.running, 0) AS running,
  o.oldest::double precision AS oldest_age_s, (coalesce(d.n, 0) / 5.0)::double precision AS throughput_per_minute,
  coalesce(l.workers, 0) AS workers, coalesce(l.slots, 0) AS slots, p.queue IS NOT NULL AS is_paused, p.paused_at,
  p.reason AS pause_reason
FROM (SELECT unnest(CAST(:known AS text[])) AS queue UNION SELECT queue FROM open UNION SELECT queue FROM live
  UNION SELECT queue FROM paused_queues) q
LEFT JOIN open o USING (queue) LEFT JOIN done d USING (queue) LEFT JOIN live l USING (queue)
LEFT JOIN paused_queues p USING (queue) ORDER BY starts_with(q.queue, 'label:'), q.queue
""")
_PAUSE = sa.text("""
INSERT INTO paused_queues (queue, reason, paused_by) VALUES (:queue, :reason, :by)
ON CONFLICT (queue) DO UPDATE SET reason = excluded.reason
""")
_RESUME = sa.text("DELETE FROM paused_queues WHERE queue = :queue")
_WORKERS = sa.text("""
SELECT id, hostname, pid, version, plugin_set_hash, queues, slots, busy, is_draining, drain_requested_at, started_at,
  heartbeat_at, extract(epoch FROM clock_timestamp() - heartbeat_at)::double precision AS lag_s,
  heartbeat_at > clock_timestamp() - interval '30 s' AS is_alive
FROM workers ORDER BY started_at, id
""")
_DRAIN = sa.text("""
UPDATE workers SET drain_requested_at = coalesce(drain_requested_at, clock_timestamp()), drain_requested_by = :by
WHERE id = :id RETURNING id
""")
_DEAD_FROM = """
FROM segment_runs n JOIN executions x ON x.organization_id = n.organization_id AND x.id = n.execution_id
WHERE n.organization_id = :organization_id AND n.status = 'dead' AND x.dead_letter IS NULL
"""
_DEAD = sa.text(
    """
SELECT x.id AS execution_id, x.flow_id, x.status, n.segment_no, n.node_ids, n.queue, n.crash_count, n.finished_at,
  x.trigger_type, n.error ->> 'code' AS code, n.error ->> 'message' AS reason, n.error ->> 'hint' AS hint
"""
    + _DEAD_FROM
    + " ORDER BY n.finished_at DESC, x.id LIMIT :limit OFFSET :offset"
)
_DEAD_COUNT = sa.text("SELECT count(*)" + _DEAD_FROM)
_SETTLE_DEAD = sa.text("""
UPDATE executions x SET dead_letter = :became
WHERE x.organization_id = :organization_id AND x.id = :execution_id AND x.dead_letter IS NULL AND EXISTS (
  SELECT 1 FROM segment_runs n WHERE n.organization_id = x.organization_id AND n.execution_id = x.id
    AND n.status = 'dead') RETURNING x.id
""")


async def overview(session: AsyncSession, organization_id: UUID) -> list[dict[str, Any]]:
    """Every queue: what of the organization waits and runs, how old the oldest is, how fast it goes, who works."""
    rows = await session.execute(_QUEUES, {"organization_id": organization_id, "known": list(QUEUES)})
    return [dict(row) for row in rows.mappings()]


async def pause(session: AsyncSession, actor: Actor, queue: str, *, reason: str = "") -> None:
    """Nothing more is claimed from the queue once this is committed; what runs goes on.

    Raises:
        Denied: only a platform admin may.
        ConfigError: there is no such queue.
    """
    actor.require(MANAGE)
    await session.execute(_PAUSE, {"queue": checked_queue(queue), "reason": reason, "by": actor.user_id})


async def resume(session: AsyncSession, actor: Actor, queue: str) -> None:
    """Claim from the queue again; one that is not paused is fine.

    Raises:
        Denied: only a platform admin may.
        ConfigError: there is no such queue.
    """
    actor.require(MANAGE)
    await session.execute(_RESUME, {"queue": checked_queue(queue)})


async def workers(session: AsyncSession, actor: Actor) -> list[dict[str, Any]]:
    """Every worker: plugin set, queues, how busy, since when it was not heard.

    Raises:
        Denied: only a platform admin may.
    """
    actor.require(MANAGE)
    return [dict(row) for row in (await session.execute(_WORKERS)).mappings()]


async def drain(session: AsyncSession, actor: Actor, worker_id: UUID) -> None:
    """Let a worker finish what it has and take nothing more, until it is started again.

    Raises:
        Denied: only a platform admin may.
        NotFound: there is no such worker.
    """
    actor.require(MANAGE)
    if await session.scalar(_DRAIN, {"id": worker_id, "by": actor.user_id}) is None:
        raise NotFound("there is no such worker; it may have stopped", resource="worker")


async def dead_letters(
    session: AsyncSession, organization_id: UUID, *, limit: int = 50, offset: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """Segments that took down their workers too often, newest first, and how many nobody has dealt with."""
    where = {"organization_id": organization_id}
    rows = (await session.execute(_DEAD, {**where, "limit": limit, "offset": offset})).mappings()
    return [dict(row) for row in rows], int(await session.scalar(_DEAD_COUNT, where) or 0)


async def retry_dead(session: AsyncSession, actor: Actor, execution_id: UUID, host: Host) -> UUID:
    """Execute again what a dead letter did not complete; once. Returns the new execution's id.

    Raises:
        NotFound: there is no such dead letter, or it was dealt with.
        Conflict: it belongs to a step of another execution; retry that one.
    """
    await _settle(session, actor.organization_id, execution_id, "retried")
    return await replay.retry(session, actor, execution_id, host)


async def discard_dead(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> None:
    """Take a dead letter off the list; the execution stays in the history as failed.

    Raises:
        NotFound: there is no such dead letter, or it was dealt with.
    """
    await _settle(session, organization_id, execution_id, "discarded")


async def _settle(session: AsyncSession, organization_id: UUID, execution_id: UUID, became: str) -> None:
    given = {"organization_id": organization_id, "execution_id": execution_id, "became": became}
    if await session.scalar(_SETTLE_DEAD, given) is None:
        raise NotFound("there is no such dead letter; it may have been dealt with", resource="dead_letter")
