"""SQL of leases: claim, heartbeat, settle, reap. Static text; only the database's clock decides.

Whatever changes the state of an execution locks its row first, then segments: so no two transactions deadlock.
"""

from __future__ import annotations

import sqlalchemy as sa

from headrace.executions.family_statements import FORGOTTEN, HOLDING, ORPHANS

CLAIM = sa.text("""
WITH b AS (
  SELECT DISTINCT execution_id, segment_no
  FROM unnest(CAST(:executions AS uuid[]), CAST(:segments AS integer[])) AS b(execution_id, segment_no)),
e AS MATERIALIZED (
  SELECT organization_id, id, event_seq FROM executions
  WHERE organization_id = :organization_id AND id = ANY(CAST(:executions AS uuid[]))
    AND status IN ('queued', 'running', 'waiting') AND closing IS NULL AND NOT held
  ORDER BY id FOR NO KEY UPDATE),
c AS (
  UPDATE segment_runs n SET status = 'running', attempt = n.attempt + 1, fence = nextval('fence_seq'),
    lease_owner = :worker_id, lease_until = clock_timestamp() + make_interval(secs => :lease_s),
    started_at = clock_timestamp()
  FROM e JOIN b ON b.execution_id = e.id
  WHERE n.organization_id = e.organization_id AND n.execution_id = e.id AND n.segment_no = b.segment_no
    AND n.status IN ('ready', 'retry_wait', 'parked') AND n.run_after <= clock_timestamp()
    AND n.plugins <@ CAST(:distributions AS text[]) AND n.queue = ANY(CAST(:queues AS text[]))
    AND NOT EXISTS (SELECT 1 FROM paused_queues p WHERE p.queue = n.queue)
  RETURNING n.execution_id, n.segment_no, n.attempt, n.fence, n.error_count, n.depends_on, n.inputs, n.spec,
    n.node_ids, n.parked, n.resume, n.queue, n.alone, e.event_seq AS before),
d AS (
  DELETE FROM outbox o USING (
    SELECT r.id FROM c JOIN outbox r ON r.organization_id = :organization_id AND r.execution_id = c.execution_id
      AND r.segment_no = c.segment_no FOR UPDATE OF r SKIP LOCKED) r
  WHERE o.organization_id = :organization_id AND o.id = r.id),
a AS (
  INSERT INTO segment_attempts (organization_id, fence, execution_id, segment_no, attempt, worker_id)
  SELECT :organization_id, fence, execution_id, segment_no, attempt, :worker_id FROM c),
v AS (
  INSERT INTO execution_events (organization_id, execution_id, seq, type, data)
  SELECT :organization_id, execution_id, before + row_number() OVER (PARTITION BY execution_id ORDER BY fence),
    'segment_update', jsonb_build_object('segment_no', segment_no, 'status', 'running', 'attempt', attempt,
      'node_ids', node_ids) FROM c),
x AS (
  UPDATE executions x SET status = 'running', started_at = coalesce(started_at, clock_timestamp()),
    event_seq = event_seq + k.n
  FROM (SELECT execution_id, count(*) AS n FROM c GROUP BY execution_id) k
  WHERE x.organization_id = :organization_id AND x.id = k.execution_id
  RETURNING x.id, params, input_data, execution_details #>> '{input,sha256}' AS input_hash, observe, reuse, row_limit)
SELECT c.*, x.params, x.input_data, x.input_hash, x.observe, x.reuse, x.row_limit,
  coalesce((SELECT jsonb_object_agg(o.key, o.value) FROM segment_runs p, jsonb_each(p.outputs) o
    WHERE p.organization_id = :organization_id AND p.execution_id = x.id
      AND p.segment_no = ANY(c.depends_on) AND o.key = ANY(c.inputs)), '{}') AS frames
FROM c JOIN x ON x.id = c.execution_id ORDER BY c.fence
""")
"""What is claimed needs no doorbell any more, except those that the relay is sending at this moment."""

CANDIDATES = sa.text("""
WITH RECURSIVE tenants AS (
  (SELECT n.organization_id, n.queue FROM segment_runs n WHERE n.status IN ('ready', 'retry_wait', 'parked')
    ORDER BY n.organization_id, n.queue LIMIT 1)
  UNION ALL
  SELECT m.organization_id, m.queue FROM tenants t CROSS JOIN LATERAL (
    SELECT n.organization_id, n.queue FROM segment_runs n WHERE n.status IN ('ready', 'retry_wait', 'parked')
      AND (n.organization_id, n.queue) > (t.organization_id, t.queue)
    ORDER BY n.organization_id, n.queue LIMIT 1) m)
SELECT organization_id, execution_id, segment_no, queue FROM (
  SELECT b.*, (coalesce(r.n, 0) + row_number() OVER (PARTITION BY b.organization_id
      ORDER BY b.priority DESC, b.run_after, b.execution_id)) / (b.share * power(2, b.priority / 5.0)) AS turn
  FROM tenants t
  LEFT JOIN (SELECT organization_id, count(*) AS n FROM segment_runs WHERE status = 'running' GROUP BY 1) r
    ON r.organization_id = t.organization_id
  CROSS JOIN LATERAL (
    SELECT n.organization_id, n.execution_id, n.segment_no, n.queue, n.priority, n.run_after, x.share, x.queued_at
    FROM segment_runs n
    JOIN executions x ON x.organization_id = n.organization_id AND x.id = n.execution_id
    WHERE n.organization_id = t.organization_id AND n.queue = t.queue
      AND n.status IN ('ready', 'retry_wait', 'parked') AND n.run_after <= clock_timestamp() AND NOT x.held
      AND n.plugins <@ CAST(:distributions AS text[])
      AND x.status IN ('queued', 'running', 'waiting') AND x.closing IS NULL
    ORDER BY n.priority DESC, n.run_after, n.execution_id LIMIT :limit) b
  WHERE t.queue = ANY(CAST(:queues AS text[]))
    AND NOT EXISTS (SELECT 1 FROM paused_queues p WHERE p.queue = t.queue)) c
ORDER BY turn, queued_at LIMIT :limit
""")
"""Turns as in `outbox.TAKE`; what an organization has in work counts as turns that were had."""

HEARTBEAT = sa.text("""
WITH h AS MATERIALIZED (
  SELECT n.organization_id, n.execution_id, n.segment_no, n.fence
  FROM unnest(CAST(:organizations AS uuid[]), CAST(:executions AS uuid[]), CAST(:segments AS integer[]),
    CAST(:fences AS bigint[])) AS f(organization_id, execution_id, segment_no, fence)
  JOIN segment_runs n ON n.organization_id = f.organization_id AND n.execution_id = f.execution_id
    AND n.segment_no = f.segment_no
  WHERE n.fence = f.fence AND n.status = 'running'
  ORDER BY n.execution_id, n.segment_no FOR NO KEY UPDATE OF n)
UPDATE segment_runs n SET lease_until = clock_timestamp() + make_interval(secs => :lease_s)
FROM h JOIN executions x ON x.organization_id = h.organization_id AND x.id = h.execution_id
WHERE n.organization_id = h.organization_id AND n.execution_id = h.execution_id AND n.segment_no = h.segment_no
  AND n.fence = h.fence AND n.status = 'running'
RETURNING n.fence, x.closing IS NOT NULL AS stop
""")
"""Locks in the order of `HELD`."""

LOCK = sa.text("""
SELECT status, closing, event_seq, segments_open FROM executions
WHERE organization_id = :organization_id AND id = :execution_id FOR NO KEY UPDATE
""")

HELD = sa.text("""
SELECT x.closing, x.event_seq AS before, n.fence, n.crash_count, n.attempt, n.node_ids, n.children
FROM unnest(CAST(:executions AS uuid[]), CAST(:segments AS integer[]), CAST(:fences AS bigint[]))
  AS f(execution_id, segment_no, fence)
JOIN executions x ON x.organization_id = :organization_id AND x.id = f.execution_id
JOIN segment_runs n ON n.organization_id = x.organization_id AND n.execution_id = x.id AND n.segment_no = f.segment_no
WHERE n.fence = f.fence AND n.status = 'running' AND (NOT :expired OR n.lease_until < clock_timestamp())
ORDER BY n.execution_id, n.segment_no FOR NO KEY UPDATE OF x, n
""")
"""Locks in the order in which they are named; what changed while it waited for a lock is looked at again."""

SETTLE = sa.text("""
UPDATE segment_runs n SET status = :status, lease_owner = NULL, lease_until = NULL, outputs = f.outputs,
  error = CAST(:error AS jsonb), finished_at = clock_timestamp(), crash_count = crash_count + :crashes
FROM unnest(CAST(:executions AS uuid[]), CAST(:segments AS integer[]), CAST(:outputs AS jsonb[]))
  AS f(execution_id, segment_no, outputs)
WHERE n.organization_id = :organization_id AND n.execution_id = f.execution_id AND n.segment_no = f.segment_no
""")

FORGIVING = sa.text("""
SELECT jsonb_path_query_first(spec, '$.graph.nodes[*] ? (@.on_error != "fail").id') #>> '{}' FROM segment_runs
WHERE organization_id = :organization_id AND execution_id = :execution_id AND segment_no = :segment_no
  AND resume -> 'failure' IS NULL
""")
"""The node of a segment that does not fail its execution; none once that has been settled."""

GIVE_UP = sa.text("""
UPDATE segment_runs SET resume = jsonb_build_object('failure', CAST(:failure AS jsonb))
WHERE organization_id = :organization_id AND execution_id = :execution_id AND segment_no = :segment_no
""")

AGAIN = sa.text("""
UPDATE segment_runs SET status = 'retry_wait', lease_owner = NULL, lease_until = NULL, error = CAST(:error AS jsonb),
  run_after = clock_timestamp() + make_interval(secs => :delay_s), rung_at = NULL,
  crash_count = crash_count + :crashes, error_count = error_count + :errors, alone = alone OR :alone
WHERE organization_id = :organization_id AND execution_id = :execution_id AND segment_no = :segment_no
""")

ATTEMPT_ENDED = sa.text("""
WITH nodes AS (
  INSERT INTO node_executions (organization_id, execution_id, node_id, segment_no, status, attempt, started_at,
    completed_at, duration_ms, rows_in, rows_out, rows_rejected, bytes, memory_peak_bytes, error, outputs,
    cache_hit, pinned)
  SELECT :organization_id, r.execution_id, r.node_id, r.segment_no, r.status, r.attempt, r.started_at, r.completed_at,
    r.duration_ms, r.rows_in, r.rows_out, r.rows_rejected, r.bytes, r.memory_peak_bytes, r.error,
    coalesce(r.outputs, '{}'),
    r.cache_hit, r.pinned
  FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(execution_id uuid, segment_no integer, attempt integer,
    node_id text, status text, started_at timestamptz, completed_at timestamptz, duration_ms double precision,
    rows_in bigint, rows_out bigint, rows_rejected bigint, bytes bigint, memory_peak_bytes bigint, error jsonb,
    outputs jsonb,
    cache_hit boolean, pinned boolean)
  ON CONFLICT (organization_id, execution_id, node_id) DO UPDATE SET segment_no = excluded.segment_no,
    status = excluded.status, attempt = excluded.attempt, started_at = excluded.started_at,
    completed_at = excluded.completed_at, duration_ms = excluded.duration_ms, rows_in = excluded.rows_in,
    rows_out = excluded.rows_out, rows_rejected = excluded.rows_rejected, bytes = excluded.bytes,
    memory_peak_bytes = excluded.memory_peak_bytes,
    error = excluded.error, outputs = excluded.outputs, cache_hit = excluded.cache_hit, pinned = excluded.pinned)
UPDATE segment_attempts a SET finished_at = clock_timestamp(), outcome = :outcome
FROM unnest(CAST(:executions AS uuid[]), CAST(:fences AS bigint[])) AS f(execution_id, fence)
WHERE a.organization_id = :organization_id AND a.execution_id = f.execution_id AND a.fence = f.fence
  AND a.execution_id BETWEEN :first AND :last AND a.outcome IS NULL
""")
"""From the first to the last: so that no other month is looked at."""

STALE = sa.text("""
UPDATE segment_attempts SET stale_reports = stale_reports + 1
WHERE organization_id = :organization_id AND fence = :fence AND execution_id = :execution_id
""")

CHILDREN = sa.text("""
UPDATE segment_runs SET deps_open = deps_open - 1,
  live_needed = live_needed - (inputs && CAST(:outputs AS text[]))::integer,
  status = CASE WHEN deps_open = 1 OR live_needed - (inputs && CAST(:outputs AS text[]))::integer <= 0 THEN 'ready'
    ELSE status END
WHERE organization_id = :organization_id AND execution_id = :execution_id
  AND segment_no = ANY(CAST(:children AS integer[])) AND status = 'waiting'
RETURNING segment_no, status
""")

UNDECIDED = sa.text("""
SELECT c.segment_no, c.children, c.spec -> 'keep' AS keep, c.spec -> 'needs' AS needs,
  ARRAY(SELECT i FROM unnest(c.inputs) i JOIN segment_runs p ON p.organization_id = c.organization_id
    AND p.execution_id = c.execution_id AND p.segment_no = ANY(c.depends_on) AND p.status IN ('completed', 'skipped')
    AND jsonb_exists(p.spec -> 'keep', i) AND NOT jsonb_exists(p.outputs, i)) AS gone
FROM segment_runs c
WHERE c.organization_id = :organization_id AND c.execution_id = :execution_id
  AND c.segment_no = ANY(CAST(:segments AS integer[])) AND c.inputs && CAST(:left_out AS text[])
ORDER BY c.segment_no
""")

SKIP_NODES = sa.text("""
INSERT INTO node_executions (organization_id, execution_id, node_id, segment_no, status, attempt, completed_at)
SELECT :organization_id, :execution_id, node_id, :segment_no, 'skipped', 0, clock_timestamp()
FROM unnest(CAST(:nodes AS text[])) AS node_id
ON CONFLICT (organization_id, execution_id, node_id) DO NOTHING
""")

SKIP = sa.text("""
UPDATE segment_runs SET status = 'skipped', finished_at = clock_timestamp()
WHERE organization_id = :organization_id AND execution_id = :execution_id AND segment_no = :segment_no
""")

RING = sa.text("""
INSERT INTO outbox (organization_id, execution_id, segment_no, queue)
SELECT organization_id, execution_id, segment_no, queue FROM segment_runs
WHERE organization_id = :organization_id AND execution_id = :execution_id
  AND segment_no = ANY(CAST(:segments AS integer[]))
RETURNING execution_id, segment_no, queue
""")

MINE = sa.text("""
UPDATE segment_runs SET rung_at = clock_timestamp()
WHERE organization_id = :organization_id AND execution_id = :execution_id
  AND segment_no = ANY(CAST(:segments AS integer[])) AND queue = ANY(CAST(:queues AS text[]))
RETURNING segment_no, queue
""")
"""What whoever settles goes on with itself needs no doorbell; if it is lost meanwhile, it is rung for again."""

CLOSE = sa.text("""
WITH d AS (
  UPDATE segment_runs SET status = :status, finished_at = clock_timestamp()
  WHERE organization_id = :organization_id AND execution_id = :execution_id
    AND status IN ('waiting', 'ready', 'retry_wait', 'parked') RETURNING segment_no),
w AS (
  UPDATE waits SET status = 'cancelled', resolved_at = clock_timestamp()
  WHERE organization_id = :organization_id AND execution_id = :execution_id AND status = 'open'),
x AS (
  UPDATE executions SET closing = :closing,
    status = CASE WHEN CAST(:closing AS text) = 'cancelled' THEN 'cancelling' ELSE status END,
    cancel_requested_at = CASE WHEN CAST(:closing AS text) = 'cancelled'
      THEN coalesce(cancel_requested_at, clock_timestamp()) ELSE cancel_requested_at END,
    error = coalesce(error, CAST(:error AS jsonb)), error_message = coalesce(error_message, :error_message)
  WHERE organization_id = :organization_id AND id = :execution_id)
SELECT (SELECT count(*) FROM d) AS dropped, pg_notify('headrace_stop', CAST(:execution_id AS text))
""")
"""Say how an execution will end, drop what has not begun, and tell workers to stop what has."""

PASSED = sa.text("""
WITH o AS MATERIALIZED (
  SELECT x.id, x.event_seq, p.ended, p.rows, p.rejected, p.events, x.segments_open <= p.ended
    AND x.status IN ('queued', 'running', 'waiting', 'cancelling') AS closes
  FROM unnest(CAST(:executions AS uuid[]), CAST(:ended AS integer[]), CAST(:rows AS bigint[]),
    CAST(:rejected AS bigint[]), CAST(:events AS jsonb[])) AS p(execution_id, ended, rows, rejected, events)
  JOIN executions x ON x.organization_id = :organization_id AND x.id = p.execution_id),
v AS (
  INSERT INTO execution_events (organization_id, execution_id, seq, type, data)
  SELECT :organization_id, o.id, o.event_seq + a.no, a.item ->> 'type', a.item -> 'data'
  FROM o, jsonb_array_elements(o.events) WITH ORDINALITY AS a(item, no)),
x AS (
  UPDATE executions x SET segments_open = segments_open - o.ended, rows_processed = rows_processed + o.rows,
    rows_failed = rows_failed + o.rejected, event_seq = x.event_seq + jsonb_array_length(o.events),
    completed_at = CASE WHEN o.closes THEN clock_timestamp() ELSE completed_at END,
    output_data = CASE WHEN o.closes THEN (
      SELECT coalesce(jsonb_object_agg(f.key, jsonb_build_object('rows', f.value -> 'rows')), '{}')
      FROM segment_runs n, jsonb_each(n.outputs) f
      WHERE n.organization_id = x.organization_id AND n.execution_id = x.id AND cardinality(n.children) = 0)
      ELSE output_data END,
    status = CASE WHEN o.closes THEN coalesce(closing, 'completed')
      WHEN status = 'running' AND closing IS NULL AND segments_open > o.ended
        AND EXISTS (SELECT 1 FROM segment_runs n WHERE n.organization_id = x.organization_id
          AND n.execution_id = x.id AND n.status = 'parked')
        AND NOT EXISTS (SELECT 1 FROM segment_runs n WHERE n.organization_id = x.organization_id
          AND n.execution_id = x.id AND n.status IN ('ready', 'running', 'retry_wait')) THEN 'waiting'
      ELSE status END
  FROM o WHERE x.organization_id = :organization_id AND x.id = o.id
  RETURNING x.id AS execution_id, o.closes, x.parent_execution_id, x.parent_segment_no, x.status, x.mode,
    x.handlers <> '{}' AS handled),
s AS (
  DELETE FROM execution_slots s USING x WHERE x.closes AND s.organization_id = :organization_id
    AND s.execution_id = x.execution_id RETURNING s.execution_id, s.key)
SELECT x.*, ARRAY(SELECT s.key FROM s WHERE s.execution_id = x.execution_id) AS released FROM x
ORDER BY x.execution_id
""")
"""Count ended segments and write events; end the executions of which none is open, and free their slots."""

RESPOND = sa.text("""
UPDATE executions SET response = coalesce(response, CAST(:response AS jsonb))
WHERE organization_id = :organization_id AND id = :execution_id
""")

EVENTS = sa.text("""
WITH t AS (
  SELECT item ->> 'type' AS type, item -> 'data' AS data, no
  FROM jsonb_array_elements(CAST(:events AS jsonb)) WITH ORDINALITY AS a(item, no)),
x AS (
  UPDATE executions SET event_seq = event_seq + (SELECT count(*) FROM t)
  WHERE organization_id = :organization_id AND id = :execution_id
  RETURNING event_seq - (SELECT count(*) FROM t) AS base)
INSERT INTO execution_events (organization_id, execution_id, seq, type, data)
SELECT :organization_id, :execution_id, x.base + t.no, t.type, t.data FROM x, t
""")

EVENTS_AFTER = sa.text("""
SELECT seq, type, data, created_at FROM execution_events
WHERE organization_id = :organization_id AND execution_id = :execution_id AND seq > :after ORDER BY seq LIMIT :limit
""")

EVENTS_OF = sa.text("""
SELECT e.execution_id, e.seq, e.type, e.data, e.created_at
FROM unnest(CAST(:executions AS uuid[]), CAST(:afters AS bigint[])) AS f(execution_id, after)
JOIN execution_events e ON e.organization_id = :organization_id AND e.execution_id = f.execution_id AND e.seq > f.after
WHERE e.execution_id BETWEEN :first AND :last
ORDER BY e.execution_id, e.seq
""")

LOGS = sa.text("""
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended(CAST(:execution_id AS text) || '/logs', 7)))
INSERT INTO execution_logs (organization_id, execution_id, segment_no, attempt, node_id, level, message, metadata,
  created_at)
SELECT :organization_id, :execution_id, :segment_no, :attempt, r.node_id, r.level, r.message, r.metadata, r.created_at
FROM turn, jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(node_id text, level text, message text, metadata jsonb,
  created_at timestamptz)
""")
"""One after the other for each execution, so that ids rise in the order of commits."""

EXPIRED = sa.text("""
SELECT organization_id, execution_id, segment_no, fence FROM segment_runs
WHERE status = 'running' AND lease_until < clock_timestamp() ORDER BY lease_until LIMIT 500
""")

OVERDUE = sa.text("""
SELECT organization_id, id FROM executions
WHERE deadline_at < clock_timestamp() AND status IN ('queued', 'running', 'waiting') AND closing IS NULL LIMIT 500
""")

_UNRUNG = """
  SELECT n.organization_id, n.execution_id, n.segment_no, n.queue FROM segment_runs n
  JOIN executions x ON x.organization_id = n.organization_id AND x.id = n.execution_id
  WHERE n.status IN ('ready', 'retry_wait', 'parked') AND n.run_after <= clock_timestamp() AND NOT x.held
    AND coalesce(n.rung_at, '-infinity') < clock_timestamp() - make_interval(secs => :every_s)
    AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.organization_id = n.organization_id
      AND o.execution_id = n.execution_id AND o.segment_no = n.segment_no)
"""
RING_AGAIN = sa.text(
    "WITH u AS ("
    + _UNRUNG
    + """
  ORDER BY n.run_after FOR UPDATE OF n SKIP LOCKED LIMIT 500)
INSERT INTO outbox (organization_id, execution_id, segment_no, queue)
SELECT organization_id, execution_id, segment_no, queue FROM u
"""
)

LOOK = sa.text(
    "SELECT EXISTS (" + EXPIRED.text + ") AS expired, EXISTS (" + OVERDUE.text + ") AS overdue, EXISTS ("
    + _UNRUNG + ") AS unrung, EXISTS (" + FORGOTTEN.text + ") OR EXISTS (" + HOLDING.text + ") OR EXISTS ("
    + ORPHANS.text + ") AS families"
)  # fmt: skip
"""What there is to mend, in one statement: there seldom is anything."""
