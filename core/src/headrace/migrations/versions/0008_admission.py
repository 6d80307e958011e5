"""Admission, queues, history: who is let in, in which order doorbells are rung, what is paused, statistics."""

from alembic import op
from headrace.infra.rls import APP_ROLE, enable_rls

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ADMIT = """
CREATE FUNCTION headrace_admit(organization uuid, wanted text, most integer) RETURNS integer LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp AS $$
DECLARE candidate uuid; tried uuid[] := '{}'; entered integer := 0; free boolean;
BEGIN
  -- The caller holds the lock of `wanted`. Each statement below sees what was committed before it began, so the count
  -- after the other locks are held is exact; a key that somebody else holds is tried by them, or by the reconciler.
  WHILE entered < most AND cardinality(tried) < most + 20 LOOP
    WITH held_keys AS MATERIALIZED (SELECT t.key, count(*) AS n FROM execution_slots t
      WHERE t.organization_id = organization AND t.taken GROUP BY t.key)
    SELECT s.execution_id INTO candidate FROM execution_slots s
    JOIN executions x ON x.organization_id = s.organization_id AND x.id = s.execution_id
    WHERE s.organization_id = organization AND s.key = wanted AND NOT s.taken AND s.execution_id <> ALL(tried)
      AND x.held AND x.status IN ('queued', 'waiting') AND x.closing IS NULL
      AND NOT EXISTS (SELECT 1 FROM execution_slots o LEFT JOIN held_keys h ON h.key = o.key
        WHERE o.organization_id = organization AND o.execution_id = s.execution_id AND coalesce(h.n, 0) >= o.capacity)
    ORDER BY s.priority DESC, s.position LIMIT 1 FOR UPDATE OF x SKIP LOCKED;
    EXIT WHEN NOT FOUND;
    tried := tried || candidate;
    SELECT bool_and(pg_try_advisory_xact_lock(hashtextextended(organization || ':' || o.key, 7))) INTO free
    FROM execution_slots o WHERE o.organization_id = organization AND o.execution_id = candidate;
    CONTINUE WHEN NOT free;
    SELECT bool_and(headrace_taken(organization, o.key) < o.capacity) INTO free
    FROM execution_slots o WHERE o.organization_id = organization AND o.execution_id = candidate;
    CONTINUE WHEN NOT free;
    UPDATE execution_slots SET taken = true WHERE organization_id = organization AND execution_id = candidate;
    UPDATE executions SET held = false WHERE organization_id = organization AND id = candidate;
    INSERT INTO outbox (organization_id, execution_id, segment_no, queue)
    SELECT n.organization_id, n.execution_id, n.segment_no, n.queue FROM segment_runs n
    WHERE n.organization_id = organization AND n.execution_id = candidate AND n.status = 'ready';
    entered := entered + 1;
  END LOOP;
  RETURN entered;
END $$;
"""

_TAKEN = """
CREATE FUNCTION headrace_taken(organization uuid, wanted text) RETURNS bigint LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT count(*) FROM execution_slots t
  WHERE t.organization_id = organization AND t.key = wanted AND t.taken
$$;
"""

_ORDER = """
ALTER TABLE outbox ADD COLUMN priority integer NOT NULL DEFAULT 0;
CREATE INDEX ix_outbox_turn ON outbox (queue, organization_id, priority DESC, id);
CREATE INDEX ix_segment_runs_rung_at ON segment_runs (rung_at)
  WHERE rung_at IS NOT NULL AND status IN ('ready', 'retry_wait', 'parked');

CREATE FUNCTION headrace_outbox_priority() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  SELECT x.priority INTO NEW.priority FROM executions x
  WHERE x.organization_id = NEW.organization_id AND x.id = NEW.execution_id;
  NEW.priority := coalesce(NEW.priority, 0);
  RETURN NEW;
END $$;
CREATE TRIGGER outbox_priority BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION headrace_outbox_priority();

CREATE TABLE paused_queues (
  queue text PRIMARY KEY, reason text NOT NULL DEFAULT '', paused_by uuid,
  paused_at timestamptz NOT NULL DEFAULT clock_timestamp());
ALTER TABLE workers ADD COLUMN drain_requested_at timestamptz, ADD COLUMN drain_requested_by uuid;
ALTER TABLE executions ADD COLUMN dead_letter text CHECK (dead_letter IN ('retried', 'discarded'));
CREATE INDEX ix_segment_attempts_finished_at ON segment_attempts (organization_id, finished_at);
CREATE INDEX ix_segment_runs_dead ON segment_runs (organization_id, finished_at DESC) WHERE status = 'dead';
"""

_HISTORY = """
ALTER TABLE executions ADD COLUMN compacted_at timestamptz;
CREATE INDEX ix_executions_completed_at ON executions (organization_id, completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE flow_statistics (
  organization_id uuid NOT NULL, flow_id uuid NOT NULL, total bigint NOT NULL, completed bigint NOT NULL,
  failed bigint NOT NULL, active bigint NOT NULL, rows_processed bigint NOT NULL,
  average_ms double precision, p10_ms double precision, p50_ms double precision, p95_ms double precision,
  last_execution_at timestamptz, refreshed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, flow_id),
  FOREIGN KEY (organization_id, flow_id) REFERENCES flows (organization_id, id) ON DELETE CASCADE);

CREATE TABLE workspace_statistics (
  organization_id uuid NOT NULL, workspace_id uuid NOT NULL, flows bigint NOT NULL, total bigint NOT NULL,
  completed bigint NOT NULL, failed bigint NOT NULL, active bigint NOT NULL, average_ms double precision,
  refreshed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, workspace_id),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id) ON DELETE CASCADE);

CREATE TABLE node_statistics (
  organization_id uuid NOT NULL, flow_id uuid NOT NULL, node_id text NOT NULL, samples integer NOT NULL,
  p10_ms double precision NOT NULL, p50_ms double precision NOT NULL, p90_ms double precision NOT NULL,
  p50_rows double precision, refreshed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, flow_id, node_id),
  FOREIGN KEY (organization_id, flow_id) REFERENCES flows (organization_id, id) ON DELETE CASCADE);
"""

_TABLES = ("flow_statistics", "workspace_statistics", "node_statistics")


def upgrade() -> None:
    """Make the functions, the order of doorbells, what pauses, statistics."""
    for text in (_TAKEN, _ADMIT, _ORDER, _HISTORY):
        op.execute(text)
    op.execute(f"GRANT UPDATE (drain_requested_at, drain_requested_by) ON workers TO {APP_ROLE}")
    for table in _TABLES:
        enable_rls(op, table)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE node_statistics, workspace_statistics, flow_statistics")
    op.execute("DROP TRIGGER outbox_priority ON outbox")
    op.execute("DROP FUNCTION headrace_outbox_priority, headrace_admit, headrace_taken")
    op.execute(
        "DROP INDEX ix_outbox_turn, ix_segment_runs_rung_at, ix_segment_runs_dead, ix_segment_attempts_finished_at, "
        "ix_executions_completed_at"
    )
    op.execute("DROP TABLE paused_queues")
    op.execute(f"REVOKE UPDATE (drain_requested_at, drain_requested_by) ON workers FROM {APP_ROLE}")
    op.execute("ALTER TABLE outbox DROP COLUMN priority")
    op.execute("ALTER TABLE executions DROP COLUMN dead_letter, DROP COLUMN compacted_at")
    op.execute("ALTER TABLE workers DROP COLUMN drain_requested_at, DROP COLUMN drain_requested_by")
