"""SQL of the service: create, cancel, read. Static text."""

from __future__ import annotations

import sqlalchemy as sa

from headrace.access.statements import FLOWS

CREATE = sa.text("""
INSERT INTO executions (organization_id, id, flow_id, definition_hash, version, plugin_set_hash, environment, mode,
  target_node_id, observe, trigger_type, triggered_by, job_id, parent_execution_id, attempt, priority,
  data_interval_start, data_interval_end, params, input_data, idempotency_key, deadline_at, segments_total,
  segments_open, execution_details, parent_segment_no, item_no, depth, handlers,
  held, reuse, row_limit, request_hash, share)
VALUES (:organization_id, :id, :flow_id, :definition_hash, :version, :plugin_set_hash, :environment, :mode,
  :target_node_id, :observe, :trigger_type, :triggered_by, :job_id, :parent_execution_id, :attempt, :priority,
  :data_interval_start, :data_interval_end, CAST(:params AS jsonb), CAST(:input_data AS jsonb), :idempotency_key,
  clock_timestamp() + make_interval(secs => CAST(:deadline_s AS double precision)), :segments, :segments,
  CAST(:details AS jsonb), :parent_segment_no, :item_no, :depth, CAST(:handlers AS jsonb), :held, :reuse,
  :row_limit, :request_hash, :share)
ON CONFLICT (organization_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id
""")

SAME_KEY = sa.text("""
SELECT id, flow_id, request_hash FROM executions
WHERE organization_id = :organization_id AND idempotency_key = :idempotency_key
""")

SEGMENTS = sa.text("""
INSERT INTO segment_runs (organization_id, execution_id, segment_no, status, deps_open, children, depends_on, inputs,
  node_ids, queue, plugins, spec, live_needed, priority)
SELECT :organization_id, :execution_id, r.no, CASE WHEN cardinality(r.depends_on) = 0 THEN 'ready' ELSE 'waiting' END,
  cardinality(r.depends_on), r.children, r.depends_on, r.inputs, r.node_ids, r.queue, r.plugins, r.spec,
  r.needed,
  (SELECT priority FROM executions WHERE organization_id = :organization_id AND id = :execution_id)
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(no integer, children integer[], depends_on integer[], inputs text[],
  node_ids jsonb, queue text, plugins text[], spec jsonb, needed integer)
""")

_TOUCH = """
UPDATE flows SET last_execution_at = clock_timestamp() WHERE (organization_id, id) IN (
  SELECT organization_id, id FROM flows WHERE organization_id = :organization_id AND id = :flow_id
  FOR NO KEY UPDATE SKIP LOCKED)
"""
"""Two starts at once do not wait for each other: one of them is the last."""
TOUCH_FLOW = sa.text(_TOUCH)

_RING = """
n AS MATERIALIZED (
  SELECT n.organization_id, n.execution_id, n.segment_no, n.queue, row_number() OVER (PARTITION BY n.queue) AS place,
    (SELECT k.id FROM workers k WHERE n.queue = ANY(k.queues) AND NOT k.is_draining
      AND k.heartbeat_at > clock_timestamp() - interval '10 s' ORDER BY k.busy, random() LIMIT 1) AS worker
  FROM segment_runs n
  WHERE n.organization_id = :organization_id AND n.execution_id = :execution_id AND n.status = 'ready'
    AND NOT (SELECT held FROM executions WHERE organization_id = :organization_id AND id = :execution_id)),
u AS (
  UPDATE segment_runs s SET rung_at = clock_timestamp() FROM n
  WHERE s.organization_id = n.organization_id AND s.execution_id = n.execution_id AND s.segment_no = n.segment_no
    AND n.worker IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.queue = n.queue AND o.organization_id = n.organization_id)
    AND n.place + (SELECT count(*) FROM segment_runs f WHERE f.organization_id = n.organization_id
      AND f.queue = n.queue AND f.status IN ('ready', 'retry_wait', 'parked')
      AND f.rung_at > clock_timestamp() - interval '3 s') <= 4
  RETURNING s.organization_id, s.execution_id, s.segment_no, s.queue, n.worker)
SELECT (SELECT count(*) FROM n) - (SELECT count(*) FROM u) AS others,
  (SELECT count(pg_notify('headrace_ring', concat_ws(' ', worker, organization_id, execution_id, segment_no, queue)))
    FROM u) AS told
"""
RING_WORKER = sa.text("WITH" + _RING)
"""An organization that has nothing in the queue, and little in flight, rings a worker by the commit itself.

Without a relay and a broker in between; a bell that is lost is made up for as any other: by the workers' own looks, and
by the reconciler.
"""

TOUCH_AND_RING = sa.text("WITH t AS (" + _TOUCH + ")," + _RING)
"""The same, and the flow knows that it was executed."""

RING_READY = sa.text("""
INSERT INTO outbox (organization_id, execution_id, segment_no, queue)
SELECT organization_id, execution_id, segment_no, queue FROM segment_runs
WHERE organization_id = :organization_id AND execution_id = :execution_id AND status = 'ready' AND rung_at IS NULL
  AND NOT (SELECT held FROM executions WHERE organization_id = :organization_id AND id = :execution_id)
ORDER BY segment_no
""")

EXECUTION_FIELDS = """
  x.id, x.flow_id, x.version, x.definition_hash, x.environment, x.mode, x.target_node_id, x.status, x.trigger_type,
  x.triggered_by, x.job_id, x.parent_execution_id, x.parent_segment_no, x.item_no, x.depth, x.held, x.attempt,
  x.compensation, x.priority, x.reuse, x.row_limit,
  x.data_interval_start, x.data_interval_end,
  x.input_data, x.output_data, x.error_message, x.error, x.queued_at, x.started_at, x.completed_at,
  x.cancel_requested_at, x.compacted_at, x.rows_processed, x.rows_failed, x.execution_details, x.event_seq AS last_seq,
  (extract(epoch FROM coalesce(x.completed_at, CASE WHEN x.started_at IS NOT NULL THEN clock_timestamp() END)
    - x.started_at) * 1000)::bigint AS duration_ms,
  round(1 - x.segments_open::numeric / greatest(x.segments_total, 1), 4)::double precision AS progress
"""

GET = sa.text(
    "SELECT"
    + EXECUTION_FIELDS
    + "FROM executions x WHERE x.organization_id = :organization_id AND x.id = :execution_id"
)

_WHERE = """
  FROM executions x WHERE x.organization_id = :organization_id
  AND (CAST(:flow_id AS uuid) IS NULL OR x.flow_id = CAST(:flow_id AS uuid))
  AND (CAST(:statuses AS text[]) IS NULL OR x.status = ANY(CAST(:statuses AS text[])))
  AND (CASE WHEN CAST(:parent_id AS uuid) IS NULL THEN x.mode NOT IN ('body', 'handler', 'compensation')
    ELSE x.parent_execution_id = CAST(:parent_id AS uuid) END)
  AND (CAST(:parent_segment_no AS integer) IS NULL OR x.parent_segment_no = CAST(:parent_segment_no AS integer))
  AND (CAST(:trigger_type AS text) IS NULL OR x.trigger_type = CAST(:trigger_type AS text))
  AND (CAST(:since AS timestamptz) IS NULL OR x.queued_at >= CAST(:since AS timestamptz))
  AND (CAST(:until AS timestamptz) IS NULL OR x.queued_at < CAST(:until AS timestamptz))
"""

_WITHIN = "  AND (x.flow_id IN (" + FLOWS + ")) IS TRUE"
_PAGE = " ORDER BY x.queued_at DESC, x.id DESC LIMIT :limit OFFSET :offset"
LIST = sa.text("SELECT" + EXECUTION_FIELDS + _WHERE + _PAGE)
COUNT = sa.text("SELECT count(*)" + _WHERE)
LIST_WITHIN = sa.text("SELECT" + EXECUTION_FIELDS + _WHERE + _WITHIN + _PAGE)
COUNT_WITHIN = sa.text("SELECT count(*)" + _WHERE + _WITHIN)
"""Of flows that grants give."""
_BY_TIME = """
SELECT floor(extract(epoch FROM x.queued_at - CAST(:since AS timestamptz)) / :step_s)::integer AS slot,
  count(*) FILTER (WHERE x.status = 'completed') AS completed,
  count(*) FILTER (WHERE x.status IN ('failed', 'timed_out')) AS failed,
  count(*) FILTER (WHERE x.status IN ('cancelling', 'cancelled')) AS cancelled,
  count(*) FILTER (WHERE x.status IN ('queued', 'running', 'waiting')) AS open,
  coalesce(sum(x.rows_processed), 0)::bigint AS rows
"""
BY_TIME = sa.text(_BY_TIME + _WHERE + " GROUP BY 1 ORDER BY 1")
BY_TIME_WITHIN = sa.text(_BY_TIME + _WHERE + _WITHIN + " GROUP BY 1 ORDER BY 1")

PLANNED = sa.text("""
SELECT s.segment_no, s.node_ids, s.queue, s.depends_on, x.held FROM segment_runs s
JOIN executions x ON x.organization_id = s.organization_id AND x.id = s.execution_id
WHERE s.organization_id = :organization_id AND s.execution_id = :execution_id ORDER BY s.segment_no
""")

SEGMENT_STATES = sa.text("""
SELECT segment_no, status, attempt, node_ids, started_at, finished_at, error, queue, crash_count, error_count,
  CASE WHEN status = 'parked' THEN parked ->> 'type' END AS waits_for,
  CASE WHEN status IN ('parked', 'retry_wait') AND isfinite(run_after) THEN run_after END AS resumes_at
FROM segment_runs WHERE organization_id = :organization_id AND execution_id = :execution_id ORDER BY segment_no
""")

NODES = sa.text("""
SELECT n.node_id, n.segment_no, n.status, n.attempt, n.started_at, n.completed_at, n.duration_ms, n.rows_in,
  n.rows_out, n.rows_rejected, n.bytes, n.memory_peak_bytes, n.error, n.outputs, n.cache_hit, n.pinned,
  k.status AS compensation
FROM node_executions n LEFT JOIN compensations k ON k.organization_id = n.organization_id
  AND k.execution_id = n.execution_id AND k.node_id = n.node_id
WHERE n.organization_id = :organization_id AND n.execution_id = :execution_id
""")

CHILDREN = sa.text("""
SELECT parent_segment_no AS segment_no, mode, CASE WHEN held THEN 'held' ELSE status END AS status, count(*) AS count
FROM executions WHERE organization_id = :organization_id AND parent_execution_id = :execution_id
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")

DEFINITION = sa.text("""
SELECT d.definition FROM executions x JOIN flow_definitions d ON d.organization_id = x.organization_id
  AND d.flow_id = x.flow_id AND d.content_hash = x.definition_hash
WHERE x.organization_id = :organization_id AND x.id = :execution_id
""")

LATEST_OUTPUT = sa.text("""
SELECT n.execution_id, n.outputs, n.rows_out, n.completed_at FROM node_executions n
JOIN executions x ON x.organization_id = n.organization_id AND x.id = n.execution_id
WHERE n.organization_id = :organization_id AND x.flow_id = :flow_id AND n.node_id = :node_id
  AND n.outputs <> '{}'
  AND (CAST(:execution_id AS uuid) IS NULL OR n.execution_id = CAST(:execution_id AS uuid))
ORDER BY n.completed_at DESC LIMIT 1
""")

LATEST_INPUT = sa.text("""
SELECT input_data FROM executions WHERE organization_id = :organization_id AND flow_id = :flow_id
ORDER BY queued_at DESC LIMIT 1
""")

LOGS = sa.text("""
SELECT id, execution_id, node_id, segment_no, attempt, level, message, metadata, created_at FROM execution_logs
WHERE organization_id = :organization_id AND execution_id = :execution_id AND id > :after
  AND (CAST(:levels AS text[]) IS NULL OR level = ANY(CAST(:levels AS text[])))
  AND (CAST(:node_id AS text) IS NULL OR node_id = CAST(:node_id AS text))
  AND (CAST(:text AS text) IS NULL OR strpos(lower(message), lower(CAST(:text AS text))) > 0)
ORDER BY id LIMIT :limit
""")

LAST_LOG = sa.text("""
SELECT max(id) FROM execution_logs WHERE organization_id = :organization_id AND execution_id = :execution_id
""")

REUSABLE = sa.text("""
SELECT key, outputs, rows_in, rows_out, rows_rejected, bytes FROM node_outputs
WHERE organization_id = :organization_id AND key = ANY(CAST(:keys AS text[]))
""")

FORGET = sa.text("""
DELETE FROM node_outputs WHERE organization_id = :organization_id AND key = ANY(CAST(:keys AS text[]))
""")

REMEMBER = sa.text("""
INSERT INTO node_outputs (organization_id, key, execution_id, node_id, outputs, rows_in, rows_out, rows_rejected, bytes)
SELECT :organization_id, r.key, r.execution_id, r.node_id, r.outputs, r.rows_in, r.rows_out, r.rows_rejected, r.bytes
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(key text, execution_id uuid, node_id text, outputs jsonb,
  rows_in bigint, rows_out bigint, rows_rejected bigint, bytes bigint) ORDER BY r.key
ON CONFLICT (organization_id, key) DO UPDATE SET execution_id = excluded.execution_id, node_id = excluded.node_id,
  outputs = node_outputs.outputs || excluded.outputs, rows_in = coalesce(excluded.rows_in, node_outputs.rows_in),
  rows_out = coalesce(excluded.rows_out, node_outputs.rows_out), rows_rejected = excluded.rows_rejected,
  bytes = coalesce(excluded.bytes, node_outputs.bytes), created_at = clock_timestamp()
""")
