"""SQL of compensation: what is armed when an effect is done, what is due when its execution does not complete."""

from __future__ import annotations

import sqlalchemy as sa

ARM = sa.text("""
INSERT INTO compensations (organization_id, execution_id, node_id, segment_no)
SELECT :organization_id, :execution_id, node_id, :segment_no FROM unnest(CAST(:nodes AS text[])) AS node_id
ON CONFLICT (organization_id, execution_id, node_id) DO NOTHING
""")

FAMILIES = sa.text("""
SELECT DISTINCT parent_segment_no FROM executions WHERE organization_id = :organization_id
  AND parent_execution_id = :execution_id AND parent_segment_no IS NOT NULL
""")

LOST_PARENT = sa.text("""
SELECT EXISTS (SELECT 1 FROM executions p JOIN segment_runs n ON n.organization_id = p.organization_id
    AND n.execution_id = p.id AND n.segment_no = :segment_no AND CAST(n.parked ->> 'wait' AS boolean)
  WHERE p.organization_id = :organization_id AND p.id = :parent_id
    AND p.status IN ('failed', 'cancelled', 'timed_out'))
""")

DUE = sa.text("""
WITH RECURSIVE family AS (
  SELECT CAST(:execution_id AS uuid) AS id
  UNION ALL
  SELECT c.id FROM family f
  JOIN executions c ON c.organization_id = :organization_id AND c.parent_execution_id = f.id
    AND c.parent_segment_no IS NOT NULL AND c.status = 'completed'
  JOIN segment_runs n ON n.organization_id = :organization_id AND n.execution_id = f.id
    AND n.segment_no = c.parent_segment_no AND CAST(n.parked ->> 'wait' AS boolean)
  WHERE NOT EXISTS (SELECT 1 FROM compensations k WHERE k.organization_id = :organization_id
    AND k.execution_id = f.id AND k.segment_no = n.segment_no)),
u AS (
  UPDATE compensations k SET status = 'due', scope_id = :execution_id FROM family f
  WHERE k.organization_id = :organization_id AND k.execution_id = f.id AND k.status = 'armed' RETURNING k.node_id)
SELECT count(*) FROM u
""")
"""A step of another execution that has a compensation of its own stands for all that was done inside."""

UNCERTAIN = sa.text("""
WITH u AS (
  INSERT INTO compensations (organization_id, execution_id, node_id, segment_no, status, scope_id, ended_at, error)
  SELECT n.organization_id, n.execution_id, undo.node_id, n.segment_no, 'failed', n.execution_id, clock_timestamp(),
    :reason
  FROM segment_runs n CROSS JOIN LATERAL jsonb_object_keys(n.spec -> 'undo') AS undo(node_id)
  LEFT JOIN node_executions e ON e.organization_id = n.organization_id AND e.execution_id = n.execution_id
    AND e.node_id = undo.node_id
  WHERE n.organization_id = :organization_id AND n.execution_id = :execution_id
    AND n.status IN ('failed', 'dead', 'cancelled') AND e.status IS DISTINCT FROM 'completed'
    AND EXISTS (SELECT 1 FROM segment_attempts a WHERE a.organization_id = n.organization_id
      AND a.execution_id = n.execution_id AND a.segment_no = n.segment_no
      AND (a.outcome IN ('crashed', 'lease_expired', 'cancelled', 'retried')
        OR (a.outcome = 'failed' AND CAST(e.error ->> 'retryable' AS boolean))))
  ON CONFLICT (organization_id, execution_id, node_id) DO NOTHING RETURNING node_id)
SELECT count(*) FROM u
""")
"""Steps that were in work, and did not say how it ended: a worker was lost, or the other side did not answer.

Whether they have had their effect is not known, so it is not undone by itself: it is listed, for a person to decide.
"""

NEXT = sa.text("""
SELECT k.execution_id, k.node_id, n.spec -> 'undo' -> k.node_id AS segments,
  x.flow_id, x.definition_hash, x.version, x.plugin_set_hash, x.environment, x.triggered_by, x.priority, x.share,
  x.params,
  s.depth, s.status, e.rows_in, e.rows_out, e.rows_rejected, e.completed_at,
  (n.status <> 'completed') IS TRUE AS uncertain,
  (SELECT count(*) FROM compensations d WHERE d.organization_id = k.organization_id AND d.scope_id = k.scope_id
    AND d.position > k.position) AS number
FROM compensations k
JOIN executions s ON s.organization_id = k.organization_id AND s.id = k.scope_id
JOIN executions x ON x.organization_id = k.organization_id AND x.id = k.execution_id
LEFT JOIN segment_runs n ON n.organization_id = k.organization_id AND n.execution_id = k.execution_id
  AND n.segment_no = k.segment_no
LEFT JOIN node_executions e ON e.organization_id = k.organization_id AND e.execution_id = k.execution_id
  AND e.node_id = k.node_id
WHERE k.organization_id = :organization_id AND k.scope_id = :execution_id AND k.status = 'due'
ORDER BY k.position DESC LIMIT 1
""")

GIVEN = sa.text("""
SELECT w.name, coalesce(
  (SELECT e.outputs -> w.port FROM node_executions e WHERE e.organization_id = :organization_id
    AND e.execution_id = :execution_id AND e.node_id = w.node_id AND e.status = 'completed'),
  (SELECT n.outputs -> w.name FROM segment_runs n WHERE n.organization_id = :organization_id
    AND n.execution_id = :execution_id AND jsonb_exists(n.outputs, w.name) LIMIT 1),
  (SELECT p.outputs -> i.name FROM segment_runs n
    CROSS JOIN LATERAL (SELECT concat_ws('.', g.source, coalesce(g.source_port, 'out')) AS name
      FROM jsonb_to_recordset(n.spec #> '{graph,edges}') AS g(source text, source_port text, target text)
      WHERE g.target = w.node_id) i
    JOIN segment_runs p ON p.organization_id = n.organization_id AND p.execution_id = n.execution_id
      AND jsonb_exists(p.outputs, i.name)
    WHERE :uncertain AND n.organization_id = :organization_id AND n.execution_id = :execution_id
      AND w.node_id = :node_id AND jsonb_exists(n.spec -> 'undo', w.node_id) LIMIT 1)) AS frame
FROM unnest(CAST(:names AS text[]), CAST(:nodes AS text[]), CAST(:ports AS text[])) AS w(name, node_id, port)
""")

BEGUN = sa.text("""
UPDATE compensations SET status = 'running', child_id = :child_id, rounds = rounds + 1,
  started_at = clock_timestamp(), ended_at = NULL, error = NULL
WHERE organization_id = :organization_id AND execution_id = :execution_id AND node_id = :node_id
""")

GONE = sa.text("""
UPDATE compensations SET status = 'failed', ended_at = clock_timestamp(), error = :reason
WHERE organization_id = :organization_id AND execution_id = :execution_id AND node_id = :node_id
""")

ENDED = sa.text("""
UPDATE compensations k SET status = CASE x.status WHEN 'completed' THEN 'completed' ELSE 'failed' END,
  ended_at = clock_timestamp(), error = CASE WHEN x.status <> 'completed' THEN coalesce(x.error_message, x.status) END
FROM executions x
WHERE k.organization_id = :organization_id AND k.child_id = :execution_id AND k.status = 'running'
  AND x.organization_id = k.organization_id AND x.id = k.child_id
RETURNING k.scope_id, k.execution_id, k.node_id, k.status, k.error
""")

SHOW = sa.text("""
UPDATE executions x SET compensation = CASE
  WHEN EXISTS (SELECT 1 FROM compensations k WHERE k.organization_id = x.organization_id AND k.scope_id = x.id
    AND k.status IN ('due', 'running')) THEN 'running'
  WHEN EXISTS (SELECT 1 FROM compensations k WHERE k.organization_id = x.organization_id AND k.scope_id = x.id
    AND k.status = 'failed') THEN 'incomplete' ELSE 'compensated' END
WHERE x.organization_id = :organization_id AND x.id = :execution_id RETURNING x.compensation, x.status, x.handlers
""")

AGAIN = sa.text("""
UPDATE compensations SET status = 'due'
WHERE organization_id = :organization_id AND scope_id = :execution_id AND status = 'failed' RETURNING node_id
""")

UNDONE_STEPS = sa.text("""
WITH RECURSIVE up AS (
  SELECT x.id, x.parent_execution_id, x.parent_segment_no, k.node_id FROM compensations k
  JOIN executions x ON x.organization_id = k.organization_id AND x.id = k.execution_id
  WHERE k.organization_id = :organization_id AND k.scope_id = :execution_id
  UNION
  SELECT p.id, p.parent_execution_id, p.parent_segment_no, NULL FROM up
  JOIN executions p ON p.organization_id = :organization_id AND p.id = up.parent_execution_id
  WHERE up.id <> :execution_id)
SELECT node_id FROM up WHERE id = :execution_id AND node_id IS NOT NULL
UNION
SELECT jsonb_array_elements_text(n.node_ids) FROM up
JOIN segment_runs n ON n.organization_id = :organization_id AND n.execution_id = :execution_id
  AND n.segment_no = up.parent_segment_no
WHERE up.parent_execution_id = :execution_id
""")
"""Steps of an execution of which something is undone: their own effect, or one of an execution that they began."""

LIST = sa.text("""
SELECT k.execution_id, k.node_id, k.status, k.rounds, k.error, k.child_id AS compensating_execution_id, k.armed_at,
  k.started_at, k.ended_at, (n.status <> 'completed') IS TRUE AS uncertain
FROM compensations k
LEFT JOIN segment_runs n ON n.organization_id = k.organization_id AND n.execution_id = k.execution_id
  AND n.segment_no = k.segment_no
WHERE k.organization_id = :organization_id AND (k.scope_id = :execution_id OR k.execution_id = :execution_id)
ORDER BY k.position DESC
""")
