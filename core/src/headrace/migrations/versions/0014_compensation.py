"""Compensation: what undoes the effects of an execution that did not complete; which executions wait."""

from alembic import op
from headrace.infra.rls import enable_rls, worker_policy

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

_MODES = "('flow', 'to_here', 'node', 'from_here', 'body', 'handler'{})"
_MODE = """
ALTER TABLE executions DROP CONSTRAINT executions_mode_check,
  ADD CONSTRAINT executions_mode_check CHECK (mode IN {});
"""
_TABLES = """
ALTER TABLE executions ADD COLUMN compensation text
  CHECK (compensation IN ('running', 'compensated', 'incomplete'));
CREATE INDEX ix_segment_runs_parked ON segment_runs (organization_id, execution_id) WHERE status = 'parked';

CREATE TABLE compensations (
  organization_id uuid NOT NULL, execution_id uuid NOT NULL, node_id text NOT NULL, segment_no integer NOT NULL,
  position bigint GENERATED ALWAYS AS IDENTITY, scope_id uuid, child_id uuid,
  status text NOT NULL DEFAULT 'armed' CHECK (status IN ('armed', 'due', 'running', 'completed', 'failed')),
  rounds integer NOT NULL DEFAULT 0, error text,
  armed_at timestamptz NOT NULL DEFAULT clock_timestamp(), started_at timestamptz, ended_at timestamptz,
  PRIMARY KEY (organization_id, execution_id, node_id),
  FOREIGN KEY (organization_id, execution_id) REFERENCES executions (organization_id, id) ON DELETE CASCADE,
  CHECK ((status = 'armed') = (scope_id IS NULL)));
CREATE INDEX ix_compensations_scope_id ON compensations (organization_id, scope_id, position DESC)
  WHERE scope_id IS NOT NULL;
CREATE INDEX ix_compensations_child_id ON compensations (organization_id, child_id) WHERE child_id IS NOT NULL;
"""


def upgrade() -> None:
    """Add what is to be undone, and let executions do it."""
    op.execute(_MODE.format(_MODES.format(", 'compensation'")))
    op.execute(_TABLES)
    enable_rls(op, "compensations")
    worker_policy(op, "compensations")


def downgrade() -> None:
    """Drop it; nothing may have been undone."""
    op.execute("DROP TABLE compensations")
    op.execute("DROP INDEX ix_segment_runs_parked")
    op.execute("ALTER TABLE executions DROP COLUMN compensation")
    op.execute(_MODE.format(_MODES.format("")))
