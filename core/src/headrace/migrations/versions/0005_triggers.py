"""Triggers: what starts flows by itself, the ticks and events that it has accepted, webhook calls, backfills."""

from alembic import op
from headrace.infra.rls import enable_rls, worker_policy

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TRIGGERS = """
CREATE TABLE triggers (
  organization_id uuid NOT NULL, id uuid NOT NULL, flow_id uuid NOT NULL, node_id text,
  name text NOT NULL DEFAULT '', type text NOT NULL,
  mode text NOT NULL CHECK (mode IN ('manual', 'time', 'webhook', 'source', 'flow')),
  configuration jsonb NOT NULL DEFAULT '{}', secrets text, variables jsonb NOT NULL DEFAULT '{}',
  is_active boolean NOT NULL DEFAULT true, armed boolean NOT NULL DEFAULT false, state jsonb NOT NULL DEFAULT '{}',
  timezone text NOT NULL DEFAULT 'UTC', misfire text NOT NULL DEFAULT 'coalesce'
    CHECK (misfire IN ('skip', 'coalesce', 'run_all')),
  grace_s double precision NOT NULL DEFAULT 60 CHECK (grace_s >= 0),
  max_pending integer CHECK (max_pending > 0), priority integer NOT NULL DEFAULT 0,
  next_fire_at timestamptz, wake_at timestamptz, last_fired_at timestamptz, last_execution_id uuid,
  missed bigint NOT NULL DEFAULT 0, failures integer NOT NULL DEFAULT 0, error text,
  lease_owner uuid, lease_until timestamptz, fence bigint NOT NULL DEFAULT 0,
  hook_hash bytea, alias text, alias_hash bytea, source_flow_id uuid, source_statuses text[] NOT NULL DEFAULT '{}',
  created_by uuid, updated_by uuid, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(), row_version integer NOT NULL DEFAULT 1,
  deleted_at timestamptz,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, flow_id) REFERENCES flows (organization_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX uq_triggers_node ON triggers (organization_id, flow_id, node_id)
  WHERE node_id IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX uq_triggers_alias ON triggers (organization_id, alias)
  WHERE alias IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX ix_triggers_flow_id ON triggers (organization_id, flow_id);
CREATE INDEX ix_triggers_wake_at ON triggers (wake_at) WHERE armed;
CREATE INDEX ix_triggers_hook_hash ON triggers (hook_hash) WHERE hook_hash IS NOT NULL;
CREATE INDEX ix_triggers_alias_hash ON triggers (alias_hash) WHERE alias_hash IS NOT NULL;
CREATE INDEX ix_triggers_source_flow_id ON triggers (organization_id, source_flow_id) WHERE armed;
"""

_ACCEPTED = """
CREATE TABLE trigger_ticks (
  organization_id uuid NOT NULL, trigger_id uuid NOT NULL, fire_at timestamptz NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('started', 'skipped', 'failed')), execution_id uuid,
  missed bigint NOT NULL DEFAULT 0, error text, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, trigger_id, fire_at),
  FOREIGN KEY (organization_id, trigger_id) REFERENCES triggers (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_trigger_ticks_created_at ON trigger_ticks (created_at);

CREATE TABLE trigger_events (
  organization_id uuid NOT NULL, trigger_id uuid NOT NULL, event_key text NOT NULL,
  position bigint GENERATED ALWAYS AS IDENTITY, payload jsonb NOT NULL DEFAULT '{}',
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'started', 'failed')), execution_id uuid,
  error text, created_at timestamptz NOT NULL DEFAULT clock_timestamp(), settled_at timestamptz,
  PRIMARY KEY (organization_id, trigger_id, event_key),
  FOREIGN KEY (organization_id, trigger_id) REFERENCES triggers (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_trigger_events_pending ON trigger_events (organization_id, trigger_id, position)
  WHERE status = 'pending';
CREATE INDEX ix_trigger_events_created_at ON trigger_events (created_at);

CREATE TABLE webhook_calls (
  organization_id uuid NOT NULL, id uuid NOT NULL, trigger_id uuid NOT NULL, delivery_id text,
  method text NOT NULL, query jsonb NOT NULL DEFAULT '{}', headers jsonb NOT NULL DEFAULT '{}',
  body bytea, body_bytes integer NOT NULL DEFAULT 0, body_hash bytea, content_type text NOT NULL DEFAULT '',
  remote text NOT NULL DEFAULT '',
  outcome text NOT NULL CHECK (outcome IN ('accepted', 'refused', 'failed')), status_code integer NOT NULL,
  error text, execution_id uuid, replay_of uuid, duplicates integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, trigger_id) REFERENCES triggers (organization_id, id) ON DELETE CASCADE);
CREATE UNIQUE INDEX uq_webhook_calls_delivery_id ON webhook_calls (organization_id, trigger_id, delivery_id)
  WHERE delivery_id IS NOT NULL;
CREATE INDEX ix_webhook_calls_trigger_id ON webhook_calls (organization_id, trigger_id, created_at DESC);
CREATE INDEX ix_webhook_calls_created_at ON webhook_calls (created_at);

CREATE TABLE backfills (
  organization_id uuid NOT NULL, id uuid NOT NULL, flow_id uuid NOT NULL, from_at timestamptz NOT NULL,
  to_at timestamptz NOT NULL, step text NOT NULL, timezone text NOT NULL DEFAULT 'UTC',
  parallelism integer NOT NULL DEFAULT 1 CHECK (parallelism BETWEEN 1 AND 100), priority integer NOT NULL DEFAULT -10,
  variables jsonb NOT NULL DEFAULT '{}', status text NOT NULL DEFAULT 'running'
    CHECK (status IN ('running', 'paused', 'completed', 'cancelled', 'failed')),
  next_at timestamptz NOT NULL, wake_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  started integer NOT NULL DEFAULT 0, error text, created_by uuid,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(), completed_at timestamptz,
  PRIMARY KEY (organization_id, id), CHECK (from_at < to_at),
  FOREIGN KEY (organization_id, flow_id) REFERENCES flows (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_backfills_wake_at ON backfills (wake_at) WHERE status = 'running';
CREATE INDEX ix_backfills_flow_id ON backfills (organization_id, flow_id);

CREATE INDEX ix_executions_trigger_id ON executions (organization_id, (execution_details ->> 'trigger_id'))
  WHERE execution_details ? 'trigger_id' AND status IN ('queued', 'running', 'waiting', 'cancelling');
CREATE INDEX ix_executions_backfill_id ON executions (organization_id, (execution_details ->> 'backfill_id'))
  WHERE execution_details ? 'backfill_id';
"""

_ARMED = """
CREATE FUNCTION headrace_trigger_armed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE was boolean := TG_OP = 'UPDATE' AND OLD.armed;
BEGIN
  NEW.armed := NEW.is_active AND NEW.deleted_at IS NULL AND EXISTS (SELECT 1 FROM flows f
    WHERE f.organization_id = NEW.organization_id AND f.id = NEW.flow_id AND f.status = 'active'
      AND f.deleted_at IS NULL);
  IF NOT NEW.armed THEN
    NEW.next_fire_at := NULL; NEW.wake_at := NULL; NEW.lease_owner := NULL; NEW.lease_until := NULL;
  ELSIF NOT was AND NEW.mode IN ('time', 'source') THEN
    NEW.next_fire_at := NULL; NEW.wake_at := clock_timestamp(); NEW.failures := 0; NEW.error := NULL;
  END IF;
  PERFORM pg_notify('headrace_triggers', '');
  RETURN NEW;
END $$;
CREATE TRIGGER triggers_armed BEFORE INSERT OR UPDATE OF is_active, deleted_at ON triggers
  FOR EACH ROW EXECUTE FUNCTION headrace_trigger_armed();

CREATE FUNCTION headrace_flow_armed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE triggers SET is_active = is_active WHERE organization_id = NEW.organization_id AND flow_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER flows_armed AFTER UPDATE OF status, deleted_at ON flows FOR EACH ROW
  WHEN (OLD.status <> NEW.status OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
  EXECUTE FUNCTION headrace_flow_armed();

CREATE FUNCTION headrace_flow_completed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO trigger_events (organization_id, trigger_id, event_key, payload)
  SELECT t.organization_id, t.id, NEW.id::text, jsonb_build_object('execution_id', NEW.id, 'flow_id', NEW.flow_id,
    'status', NEW.status, 'error_message', NEW.error_message, 'started_at', NEW.started_at,
    'completed_at', NEW.completed_at, 'rows_processed', NEW.rows_processed, 'rows_failed', NEW.rows_failed,
    'chain', coalesce((NEW.execution_details ->> 'chain')::integer, 0) + 1)
  FROM triggers t WHERE t.organization_id = NEW.organization_id AND t.source_flow_id = NEW.flow_id AND t.armed
    AND NEW.status = ANY(t.source_statuses)
  ON CONFLICT DO NOTHING;
  IF FOUND THEN
    PERFORM pg_notify('headrace_triggers', '');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER executions_completed AFTER UPDATE OF status ON executions FOR EACH ROW
  WHEN (NEW.status IN ('completed', 'failed', 'cancelled', 'timed_out') AND OLD.status <> NEW.status
    AND NEW.mode = 'flow' AND NEW.parent_segment_no IS NULL AND NEW.trigger_type <> 'test')
  EXECUTE FUNCTION headrace_flow_completed();
"""

_HOOK = """
CREATE POLICY hook ON triggers FOR SELECT USING (
  hook_hash = decode(nullif(current_setting('app.hook', true), ''), 'hex')
  OR alias_hash = decode(nullif(current_setting('app.hook', true), ''), 'hex'))
"""
"""Who shows the address of a webhook sees that one row, before the organization is known."""

_TABLES = ("triggers", "trigger_ticks", "trigger_events", "webhook_calls", "backfills")


def upgrade() -> None:
    """Make the tables, keep `armed` true to flow and trigger, close the tables."""
    for text in (_TRIGGERS, _ACCEPTED, _ARMED):
        op.execute(text)
    for table in _TABLES:
        enable_rls(op, table)
        worker_policy(op, table)
    op.execute(_HOOK)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TRIGGER executions_completed ON executions; DROP TRIGGER flows_armed ON flows")
    op.execute("DROP TABLE backfills, webhook_calls, trigger_events, trigger_ticks, triggers")
    op.execute("DROP INDEX ix_executions_trigger_id, ix_executions_backfill_id")
    op.execute("DROP FUNCTION headrace_trigger_armed, headrace_flow_armed, headrace_flow_completed")
