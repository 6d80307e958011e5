"""What triggers and the outside are told: keys of events, calendars, assets, event subscriptions."""

from alembic import op
from headrace.infra.rls import enable_rls, worker_policy

revision = "0012"
down_revision = "0015"
branch_labels = None
depends_on = None

_CALENDARS = """
CREATE TABLE calendars (
  organization_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL, description text NOT NULL DEFAULT '',
  working_days integer[] NOT NULL DEFAULT '{1,2,3,4,5}', country text NOT NULL DEFAULT '',
  subdivision text NOT NULL DEFAULT '', dates jsonb NOT NULL DEFAULT '[]',
  shift text NOT NULL DEFAULT 'skip' CHECK (shift IN ('skip', 'next', 'previous')),
  created_by uuid, updated_by uuid, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(), row_version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (organization_id, id));
CREATE UNIQUE INDEX uq_calendars_name ON calendars (organization_id, lower(name));

ALTER TABLE triggers ADD COLUMN calendar_id uuid,
  ADD CONSTRAINT fk_triggers_calendar_id FOREIGN KEY (organization_id, calendar_id)
    REFERENCES calendars (organization_id, id),
  DROP CONSTRAINT triggers_mode_check, ADD CONSTRAINT triggers_mode_check
    CHECK (mode IN ('manual', 'time', 'webhook', 'source', 'flow', 'form', 'asset'));
CREATE INDEX ix_triggers_calendar_id ON triggers (organization_id, calendar_id) WHERE calendar_id IS NOT NULL;
"""

_KEYS = """
CREATE TABLE trigger_keys (
  organization_id uuid NOT NULL, trigger_id uuid NOT NULL, key text NOT NULL, execution_id uuid,
  repeats integer NOT NULL DEFAULT 0, started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, trigger_id, key),
  FOREIGN KEY (organization_id, trigger_id) REFERENCES triggers (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_trigger_keys_started_at ON trigger_keys (started_at);

CREATE TABLE trigger_duplicates (
  organization_id uuid NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, trigger_id uuid NOT NULL, key text NOT NULL,
  origin text NOT NULL DEFAULT '', execution_id uuid, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, trigger_id) REFERENCES triggers (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_trigger_duplicates_trigger_id ON trigger_duplicates (organization_id, trigger_id, id DESC);
CREATE INDEX ix_trigger_duplicates_created_at ON trigger_duplicates (created_at);

ALTER TABLE trigger_ticks DROP CONSTRAINT trigger_ticks_outcome_check,
  ADD CONSTRAINT trigger_ticks_outcome_check CHECK (outcome IN ('started', 'skipped', 'failed', 'duplicate'));
ALTER TABLE trigger_events DROP CONSTRAINT trigger_events_status_check,
  ADD CONSTRAINT trigger_events_status_check CHECK (status IN ('pending', 'started', 'failed', 'duplicate'));
ALTER TABLE webhook_calls ADD COLUMN stored boolean NOT NULL DEFAULT false,
  DROP CONSTRAINT webhook_calls_outcome_check, ADD CONSTRAINT webhook_calls_outcome_check
    CHECK (outcome IN ('accepted', 'refused', 'failed', 'duplicate'));
"""

_ASSETS = """
CREATE TABLE assets (
  organization_id uuid NOT NULL, id uuid NOT NULL, connection_id uuid NOT NULL, object text NOT NULL,
  updates bigint NOT NULL DEFAULT 0, rows bigint, last_execution_id uuid, last_updated_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, id), UNIQUE (organization_id, connection_id, object),
  FOREIGN KEY (organization_id, connection_id) REFERENCES connections (organization_id, id) ON DELETE CASCADE);

CREATE TABLE asset_updates (
  organization_id uuid NOT NULL, asset_id uuid NOT NULL, number bigint NOT NULL, execution_id uuid NOT NULL,
  flow_id uuid NOT NULL, node_id text NOT NULL, rows bigint, chain integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, asset_id, number),
  FOREIGN KEY (organization_id, asset_id) REFERENCES assets (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_asset_updates_execution_id ON asset_updates (organization_id, execution_id);
CREATE INDEX ix_asset_updates_created_at ON asset_updates (created_at);

CREATE TABLE trigger_assets (
  organization_id uuid NOT NULL, trigger_id uuid NOT NULL, asset_id uuid NOT NULL, seen bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (organization_id, trigger_id, asset_id),
  FOREIGN KEY (organization_id, trigger_id) REFERENCES triggers (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, asset_id) REFERENCES assets (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_trigger_assets_asset_id ON trigger_assets (organization_id, asset_id);

CREATE FUNCTION headrace_assets_armed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE trigger_assets w SET seen = a.updates FROM assets a WHERE w.organization_id = NEW.organization_id
    AND w.trigger_id = NEW.id AND a.organization_id = w.organization_id AND a.id = w.asset_id;
  RETURN NULL;
END $$;
CREATE TRIGGER triggers_assets_armed AFTER UPDATE OF is_active ON triggers FOR EACH ROW
  WHEN (NEW.mode = 'asset' AND NEW.armed AND NOT OLD.armed) EXECUTE FUNCTION headrace_assets_armed();
"""

_SUBSCRIPTIONS = """
CREATE TABLE event_subscriptions (
  organization_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL DEFAULT '', url text NOT NULL,
  events text[] NOT NULL CHECK (cardinality(events) > 0), secrets text NOT NULL,
  previous_until timestamptz, is_active boolean NOT NULL DEFAULT true, failures integer NOT NULL DEFAULT 0,
  open_until timestamptz, error text, last_delivered_at timestamptz,
  created_by uuid, updated_by uuid, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(), row_version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (organization_id, id));

CREATE TABLE event_deliveries (
  organization_id uuid NOT NULL, id uuid NOT NULL, subscription_id uuid NOT NULL, event_id uuid NOT NULL,
  event text NOT NULL, payload jsonb NOT NULL, status text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'delivered', 'failed')),
  attempts integer NOT NULL DEFAULT 0, next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  since timestamptz NOT NULL DEFAULT clock_timestamp(), status_code integer, error text,
  log jsonb NOT NULL DEFAULT '[]', created_at timestamptz NOT NULL DEFAULT clock_timestamp(), settled_at timestamptz,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, subscription_id) REFERENCES event_subscriptions (organization_id, id)
    ON DELETE CASCADE);
CREATE INDEX ix_event_deliveries_due ON event_deliveries (organization_id, subscription_id, next_at)
  WHERE status = 'pending';
CREATE INDEX ix_event_deliveries_subscription_id
  ON event_deliveries (organization_id, subscription_id, created_at DESC);
CREATE INDEX ix_event_deliveries_created_at ON event_deliveries (created_at) WHERE status <> 'pending';

CREATE FUNCTION headrace_tell(organization uuid, kind text, told jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE made uuid := gen_random_uuid();
BEGIN
  INSERT INTO event_deliveries (organization_id, id, subscription_id, event_id, event, payload)
  SELECT s.organization_id, gen_random_uuid(), s.id, made, kind, jsonb_build_object('type', kind, 'timestamp',
    to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'data', told)
  FROM event_subscriptions s WHERE s.organization_id = organization AND s.is_active
    AND s.events && ARRAY[kind, split_part(kind, '.', 1) || '.*', '*'];
  IF FOUND THEN
    PERFORM pg_notify('headrace_events', '');
  END IF;
END $$;
"""

_TELL = """
CREATE FUNCTION headrace_tell_execution() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM event_subscriptions s WHERE s.organization_id = NEW.organization_id AND s.is_active) THEN
    PERFORM headrace_tell(NEW.organization_id, 'execution.' || NEW.status, jsonb_build_object('execution_id', NEW.id,
      'flow_id', NEW.flow_id, 'flow', (SELECT f.name FROM flows f WHERE f.organization_id = NEW.organization_id
        AND f.id = NEW.flow_id), 'status', NEW.status, 'trigger_type', NEW.trigger_type,
      'started_at', NEW.started_at, 'completed_at', NEW.completed_at, 'error_message', NEW.error_message,
      'rows_processed', NEW.rows_processed, 'rows_failed', NEW.rows_failed));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER executions_tell_new AFTER INSERT ON executions FOR EACH ROW
  WHEN (NEW.mode = 'flow' AND NEW.parent_segment_no IS NULL AND NEW.trigger_type <> 'test')
  EXECUTE FUNCTION headrace_tell_execution();
CREATE TRIGGER executions_tell AFTER UPDATE OF status ON executions FOR EACH ROW
  WHEN (NEW.status <> OLD.status AND NEW.mode = 'flow' AND NEW.parent_segment_no IS NULL
    AND NEW.trigger_type <> 'test') EXECUTE FUNCTION headrace_tell_execution();

CREATE FUNCTION headrace_tell_flow() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM headrace_tell(NEW.organization_id, 'flow.' || CASE WHEN TG_OP = 'INSERT' THEN 'created'
      WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL THEN 'deleted'
      WHEN NEW.deleted_at IS NULL AND OLD.deleted_at IS NOT NULL THEN 'restored'
      WHEN NEW.status <> OLD.status THEN 'status_changed' ELSE 'updated' END,
    jsonb_build_object('flow_id', NEW.id, 'name', NEW.name, 'kind', NEW.kind, 'status', NEW.status,
      'workspace_id', NEW.workspace_id, 'updated_by', NEW.updated_by));
  RETURN NULL;
END $$;
CREATE TRIGGER flows_tell_new AFTER INSERT ON flows FOR EACH ROW EXECUTE FUNCTION headrace_tell_flow();
CREATE TRIGGER flows_tell AFTER UPDATE OF name, description, kind, status, tags, variables, settings, folder_id,
  deleted_at ON flows FOR EACH ROW EXECUTE FUNCTION headrace_tell_flow();

CREATE FUNCTION headrace_tell_canvas() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM headrace_tell(NEW.organization_id, 'flow.updated', jsonb_build_object('flow_id', f.id, 'name', f.name,
    'kind', f.kind, 'status', f.status, 'workspace_id', f.workspace_id, 'updated_by', NEW.updated_by))
  FROM flows f WHERE f.organization_id = NEW.organization_id AND f.id = NEW.flow_id;
  RETURN NULL;
END $$;
CREATE TRIGGER flow_data_tell AFTER UPDATE OF definition ON flow_data FOR EACH ROW
  WHEN (NEW.definition IS DISTINCT FROM OLD.definition) EXECUTE FUNCTION headrace_tell_canvas();

CREATE FUNCTION headrace_tell_connection() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM headrace_tell(NEW.organization_id, 'connection.' || CASE WHEN TG_OP = 'INSERT' THEN 'created'
      WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL THEN 'deleted'
      WHEN NEW.last_tested_at IS DISTINCT FROM OLD.last_tested_at THEN 'tested' ELSE 'updated' END,
    jsonb_build_object('connection_id', NEW.id, 'name', NEW.name, 'connector', NEW.connector, 'status', NEW.status,
      'test_status', NEW.test_status, 'updated_by', NEW.updated_by));
  RETURN NULL;
END $$;
CREATE TRIGGER connections_tell_new AFTER INSERT ON connections FOR EACH ROW
  EXECUTE FUNCTION headrace_tell_connection();
CREATE TRIGGER connections_tell AFTER UPDATE ON connections FOR EACH ROW EXECUTE FUNCTION headrace_tell_connection();
"""

_TABLES = (
    "calendars", "trigger_keys", "trigger_duplicates", "assets", "asset_updates", "trigger_assets",
    "event_subscriptions", "event_deliveries",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables, let the database tell subscribers what happens, close the tables."""
    for text in (_CALENDARS, _KEYS, _ASSETS, _SUBSCRIPTIONS, _TELL):
        op.execute(text)
    for table in _TABLES:
        enable_rls(op, table)
        if table != "calendars":
            worker_policy(op, table)


def downgrade() -> None:
    """Drop them."""
    op.execute("""
DROP TRIGGER executions_tell_new ON executions; DROP TRIGGER executions_tell ON executions;
DROP TRIGGER flows_tell_new ON flows; DROP TRIGGER flows_tell ON flows; DROP TRIGGER flow_data_tell ON flow_data;
DROP TRIGGER connections_tell_new ON connections; DROP TRIGGER connections_tell ON connections;
DROP TRIGGER triggers_assets_armed ON triggers;
DROP FUNCTION headrace_tell_execution, headrace_tell_flow, headrace_tell_canvas, headrace_tell_connection,
  headrace_tell, headrace_assets_armed;
ALTER TABLE triggers DROP COLUMN calendar_id, DROP CONSTRAINT triggers_mode_check,
  ADD CONSTRAINT triggers_mode_check CHECK (mode IN ('manual', 'time', 'webhook', 'source', 'flow')) NOT VALID;
ALTER TABLE trigger_ticks DROP CONSTRAINT trigger_ticks_outcome_check,
  ADD CONSTRAINT trigger_ticks_outcome_check CHECK (outcome IN ('started', 'skipped', 'failed')) NOT VALID;
ALTER TABLE trigger_events DROP CONSTRAINT trigger_events_status_check,
  ADD CONSTRAINT trigger_events_status_check CHECK (status IN ('pending', 'started', 'failed')) NOT VALID;
ALTER TABLE webhook_calls DROP COLUMN stored, DROP CONSTRAINT webhook_calls_outcome_check,
  ADD CONSTRAINT webhook_calls_outcome_check CHECK (outcome IN ('accepted', 'refused', 'failed')) NOT VALID;
DROP TABLE event_deliveries, event_subscriptions, trigger_assets, asset_updates, assets, trigger_duplicates,
  trigger_keys, calendars;
""")
