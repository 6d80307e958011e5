"""Replay: outputs by content, pinned rows, answers by idempotency key, and what an execution reuses."""

from alembic import op
from headrace.infra.rls import enable_rls

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_EXECUTIONS = """
ALTER TABLE executions ADD COLUMN reuse boolean NOT NULL DEFAULT false, ADD COLUMN row_limit integer,
  ADD COLUMN request_hash text;
ALTER TABLE node_executions ADD COLUMN cache_hit boolean NOT NULL DEFAULT false,
  ADD COLUMN pinned boolean NOT NULL DEFAULT false;
"""

_TABLES = """
CREATE TABLE node_outputs (
  organization_id uuid NOT NULL, key text NOT NULL, execution_id uuid NOT NULL, node_id text NOT NULL,
  outputs jsonb NOT NULL, rows_in bigint, rows_out bigint, rows_rejected bigint NOT NULL DEFAULT 0, bytes bigint,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, key),
  FOREIGN KEY (organization_id, execution_id) REFERENCES executions (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_node_outputs_execution_id ON node_outputs (organization_id, execution_id);

CREATE TABLE flow_pins (
  organization_id uuid NOT NULL, flow_id uuid NOT NULL, node_id text NOT NULL,
  outputs jsonb NOT NULL, rows bigint NOT NULL, bytes bigint NOT NULL, execution_id uuid, pinned_by uuid,
  pinned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, flow_id, node_id),
  FOREIGN KEY (organization_id, flow_id) REFERENCES flows (organization_id, id) ON DELETE CASCADE);

CREATE TABLE idempotency_keys (
  organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL, key text NOT NULL,
  request_hash text NOT NULL, status_code integer, answer text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (organization_id, id));
CREATE UNIQUE INDEX uq_idempotency_keys_key ON idempotency_keys (organization_id, key);
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (organization_id, created_at);
"""


def upgrade() -> None:
    """Add them and close the tables."""
    op.execute(_EXECUTIONS)
    op.execute(_TABLES)
    for table in ("node_outputs", "flow_pins", "idempotency_keys"):
        enable_rls(op, table)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE idempotency_keys, flow_pins, node_outputs")
    op.execute("ALTER TABLE node_executions DROP COLUMN cache_hit, DROP COLUMN pinned")
    op.execute("ALTER TABLE executions DROP COLUMN reuse, DROP COLUMN row_limit, DROP COLUMN request_hash")
