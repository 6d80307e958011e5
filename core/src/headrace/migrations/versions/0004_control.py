"""Control flow: segments that wait, executions that belong to a step of another, slots that bound how many are open."""

from alembic import op
from headrace.infra.rls import enable_rls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_EXECUTIONS = """
ALTER TABLE executions
  ADD COLUMN parent_segment_no integer, ADD COLUMN item_no integer, ADD COLUMN depth integer NOT NULL DEFAULT 0,
  ADD COLUMN held boolean NOT NULL DEFAULT false, ADD COLUMN handlers jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN response jsonb,
  DROP CONSTRAINT executions_mode_check,
  ADD CONSTRAINT executions_mode_check CHECK (mode IN ('flow', 'to_here', 'node', 'from_here', 'body', 'handler'));
CREATE INDEX ix_executions_parent ON executions (organization_id, parent_execution_id, parent_segment_no, item_no)
  WHERE parent_execution_id IS NOT NULL;
"""

_SEGMENTS = """
ALTER TABLE segment_runs
  ADD COLUMN live_needed integer, ADD COLUMN parked jsonb, ADD COLUMN resume jsonb,
  DROP CONSTRAINT segment_runs_status_check,
  ADD CONSTRAINT segment_runs_status_check CHECK (status IN ('waiting', 'ready', 'running', 'retry_wait', 'parked',
    'completed', 'failed', 'dead', 'skipped', 'cancelled'));
DROP INDEX ix_segment_runs_run_after;
CREATE INDEX ix_segment_runs_run_after ON segment_runs (run_after) WHERE status IN ('ready', 'retry_wait', 'parked');
CREATE INDEX ix_segment_runs_families ON segment_runs (organization_id, execution_id, segment_no)
  WHERE status = 'parked' AND parked ->> 'type' = 'children';
ALTER TABLE segment_attempts DROP CONSTRAINT segment_attempts_outcome_check,
  ADD CONSTRAINT segment_attempts_outcome_check CHECK (outcome IN
    ('completed', 'failed', 'retried', 'crashed', 'lease_expired', 'cancelled', 'released', 'parked'));

CREATE FUNCTION headrace_children_done(n segment_runs) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT NOT EXISTS (SELECT 1 FROM executions c WHERE c.organization_id = n.organization_id
      AND c.parent_execution_id = n.execution_id AND c.parent_segment_no = n.segment_no
      AND c.status IN ('queued', 'running', 'waiting', 'cancelling'))
    OR (CAST(n.parked ->> 'stop_on_failure' AS boolean) AND EXISTS (SELECT 1 FROM executions c
      WHERE c.organization_id = n.organization_id AND c.parent_execution_id = n.execution_id
      AND c.parent_segment_no = n.segment_no AND c.item_no >= CAST(n.parked ->> 'first' AS integer)
      AND c.status IN ('failed', 'cancelled', 'timed_out')))
$$;
"""

_WAITS = """
CREATE TABLE waits (
  organization_id uuid NOT NULL, id uuid NOT NULL, execution_id uuid NOT NULL, segment_no integer NOT NULL,
  node_id text NOT NULL, kind text NOT NULL CHECK (kind IN ('webhook', 'approval')), token_hash bytea NOT NULL,
  title text NOT NULL DEFAULT '', message text NOT NULL DEFAULT '', form jsonb NOT NULL DEFAULT '{}',
  assignees text[] NOT NULL DEFAULT '{}',
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'resumed', 'expired', 'cancelled')),
  payload jsonb, resolved_by uuid, deadline_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(), resolved_at timestamptz,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, execution_id, segment_no)
    REFERENCES segment_runs (organization_id, execution_id, segment_no) ON DELETE CASCADE);
CREATE INDEX ix_waits_open ON waits (organization_id, kind, created_at) WHERE status = 'open';
CREATE INDEX ix_waits_execution_id ON waits (organization_id, execution_id, segment_no);
"""

_SLOTS = """
CREATE TABLE execution_slots (
  organization_id uuid NOT NULL, key text NOT NULL, execution_id uuid NOT NULL, capacity integer NOT NULL,
  taken boolean NOT NULL, priority integer NOT NULL DEFAULT 0, position bigint GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (organization_id, key, execution_id),
  FOREIGN KEY (organization_id, execution_id) REFERENCES executions (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_execution_slots_key ON execution_slots (organization_id, key, taken, priority DESC, position);
CREATE INDEX ix_execution_slots_execution_id ON execution_slots (organization_id, execution_id);
"""


def upgrade() -> None:
    """Widen the states, add what waits and what is bounded."""
    for text in (_EXECUTIONS, _SEGMENTS, _WAITS, _SLOTS):
        op.execute(text)
    for table in ("waits", "execution_slots"):
        enable_rls(op, table)


def downgrade() -> None:
    """Narrow them again; nothing may be waiting."""
    op.execute("DROP TABLE execution_slots, waits")
    op.execute("DROP FUNCTION headrace_children_done")
    op.execute("""
ALTER TABLE segment_attempts DROP CONSTRAINT segment_attempts_outcome_check,
  ADD CONSTRAINT segment_attempts_outcome_check CHECK (outcome IN
    ('completed', 'failed', 'retried', 'crashed', 'lease_expired', 'cancelled', 'released'));
DROP INDEX ix_segment_runs_families, ix_segment_runs_run_after;
CREATE INDEX ix_segment_runs_run_after ON segment_runs (run_after) WHERE status IN ('ready', 'retry_wait');
ALTER TABLE segment_runs DROP COLUMN live_needed, DROP COLUMN parked, DROP COLUMN resume,
  DROP CONSTRAINT segment_runs_status_check,
  ADD CONSTRAINT segment_runs_status_check CHECK (status IN
    ('waiting', 'ready', 'running', 'retry_wait', 'completed', 'failed', 'dead', 'skipped', 'cancelled'));
DROP INDEX ix_executions_parent;
ALTER TABLE executions DROP COLUMN parent_segment_no, DROP COLUMN item_no, DROP COLUMN depth, DROP COLUMN held,
  DROP COLUMN handlers, DROP COLUMN response, DROP CONSTRAINT executions_mode_check,
  ADD CONSTRAINT executions_mode_check CHECK (mode IN ('flow', 'to_here', 'node', 'from_here'));
""")
