"""SQL of waiting and of families: park, wake, hold, release. Static text.

A child never locks its parent's execution, and a parent never its children: what one does to the other is a segment
that becomes ready, a doorbell, or a transaction of its own.
"""

from __future__ import annotations

import sqlalchemy as sa

PARK = sa.text("""
UPDATE segment_runs SET status = 'parked', lease_owner = NULL, lease_until = NULL, rung_at = NULL,
  parked = CAST(:parked AS jsonb), resume = NULL,
  run_after = coalesce(CAST(:at AS timestamptz),
    clock_timestamp() + make_interval(secs => CAST(:after_s AS double precision)), 'infinity')
WHERE organization_id = :organization_id AND execution_id = :execution_id AND segment_no = :segment_no
""")

PARKED = sa.text("""
SELECT parked FROM segment_runs
WHERE organization_id = :organization_id AND execution_id = :execution_id AND segment_no = :segment_no
""")

BEGINS = sa.text("""
UPDATE segment_runs SET parked = CAST(:parked AS jsonb)
WHERE organization_id = :organization_id AND execution_id = :execution_id AND segment_no = :segment_no
""")
"""Items are being started: how far that has come, in the transaction that starts some."""

ALL_WAIT = sa.text("""
UPDATE executions SET status = 'waiting'
WHERE organization_id = :organization_id AND id = :execution_id AND status = 'running' AND NOT EXISTS (
  SELECT 1 FROM segment_runs n WHERE n.organization_id = :organization_id AND n.execution_id = :execution_id
    AND n.status IN ('ready', 'running', 'retry_wait'))
""")

RESUME = sa.text("""
UPDATE segment_runs SET status = 'ready', resume = CAST(:resume AS jsonb), run_after = clock_timestamp(), rung_at = NULL
WHERE organization_id = :organization_id AND execution_id = :execution_id AND segment_no = :segment_no
  AND status = 'parked'
""")

WAIT = sa.text("""
INSERT INTO waits (organization_id, id, execution_id, segment_no, node_id, kind, token_hash, title, message, form,
  assignees, deadline_at)
VALUES (:organization_id, :id, :execution_id, :segment_no, :node_id, :kind, :token_hash, :title, :message,
  CAST(:form AS jsonb), CAST(:assignees AS text[]),
  clock_timestamp() + make_interval(secs => CAST(:deadline_s AS double precision)))
""")

END_WAITS = sa.text("""
UPDATE waits SET status = :status, resolved_at = clock_timestamp()
WHERE organization_id = :organization_id AND execution_id = :execution_id AND status = 'open'
  AND (CAST(:segment_no AS integer) IS NULL OR segment_no = CAST(:segment_no AS integer))
""")

ITEMS = sa.text("""
SELECT count(*) FROM executions WHERE organization_id = :organization_id AND parent_execution_id = :execution_id
  AND parent_segment_no = :segment_no
""")

ELAPSED = sa.text("""
SELECT extract(epoch FROM clock_timestamp() - min(queued_at)) FROM executions
WHERE organization_id = :organization_id AND parent_execution_id = :execution_id AND parent_segment_no = :segment_no
""")

PARENT = sa.text("""
SELECT x.flow_id, x.definition_hash, x.version, x.environment, x.trigger_type, x.triggered_by, x.priority, x.params,
  x.depth, x.observe, x.plugin_set_hash, x.deadline_at, x.share FROM executions x
WHERE x.organization_id = :organization_id AND x.id = :execution_id
""")

FAMILY = sa.text("""
SELECT x.item_no, x.id, x.status, x.error_message,
  (SELECT jsonb_object_agg(o.key, o.value) FROM segment_runs n, jsonb_each(n.outputs) o
    WHERE n.organization_id = x.organization_id
      AND n.execution_id = coalesce(CAST(x.execution_details ->> 'kept_of' AS uuid), x.id)
      AND o.key = ANY(CAST(:names AS text[]))) AS outputs
FROM executions x WHERE x.organization_id = :organization_id AND x.parent_execution_id = :execution_id
  AND x.parent_segment_no = :segment_no AND x.item_no >= :first ORDER BY x.item_no
""")

EARLIER = sa.text("""
SELECT c.execution_details ->> 'item' AS item, coalesce(CAST(c.execution_details ->> 'kept_of' AS uuid), c.id) AS id
FROM segment_runs n
JOIN executions c ON c.organization_id = n.organization_id AND c.parent_execution_id = n.execution_id
  AND c.parent_segment_no = n.segment_no
WHERE n.organization_id = :organization_id AND n.execution_id = :earlier AND jsonb_exists(n.node_ids, :node_id)
  AND c.status = 'completed' AND c.execution_details ->> 'item' = ANY(CAST(:items AS text[]))
""")

KEEP = sa.text("""
INSERT INTO executions (organization_id, id, flow_id, definition_hash, version, plugin_set_hash, environment, mode,
  trigger_type, triggered_by, parent_execution_id, parent_segment_no, item_no, depth, priority, params, status,
  completed_at, segments_total, segments_open, output_data, rows_processed, rows_failed, execution_details)
SELECT c.organization_id, r.id, c.flow_id, c.definition_hash, c.version, c.plugin_set_hash, c.environment, c.mode,
  c.trigger_type, c.triggered_by, :execution_id, :segment_no, r.item_no, :depth, c.priority, c.params, 'completed',
  clock_timestamp(), 0, 0, c.output_data, c.rows_processed, c.rows_failed,
  jsonb_build_object('item', c.execution_details -> 'item', 'kept_of', r.kept_of)
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, item_no integer, kept_of uuid)
JOIN executions c ON c.organization_id = :organization_id AND c.id = r.kept_of
""")
"""An item that an earlier execution has completed belongs to this one as well; its frames are where they were."""

WAKE = sa.text("""
WITH w AS (
  UPDATE segment_runs n SET status = 'ready', run_after = clock_timestamp(), rung_at = NULL
  WHERE n.organization_id = :organization_id AND n.execution_id = :execution_id AND n.segment_no = :segment_no
    AND n.status = 'parked' AND n.parked ->> 'type' = 'children' AND headrace_children_done(n)
  RETURNING n.organization_id, n.execution_id, n.segment_no, n.queue)
INSERT INTO outbox (organization_id, execution_id, segment_no, queue) SELECT * FROM w
""")

FORGOTTEN = sa.text("""
SELECT n.organization_id, n.execution_id, n.segment_no FROM segment_runs n
WHERE n.status = 'parked' AND n.parked ->> 'type' = 'children' AND headrace_children_done(n) LIMIT 200
""")

ORPHANS = sa.text("""
SELECT c.organization_id, c.id FROM executions c
JOIN executions p ON p.organization_id = c.organization_id AND p.id = c.parent_execution_id
LEFT JOIN segment_runs n ON n.organization_id = p.organization_id AND n.execution_id = p.id
  AND n.segment_no = c.parent_segment_no
WHERE c.parent_execution_id IS NOT NULL AND c.mode <> 'handler' AND c.parent_segment_no IS NOT NULL
  AND c.closing IS NULL AND c.status IN ('queued', 'running', 'waiting')
  AND CAST(n.parked ->> 'wait' AS boolean) AND n.status IN ('failed', 'dead', 'skipped', 'cancelled', 'completed')
LIMIT 500
""")

LOCK_KEYS = sa.text("""
SELECT pg_advisory_xact_lock(hashtextextended(k, 7)) FROM unnest(CAST(:keys AS text[])) AS k ORDER BY k
""")

TAKE = sa.text("""
INSERT INTO execution_slots (organization_id, key, execution_id, capacity, taken, priority)
SELECT :organization_id, s.key, :execution_id, s.capacity, :taken, :priority
FROM jsonb_to_recordset(CAST(:slots AS jsonb)) AS s(key text, capacity integer)
""")

FULL = sa.text("""
SELECT count(*) FROM jsonb_to_recordset(CAST(:slots AS jsonb)) AS s(key text, capacity integer)
WHERE (SELECT count(*) FROM execution_slots t WHERE t.organization_id = :organization_id AND t.key = s.key AND t.taken)
  >= s.capacity
""")

HOLD = sa.text("""
UPDATE executions SET held = true WHERE organization_id = :organization_id AND id = :execution_id
""")

ADMIT = sa.text("SELECT headrace_admit(:organization_id, :key, :most)")

SET_CAPACITY = sa.text("""
UPDATE execution_slots SET capacity = :capacity
WHERE organization_id = :organization_id AND key = :key AND NOT taken AND capacity <> :capacity
""")

SET_FLOW_CAPACITY = sa.text("""
UPDATE execution_slots s SET capacity = w.capacity
FROM (
  SELECT s.execution_id, CASE jsonb_typeof(v.value) WHEN 'number' THEN greatest(CAST(v.value AS integer), 1)
    ELSE CASE WHEN starts_with(s.key, 'flow:') THEN 2147483647 ELSE 1 END END AS capacity
  FROM execution_slots s
  JOIN executions x ON x.organization_id = s.organization_id AND x.id = s.execution_id
  JOIN flows f ON f.organization_id = x.organization_id AND f.id = x.flow_id
  CROSS JOIN LATERAL (SELECT f.settings -> CASE WHEN starts_with(s.key, 'flow:') THEN 'max_concurrency'
    ELSE 'concurrency_limit' END AS value) v
  WHERE s.organization_id = :organization_id AND s.key = :key AND NOT s.taken) w
WHERE s.organization_id = :organization_id AND s.key = :key AND s.execution_id = w.execution_id
  AND NOT s.taken AND s.capacity <> w.capacity
""")

HOLDING = sa.text("""
SELECT DISTINCT n.organization_id FROM segment_runs n
JOIN executions x ON x.organization_id = n.organization_id AND x.id = n.execution_id
WHERE n.status = 'ready' AND n.run_after <= clock_timestamp() AND x.held AND x.closing IS NULL
""")

HELD_KEYS = sa.text("""
SELECT s.organization_id, s.key FROM execution_slots s
JOIN executions x ON x.organization_id = s.organization_id AND x.id = s.execution_id
WHERE s.organization_id = :organization_id AND x.held AND NOT s.taken AND x.closing IS NULL
GROUP BY 1, 2 ORDER BY random() LIMIT 100
""")
