"""Executions: what is to be done, who does it under which lease, what happened; terminal states never change."""

from alembic import op
from headrace.infra.rls import APP_ROLE, WORKER_ROLE, enable_rls, worker_policy

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_EXECUTIONS = """
CREATE TABLE executions (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL,
  flow_id uuid NOT NULL, definition_hash text NOT NULL, version integer, plugin_set_hash text NOT NULL DEFAULT '',
  environment text NOT NULL DEFAULT 'development',
  mode text NOT NULL DEFAULT 'flow' CHECK (mode IN ('flow', 'to_here', 'node', 'from_here')), target_node_id text,
  observe text NOT NULL DEFAULT 'borders' CHECK (observe IN ('all', 'borders')),
  status text NOT NULL DEFAULT 'queued' CHECK (status IN
    ('queued', 'running', 'waiting', 'completed', 'failed', 'cancelling', 'cancelled', 'timed_out')),
  closing text CHECK (closing IN ('failed', 'cancelled', 'timed_out')),
  trigger_type text NOT NULL DEFAULT 'manual' CHECK (trigger_type IN
    ('manual', 'scheduled', 'webhook', 'event', 'api', 'flow', 'job', 'retry', 'backfill', 'test')),
  triggered_by uuid, job_id uuid, parent_execution_id uuid,
  attempt integer NOT NULL DEFAULT 1, priority integer NOT NULL DEFAULT 0,
  data_interval_start timestamptz, data_interval_end timestamptz,
  params jsonb NOT NULL DEFAULT '{}', input_data jsonb NOT NULL DEFAULT '{}', output_data jsonb,
  error_message text, error jsonb,
  idempotency_key text, cancel_requested_at timestamptz, deadline_at timestamptz,
  queued_at timestamptz NOT NULL DEFAULT clock_timestamp(), started_at timestamptz, completed_at timestamptz,
  rows_processed bigint NOT NULL DEFAULT 0, rows_failed bigint NOT NULL DEFAULT 0,
  segments_total integer NOT NULL, segments_open integer NOT NULL CHECK (segments_open >= 0),
  execution_details jsonb NOT NULL DEFAULT '{}', event_seq bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, flow_id) REFERENCES flows (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, parent_execution_id) REFERENCES executions (organization_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX uq_executions_idempotency_key ON executions (organization_id, idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX ix_executions_flow_id ON executions (organization_id, flow_id, queued_at DESC);
CREATE INDEX ix_executions_queued_at ON executions (organization_id, queued_at DESC);
CREATE INDEX ix_executions_deadline_at ON executions (deadline_at)
  WHERE deadline_at IS NOT NULL AND status IN ('queued', 'running', 'waiting');
"""

_SEGMENTS = """
CREATE SEQUENCE fence_seq;

CREATE TABLE segment_runs (
  organization_id uuid NOT NULL, execution_id uuid NOT NULL, segment_no integer NOT NULL,
  status text NOT NULL CHECK (status IN
    ('waiting', 'ready', 'running', 'retry_wait', 'completed', 'failed', 'dead', 'skipped', 'cancelled')),
  deps_open integer NOT NULL CHECK (deps_open >= 0), children integer[] NOT NULL DEFAULT '{}',
  depends_on integer[] NOT NULL DEFAULT '{}', inputs text[] NOT NULL DEFAULT '{}',
  node_ids jsonb NOT NULL, queue text NOT NULL, plugins text[] NOT NULL DEFAULT '{}', spec jsonb NOT NULL,
  attempt integer NOT NULL DEFAULT 0, error_count integer NOT NULL DEFAULT 0, crash_count integer NOT NULL DEFAULT 0,
  run_after timestamptz NOT NULL DEFAULT '-infinity', rung_at timestamptz,
  lease_owner uuid, lease_until timestamptz, fence bigint,
  outputs jsonb NOT NULL DEFAULT '{}', error jsonb, started_at timestamptz, finished_at timestamptz,
  PRIMARY KEY (organization_id, execution_id, segment_no),
  FOREIGN KEY (organization_id, execution_id) REFERENCES executions (organization_id, id) ON DELETE CASCADE,
  CHECK ((status = 'running') = (lease_until IS NOT NULL))) WITH (fillfactor = 70);
CREATE INDEX ix_segment_runs_run_after ON segment_runs (run_after) WHERE status IN ('ready', 'retry_wait');
CREATE INDEX ix_segment_runs_lease_until ON segment_runs (lease_until) WHERE status = 'running';

CREATE TABLE segment_attempts (
  organization_id uuid NOT NULL, fence bigint NOT NULL UNIQUE, execution_id uuid NOT NULL, segment_no integer NOT NULL,
  attempt integer NOT NULL, worker_id uuid NOT NULL, started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz, stale_reports integer NOT NULL DEFAULT 0,
  outcome text CHECK (outcome IN
    ('completed', 'failed', 'retried', 'crashed', 'lease_expired', 'cancelled', 'released')),
  PRIMARY KEY (organization_id, fence),
  FOREIGN KEY (organization_id, execution_id, segment_no)
    REFERENCES segment_runs (organization_id, execution_id, segment_no) ON DELETE CASCADE);
CREATE INDEX ix_segment_attempts_execution_id ON segment_attempts (organization_id, execution_id, segment_no);

CREATE TABLE node_executions (
  organization_id uuid NOT NULL, execution_id uuid NOT NULL, node_id text NOT NULL, segment_no integer NOT NULL,
  status text NOT NULL CHECK (status IN ('completed', 'failed', 'skipped', 'cancelled')), attempt integer NOT NULL,
  started_at timestamptz, completed_at timestamptz, duration_ms double precision NOT NULL DEFAULT 0,
  rows_in bigint, rows_out bigint, rows_rejected bigint NOT NULL DEFAULT 0, bytes bigint,
  error jsonb, outputs jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (organization_id, execution_id, node_id),
  FOREIGN KEY (organization_id, execution_id, segment_no)
    REFERENCES segment_runs (organization_id, execution_id, segment_no) ON DELETE CASCADE);
"""

_HISTORY = """
CREATE TABLE execution_events (
  organization_id uuid NOT NULL, execution_id uuid NOT NULL, seq bigint NOT NULL,
  type text NOT NULL, data jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, execution_id, seq),
  FOREIGN KEY (organization_id, execution_id) REFERENCES executions (organization_id, id) ON DELETE CASCADE);

CREATE TABLE execution_logs (
  organization_id uuid NOT NULL, execution_id uuid NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY,
  node_id text NOT NULL DEFAULT '', segment_no integer, attempt integer,
  level text NOT NULL CHECK (level IN ('debug', 'info', 'warning', 'error')), message text NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, execution_id, id),
  FOREIGN KEY (organization_id, execution_id) REFERENCES executions (organization_id, id) ON DELETE CASCADE);

CREATE TABLE outbox (
  organization_id uuid NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, execution_id uuid NOT NULL,
  segment_no integer NOT NULL, queue text NOT NULL, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, execution_id) REFERENCES executions (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_outbox_id ON outbox (id);
CREATE INDEX ix_outbox_execution_id ON outbox (organization_id, execution_id, segment_no);

CREATE TABLE workers (
  id uuid PRIMARY KEY, hostname text NOT NULL, pid integer NOT NULL, version text NOT NULL,
  plugin_set_hash text NOT NULL, queues text[] NOT NULL, slots integer NOT NULL, busy integer NOT NULL DEFAULT 0,
  is_draining boolean NOT NULL DEFAULT false, started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp());
"""

_TRIGGERS = """
CREATE FUNCTION headrace_execution_event() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD.status = NEW.status THEN
      RETURN NEW;
    END IF;
    IF OLD.status IN ('completed', 'failed', 'cancelled', 'timed_out') THEN
      RAISE EXCEPTION 'execution % is %, which is final; it cannot become %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'executions_terminal';
    END IF;
    NEW.event_seq := NEW.event_seq + 1;
  END IF;
  INSERT INTO execution_events (organization_id, execution_id, seq, type, data)
  VALUES (NEW.organization_id, NEW.id, NEW.event_seq, 'execution_update', jsonb_build_object(
    'id', NEW.id, 'flow_id', NEW.flow_id, 'status', NEW.status, 'trigger_type', NEW.trigger_type,
    'error_message', NEW.error_message, 'error', NEW.error, 'queued_at', NEW.queued_at, 'started_at', NEW.started_at,
    'completed_at', NEW.completed_at, 'rows_processed', NEW.rows_processed, 'rows_failed', NEW.rows_failed,
    'duration_ms', (extract(epoch FROM NEW.completed_at - NEW.started_at) * 1000)::bigint,
    'progress', round(1 - NEW.segments_open::numeric / greatest(NEW.segments_total, 1), 4)));
  RETURN NEW;
END $$;
CREATE TRIGGER executions_created AFTER INSERT ON executions
  FOR EACH ROW EXECUTE FUNCTION headrace_execution_event();
CREATE TRIGGER executions_transition BEFORE UPDATE ON executions
  FOR EACH ROW EXECUTE FUNCTION headrace_execution_event();

CREATE FUNCTION headrace_segment_terminal() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'segment % of execution % is %, which is final; it cannot become %',
    OLD.segment_no, OLD.execution_id, OLD.status, NEW.status
    USING ERRCODE = 'check_violation', CONSTRAINT = 'segment_runs_terminal';
END $$;
CREATE TRIGGER segment_runs_terminal BEFORE UPDATE ON segment_runs FOR EACH ROW
  WHEN (OLD.status IN ('completed', 'failed', 'dead', 'skipped', 'cancelled') AND OLD.status <> NEW.status)
  EXECUTE FUNCTION headrace_segment_terminal();

CREATE FUNCTION headrace_outbox_wake() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM pg_notify('headrace_outbox', '');
  RETURN NULL;
END $$;
CREATE TRIGGER outbox_wake AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION headrace_outbox_wake();
"""

_TENANT_TABLES = (
    "executions", "segment_runs", "segment_attempts", "node_executions", "execution_events", "execution_logs", "outbox",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables, guard the states, close the tables."""
    for text in (_EXECUTIONS, _SEGMENTS, _HISTORY, _TRIGGERS):
        op.execute(text)
    for table in _TENANT_TABLES:
        enable_rls(op, table)
        worker_policy(op, table)
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON execution_events, execution_logs FROM {APP_ROLE}, {WORKER_ROLE}")
    op.execute(f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON workers FROM {APP_ROLE}")


def downgrade() -> None:
    """Drop them."""
    op.execute(
        "DROP TABLE workers, outbox, execution_logs, execution_events, node_executions, segment_attempts, "
        "segment_runs, executions"
    )
    op.execute("DROP SEQUENCE fence_seq")
    op.execute("DROP FUNCTION headrace_execution_event, headrace_segment_terminal, headrace_outbox_wake")
