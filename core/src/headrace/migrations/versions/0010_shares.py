"""Shares: what waits to begin by flow, whose turn it is by organization, and how much each counts for."""

from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

_SHARES = """
CREATE INDEX ix_executions_waiting ON executions (organization_id, flow_id) WHERE status = 'queued';

ALTER TABLE executions ADD COLUMN share smallint NOT NULL DEFAULT 1 CHECK (share BETWEEN 1 AND 100);
ALTER TABLE outbox ADD COLUMN share smallint NOT NULL DEFAULT 1;
ALTER TABLE segment_runs ADD COLUMN priority smallint NOT NULL DEFAULT 0;
UPDATE segment_runs n SET priority = x.priority FROM executions x
WHERE x.organization_id = n.organization_id AND x.id = n.execution_id AND x.priority <> 0
  AND x.status IN ('queued', 'running', 'waiting');
CREATE INDEX ix_segment_runs_turn ON segment_runs
  (organization_id, queue, priority DESC, run_after, execution_id, segment_no)
  WHERE status IN ('ready', 'retry_wait', 'parked');

CREATE OR REPLACE FUNCTION headrace_outbox_priority() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
  SELECT x.priority, x.share INTO NEW.priority, NEW.share FROM executions x
  WHERE x.organization_id = NEW.organization_id AND x.id = NEW.execution_id;
  NEW.priority := coalesce(NEW.priority, 0);
  NEW.share := coalesce(NEW.share, 1);
  RETURN NEW;
END $$;
"""

_BEFORE = """
CREATE OR REPLACE FUNCTION headrace_outbox_priority() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
  SELECT x.priority INTO NEW.priority FROM executions x
  WHERE x.organization_id = NEW.organization_id AND x.id = NEW.execution_id;
  NEW.priority := coalesce(NEW.priority, 0);
  RETURN NEW;
END $$;
"""


def upgrade() -> None:
    """Add the columns, the indexes, and what fills them in."""
    op.execute(_SHARES)


def downgrade() -> None:
    """Drop them."""
    op.execute(_BEFORE)
    op.execute("DROP INDEX ix_segment_runs_turn, ix_executions_waiting")
    op.execute("ALTER TABLE segment_runs DROP COLUMN priority")
    op.execute("ALTER TABLE outbox DROP COLUMN share")
    op.execute("ALTER TABLE executions DROP COLUMN share")
