"""SQL that finds the places where an invariant does not hold. Static text; empty is what each should give.

Each statement is one snapshot, so it may run while workers work. What the reconciler puts right by itself gets a
minute before it counts. Executions whose details history has let go of (`compacted_at`) have nothing to compare.
"""

from __future__ import annotations

import sqlalchemy as sa

ACCEPTED = sa.text("""
SELECT r.place FROM (
  SELECT 'tick ' || trigger_id || ' ' || fire_at AS place, organization_id, execution_id, created_at FROM trigger_ticks
  UNION ALL SELECT 'event ' || trigger_id || ' ' || event_key, organization_id, execution_id, created_at
  FROM trigger_events
  UNION ALL SELECT 'call ' || id, organization_id, execution_id, created_at FROM webhook_calls
  WHERE outcome = 'accepted') r
WHERE r.execution_id IS NOT NULL AND r.created_at > clock_timestamp() - interval '1 day'
  AND NOT EXISTS (SELECT 1 FROM executions x
    WHERE x.organization_id = r.organization_id AND x.id = r.execution_id) LIMIT :limit
""")
ENDED = sa.text("""
SELECT x.id::text FROM executions x
WHERE (x.status IN ('completed', 'failed', 'cancelled', 'timed_out')) <> (x.segments_open = 0) LIMIT :limit
""")
STUCK = sa.text("""
SELECT x.id::text FROM executions x
WHERE x.status IN ('queued', 'running', 'waiting', 'cancelling') AND x.segments_open > 0
  AND NOT EXISTS (SELECT 1 FROM segment_runs n WHERE n.organization_id = x.organization_id
    AND n.execution_id = x.id AND n.status IN ('ready', 'running', 'retry_wait', 'parked')) LIMIT :limit
""")
WAITING = sa.text("""
SELECT x.id::text FROM executions x
WHERE x.status IN ('running', 'waiting') AND x.closing IS NULL
  AND EXISTS (SELECT 1 FROM segment_runs n WHERE n.organization_id = x.organization_id AND n.execution_id = x.id
    AND CASE x.status WHEN 'running' THEN n.status = 'parked' ELSE n.status = 'running' END)
  AND (x.status = 'waiting' OR NOT EXISTS (SELECT 1 FROM segment_runs n WHERE n.organization_id = x.organization_id
    AND n.execution_id = x.id AND n.status IN ('ready', 'running', 'retry_wait'))) LIMIT :limit
""")
UNREAPED = sa.text("""
SELECT execution_id || '/' || segment_no FROM segment_runs
WHERE status = 'running' AND lease_until < clock_timestamp() - interval '1 minute' LIMIT :limit
""")
SUCCESS = sa.text("""
SELECT n.execution_id || '/' || n.segment_no FROM segment_runs n
JOIN executions x ON x.organization_id = n.organization_id AND x.id = n.execution_id AND x.compacted_at IS NULL
LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE outcome = 'completed') AS done,
    max(fence) FILTER (WHERE outcome = 'completed') AS best, max(fence) FILTER (WHERE finished_at IS NOT NULL) AS last
  FROM segment_attempts a WHERE a.organization_id = n.organization_id AND a.execution_id = n.execution_id
    AND a.segment_no = n.segment_no) a ON true
WHERE a.done <> (n.status = 'completed')::int OR (a.done = 1 AND a.best <> a.last) LIMIT :limit
""")
HELD = sa.text("""
SELECT n.execution_id || '/' || n.segment_no FROM segment_runs n
LEFT JOIN LATERAL (SELECT count(*) AS open, max(fence) AS fence FROM segment_attempts a
  WHERE a.organization_id = n.organization_id AND a.execution_id = n.execution_id AND a.segment_no = n.segment_no
    AND a.outcome IS NULL) a ON true
WHERE a.open <> (n.status = 'running')::int OR a.fence <> n.fence LIMIT :limit
""")
ORDER = sa.text("""
SELECT DISTINCT c.execution_id || '/' || c.segment_no FROM segment_runs c
JOIN LATERAL (SELECT min(started_at) AS began FROM segment_attempts a WHERE a.organization_id = c.organization_id
  AND a.execution_id = c.execution_id AND a.segment_no = c.segment_no) a ON a.began IS NOT NULL
JOIN LATERAL (SELECT count(*) AS parents,
    count(*) FILTER (WHERE p.status IN ('completed', 'skipped') AND p.finished_at <= a.began) AS done
  FROM segment_runs p WHERE p.organization_id = c.organization_id AND p.execution_id = c.execution_id
    AND p.segment_no = ANY(c.depends_on)) p ON true
WHERE p.done < CASE WHEN c.live_needed IS NULL THEN p.parents ELSE least(p.parents, 1) END LIMIT :limit
""")
OPEN = sa.text("""
SELECT x.id::text FROM executions x
LEFT JOIN LATERAL (SELECT count(*) AS total,
    count(*) FILTER (WHERE n.status IN ('waiting', 'ready', 'running', 'retry_wait', 'parked')) AS open
  FROM segment_runs n WHERE n.organization_id = x.organization_id AND n.execution_id = x.id) n ON true
WHERE x.compacted_at IS NULL AND (x.segments_open <> n.open OR x.segments_total <> n.total) LIMIT :limit
""")
DEPENDENCIES = sa.text("""
SELECT c.execution_id || '/' || c.segment_no FROM segment_runs c
LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE p.status NOT IN ('completed', 'skipped')) AS open FROM segment_runs p
  WHERE p.organization_id = c.organization_id AND p.execution_id = c.execution_id
    AND p.segment_no = ANY(c.depends_on)) p ON true
WHERE CASE
  WHEN c.status IN ('skipped', 'cancelled') THEN c.deps_open < p.open
  WHEN c.status = 'waiting' THEN c.deps_open <> p.open OR c.deps_open = 0 OR c.live_needed <= 0
  WHEN c.live_needed IS NULL THEN c.deps_open <> 0 OR p.open <> 0
  ELSE (c.deps_open > 0 AND c.live_needed > 0) OR c.deps_open < p.open END LIMIT :limit
""")
TERMINAL = sa.text("""
SELECT x.id::text FROM executions x
LEFT JOIN LATERAL (SELECT count(*) AS ends, max(e.data ->> 'status') AS status FROM execution_events e
  WHERE e.organization_id = x.organization_id AND e.execution_id = x.id AND e.type = 'execution_update'
    AND e.data ->> 'status' IN ('completed', 'failed', 'cancelled', 'timed_out')) e ON true
WHERE x.compacted_at IS NULL AND (e.ends <> (x.status IN ('completed', 'failed', 'cancelled', 'timed_out'))::int
  OR (e.ends = 1 AND e.status <> x.status)) LIMIT :limit
""")
AFTER_CANCEL = sa.text("""
SELECT a.execution_id || '/' || a.segment_no FROM segment_attempts a
JOIN executions x ON x.organization_id = a.organization_id AND x.id = a.execution_id
WHERE a.started_at > x.cancel_requested_at LIMIT :limit
""")
FENCES = sa.text("""
SELECT a.execution_id || '/' || a.segment_no FROM (
  SELECT organization_id, execution_id, segment_no, attempt, fence, lag(attempt, 1, 0) OVER w AS before,
    lead(fence) OVER w AS following
  FROM segment_attempts WINDOW w AS (PARTITION BY organization_id, execution_id, segment_no ORDER BY fence)) a
LEFT JOIN segment_runs n ON n.organization_id = a.organization_id AND n.execution_id = a.execution_id
  AND n.segment_no = a.segment_no
WHERE a.attempt <> a.before + 1
  OR (a.following IS NULL AND (n.attempt, n.fence) IS DISTINCT FROM (a.attempt, a.fence)) LIMIT :limit
""")
TICKS = sa.text("""
SELECT 'tick ' || t.trigger_id || ' ' || t.fire_at FROM trigger_ticks t
LEFT JOIN executions x ON x.organization_id = t.organization_id AND x.id = t.execution_id
WHERE (t.outcome = 'started') <> (t.execution_id IS NOT NULL)
  OR (x.id IS NOT NULL AND x.execution_details ->> 'trigger_id' IS DISTINCT FROM t.trigger_id::text)
UNION ALL SELECT 'execution ' || execution_id FROM trigger_ticks WHERE execution_id IS NOT NULL
GROUP BY organization_id, execution_id HAVING count(*) > 1
UNION ALL SELECT 'trigger ' || id FROM triggers WHERE armed AND mode = 'time'
  AND wake_at < clock_timestamp() - interval '1 minute' LIMIT :limit
""")
GAPS = sa.text("""
SELECT x.id::text FROM executions x
LEFT JOIN LATERAL (SELECT count(*) AS n, coalesce(min(e.seq), 1) AS low, coalesce(max(e.seq), 0) AS high
  FROM execution_events e WHERE e.organization_id = x.organization_id AND e.execution_id = x.id) e ON true
WHERE x.compacted_at IS NULL AND (e.low <> 1 OR e.high <> e.n OR x.event_seq <> e.n) LIMIT :limit
""")
TENANT = sa.text("""
SELECT x.id::text FROM executions x
LEFT JOIN executions p ON p.id = x.parent_execution_id
WHERE p.organization_id <> x.organization_id
UNION ALL
SELECT n.execution_id::text FROM node_executions n CROSS JOIN LATERAL jsonb_each(n.outputs) o
WHERE NOT starts_with(o.value ->> 'key', n.organization_id || '/')
UNION ALL
SELECT n.execution_id || '/' || n.segment_no FROM segment_runs n CROSS JOIN LATERAL jsonb_each(n.outputs) o
WHERE NOT starts_with(o.value ->> 'key', n.organization_id || '/') LIMIT :limit
""")
PARKED = sa.text("""
SELECT n.execution_id || '/' || n.segment_no FROM segment_runs n
WHERE n.status = 'parked' AND CASE
  WHEN n.parked IS NULL THEN true
  WHEN n.run_after <> 'infinity' OR n.parked ->> 'type' = 'callback' THEN false
  WHEN n.parked ->> 'type' = 'children' THEN headrace_children_done(n) AND NOT EXISTS (SELECT 1 FROM executions c
    WHERE c.organization_id = n.organization_id AND c.parent_execution_id = n.execution_id
      AND c.parent_segment_no = n.segment_no AND c.completed_at > clock_timestamp() - interval '1 minute')
  ELSE true END LIMIT :limit
""")
FAMILIES = sa.text("""
SELECT c.id::text FROM executions c
JOIN executions p ON p.organization_id = c.organization_id AND p.id = c.parent_execution_id
LEFT JOIN segment_runs n ON n.organization_id = c.organization_id AND n.execution_id = p.id
  AND n.segment_no = c.parent_segment_no
WHERE c.parent_segment_no IS NOT NULL AND p.compacted_at IS NULL AND (
  n.segment_no IS NULL OR c.depth <> p.depth + 1
  OR (CAST(n.parked ->> 'wait' AS boolean) AND n.finished_at < clock_timestamp() - interval '1 minute'
    AND c.status IN ('queued', 'running', 'waiting') AND c.closing IS NULL))
UNION ALL
SELECT parent_execution_id || '/' || parent_segment_no || ' item ' || item_no FROM executions
WHERE parent_segment_no IS NOT NULL
GROUP BY organization_id, parent_execution_id, parent_segment_no, item_no HAVING count(*) > 1 LIMIT :limit
""")
COMPENSATED = sa.text("""
SELECT k.execution_id || '/' || k.node_id FROM compensations k
JOIN executions x ON x.organization_id = k.organization_id AND x.id = k.execution_id
LEFT JOIN executions s ON s.organization_id = k.organization_id AND s.id = k.scope_id
LEFT JOIN executions c ON c.organization_id = k.organization_id AND c.id = k.child_id
WHERE CASE k.status
  WHEN 'armed' THEN x.status IN ('failed', 'cancelled', 'timed_out')
  WHEN 'due' THEN s.compensation <> 'running' OR NOT EXISTS (SELECT 1 FROM compensations o
    WHERE o.organization_id = k.organization_id AND o.scope_id = k.scope_id AND o.status = 'running')
  WHEN 'running' THEN s.compensation <> 'running' OR c.id IS NULL
    OR c.status IN ('completed', 'failed', 'cancelled', 'timed_out') OR EXISTS (SELECT 1 FROM compensations o
    WHERE o.organization_id = k.organization_id AND o.scope_id = k.scope_id AND o.status = 'running'
      AND o.position <> k.position)
  ELSE s.compensation IS NULL OR (coalesce(c.status, 'failed') = 'completed') <> (k.status = 'completed') END
OR EXISTS (SELECT 1 FROM compensations o WHERE o.organization_id = k.organization_id AND o.scope_id = k.scope_id
  AND o.position > k.position AND k.rounds = 1 AND o.rounds <= 1 AND k.started_at < coalesce(o.ended_at, 'infinity')
  AND NOT EXISTS (SELECT 1 FROM segment_runs n WHERE n.organization_id = o.organization_id
    AND n.execution_id = o.execution_id AND n.segment_no = o.segment_no AND n.status <> 'completed'))
UNION ALL
SELECT execution_details -> 'compensates' ->> 'key' FROM executions WHERE mode = 'compensation' AND status = 'completed'
GROUP BY organization_id, execution_details -> 'compensates' ->> 'key' HAVING count(*) > 1 LIMIT :limit
""")

ORGANIZATIONS = sa.text("SELECT DISTINCT organization_id FROM executions")
"""Whose waits and slots there are to look at: those two tables show the worker one organization at a time."""

WAITS = sa.text("""
SELECT n.execution_id || '/' || n.segment_no FROM segment_runs n
LEFT JOIN LATERAL (SELECT count(*) AS open FROM waits w WHERE w.organization_id = n.organization_id
  AND w.execution_id = n.execution_id AND w.segment_no = n.segment_no AND w.status = 'open') w ON true
WHERE n.organization_id = :organization_id
  AND w.open <> (n.status = 'parked' AND n.parked ->> 'type' = 'callback')::int LIMIT :limit
""")
SLOTS = sa.text("""
SELECT x.id::text FROM executions x
LEFT JOIN LATERAL (SELECT count(*) AS slots, count(*) FILTER (WHERE NOT s.taken) AS missing FROM execution_slots s
  WHERE s.organization_id = x.organization_id AND s.execution_id = x.id) s ON true
WHERE x.organization_id = :organization_id AND CASE
  WHEN x.status IN ('completed', 'failed', 'cancelled', 'timed_out') THEN s.slots > 0
  WHEN x.held THEN s.missing = 0 ELSE s.missing > 0 END
UNION ALL
SELECT key FROM execution_slots WHERE organization_id = :organization_id
GROUP BY key HAVING count(*) FILTER (WHERE taken) > max(capacity) LIMIT :limit
""")
